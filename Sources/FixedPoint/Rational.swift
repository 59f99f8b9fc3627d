/// An exact rational number in lowest terms, with a positive denominator: scales, times and frequencies.
public struct Rational: Hashable, Sendable, CustomStringConvertible {
  public let numerator: Int128
  public let denominator: Int128

  /// - Requires: denominator != 0; neither is the least Int128.
  public init(_ numerator: Int128, _ denominator: Int128 = 1) {
    precondition(denominator != 0, "rational with denominator 0")
    let divisor = Int128(Rational.gcd(numerator.magnitude, denominator.magnitude))
    let sign: Int128 = denominator < 0 ? -1 : 1
    self.numerator = sign * numerator / divisor
    self.denominator = sign * denominator / divisor
  }

  /// The exact value of a binary64 number; nil where it is not finite, or its numerator or denominator would need more
  /// than 120 bits.
  public init?(exactly value: Double) {
    guard value != 0 else {
      self.init(0)
      return
    }
    guard let (significand, exponent) = value.integerSignificand, exponent >= -120 else { return nil }
    if exponent < 0 {
      self.init(significand, Int128(1) << -exponent)
    } else {
      guard 128 - significand.magnitude.leadingZeroBitCount + exponent <= 120 else { return nil }
      self.init(significand << exponent)
    }
  }

  public static let one = Rational(1)

  public var isPowerOfTwo: Bool {
    numerator > 0 && numerator & (numerator - 1) == 0 && denominator & (denominator - 1) == 0
  }

  /// The nearest binary64 number, up to the rounding of two conversions and a division.
  public var doubleValue: Double { Double(numerator) / Double(denominator) }

  public var description: String { denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)" }

  /// The largest integer that is not above the value.
  public var floor: Int128 {
    let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
    return remainder < 0 ? quotient - 1 : quotient
  }

  /// The greatest common divisor; 1 where both are 0, so that it can always be divided by.
  public static func gcd(_ a: UInt128, _ b: UInt128) -> UInt128 {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return max(a, 1)
  }

  public func multiplied(by other: Rational) throws(WidthOverflow) -> Rational {
    // Cross-reduced first, so that only results that are really too large overflow.
    let left = Rational(numerator, other.denominator)
    let right = Rational(other.numerator, denominator)
    return Rational(
      try Rational.product(left.numerator, right.numerator),
      try Rational.product(left.denominator, right.denominator))
  }

  /// - Requires: other is not 0.
  public func divided(by other: Rational) throws(WidthOverflow) -> Rational {
    try multiplied(by: Rational(other.denominator, other.numerator))
  }

  /// The largest rational of which both are integer multiples (of their magnitudes).
  public func commonUnit(with other: Rational) throws(WidthOverflow) -> Rational {
    let common = Int128(Rational.gcd(denominator.magnitude, other.denominator.magnitude))
    let a = try Rational.product(numerator, other.denominator / common)
    let b = try Rational.product(other.numerator, denominator / common)
    return Rational(
      Int128(Rational.gcd(a.magnitude, b.magnitude)),
      try Rational.product(denominator / common, other.denominator))
  }

  /// The product, if its magnitude is below 2^127.
  private static func product(_ a: Int128, _ b: Int128) throws(WidthOverflow) -> Int128 {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    if overflow || product == .min { throw WidthOverflow() }
    return product
  }
}

extension Rational: Comparable {
  public static func < (a: Rational, b: Rational) -> Bool {
    let left = a.numerator.multipliedFullWidth(by: b.denominator)
    let right = b.numerator.multipliedFullWidth(by: a.denominator)
    return (left.high, left.low) < (right.high, right.low)
  }
}

extension Double {
  /// The value as significand · 2^exponent with an odd significand, or nil for 0, infinities and NaN.
  public var integerSignificand: (significand: Int128, exponent: Int)? {
    guard isFinite, self != 0 else { return nil }
    let bits = significandBitPattern | (isNormal ? 1 << 52 : 0)
    let power = (isNormal ? Int(exponentBitPattern) : 1) - 1075
    let zeros = bits.trailingZeroBitCount
    let odd = Int128(bits >> UInt64(zeros))
    return (self < 0 ? -odd : odd, power + zeros)
  }
}
