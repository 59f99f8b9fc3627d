import Circuit
import CircuitTestSupport
import Testing

@Suite("Shrinking finds small counter-examples")
struct ShrinkingTests {
  /// Stands for an error that shows where a product is negative.
  private func fails(_ circuit: Circuit) -> Bool {
    var random = SeededGenerator(seed: 1)
    return (0..<20).contains { _ in
      let inputs = circuit.randomInputs(using: &random)
      let results = circuit.evaluateAll(inputs)
      return circuit.firstRangeViolation(inputs) == nil
        && circuit.values.contains { value in
          if case .multiply = circuit[value].kind { results[value.index] < 0 } else { false }
        }
    }
  }

  @Test("a product of two inputs is all that is left")
  func product() {
    var found = 0
    for seed in 0..<60 as Range<UInt64> {
      let made = RandomCircuit().make(seed: seed)
      let circuit = DeadCodeElimination().run(made) ?? made
      guard fails(circuit), circuit.operations.count > 12 else { continue }
      found += 1
      let small = circuit.shrunk(while: fails)
      #expect(fails(small) && small.verify().isEmpty)
      let computed = small.operations.filter {
        switch $0.kind {
        case .input, .constant: false
        default: true
        }
      }
      #expect(computed.count == 1 && small.operations.count == 3, "\(small.text)")
      #expect((try? Circuit(parsing: small.text, file: "counter-example")) == small)
    }
    #expect(found >= 3)
  }
}
