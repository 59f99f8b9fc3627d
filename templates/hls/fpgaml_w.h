// Integers of a stated width for generated HLS code.
//
// fpgaml::w<N> is a signed, fpgaml::u<N> an unsigned integer of N bits. For synthesis, and where FPGAML_USE_AP is
// defined, they are ap_int<N> and ap_uint<N>. Elsewhere they are small structs over integers of 64 or 128 bits, which
// store as those do, by keeping the low N bits, but compile about a hundred times faster.
//
// Generated code widens operands so that no intermediate result leaves the integer type in which C++ computes it;
// then every expression in it yields the same integer with either definition.
#ifndef FPGAML_W_H
#define FPGAML_W_H

#if defined(__SYNTHESIS__) || defined(FPGAML_USE_AP)

#include "ap_int.h"

namespace fpgaml {

template <int N>
using w = ap_int<N>;
template <int N>
using u = ap_uint<N>;

// The integer high * 2^64 + low.
template <int N>
inline w<N> constant(long long high, unsigned long long low) {
  return (ap_int<128>(high) << 64) | ap_int<128>(ap_uint<64>(low));
}

// The bits of an ap_fixed or ap_ufixed value as an integer of its width.
template <class Integer, class Fixed>
inline Integer raw(const Fixed &value) {
  return Integer(value.range(Fixed::width - 1, 0));
}

// The ap_fixed or ap_ufixed value with the low bits of an integer.
template <class Fixed, class Integer>
inline Fixed fixed(const Integer &bits) {
  Fixed result;
  result.range(Fixed::width - 1, 0) = bits;
  return result;
}

}  // namespace fpgaml

#else

namespace fpgaml {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

// What integers of every width share, so that conversions between them need no templates.
struct narrow {
  long long value;
  operator long long() const { return value; }
};
struct wide {
  int128 value;
  operator int128() const { return value; }
};

template <bool IsWide>
struct storage {
  typedef narrow base;
  typedef long long type;
  typedef unsigned long long bits;
};
template <>
struct storage<true> {
  typedef wide base;
  typedef int128 type;
  typedef uint128 bits;
};

template <int N>
struct w : storage<(N > 64)>::base {
  static_assert(N >= 1 && N <= 128, "fpgaml::w<N> has 1 to 128 bits");
  typedef typename storage<(N > 64)>::type type;
  typedef typename storage<(N > 64)>::bits bits;

  w() {}
  w(bool x) { store(x); }
  w(int x) { store(x); }
  w(long long x) { store(x); }
  w(int128 x) { store(static_cast<type>(x)); }
  w(const narrow &x) { store(x.value); }
  w(const wide &x) { store(static_cast<type>(x.value)); }

 private:
  // Keeps the low N bits, the highest of which is the sign.
  void store(type x) {
    const int rest = static_cast<int>(sizeof(type)) * 8 - N;
    this->value = static_cast<type>(static_cast<bits>(x) << rest) >> rest;
  }
};

template <int N>
struct u : storage<(N > 63)>::base {
  static_assert(N >= 1 && N <= 127, "fpgaml::u<N> has 1 to 127 bits");
  typedef typename storage<(N > 63)>::type type;
  typedef typename storage<(N > 63)>::bits bits;

  u() {}
  u(bool x) { store(x); }
  u(int x) { store(x); }
  u(long long x) { store(x); }
  u(int128 x) { store(static_cast<type>(x)); }
  u(const narrow &x) { store(x.value); }
  u(const wide &x) { store(static_cast<type>(x.value)); }

  bool and_reduce() const { return this->value == mask(); }
  bool or_reduce() const { return this->value != 0; }
  bool xor_reduce() const {
    const uint128 x = static_cast<uint128>(this->value);
    return __builtin_parityll(static_cast<unsigned long long>(x ^ (x >> 64)));
  }

 private:
  static type mask() { return static_cast<type>((static_cast<bits>(1) << N) - 1); }
  // Keeps the low N bits.
  void store(type x) { this->value = x & mask(); }
};

// The integer high * 2^64 + low.
template <int N>
inline w<N> constant(long long high, unsigned long long low) {
  return static_cast<int128>(static_cast<uint128>(high) << 64 | low);
}

// The bits of an ap_fixed or ap_ufixed value as an integer of its width.
template <class Integer, class Fixed>
inline Integer raw(const Fixed &value) {
  const int width = Fixed::width;
  uint128 bits = value.range(width > 64 ? 63 : width - 1, 0).to_uint64();
  if (width > 64) bits |= static_cast<uint128>(value.range(width - 1, 64).to_uint64()) << 64;
  return Integer(static_cast<int128>(bits));
}

// The ap_fixed or ap_ufixed value with the low bits of an integer.
template <class Fixed, class Integer>
inline Fixed fixed(const Integer &integer) {
  const int width = Fixed::width;
  const uint128 bits = static_cast<uint128>(static_cast<int128>(integer.value));
  Fixed result;
  result.range(width > 64 ? 63 : width - 1, 0) = static_cast<unsigned long long>(bits);
  if (width > 64) result.range(width - 1, 64) = static_cast<unsigned long long>(bits >> 64);
  return result;
}

}  // namespace fpgaml

#endif

// Verification defines this to follow tensors through a model.
#ifndef FPGAML_TRACE
#define FPGAML_TRACE(tensor, array)
#endif

#endif
