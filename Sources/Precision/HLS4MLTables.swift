import FixedPoint
import Foundation
import Functions
import Graph

// hls4ml's own arithmetic of activations, for configurations that an experiment has validated: entries evaluated in
// binary32 at the lower edge of their bin, indices truncated toward zero and clipped (`nnet_activation.h`, hls4ml 1.3).

extension Typer {
  /// An activation as hls4ml computes it, where a configuration speaks of the layer, before its result is converted; nil
  /// for functions that hls4ml does not have.
  mutating func hls4mlTable(_ node: Node, _ function: Function) throws(WidthOverflow) -> NodeID? {
    guard let configuration = policy.configuration, policy.inference(node) != nil else { return nil }
    let size = configuration.setting(\.tableSize, of: node) ?? 1024
    switch function {
    // The tables span ±8, but for tanh ±4.
    case .sigmoid, .softplus, .softsign: return try hls4mlTable(node, function, span: 16, size)
    case .tanh: return try hls4mlTable(node, function, span: 8, size)
    case .elu(let alpha): return try exponentialUnit(node, function, size, alpha: Double(Float(alpha)))
    case .selu: return try exponentialUnit(node, function, size, alpha: nil)
    case .hardSigmoid(let slope, let offset):
      // QKeras's slope of 1/2 has few bits.
      let type = FixedType(width: slope == 0.5 ? 2 : 16, integerBits: 0, isSigned: false)
      return try ramp(node, slope: type.value(type.convert(slope) ?? 0), offset: offset)
    default: return nil
    }
  }

  /// hls4ml 1.3 takes no notice of `table` in a configuration.
  private var tableType: FixedType { FixedType(width: 18, integerBits: 8) }

  /// trunc(x · size / span), clipped to the table, whose middle is 0.
  private mutating func hls4mlTable(
    _ node: Node, _ function: Function, span: Int, _ size: Int
  ) throws(WidthOverflow) -> NodeID {
    let type = tableType
    let table = try hls4mlIndexed(node, span: span, size: size) { i in
      let position = min(max(i + size / 2, 0), size - 1)
      let x = Float(span) * (Float(position) - Float(size) / 2) / Float(size)
      return type.convertInfinity(Double(function.binary32(x)))
    }
    return try add(
      .map(Map(function, form: .tables([table.entries(type.exponent)], tableOfElement: table.uniform))),
      [table.index], node.name, node)
  }

  /// An operand's index into a table and the entries for all that the index can be.
  private struct IndexedTable {
    var index: NodeID
    var first: Int
    var values: [Int128]
    var count: Int

    var uniform: PerElement<Int> { PerElement(repeating: 0, count: count) }
    func entries(_ exponent: Int) -> FunctionTable {
      FunctionTable(first: Int64(first), entries: values.map { Int64($0) }, exponent: exponent)
    }
  }

  /// trunc(x · size / span) in the fewest bits that reach beyond both ends of a table.
  private mutating func hls4mlIndexed(
    _ node: Node, span: Int, size: Int, _ entry: (Int) -> Int128
  ) throws(WidthOverflow) -> IndexedTable {
    let bits = Int.bitWidth - max(size - 1, 1).leadingZeroBitCount
    let type = FixedType(width: bits + 1, integerBits: bits + 1, rounding: .trnZero, overflow: .sat)
    let count = result[node.operands[0]].count
    // hls4ml's integer arithmetic: the operand in steps of span / size.
    let scale = Rational(Int128(span), Int128(size))
    let exact = Quantizer.fixed(
      PerElement(repeating: type, count: count), scales: PerElement(repeating: scale, count: count))
    let index: NodeID
    if scale.isPowerOfTwo {
      var shifted = type
      shifted.integerBits -= size.trailingZeroBitCount - span.trailingZeroBitCount
      index = try add(
        .quantize(.fixed(PerElement(repeating: shifted, count: count))), node.operands, "\(node.name)_index",
        node)
    } else {
      index = try add(.quantize(exact), node.operands, "\(node.name)_index", node)
    }
    let range = type.rawRange
    return IndexedTable(
      index: index, first: Int(range.lower), values: (Int(range.lower)...Int(range.upper)).map(entry),
      count: count)
  }

  /// ELU and SELU: a table of what is below 0, which is 0 from there on, and the operand itself above.
  ///
  /// - Parameter alpha: of ELU, which multiplies the table's entries; nil for SELU, whose factors are part of its table.
  private mutating func exponentialUnit(
    _ node: Node, _ function: Function, _ size: Int, alpha: Double?
  ) throws(WidthOverflow) -> NodeID {
    let type = tableType
    var factor = (raw: Int128(1), exponent: 0)
    if let alpha {
      let parameter = parameterType(alpha, node)
      factor = (parameter.convert(alpha) ?? 0, parameter.exponent)
    }
    let table = try hls4mlIndexed(node, span: 8, size: size) { i in
      guard i <= 0 else { return 0 }
      let x = -8 * Float(min(-i, size - 1)) / Float(size)
      return factor.raw * type.convertInfinity(Double(function.negativeBranch32(x)))
    }
    let below = try add(
      .map(
        Map(
          function,
          form: .tables([table.entries(type.exponent + factor.exponent)], tableOfElement: table.uniform))),
      [table.index], "\(node.name)_negative", node)
    let rectifier = Rectifier(maximum: nil, negativeSlope: Rational(0), threshold: Rational(0))
    var above = try add(
      .map(Map(.relu(maximum: nil, negativeSlope: 0, threshold: 0), form: .rectifier(rectifier))),
      node.operands, "\(node.name)_positive", node)
    if alpha == nil {
      // λ in 16 bits.
      let lambda = FixedType(width: 16, integerBits: 1, isSigned: false)
      let raw = lambda.convert(1.0507009873554805) ?? 0
      above = try scaled(
        above, by: lambda.value(raw), plus: nil, name: "\(node.name)_scaled", node)
    }
    return try add(.combine(.add), [above, below], node.name, node)
  }

  /// The type of an activation's parameter.
  func parameterType(_ value: Double, _ node: Node) -> FixedType {
    guard let inference = policy.inference(node) else { return TypePolicy.defaultInput }
    if let entry = policy.configuration?.entry("param", of: node) {
      return entry.type ?? inference.parameter(value)
    }
    return inference.standard
  }

  /// clip(slope · x + offset, 0, 1), exactly.
  mutating func ramp(_ node: Node, slope: Double, offset: Double) throws(WidthOverflow) -> NodeID {
    let line = try scaled(node.operands[0], by: slope, plus: offset, name: "\(node.name)_line", node)
    let rectifier = Rectifier(maximum: .one, negativeSlope: Rational(0), threshold: Rational(0))
    return try add(
      .map(Map(.relu(maximum: 1, negativeSlope: 0, threshold: 0), form: .rectifier(rectifier))), [line],
      node.name, node)
  }

  /// x · factor + shift for binary64 numbers taken exactly.
  mutating func scaled(
    _ operand: NodeID, by factor: Double, plus shift: Double?, name: String, _ node: Node
  ) throws(WidthOverflow) -> NodeID {
    let channels = result[operand].shape.last ?? 1
    guard
      let weights = Weights(
        exactly: Array(repeating: factor, count: channels), shape: [channels, 1, 1])
    else { throw WidthOverflow() }
    var linear = Linear(groups: channels, inputs: 1, outputs: 1, weights: weights)
    if let shift {
      linear.bias = Weights(exactly: Array(repeating: shift, count: channels), shape: [channels, 1])
    }
    return try add(.linear(linear), [operand], name, node)
  }

  /// A rectifier with its slope or threshold as hls4ml converts it.
  func hls4mlRectifier(_ rectifier: Rectifier, _ node: Node) throws(WidthOverflow) -> Rectifier {
    guard policy.inference(node) != nil, !node.isInner else { return rectifier }
    var result = rectifier
    if rectifier.negativeSlope.numerator != 0, rectifier.maximum == nil {
      let slope = Double(Float(rectifier.negativeSlope.doubleValue))
      var type = parameterType(slope, node)
      if node.layer.kind == "PReLU" { type = slopeType(node) }
      result.negativeSlope =
        Rational(exactly: type.value(type.convert(slope) ?? 0)) ?? rectifier.negativeSlope
    }
    if rectifier.threshold.numerator != 0 {
      let threshold = Double(Float(rectifier.threshold.doubleValue))
      let entry = policy.configuration?.entry("param", of: node)
      let type = entry.map { $0.type ?? declaredType(node.operands[0]) } ?? parameterType(threshold, node)
      result.threshold = Rational(exactly: type.value(type.convert(threshold) ?? 0)) ?? rectifier.threshold
    }
    return result
  }

  /// The type of a PReLU's slopes: the configuration's, or by `auto` the operand's.
  func slopeType(_ node: Node) -> FixedType {
    if let entry = policy.configuration?.entry("param", of: node) {
      return entry.type ?? declaredType(node.operands[0])
    }
    return policy.standard(node)?.type ?? TypePolicy.defaultInput
  }
}

extension Function {
  /// The function as hls4ml's C++ evaluates it, in binary32 with glibc.
  func binary32(_ x: Float) -> Float {
    switch self {
    case .exp: Foundation.exp(x)
    case .reciprocal: Float(1.0 / Double(x))
    case .sigmoid: Float(1.0 / Double(1 + Foundation.exp(-x)))
    case .tanh: Foundation.tanh(x)
    case .softplus: Float(Foundation.log(Double(Foundation.exp(x)) + 1))
    case .softsign: Float(Double(x) / (Double(x.magnitude) + 1))
    default: Float(value(Double(x)))
    }
  }

  /// ELU without its factor and SELU with both of its own, below 0.
  fileprivate func negativeBranch32(_ x: Float) -> Float {
    let difference = Double(Foundation.exp(x)) - 1
    if case .selu = self { return Float(1.0507009873554804934 * (1.6732632423543772848 * difference)) }
    return Float(difference)
  }
}
