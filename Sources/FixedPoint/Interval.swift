/// A closed interval of integers, the set of raw values that a signal can take.
///
/// An operation whose result would leave ±2^`Interval.maximumBits` throws `WidthOverflow`, so that arithmetic on
/// values inside known intervals never overflows `Int128`.
public struct Interval: Hashable, Sendable, CustomStringConvertible {
  public let lower: Int128
  public let upper: Int128

  /// Results of operations have a magnitude of at most 2^120.
  public static let maximumBits = 120
  private static var bound: Int128 { Int128(1) << maximumBits }

  /// Two more bits, so that every result has a two's complement type, and every such type an interval.
  private static var hardBound: Int128 { bound << 2 }

  /// - Requires: lower <= upper, both within ±2^122.
  public init(_ lower: Int128, _ upper: Int128) {
    precondition(lower <= upper, "empty interval \(lower)...\(upper)")
    precondition(lower >= -Interval.hardBound && upper <= Interval.hardBound, "interval beyond 2^122")
    self.lower = lower
    self.upper = upper
  }

  /// The interval of a single value.
  public init(_ value: Int128) { self.init(value, value) }

  public static let zero = Interval(0)
  /// The two values of a Boolean.
  public static let bit = Interval(0, 1)

  public var isConstant: Bool { lower == upper }
  public var isSigned: Bool { lower < 0 }
  public var description: String { "\(lower)...\(upper)" }

  /// The number of distinct integers, or nil above 2^62.
  public var count: Int? {
    let span = upper - lower + 1
    return span <= Int128(1) << 62 ? Int(span) : nil
  }

  public func contains(_ value: Int128) -> Bool { lower <= value && value <= upper }
  public func contains(_ other: Interval) -> Bool { lower <= other.lower && other.upper <= upper }
  public func union(_ other: Interval) -> Interval {
    Interval(min(lower, other.lower), max(upper, other.upper))
  }
  public func intersection(_ other: Interval) -> Interval? {
    let low = max(lower, other.lower)
    let high = min(upper, other.upper)
    return low <= high ? Interval(low, high) : nil
  }

  /// Bits that hold every value of the interval: two's complement where it has negative values, plain
  /// binary otherwise. The constant 0 has width 0.
  public var width: Int {
    isSigned
      ? 1 + max(Interval.bits(upper < 0 ? 0 : upper), Interval.bits(-(lower + 1)))
      : Interval.bits(upper)
  }

  /// Bits of a non-negative integer in binary; 0 for 0.
  private static func bits(_ value: Int128) -> Int { 128 - value.leadingZeroBitCount }

  /// The integer of the interval's width and signedness that has the same low bits.
  public func wrap(_ value: Int128) -> Int128 {
    let width = Int128(self.width)
    if width == 0 { return 0 }
    let low = value & ((Int128(1) << width) - 1)
    return isSigned && low >> (width - 1) & 1 == 1 ? low - (Int128(1) << width) : low
  }
}

/// A computation whose exact result needs more bits than the compiler computes with.
public struct WidthOverflow: Error, Hashable, Sendable {
  public init() {}
}

extension Interval {
  private typealias Checked = (partialValue: Int128, overflow: Bool)

  private init(checking lower: Checked, _ upper: Checked) throws(WidthOverflow) {
    let low = lower.partialValue
    let high = upper.partialValue
    guard !lower.overflow, !upper.overflow, low >= -Interval.bound, high <= Interval.bound else {
      throw WidthOverflow()
    }
    self.init(low, high)
  }

  public func adding(_ other: Interval) throws(WidthOverflow) -> Interval {
    try Interval(
      checking: lower.addingReportingOverflow(other.lower), upper.addingReportingOverflow(other.upper))
  }

  public func subtracting(_ other: Interval) throws(WidthOverflow) -> Interval {
    try adding(other.negated)
  }

  public var negated: Interval { Interval(-upper, -lower) }

  /// The interval of the values times one integer.
  public func scaled(by factor: Int128) throws(WidthOverflow) -> Interval {
    let ends = (Interval.product(lower, factor), Interval.product(upper, factor))
    return factor < 0
      ? try Interval(checking: ends.1, ends.0) : try Interval(checking: ends.0, ends.1)
  }

  /// Products of 64 bits by 64, which most are, need no check.
  private static func product(_ a: Int128, _ b: Int128) -> Checked {
    let (x, y) = (Int64(truncatingIfNeeded: a), Int64(truncatingIfNeeded: b))
    if Int128(x) == a && Int128(y) == b { return (Int128(x) &* Int128(y), false) }
    return a.multipliedReportingOverflow(by: b)
  }

  /// The interval of all products of a value of each.
  public func multiplied(by other: Interval) throws(WidthOverflow) -> Interval {
    let a = try scaled(by: other.lower)
    let b = try scaled(by: other.upper)
    return a.union(b)
  }

  /// The values times 2^count; a negative count divides, rounding to minus infinity.
  public func shifted(left count: Int) throws(WidthOverflow) -> Interval {
    if count <= 0 { return Interval(lower >> Int128(-count), upper >> Int128(-count)) }
    if self == .zero { return self }
    if count > Interval.maximumBits { throw WidthOverflow() }
    return try scaled(by: Int128(1) << count)
  }
}
