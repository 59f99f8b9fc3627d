import Circuit
import CircuitTestSupport
import Diagnostics
import FixedPoint
import Testing

@Suite struct CircuitVerifierTests {
  @Test func randomCircuitsAreSound() {
    var random = SeededGenerator(seed: 1)
    for seed in 0..<200 {
      let circuit = RandomCircuit().make(seed: UInt64(seed))
      let timed = circuit.pipelined(latency: 4, seed: UInt64(seed))
      #expect(circuit.verify().isEmpty && timed.verify().isEmpty, "seed \(seed)")
      for _ in 0..<20 {
        let inputs = circuit.randomInputs(using: &random)
        #expect(circuit.firstRangeViolation(inputs) == nil, "seed \(seed)")
        #expect(circuit.evaluate(inputs) == timed.evaluate(inputs), "seed \(seed)")
      }
    }
  }

  /// The example with one line replaced: the code that the verifier reports, nothing for the original.
  @Test(
    arguments: [
      ("", "", nil),
      ("sum -%0<<2", "sum -%9<<2", "E060"),
      ("sum -%0<<2", "sum -%2<<2", "E060"),
      ("<<2", "<<130", "E060"),
      ("from 3", "from 130", "E060"),
      ("in 0 :", "in 1 :", "E060"),
      ("input 0.1", "input 0.2", "E060"),
      ("\"y\" [1,1]: %13", "\"y\" [1,1]: %14", "E060"),
      ("input 0.1", "input 0.0", "E061"),
      ("\"y\" [1,1]", "\"y\" [1,2]", "E061"),
      ("%1 s2e0 [-2,1]", "%1 s2e1 [-2,1]", "E061"),
      ("s14e-4 [-8000,8000]\n", "s13e-4 [-4000,2047]\n", "E061"),
      ("constant -12", "constant -13", "E062"),
      ("register %12 : s14e-4", "register %12 : s14e-3", "E062"),
      ("from -2: 0 0 -5 1 2", "from -1: 0 0 -5 1 2", "E062"),
      ("s4e0 [-5,1]", "s4e0 [-5,0]", "E062"),
      ("select %6", "select %5", "E062"),
      ("bitwise xor %9", "bitwise xor %5", "E062"),
      ("reduce and %10", "reduce and %5", "E062"),
      ("sum -%0<<2 - %1 + %0 : s10e-4 [-385,386]", "sum -%0<<2 - %1 + %0 : u10e-4 [600,900]", "E062"),
      ("sum -%0<<2 - %1 + %0", "sum -%0<<120 - %1 + %0", "E062"),
      ("layer \"odd name\\n\"", "layer \"odd name\\n\"\nlayer \"fc1\"", "E063"),
      (" latency 1", "", "E064"),
      ("latency 1", "latency 2", "E064"),
      ("multiply %2, %3 : s14e-4 [-4632,4620]", "register %4 : s14e-4 [-4632,4620]", "E060"),
      ("slice %4 from 3 : s7e-1 [-64,63]", "register %3 : s5e0 [-12,-12]", "E064"),
      ("slice %4 from 3 : s7e-1 [-64,63]", "register %1 : s2e0 [-2,1]", "E064"),
    ] as [(String, String, DiagnosticCode?)])
  func eachRuleIsChecked(from: String, to: String, code: DiagnosticCode?) throws {
    var text = CircuitTextTests.example
    if !from.isEmpty {
      let range = try #require(text.firstRange(of: from))
      text.replaceSubrange(range, with: to)
    }
    let found = try Circuit(parsing: text).verify().map(\.code)
    if let code { #expect(found.contains(code)) } else { #expect(found == []) }
  }
}
