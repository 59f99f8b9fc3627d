// What the test bench and the simulated design know of each other.
#ifndef FPGAML_HARNESS_H
#define FPGAML_HARNESS_H

#include <cstdint>
#include <memory>
#include <vector>

namespace fpgaml {

// The promises under test, from bench.h.
struct Interface {
  int input_bits;
  int output_bits;
  int latency;      // register ranks from input to output
  bool has_valid;   // rst, in_valid and out_valid exist
  bool has_enable;  // ce exists
};

extern const Interface kInterface;

// Data words are 32 bits, lowest first; bits above the width are 0.
struct Signals {
  bool clk = false;
  bool rst = false;
  bool ce = true;
  bool in_valid = false;
  bool out_valid = false;
  std::vector<uint32_t> in;
  std::vector<uint32_t> out;
};

// One simulated instance.
class Design {
 public:
  virtual ~Design() = default;
  // Applies the inputs, settles, and reads the outputs.
  virtual void evaluate(Signals& signals) = 0;
};

// A new instance, its registers filled with random contents that depend on the seed.
std::unique_ptr<Design> make_design(int seed);

}  // namespace fpgaml

#endif
