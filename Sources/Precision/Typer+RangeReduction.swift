import FixedPoint
import Functions
import Graph

/// A function f with f(x · ratio) = f(x) · 2^step for all x > 0, so that a table over one octave of the ratio is enough.
private struct PowerLaw {
  var function: Function
  /// log2 of the ratio.
  var ratioBits: Int
  var step: Int

  init?(_ function: Function) {
    self.function = function
    switch function {
    case .rsqrt: (ratioBits, step) = (2, -1)
    case .sqrt: (ratioBits, step) = (2, 1)
    case .reciprocal: (ratioBits, step) = (1, -1)
    default: return nil
    }
  }
}

// Inverse square roots, square roots and reciprocals of wide operands. A table over equal steps would spend its entries
// where the function is flat; over the operand's mantissa it has one relative error everywhere.
extension Typer {
  /// Bits of a mantissa between 1/4 or 1/2 and 1: rounding it moves a result by less than 2^−10 of itself.
  private static let mantissaBits = 11
  /// The type of f over one octave, whose values lie between 1/2 and 2.
  private static let mantissaResult = FixedType(
    width: 13, integerBits: 2, isSigned: false, rounding: .rnd, overflow: .sat)
  /// At most so many octaves below the greatest operand; what is smaller counts as the least.
  private static let maximumOctaves = 24

  /// The function by octaves; nil where one table over the operand is exact, or the function obeys no power law.
  mutating func rangeReduced(
    _ node: Node, _ function: Function, _ id: NodeID
  ) throws(WidthOverflow) -> NodeID? {
    if function == .softsign { return try softsignByOctaves(node, id) }
    guard let law = PowerLaw(function), let tensor = result[node.operands[0]].type else { return nil }
    // Straight pieces over up to 2^16 values have a proven bound; an inverse root spans too many octaves for them.
    let mostValues = function == .rsqrt ? 1 << 12 : 1 << 16
    let isNarrow =
      tensor.isUnscaled && tensor.formats.distinct.allSatisfy { ($0.range.count ?? .max) <= mostValues }
    if isNarrow { return nil }
    let isNegative = tensor.formats.distinct.contains { $0.range.lower < 0 }
    func part(_ name: String) -> String { "\(node.name)_\(name)" }
    // A scalar needs an axis to be scaled along.
    let isScalar = node.shape.isEmpty
    let operand =
      isScalar
      ? try add(.rearrange(.reshape([1])), node.operands, part("column"), node) : node.operands[0]
    var x = operand
    // Only a reciprocal is defined below 0, where roots may have any value.
    let isMirrored = isNegative && function == .reciprocal
    if isMirrored {
      x = try magnitude(x, node)
    } else if isNegative {
      x = try positive(x, part("above"), node)
    }
    var y = try octaves(x, law, node)
    if isMirrored {
      let shape = result[x].shape
      let none = Weights(raw: Array(repeating: 0, count: shape.elementCount), exponent: 0, shape: shape)
      let zero = try add(.constant(none), [], part("zero"), node)
      let isBelow = try add(.combine(.less), [operand, zero], part("sign"), node)
      let mirrored = try scale(y, by: 0, sign: -1, part("negative"), node)
      y = try add(.combine(.select), [isBelow, mirrored, y], part("signed"), node)
    }
    if isScalar { y = try add(.rearrange(.reshape([])), [y], part("scalar"), node) }
    return try reducedResult(y, node, id)
  }

  /// x · 1 / (1 + |x|), the reciprocal by octaves; nil where pieces of the whole function are as exact as its result.
  private mutating func softsignByOctaves(_ node: Node, _ id: NodeID) throws(WidthOverflow) -> NodeID? {
    guard let tensor = result[node.operands[0]].type, !node.shape.isEmpty else { return nil }
    let type = (quantizerBehind(id) ?? policy.result(of: node))?.type ?? TypePolicy.defaultActivation
    guard try isCoarse(.softsign, tensor, type), let law = PowerLaw(.reciprocal) else { return nil }
    let x = node.operands[0]
    let one = try constant(0, x, "\(node.name)_one", node)
    let divisor = try add(
      .combine(.add), [magnitude(x, node), one], "\(node.name)_divisor", node)
    let factor = try octaves(divisor, law, node)
    return try reducedResult(
      add(.combine(.multiply), [x, factor], "\(node.name)_product", node), node, id)
  }

  /// The result in the type that is asked for, if one is.
  private mutating func reducedResult(_ y: NodeID, _ node: Node, _ id: NodeID) throws(WidthOverflow) -> NodeID
  {
    var decision = quantizerBehind(id)
    if decision == nil, case .type(let said)? = policy.choice(.result, of: node) { decision = said }
    guard let decision else {
      result.nodes[y.index].typeSource = .byDefault
      return y
    }
    return try convert(y, to: decision, name: "\(node.name)_result")
  }

  /// f(x) for x >= 0: the mantissa of the octave that x lies in, a table, a shift.
  private mutating func octaves(_ x: NodeID, _ law: PowerLaw, _ node: Node) throws(WidthOverflow) -> NodeID {
    func part(_ name: String) -> String { "\(node.name)_\(name)" }
    guard let tensor = result[x].type else { preconditionFailure("'\(node.name)' reads an untyped operand") }
    let values = (0..<tensor.count).map { i in
      (
        least: max(tensor.value(max(tensor.formats[i].range.lower, 1), element: i), .leastNormalMagnitude),
        greatest: max(tensor.value(tensor.formats[i].range.upper, element: i), .leastNormalMagnitude)
      )
    }
    let least = values.map(\.least).min() ?? 1
    let greatest = values.map(\.greatest).max() ?? 1
    // x < 2^top, top a multiple of the ratio's bits.
    let top = Typer.ceiling(Int(greatest.exponent) + 1, law.ratioBits)
    let below = (top - Int(least.exponent) + law.ratioBits - 1) / law.ratioBits
    let count = min(max(below, 1), Typer.maximumOctaves)

    let mantissa = FixedType(
      width: Typer.mantissaBits, integerBits: 0, isSigned: false, rounding: .rnd, overflow: .sat)
    var mantissas: [NodeID] = []
    var conditions: [NodeID] = []
    for octave in 0..<count {
      let bits = octave * law.ratioBits - top
      let scaled = try scale(x, by: bits, sign: 1, part("scaled\(octave)"), node)
      let quantizer = Quantizer.fixed(PerElement(repeating: mantissa, count: tensor.count))
      mantissas.append(
        try add(.quantize(quantizer), [scaled], part("mantissa\(octave)"), node, source: .byDefault))
      if octave == count - 1 { break }
      let edge = try constant(-bits - law.ratioBits, x, part("edge\(octave)"), node)
      conditions.append(try add(.combine(.lessOrEqual), [edge, x], part("octave\(octave)"), node))
    }
    let chosen = try choose(conditions, mantissas, part("mantissa"), node)
    let table = try table(chosen, part("table"), node, function: law.function, result: Typer.mantissaResult)
    var shifted: [NodeID] = []
    for octave in 0..<count {
      let bits = law.step * (top / law.ratioBits - octave)
      shifted.append(try scale(table, by: bits, sign: 1, part("shifted\(octave)"), node))
    }
    return try choose(conditions, shifted, node.name, node)
  }

  /// The first value whose condition holds, else the last.
  private mutating func choose(
    _ conditions: [NodeID], _ values: [NodeID], _ name: String, _ node: Node
  ) throws(WidthOverflow) -> NodeID {
    var chosen = values[values.count - 1]
    for i in conditions.indices.reversed() {
      let role = i == 0 ? name : "\(name)_from\(i)"
      chosen = try add(.combine(.select), [conditions[i], values[i], chosen], role, node)
    }
    return chosen
  }

  /// x · ±2^bits.
  mutating func scale(
    _ x: NodeID, by bits: Int, sign: Int64, _ name: String, _ node: Node
  ) throws(WidthOverflow) -> NodeID {
    let channels = result[x].shape.last ?? 1
    let weights = Weights(
      raw: Array(repeating: sign, count: channels), exponent: bits, shape: [channels, 1, 1])
    let linear = Linear(groups: channels, inputs: 1, outputs: 1, weights: weights)
    return try add(.linear(linear), [x], name, node)
  }

  /// 2^bits in the shape of a tensor.
  private mutating func constant(
    _ bits: Int, _ x: NodeID, _ name: String, _ node: Node
  ) throws(WidthOverflow) -> NodeID {
    let shape = result[x].shape
    let weights = Weights(raw: Array(repeating: 1, count: shape.elementCount), exponent: bits, shape: shape)
    return try add(.constant(weights), [], name, node)
  }

  private static func ceiling(_ value: Int, _ multiple: Int) -> Int {
    let rest = ((value % multiple) + multiple) % multiple
    return rest == 0 ? value : value + multiple - rest
  }
}
