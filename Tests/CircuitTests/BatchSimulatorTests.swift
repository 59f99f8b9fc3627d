import CircuitTestSupport
import FixedPoint
import Foundation
import Testing

@testable import Circuit

@Suite("The fast simulator gives the circuit's own integers")
struct BatchSimulatorTests {
  /// How many random circuits: a long test has ten times as many.
  private static let blocks: UInt64 =
    ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] == nil ? 10 : 100

  private func check(_ circuit: Circuit, samples: Int, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let inputs = (0..<samples).map { _ in circuit.randomInputs(using: &random) }
    let got = BatchSimulator(circuit).run(Array(inputs.joined()), samples: samples, threads: 1)
    let expected = inputs.flatMap { circuit.evaluate($0) }
    #expect(got == expected, "seed \(seed)\n\(got == expected ? "" : circuit.text)")
  }

  @Test("random circuits, narrow and wide, pure and timed", arguments: 0..<blocks)
  func randomCircuits(block: UInt64) {
    for seed in (block * 100)..<(block * 100 + 100) {
      var generator = RandomCircuit()
      if seed % 4 == 1 { (generator.inputWidth, generator.maximumWidth) = (14, 40) }
      if seed % 4 == 2 { (generator.inputWidth, generator.maximumWidth) = (40, 80) }
      if seed % 4 == 3 { (generator.inputWidth, generator.maximumWidth) = (60, 118) }
      let circuit = generator.make(seed: seed)
      check(seed % 5 == 0 ? circuit.pipelined(latency: 3, seed: seed) : circuit, samples: 3, seed: seed)
    }
  }

  @Test("any count of samples, any count of threads", arguments: [1, 127, 128, 129, 400])
  func counts(samples: Int) {
    let circuit = RandomCircuit().make(seed: 5)
    check(circuit, samples: samples, seed: 9)
    var random = SeededGenerator(seed: 1)
    let inputs = (0..<samples).flatMap { _ in circuit.randomInputs(using: &random) }
    let simulator = BatchSimulator(circuit)
    let one = simulator.run(inputs, samples: samples, threads: 1)
    for threads in [2, 3, 8] { #expect(simulator.run(inputs, samples: samples, threads: threads) == one) }
    #expect(simulator.run([], samples: 0, threads: 2).isEmpty)
  }

  @Test("sums of products, in every lane", arguments: [3, 12, 28, 55])
  func dotProducts(width: Int) throws {
    for count in [1, 2, 4, 5, 6, 9, 30] {
      var builder = CircuitBuilder(name: "dot")
      let origin = builder.origin("l")
      let format = Format(FixedType(width: width, integerBits: width).rawRange, exponent: 0)
      let x = builder.input(
        "x", shape: [count], formats: Array(repeating: format, count: count), origin: origin)
      var terms: [Term] = []
      for (k, value) in x.enumerated() {
        let product = try builder.multiply(
          value, builder.constant(Int128(2 * k + 3), origin: origin), origin: origin)
        terms.append(Term(k % 3 == 0 ? value : product, shift: k % 4, isNegative: k % 2 == 1))
      }
      terms.append(Term(builder.constant(-77, origin: origin)))
      let sum = try builder.sum(terms, origin: origin)
      builder.output("y", shape: [1], elements: [Port.Element(builder[sum].format, value: sum)])
      check(builder.circuit, samples: 130, seed: UInt64(count))
    }
  }

  @Test("shifts beyond the lane, slices above the operand, tables at their ends")
  func corners() throws {
    var builder = CircuitBuilder(name: "corners")
    let origin = builder.origin("l")
    let x = builder.input(
      "x", shape: [1], formats: [Format(Interval(-8, 7), exponent: 0)], origin: origin)[0]
    let high = builder.slice(x, low: 100, origin: origin)
    let unsigned = builder.slice(x, low: 100, range: Interval(0, 255), origin: origin)
    let wide = try builder.sum([Term(x, shift: 90), Term(x)], origin: origin)
    // Its low bits are those of x alone: the shifted term has nothing in this lane.
    let low = builder.slice(wide, low: 0, range: Interval(0, 255), origin: origin)
    let cancelled = try builder.sum(
      [Term(wide), Term(x, shift: 90, isNegative: true)], range: Interval(-8, 7), origin: origin)
    let table = builder.table(Table(name: "t", first: -9, entries: (0..<20).map { Int128($0 * $0) << 70 }))
    let entry = builder.lookup(x, table: table, origin: origin)
    let all = [high, unsigned, wide, low, cancelled, entry, builder.constant(3, origin: origin), x]
    builder.output(
      "y", shape: [all.count], elements: all.map { Port.Element(builder[$0].format, value: $0) })
    for value in -8...7 {
      let got = BatchSimulator(builder.circuit).run([Int128(value)], samples: 1, threads: 1)
      #expect(got == builder.circuit.evaluate([Int128(value)]))
    }
  }

  @Test("slots are shared: a chain needs few")
  func slots() throws {
    var builder = CircuitBuilder(name: "chain")
    let origin = builder.origin("l")
    let format = Format(Interval(-8, 7), exponent: 0)
    let x = builder.input("x", shape: [1], formats: [format], origin: origin)[0]
    var value = x
    for _ in 0..<100 {
      let sum = try builder.sum([Term(value), Term(x)], origin: origin)
      value = builder.slice(sum, low: 0, range: Interval(-8, 7), origin: origin)
    }
    builder.output("y", shape: [1], elements: [Port.Element(format, value: value)])
    let program = SimulationCompiler.compile(builder.circuit)
    #expect(program.slotCounts == [3, 0, 0, 0])
    #expect(program.instructions.count == 201)
  }
}
