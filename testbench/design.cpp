// The Verilated test bench module as a Design; the same for every model, widths are in bench.h.
#include <cstring>

#include "Vbench.h"
#include "bench.h"
#include "harness.h"

double sc_time_stamp() { return 0; }

namespace fpgaml {

const Interface kInterface = {
    BENCH_INPUT_BITS, BENCH_OUTPUT_BITS, BENCH_LATENCY, BENCH_HAS_VALID != 0, BENCH_HAS_ENABLE != 0,
};

namespace {

class VerilatedDesign : public Design {
 public:
  explicit VerilatedDesign(int seed) : context_(new VerilatedContext) {
    context_->randReset(2);
    context_->randSeed(seed);
    bench_.reset(new Vbench(context_.get(), "bench"));
  }
  ~VerilatedDesign() override { bench_->final(); }

  void evaluate(Signals& signals) override {
    bench_->clk = signals.clk;
    bench_->rst = signals.rst;
    bench_->ce = signals.ce;
    bench_->in_valid = signals.in_valid;
    // Ports are little-endian integers or arrays of 32-bit words.
    std::memcpy(&bench_->in_bits, signals.in.data(), smaller(sizeof bench_->in_bits, signals.in));
    bench_->eval();
    signals.out_valid = bench_->out_valid;
    std::memcpy(signals.out.data(), &bench_->out_bits, smaller(sizeof bench_->out_bits, signals.out));
  }

 private:
  static size_t smaller(size_t bytes, const std::vector<uint32_t>& words) {
    return bytes < 4 * words.size() ? bytes : 4 * words.size();
  }

  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Vbench> bench_;
};

}  // namespace

std::unique_ptr<Design> make_design(int seed) { return std::unique_ptr<Design>(new VerilatedDesign(seed)); }

}  // namespace fpgaml
