import Circuit
import CircuitTestSupport
import FixedPoint
import Foundation
import Testing
import VerilogBackend

@testable import Verification

/// Deliberately broken Verilog: the harness must notice, and say what is wrong.
@Suite(.enabled(if: hasVerilator)) struct BrokenRTLTests {
  /// Two layers, three stages, signed arithmetic.
  private func design() throws -> Circuit {
    var b = CircuitBuilder(name: "dut")
    let l = b.origin("fc1")
    let byte = Format(Interval(-128, 127), exponent: -4)
    let x = b.input("x", shape: [2], formats: [byte, byte], origin: l)
    let sum = try b.sum([Term(x[0]), Term(x[1], shift: 1)], origin: l)
    let sign = b.compare(.less, sum, b.constant(0, origin: l), origin: l)
    let relu = b.select(sign, b.constant(0, origin: l), sum, range: Interval(0, 381), origin: l)
    let shifted = try b.sum([Term(relu), Term(b.constant(5, origin: l), isNegative: true)], origin: l)
    b.output(
      "y", shape: [2],
      elements: [Port.Element(b[shifted].format, value: shifted), Port.Element(b[sign].format, value: sign)])
    return b.circuit.pipelined(latency: 3, slack: 0)
  }

  struct Mutant: Sendable, CustomStringConvertible {
    var description: String
    var from: String
    var to: String
    var kind: RTLMismatch.Kind
    var phase = "back to back"
    var latency: Int? = 3
    /// False where the measured latency depends on random register contents.
    var checksLatency = true
    var options = VerilogOptions()
  }

  static let mutants = [
    Mutant(
      description: "dropped register", from: "fc1_e3_s2 <= fc1_e3_s1", to: "fc1_e3_s2 <= fc1_e3_s0",
      kind: .value),
    Mutant(description: "wrong constant", from: "10'd5", to: "10'd4", kind: .value),
    Mutant(description: "lost sign", from: "{{2{x_e0_s0[7]}}", to: "{2'd0", kind: .value),
    Mutant(description: "early valid", from: "= valid[2]", to: "= valid[1]", kind: .spurious, latency: 2),
    Mutant(
      description: "no valid", from: "= valid[2]", to: "= valid[2] & 1'b0", kind: .missing, latency: nil),
    Mutant(
      description: "no reset", from: "if (rst) valid <= 3'd0;\n    else", to: "", kind: .spurious,
      checksLatency: false),
    Mutant(
      description: "reset of one rank", from: "valid <= 3'd0", to: "valid <= {valid[1:0], 1'b0}",
      kind: .spurious,
      checksLatency: false),
    Mutant(
      description: "a gap stops the data", from: "fc1_e3_s2 <= fc1_e3_s1;",
      to: "if (in_valid) fc1_e3_s2 <= fc1_e3_s1;", kind: .value),
    Mutant(
      description: "valid ignores the enable", from: "else if (ce) valid", to: "else valid", kind: .spurious,
      phase: "with stalls", options: VerilogOptions(clockEnable: true)),
    Mutant(
      description: "data ignores the enable", from: "if (ce) begin\n      fc1_e3_s2",
      to: "begin\n      fc1_e3_s2",
      kind: .value, phase: "with stalls", options: VerilogOptions(clockEnable: true)),
    Mutant(
      description: "one cycle late without valid", from: "assign y = {",
      to: "reg [10:0] late; always @(posedge clk) "
        + "late <= next; assign y = late; wire [10:0] next = {", kind: .value, latency: 4,
      options: VerilogOptions(ports: .none)),
  ]

  @Test(arguments: mutants) func isCaught(mutant: Mutant) throws {
    let circuit = try design()
    let result = try simulate(circuit, options: mutant.options) { text in
      try #require(text.contains(mutant.from), "\(text)")
      return text.replacingOccurrences(of: mutant.from, with: mutant.to)
    }
    #expect(result.mismatches > 0)
    #expect(result.first?.kind == mutant.kind)
    if mutant.kind == .value { #expect(result.first?.phase == mutant.phase) }
    if mutant.checksLatency { #expect(result.latencyCycles == mutant.latency) }
    if mutant.description == "wrong constant" {
      let element = try #require(result.first?.element)
      #expect(element.port == "y" && element.index == 0 && element.got == element.expected + 1)
      #expect(result.first?.sample == 0 && result.first?.cycle == 3)
    }
  }

  @Test func theOriginalPasses() throws {
    let result = try simulate(try design())
    #expect(result.mismatches == 0 && result.latencyCycles == 3 && result.intervalCycles == 1)
  }
}
