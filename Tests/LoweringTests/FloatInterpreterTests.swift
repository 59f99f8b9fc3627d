import CircuitTestSupport
import FixedPoint
import Testing

@testable import Graph

/// The binary64 interpreter against plain formulas: what it works out beforehand changes no bit.
@Suite("Binary64 interpreter")
struct FloatInterpreterTests {
  static let layer = Layer(name: "layer", kind: "Layer", path: "")

  /// The result of a node whose operands are inputs.
  private func result(_ primitive: Primitive, _ operands: [(shape: [Int], values: [Double])]) -> [Double] {
    var graph = Graph(name: "graph", framework: "none")
    let inputs = operands.enumerated().map {
      graph.add(.input(shape: $1.shape), name: "input\($0)", layer: Self.layer)
    }
    _ = graph.add(primitive, inputs, name: "result", layer: Self.layer)
    return FloatInterpreter(graph).run(operands.map(\.values)).last ?? []
  }

  private func reals(_ count: Int, _ random: inout SeededGenerator) -> [Double] {
    (0..<count).map { _ in Double.random(in: -8...8, using: &random) }
  }

  @Test("sums start with the bias and add products in input order")
  func linear() {
    var random = SeededGenerator(seed: 3)
    for outputs in [1, 2, 7, 8, 9, 16, 21] {
      for (groups, inputs) in [(1, 1), (1, 5), (3, 4)] {
        let matrix = reals(groups * inputs * outputs, &random)
        let bias = outputs % 2 == 0 ? [] : reals(groups * outputs, &random)
        let operand = reals(4 * groups * inputs, &random)
        let linear = Linear(
          groups: groups, inputs: inputs, outputs: outputs,
          weights: Weights(real: matrix, shape: [groups, inputs, outputs]),
          bias: bias.isEmpty ? nil : Weights(real: bias, shape: [groups, outputs]))
        let found = result(.linear(linear), [([4, groups * inputs], operand)])
        let expected = (0..<(4 * groups * outputs)).map { i in
          let (position, n) = i.quotientAndRemainder(dividingBy: outputs)
          let group = position % groups
          return (0..<inputs).reduce(bias.isEmpty ? 0 : bias[group * outputs + n]) { sum, k in
            sum + operand[position * inputs + k] * matrix[(group * inputs + k) * outputs + n]
          }
        }
        #expect(found == expected, "\(groups) groups of \(inputs) to \(outputs)")
      }
    }
  }

  @Test("views: every element by the formula", arguments: 0..<200 as Range<UInt64>)
  func views(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let operand = (0..<Int.random(in: 1...3, using: &random)).map { _ in Int.random(in: 1...4, using: &random)
    }
    let shape = (0..<Int.random(in: 0...3, using: &random)).map { _ in Int.random(in: 1...5, using: &random) }
    let view = AffineView(
      shape: shape, offsets: operand.map { _ in Int.random(in: -3...4, using: &random) },
      strides: operand.map { _ in shape.map { _ in Int.random(in: -2...2, using: &random) } }, padding: .zero)
    let expected = (0..<shape.elementCount).map { flat in
      var rest = flat
      var index = Array(repeating: 0, count: shape.count)
      for d in shape.indices.reversed() { (rest, index[d]) = rest.quotientAndRemainder(dividingBy: shape[d]) }
      var position = 0
      for (axis, extent) in operand.enumerated() {
        let coordinate = zip(view.strides[axis], index).reduce(view.offsets[axis]) { $0 + $1.0 * $1.1 }
        if !(0..<extent).contains(coordinate) { return -1 }
        position = position * extent + coordinate
      }
      return position
    }
    #expect(view.indices(operand) == expected, "\(view) of \(operand)")
  }

  @Test("quantizers with a type and a scale for each element")
  func rounding() {
    var random = SeededGenerator(seed: 5)
    let values = reals(64, &random) + [-0.0, .infinity, 1e300, -1e300]
    let types = values.indices.map {
      FixedType(
        width: 3 + $0 % 5, integerBits: $0 % 4, rounding: .rndConv, overflow: $0 % 3 == 0 ? .wrap : .sat)
    }
    let scales = values.indices.map { Rational(Int128(1 + $0 % 7), 3) }
    let found = result(
      .quantize(.fixed(PerElement(types), scales: PerElement(scales))), [([values.count], values)])
    for (i, x) in values.enumerated() {
      let scale = scales[i].doubleValue
      let expected = types[i].convert(x / scale).map { types[i].value($0) * scale } ?? x
      #expect(found[i].bitPattern == expected.bitPattern, "\(x) into \(types[i]), scale \(scales[i])")
    }
  }

  @Test("step functions count the thresholds that are reached")
  func steps() {
    let thresholds = (0..<9).map { Steps.Threshold(Rational(Int128($0) - 4, 3), isInclusive: $0 % 2 == 0) }
    let steps = Steps(
      thresholds: thresholds, levels: (0...9).map { Int64($0 * $0) - 7 }, exponent: -2, scale: Rational(1, 5))
    var values = (0..<40).map { Double($0) / 8 - 2.5 } + [.nan, .infinity, -.infinity]
    for threshold in thresholds {
      let x = threshold.value.doubleValue
      values += [x, x.nextUp, x.nextDown]
    }
    let found = result(.quantize(.steps(steps)), [([values.count], values)])
    for (x, y) in zip(values, found) {
      let reached = thresholds.prefix {
        $0.isInclusive ? x >= $0.value.doubleValue : x > $0.value.doubleValue
      }
      #expect(y == Double(steps.levels[reached.count]) * 0.25 * Rational(1, 5).doubleValue, "\(x)")
    }
  }

  @Test("operands one behind the other along an inner axis")
  func concatenation() {
    let found = result(
      .rearrange(.concatenate(axis: 1)),
      [([2, 1, 2], [1, 2, 3, 4]), ([2, 2, 2], Array(5...12).map(Double.init))])
    #expect(found == [1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12])
  }
}
