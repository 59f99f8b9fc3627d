/// The exact numeric format of one element of a tensor or one wire of a circuit: the raw integers in `range`, each
/// standing for raw · 2^exponent.
public struct Format: Hashable, Sendable, Codable, CustomStringConvertible {
  public var range: Interval
  public var exponent: Int

  public init(_ range: Interval, exponent: Int) {
    self.range = range
    self.exponent = exponent
  }

  /// The format of every value that a conversion into a fixed-point type can yield.
  public init(_ type: FixedType) { self.init(type.reachableRange, exponent: type.exponent) }

  public var width: Int { range.width }
  public var isSigned: Bool { range.isSigned }

  /// The narrowest fixed-point type that holds the format.
  public var type: FixedType {
    FixedType(width: width, integerBits: width + exponent, isSigned: isSigned)
  }

  public var description: String { "\(range) e\(exponent)" }
}
