import FixedPoint
import Graph

extension Typer {
  /// Bits of a difference from a mean: as wide as the multipliers of common FPGAs.
  private static let differenceBits = 18
  /// Fraction bits that a difference keeps, of those that it has, however far its type reaches: data may well fill but a
  /// small part of a type that was declared, and the inverse root behind is exact to as many bits.
  private static let differenceFraction = 12

  /// The differences from a mean, rounded to 18 bits that cover them, or to as many as it takes to keep 12 fraction bits,
  /// where their exact type is wider or has a scale; exact in models with quantizers everywhere.
  mutating func centred(_ exact: NodeID, _ node: Node) throws(WidthOverflow) -> NodeID {
    guard let tensor = result[exact].type, !policy.isFullyQuantized else { return exact }
    let width = tensor.formats.distinct.map(\.width).max() ?? 0
    if tensor.isUnscaled && width <= Typer.differenceBits { return exact }
    var values: [Double] = []
    for i in 0..<tensor.count {
      values.append(tensor.value(tensor.formats[i].range.lower, element: i))
      values.append(tensor.value(tensor.formats[i].range.upper, element: i))
    }
    var type = TypePolicy.covering(values, width: Typer.differenceBits)
    let finest = tensor.formats.distinct.map { -$0.exponent }.max() ?? 0
    let missing = min(finest, Typer.differenceFraction) - type.fractionBits
    if missing > 0 { type.width += missing }
    type.rounding = .rnd
    return try convert(
      exact, to: TypePolicy.Decision(type: type, source: .byDefault), name: "\(node.name)_rounded")
  }
}
