// Prints what operations on fpgaml::w<N> and fpgaml::u<N> yield. Compiled with and without FPGAML_USE_AP it must print
// the same: then the small structs are equal to ap_int. Operands are widened as in generated code.
#include <cstdio>

#include "fpgaml_w.h"
#include "ap_fixed.h"

using fpgaml::u;
using fpgaml::w;

__extension__ typedef __int128 word;
__extension__ typedef unsigned __int128 bits;

static unsigned long long state = 1;

static unsigned long long random64() {
  state += 0x9e3779b97f4a7c15ull;
  unsigned long long z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

static w<128> make(word x) {
  return fpgaml::constant<128>(static_cast<long long>(x >> 64), static_cast<unsigned long long>(x));
}

// The line being printed: a hash of all results of one operation.
static unsigned long long digest;

static void add(unsigned long long x) { digest = (digest ^ x) * 0x100000001b3ull; }

template <class T>
void add(const T &x) {
#ifdef FPGAML_USE_AP
  const ap_int<128> all = x;
  add(ap_uint<64>(all >> 64).to_uint64());
  add(ap_uint<64>(all).to_uint64());
#else
  const word all = x;
  add(static_cast<unsigned long long>(all >> 64));
  add(static_cast<unsigned long long>(all));
#endif
}

template <int N, int M>
struct Pair {
  static const int cases = 200;

  // Case i of a type of n bits: every value where n is small, else corners and random bits.
  static word value(int n, int i) {
    if (n <= 6) return i % (1 << n);
    const bits top = static_cast<bits>(1) << (n - 1);
    const bits corners[] = {0, 1, 2, top - 1, top, top + 1, top + (top - 1), top >> 1};
    if (i < 8) return static_cast<word>(corners[i]);
    const bits random = static_cast<bits>(random64()) << 64 | random64();
    return static_cast<word>(random >> (random64() % 120));
  }

  template <class Operation>
  static void line(const char *name, Operation operation) {
    digest = 0xcbf29ce484222325ull;
    state = N * 1000 + M;
    for (int i = 0; i < cases; ++i) {
      for (int j = 0; j < (M <= 6 ? 1 << M : 8); ++j) operation(make(value(N, i)), make(value(M, j + i)));
    }
    std::printf("%d %d %s %016llx\n", N, M, name, digest);
  }

  template <class A, class B>
  static void mixed(const char *kind) {
    std::printf("%s\n", kind);
    // The width that holds every result below, and which C++ must compute in.
    const int width = (N > M ? N : M) + 8;
    const int product = N + M + 2 > 128 ? 128 : N + M + 2;
    line("store", [](const w<128> &x, const w<128> &y) {
      const A a = x;
      const B b = y;
      const A ab = b;
      const B ba = a;
      add(a), add(b), add(ab), add(ba);
    });
    line("sum", [](const w<128> &x, const w<128> &y) {
      const A a = x;
      const B b = y;
      add(w<width>(w<width>(a) + b)), add(w<width>(w<width>(a) - b)), add(w<width>(-w<width>(a) - b));
      add(u<N>(w<width>(a) + b)), add(w<M>(w<width>(a) - b - 5)), add(w<M>(7 - w<width>(b)));
      add(w<width>((w<width>(a) << 3) - (w<width>(b) << 1)));
    });
    line("product", [](const w<128> &x, const w<128> &y) {
      const A a = x;
      const B b = y;
      add(w<product>(w<product>(a) * b)), add(w<N>(w<product>(a) * b));
    });
    // ap_int compares integers of mixed signedness as C++ does, not by value: both operands are made signed.
    line("compare", [](const w<128> &x, const w<128> &y) {
      const A a = x;
      const B b = y;
      const w<N + 1> p = a;
      const w<M + 1> q = b;
      const u<1> less = p < q, lessOrEqual = p <= q, equal = p == q, different = p != q;
      add(less), add(lessOrEqual), add(equal), add(different);
      add(u<1>(a < 3)), add(u<1>(w<2>(-2) < q)), add(u<1>(p == -1)), add(u<1>(a != 0));
    });
    line("select", [](const w<128> &x, const w<128> &y) {
      const A a = x;
      const B b = y;
      const u<1> less = w<N + 1>(a) < w<M + 1>(b);
      add(less ? w<width>(a) : w<width>(b)), add(less ? w<width>(12) : w<width>(-3));
    });
    line("slice", [](const w<128> &x, const w<128> &y) {
      const A a = x;
      const B b = y;
      const w<M> low = a, high = a >> (N - 1);
      const u<M> part = a >> (N / 2);
      const u<N + 2> extended = b >> 0;
      add(low), add(high), add(part), add(extended);
    });
  }

  static void run() {
    mixed<w<N>, w<M>>("w w");
    mixed<w<N>, u<M>>("w u");
    mixed<u<N>, w<M>>("u w");
    mixed<u<N>, u<M>>("u u");
    line("signed", [](const w<128> &x, const w<128> &y) {
      const w<N> a = x;
      const w<M> b = y;
      add(u<1>(a < b)), add(u<1>(a <= b)), add(u<1>(a == b)), add(u<1>(a != b)), add(u<1>(a < -5));
    });
    line("unsigned", [](const w<128> &x, const w<128> &y) {
      const u<N> a = x;
      const u<M> b = y;
      add(u<1>(a < b)), add(u<1>(a <= b)), add(u<1>(a == b)), add(u<1>(a != b));
    });
    line("bits", [](const w<128> &x, const w<128> &y) {
      const u<N> a = x;
      const u<M> b = y;
      add(u<1>(a < 5)), add(u<1>(u<3>(4) <= b));
      add(u<N>(a & b)), add(u<N>(a | b)), add(u<N>(a ^ b)), add(u<N>(a ^ 1)), add(u<N>(a & b & 6));
      add(u<1>(a.and_reduce())), add(u<1>(a.or_reduce())), add(u<1>(a.xor_reduce()));
    });
    line("index", [](const w<128> &x, const w<128> &y) {
      static const signed char table[128] = {1, 2, 3, 4, 5, 6, 7};
      const w<7> a = x;
      const u<N> b = y;
      add(w<8>(table[(int)a + 64])), add(w<8>(table[(int)(w<N + 2>(u<5>(b)) - -3)]));
    });
    line("ports", [](const w<128> &x, const w<128> &y) {
      typedef ap_fixed<N, M> Fixed;
      typedef ap_ufixed<M, N> Unsigned;
      const w<N> a = x;
      const u<M> b = y;
      const Fixed f = fpgaml::fixed<Fixed>(a);
      const Unsigned g = fpgaml::fixed<Unsigned>(b);
      add(w<N>(fpgaml::raw<w<N>>(f) == a ? a : w<N>(~0))), add(fpgaml::raw<u<M>>(g)), add(fpgaml::raw<w<N>>(f));
      add(u<1>(f < 0)), add(u<1>(f == 0)), add(u<1>(g < 1));
    });
  }
};

int main() {
  Pair<1, 1>::run();
  Pair<5, 3>::run();
  Pair<31, 32>::run();
  Pair<33, 9>::run();
  Pair<63, 63>::run();
  Pair<64, 64>::run();
  Pair<65, 31>::run();
  Pair<100, 1>::run();
  return 0;
}
