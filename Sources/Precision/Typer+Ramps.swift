import FixedPoint
import Functions
import Graph

/// How a function that follows a line for large operands is that line above 0 and a bounded part, so that pieces need to
/// cover no more of a wide operand than the part's own reach.
private struct Ramp {
  /// The slope above 0.
  var slope: Double
  /// f(x) is slope · max(x, 0) + f(−|x|) where this holds, slope · max(x, 0) + f(min(x, 0)) where not.
  var isMirrored: Bool

  init?(_ function: Function) {
    switch function {
    // log(1 + e^x) = x + log(1 + e^−x); for the others f(x) = x · p(x) with p(x) + p(−x) = 1.
    case .softplus, .silu, .gelu, .hardSilu: (slope, isMirrored) = (1, true)
    case .elu, .celu: (slope, isMirrored) = (1, false)
    case .selu: (slope, isMirrored) = (1.0507009873554805, false)
    default: return nil
    }
  }
}

extension Typer {
  /// Bits of a slope that is no power of two: with these, the line stays within a step of a result of 32 bits.
  private static let slopeBits = 32

  /// The function as a line above 0 and a bounded part, where pieces over the whole operand would have to round it by
  /// more than the result shows; nil where not, or where the function has no such form.
  mutating func ramped(
    _ node: Node, _ function: Function, _ type: FixedType
  ) throws(WidthOverflow) -> NodeID? {
    let operand = node.operands[0]
    guard let ramp = Ramp(function), let tensor = result[operand].type, !node.shape.isEmpty else {
      return nil
    }
    guard tensor.valueRange.upperBound > 0, try isCoarse(function, tensor, type) else { return nil }
    func part(_ name: String) -> String { "\(node.name)_\(name)" }
    let above = try positive(operand, part("above"), node)
    let mirrored = try scale(operand, by: 0, sign: -1, part("mirrored"), node)
    var below = try positive(mirrored, part("below"), node)
    if ramp.isMirrored { below = try add(.combine(.add), [above, below], part("magnitude"), node) }
    var inner = node
    inner.name = part("bounded")
    inner.operands = [try scale(below, by: 0, sign: -1, part("negative"), node)]
    let bounded = try tabulated(inner, function, type)
    var line = above
    if ramp.slope != 1 {
      let raw = Int64((ramp.slope * Double(sign: .plus, exponent: Self.slopeBits, significand: 1)).rounded())
      line = try scale(above, by: -Self.slopeBits, sign: raw, part("line"), node)
    }
    return try add(.combine(.add), [line, bounded], part("sum"), node)
  }

  /// Whether pieces or a table would have to round the operand by more than the result's steps permit.
  func isCoarse(_ function: Function, _ tensor: TensorType, _ type: FixedType) throws(WidthOverflow) -> Bool {
    guard tensor.isUnscaled, let grid = tensor.formats.distinct.map(\.exponent).min() else { return false }
    let narrowing = OperandNarrowing(function: function, type: type)
    return try narrowing.narrowed(tensor.valueRange, exponent: grid).isCoarse
  }

  /// |x|, exactly.
  mutating func magnitude(_ x: NodeID, _ node: Node) throws(WidthOverflow) -> NodeID {
    let mirrored = try scale(x, by: 0, sign: -1, "\(node.name)_mirrored", node)
    let larger = try add(.combine(.maximum), [x, mirrored], "\(node.name)_magnitude", node)
    // Ranges do not tell that one of the two is not negative.
    return try positive(larger, "\(node.name)_absolute", node)
  }

  /// max(x, 0), exactly.
  mutating func positive(_ x: NodeID, _ name: String, _ node: Node) throws(WidthOverflow) -> NodeID {
    let rectifier = Rectifier(maximum: nil, negativeSlope: Rational(0), threshold: Rational(0))
    let function = Function.relu(maximum: nil, negativeSlope: 0, threshold: 0)
    return try add(.map(Map(function, form: .rectifier(rectifier))), [x], name, node)
  }
}
