// Runs an HLS model over a file of samples: the program is MODEL INPUTS OUTPUTS [TRACE].
//
// Files hold raw integers as 16 bytes each, little-endian two's complement, sample after sample, in the order of the
// ports. With TRACE, every tensor inside the model is written to that file, a line each: its name and raw integers.
// Included by a generated file that also includes the model's top, so that ap_fixed is parsed once, and defines
// `model` below.
#ifndef FPGAML_HLS_HARNESS_H
#define FPGAML_HLS_HARNESS_H

#include <cstdio>
#include <string>
#include <vector>

#include "fpgaml_w.h"

namespace harness {

__extension__ typedef __int128 word;
__extension__ typedef unsigned __int128 unsigned_word;

static FILE *trace_file = nullptr;

// Any integer of fpgaml_w.h as a word.
template <class Integer>
word to_word(const Integer &x) {
#ifdef FPGAML_USE_AP
  const ap_int<128> all = x;
  return static_cast<word>(static_cast<unsigned_word>(ap_int<64>(all >> 64).to_int64()) << 64 |
                           ap_uint<64>(all).to_uint64());
#else
  return x;
#endif
}

// Puts raw integers, each shifted to the binary point of its array, into the elements of a port.
template <class Integer, class Fixed, int N>
void load(Fixed (&port)[N], const word *values, const unsigned char *shifts) {
  for (int i = 0; i < N; ++i) {
    const word x = values[i] << shifts[i];
    port[i] = fpgaml::fixed<Fixed>(Integer(fpgaml::constant<128>(
        static_cast<long long>(x >> 64), static_cast<unsigned long long>(x))));
  }
}

// The elements of a port as raw integers, each with its own binary point.
template <class Integer, class Fixed, int N>
void store(const Fixed (&port)[N], word *values, const unsigned char *shifts) {
  for (int i = 0; i < N; ++i) values[i] = to_word(fpgaml::raw<Integer>(port[i])) >> shifts[i];
}

inline std::string decimal(word x) {
  unsigned_word rest = x < 0 ? -static_cast<unsigned_word>(x) : static_cast<unsigned_word>(x);
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest != 0);
  return x < 0 ? "-" + digits : digits;
}

template <class Integer, int N>
void trace(const char *tensor, const Integer (&array)[N]) {
  if (!trace_file) return;
  std::fputs(tensor, trace_file);
  for (int i = 0; i < N; ++i) std::fprintf(trace_file, " %s", decimal(to_word(array[i])).c_str());
  std::fputc('\n', trace_file);
}

// The model under test, in the generated file that includes this one.
struct model {
  static const int inputs, outputs;
  static void run(const word *in, word *out);
};

inline int fail(const char *what, const char *path) {
  std::fprintf(stderr, "%s '%s'\n", what, path);
  return 1;
}

}  // namespace harness

#undef FPGAML_TRACE
#define FPGAML_TRACE(tensor, array) harness::trace(tensor, array);

int main(int count, char **arguments) {
  if (count != 3 && count != 4) return harness::fail("usage: MODEL INPUTS OUTPUTS [TRACE], not", arguments[0]);
  FILE *source = std::fopen(arguments[1], "rb");
  if (!source) return harness::fail("cannot read", arguments[1]);
  FILE *sink = std::fopen(arguments[2], "wb");
  if (!sink) return harness::fail("cannot write", arguments[2]);
  if (count == 4 && !(harness::trace_file = std::fopen(arguments[3], "w"))) {
    return harness::fail("cannot write", arguments[3]);
  }
  const size_t inputs = static_cast<size_t>(harness::model::inputs);
  const size_t outputs = static_cast<size_t>(harness::model::outputs);
  std::vector<harness::word> in(inputs), out(outputs);
  size_t got;
  while ((got = std::fread(in.data(), sizeof(harness::word), inputs, source)) == inputs) {
    harness::model::run(in.data(), out.data());
    if (std::fwrite(out.data(), sizeof(harness::word), outputs, sink) != outputs) {
      return harness::fail("cannot write", arguments[2]);
    }
  }
  if (got != 0) return harness::fail("incomplete sample in", arguments[1]);
  if (harness::trace_file && std::fclose(harness::trace_file) != 0) return harness::fail("cannot write", arguments[3]);
  std::fclose(source);
  return std::fclose(sink) == 0 ? 0 : harness::fail("cannot write", arguments[2]);
}

#endif
