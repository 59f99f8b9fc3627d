// Drives a design and compares it bit by bit and cycle by cycle with expected vectors.
//
//   usage: bench VECTORS SEED
//
// VECTORS: a line "samples input_bits output_bits", then for each sample its packed input and the expected packed
// output in hexadecimal. Prints one JSON object; exit code 0 if all agree, 1 if not, 2 for bad usage.
//
// To build it by hand, from the build folder (with testbench/primitives.v as well after --primitives):
//   verilator --cc --exe --build --top-module NAME_bench --prefix Vbench --x-assign unique --x-initial unique -Wno-fatal
//     -CFLAGS -I../testbench rtl/*.v testbench/bench.v testbench/harness.cpp testbench/design.cpp
//   obj_dir/Vbench testbench/vectors.txt 1
#include "harness.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <random>
#include <string>

namespace fpgaml {
namespace {

using Words = std::vector<uint32_t>;

struct Sample {
  Words in;
  Words out;
};

// How samples arrive.
struct Phase {
  const char* name;
  int gap;    // per cent of cycles without a sample
  int reset;  // per cent of cycles with a reset
  int stall;  // per cent of cycles without clock enable
};

struct Mismatch {
  const char* phase;
  const char* kind;  // "value", "missing", "spurious"
  long sample;       // -1 for a spurious output
  long cycle;        // since the phase's first
  Words expected;
  Words got;
};

struct Report {
  long cycles = 0;
  long mismatches = 0;
  bool has_first = false;
  Mismatch first;
  long latency = -1;   // measured; -1: no output was recognized
  long interval = -1;  // the largest distance of two outputs of samples sent back to back
};

Words parse_hex(const std::string& text, int bits) {
  Words words((bits + 31) / 32, 0);
  size_t nibble = 0;
  for (size_t i = text.size(); i-- > 0; ++nibble) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0 || (nibble / 8 >= words.size() && digit != 0)) {
      std::fprintf(stderr, "bad hexadecimal number %s\n", text.c_str());
      std::exit(2);
    }
    if (nibble / 8 < words.size()) words[nibble / 8] |= uint32_t(digit) << (nibble % 8 * 4);
  }
  return words;
}

std::string hex(const Words& words) {
  std::string text;
  char buffer[9];
  for (size_t i = words.size(); i-- > 0;) {
    std::snprintf(buffer, sizeof buffer, "%08x", words[i]);
    text += buffer;
  }
  return text.empty() ? "0" : text;
}

std::vector<Sample> read_vectors(const char* path) {
  std::ifstream file(path);
  size_t count = 0;
  int input_bits = 0, output_bits = 0;
  if (!(file >> count >> input_bits >> output_bits) || input_bits != kInterface.input_bits ||
      output_bits != kInterface.output_bits) {
    std::fprintf(stderr, "%s: not vectors for this design\n", path);
    std::exit(2);
  }
  std::vector<Sample> samples(count);
  std::string in, out;
  for (Sample& sample : samples) {
    if (!(file >> in >> out)) {
      std::fprintf(stderr, "%s: ends too early\n", path);
      std::exit(2);
    }
    sample.in = parse_hex(in, input_bits);
    sample.out = parse_hex(out, output_bits);
  }
  return samples;
}

class Bench {
 public:
  Bench(const std::vector<Sample>& samples, int seed, Report& report)
      : samples_(samples), random_(uint32_t(seed)), report_(report), design_(make_design(seed)) {
    signals_.in.assign((kInterface.input_bits + 31) / 32, 0);
    signals_.out.assign((kInterface.output_bits + 31) / 32, 0);
  }

  // Sends `count` samples and waits for their outputs. `measure`: the phase is back to back, take its timing.
  void run(const Phase& phase, size_t count, bool measure) {
    phase_ = phase.name;
    cycle_ = 0;
    pending_.assign(size_t(kInterface.latency), kNone);
    if (kInterface.has_valid) reset();
    long first_in = -1, last_out = -1;
    history_.clear();
    size_t next = 0;
    int drain = kInterface.latency + 4;
    while (next < count || drain > 0) {
      signals_.rst = kInterface.has_valid && chance(phase.reset);
      signals_.ce = !(kInterface.has_enable && chance(phase.stall));
      const bool sends = next < count && !chance(phase.gap);
      signals_.in_valid = sends;
      if (sends) {
        signals_.in = samples_[next].in;
      } else {
        scramble();
      }
      const bool taken = sends && signals_.ce;
      if (taken && first_in < 0) first_in = cycle_;
      half_cycle(false);
      check(sends && !signals_.rst ? long(next) : kNone);
      if (measure) {
        if (kInterface.has_valid && signals_.out_valid) {
          if (last_out < 0) report_.latency = cycle_ - first_in;
          if (last_out >= 0 && cycle_ - last_out > report_.interval) report_.interval = cycle_ - last_out;
          last_out = cycle_;
        }
        history_.push_back(signals_.out);
      }
      clock_edge(sends && !signals_.rst ? long(next) : kNone);
      // A sample that meets a stalled cycle stays; one that meets a reset is lost.
      if (taken || (sends && signals_.rst)) ++next;
      if (next >= count && signals_.ce) --drain;
    }
    if (measure && !kInterface.has_valid) measure_by_data(count);
  }

 private:
  static constexpr long kNone = -1;

  bool chance(int percent) { return percent > 0 && int(random_() % 100) < percent; }

  void scramble() {
    for (uint32_t& word : signals_.in) word = uint32_t(random_());
    const int rest = kInterface.input_bits % 32;
    if (rest != 0) signals_.in.back() &= (uint32_t(1) << rest) - 1;
  }

  // One cycle of reset clears the valid chain, whatever the registers held; outputs mean nothing before its edge.
  void reset() {
    signals_.rst = true;
    signals_.ce = true;
    signals_.in_valid = true;
    scramble();
    half_cycle(false);
    half_cycle(true);
    signals_.rst = false;
  }

  void half_cycle(bool clk) {
    signals_.clk = clk;
    design_->evaluate(signals_);
  }

  void clock_edge(long entering) {
    if (signals_.rst) {
      for (long& sample : pending_) sample = kNone;
    }
    if (signals_.ce && kInterface.latency > 0) {
      pending_.pop_back();
      pending_.push_front(entering);
    }
    half_cycle(true);
    ++cycle_;
    ++report_.cycles;
  }

  // Compares the outputs before an edge with what must be there.
  void check(long entering) {
    const long expected = kInterface.latency == 0 ? entering : pending_.back();
    if (kInterface.has_valid && signals_.out_valid != (expected != kNone)) {
      fail(expected == kNone ? "spurious" : "missing", expected);
    } else if (expected != kNone && signals_.out != samples_[size_t(expected)].out) {
      fail("value", expected);
    }
  }

  void fail(const char* kind, long sample) {
    ++report_.mismatches;
    if (report_.has_first) return;
    report_.has_first = true;
    report_.first = {phase_, kind, sample, cycle_, sample < 0 ? Words() : samples_[size_t(sample)].out, signals_.out};
  }

  // Without valid signals the latency is the delay after which all outputs are those of the samples, if there is
  // one; the promised delay goes first, because constant outputs agree with any.
  void measure_by_data(size_t count) {
    std::vector<long> delays = {kInterface.latency};
    for (long delay = 0; delay <= kInterface.latency + 4; ++delay) delays.push_back(delay);
    for (long delay : delays) {
      bool agrees = true;
      size_t compared = 0;
      for (size_t i = 0; i < count && i + size_t(delay) < history_.size(); ++i, ++compared) {
        agrees = agrees && history_[i + size_t(delay)] == samples_[i].out;
      }
      if (!agrees || compared == 0) continue;
      report_.latency = delay;
      report_.interval = 1;
      return;
    }
  }

  const std::vector<Sample>& samples_;
  std::mt19937 random_;
  Report& report_;
  std::unique_ptr<Design> design_;
  Signals signals_;
  const char* phase_ = "";
  long cycle_ = 0;
  std::deque<long> pending_;  // the sample in each register rank, the newest first
  std::vector<Words> history_;
};

void print(const Report& report, size_t samples) {
  std::cout << "{\"samples\": " << samples << ", \"cycles\": " << report.cycles
            << ", \"mismatches\": " << report.mismatches << ", \"latency\": " << report.latency
            << ", \"interval\": " << report.interval;
  if (report.has_first) {
    const Mismatch& first = report.first;
    std::cout << ", \"first\": {\"phase\": \"" << first.phase << "\", \"kind\": \"" << first.kind
              << "\", \"sample\": " << first.sample << ", \"cycle\": " << first.cycle << ", \"expected\": \""
              << hex(first.expected) << "\", \"got\": \"" << hex(first.got) << "\"}";
  }
  std::cout << "}\n";
}

int run(const char* path, int seed) {
  const std::vector<Sample> samples = read_vectors(path);
  const Phase back_to_back = {"back to back", 0, 0, 0};
  const Phase phases[] = {
      {"with gaps", 40, 0, 0},
      {"reset in mid-stream", 20, 8, 0},
      {"with stalls", 20, 4, 40},
  };
  const size_t few = samples.size() < 1000 ? samples.size() : 1000;
  Report report;
  // Two instances, which start from different register contents.
  for (int instance = 0; instance < 2; ++instance) {
    Bench bench(samples, seed * 2 + instance + 1, report);
    bench.run(back_to_back, instance == 0 ? samples.size() : few, instance == 0);
    for (const Phase& phase : phases) {
      if (phase.reset > 0 && !kInterface.has_valid && !kInterface.has_enable) continue;
      if (phase.stall > 0 && !kInterface.has_enable) continue;
      bench.run(phase, few, false);
    }
  }
  print(report, samples.size());
  return report.mismatches == 0 ? 0 : 1;
}

}  // namespace
}  // namespace fpgaml

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s VECTORS SEED\n", argv[0]);
    return 2;
  }
  return fpgaml::run(argv[1], std::atoi(argv[2]));
}
