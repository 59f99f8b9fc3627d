import Circuit
import CircuitTestSupport
import FixedPoint

@testable import Planning

/// Circuits that the tests share.
enum Circuits {
  /// Layers of random sparse sums of two and three terms with a rectifier and a cut behind each: what a network
  /// lowers to.
  static func network(widths: [Int], bits: Int = 6, seed: UInt64 = 1) throws -> Circuit {
    var random = SeededGenerator(seed: seed)
    var builder = CircuitBuilder(name: "network")
    let boundary = builder.origin("in")
    let top = Int128(1) << (bits - 1)
    var values = builder.input(
      "x", shape: [widths[0]],
      formats: (0..<widths[0]).map { _ in Format(Interval(-top, top - 1), exponent: 0) }, origin: boundary)
    for (layer, width) in widths.dropFirst().enumerated() {
      let origin = builder.origin("fc\(layer + 1)")
      var next: [Value] = []
      for _ in 0..<width {
        var terms = values.map { ($0, Int.random(in: 0...3, using: &random), random.oneIn(2)) }
          .filter { _ in !random.oneIn(3) }
          .map { Term($0.0, shift: $0.1, isNegative: $0.2) }
        if terms.isEmpty { terms = [Term(values[0])] }
        while terms.count > 1 {
          var sums: [Term] = []
          for start in stride(from: 0, to: terms.count, by: 2) {
            let pair = Array(terms[start..<min(start + 2, terms.count)])
            sums.append(pair.count == 1 ? pair[0] : Term(try builder.sum(pair, origin: origin)))
          }
          terms = sums
        }
        let sum = try builder.sum(terms, origin: origin)
        let zero = builder.constant(0, origin: origin)
        let isNegative = builder.compare(.less, sum, zero, origin: origin)
        let rectified = builder.select(
          isNegative, zero, sum, range: Interval(0, max(0, builder.range(sum).upper)), origin: origin)
        next.append(builder.slice(rectified, low: 2, range: Interval(0, 2 * top - 1), origin: origin))
      }
      values = next
    }
    builder.output(
      "y", shape: [values.count],
      elements: values.map { Port.Element(builder[$0].format, value: $0) })
    return builder.circuit
  }

  /// A chain of so many adders of the input to itself.
  static func chain(_ length: Int, bits: Int = 8) throws -> Circuit {
    var builder = CircuitBuilder(name: "chain")
    let origin = builder.origin("chain")
    let input = builder.input(
      "x", shape: [1], formats: [Format(Interval(0, (1 << bits) - 1), exponent: 0)], origin: origin)[0]
    var value = input
    for _ in 0..<length { value = try builder.sum([Term(value), Term(input)], origin: origin) }
    builder.output("y", shape: [1], elements: [Port.Element(builder[value].format, value: value)])
    return builder.circuit
  }

  /// Random raw inputs.
  static func inputs(_ circuit: Circuit, using random: inout SeededGenerator) -> [Int128] {
    circuit.inputs.flatMap(\.elements).map {
      Int128.random(in: $0.format.range.lower...$0.format.range.upper, using: &random)
    }
  }
}
