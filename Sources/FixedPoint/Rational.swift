/// An exact rational number in lowest terms, with a positive denominator: scales, times and frequencies.
public struct Rational: Hashable, Sendable, CustomStringConvertible {
  public let numerator: Int128
  public let denominator: Int128

  /// - Requires: denominator != 0.
  public init(_ numerator: Int128, _ denominator: Int128 = 1) {
    precondition(denominator != 0, "rational with denominator 0")
    let divisor = Rational.gcd(numerator.magnitude, denominator.magnitude)
    let sign: Int128 = denominator < 0 ? -1 : 1
    self.numerator = sign * numerator / Int128(divisor)
    self.denominator = sign * denominator / Int128(divisor)
  }

  /// The exact value of a finite binary64 number whose magnitude lies in 2^-100 ... 2^120, or 0.
  public init?(exactly value: Double) {
    guard value != 0 else {
      self.init(0)
      return
    }
    guard let (significand, exponent) = value.integerSignificand, exponent > -100, exponent < 60 else {
      return nil
    }
    self = exponent >= 0 ? Rational(significand << exponent) : Rational(significand, Int128(1) << -exponent)
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
    let quotient = numerator / denominator
    return numerator % denominator < 0 ? quotient - 1 : quotient
  }

  public static func gcd(_ a: UInt128, _ b: UInt128) -> UInt128 {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return max(a, 1)
  }

  public func multiplied(by other: Rational) throws(WidthOverflow) -> Rational {
    // Cross-reduced first, so that only results that are really too large overflow.
    let left = Rational(numerator, other.denominator)
    let right = Rational(other.numerator, denominator)
    let top = left.numerator.multipliedReportingOverflow(by: right.numerator)
    let bottom = left.denominator.multipliedReportingOverflow(by: right.denominator)
    if top.overflow || bottom.overflow { throw WidthOverflow() }
    return Rational(top.partialValue, bottom.partialValue)
  }

  /// - Requires: other is not 0.
  public func divided(by other: Rational) throws(WidthOverflow) -> Rational {
    try multiplied(by: Rational(other.denominator, other.numerator))
  }

  /// The largest rational of which both are integer multiples (of their magnitudes).
  public func commonUnit(with other: Rational) throws(WidthOverflow) -> Rational {
    let common = Int128(Rational.gcd(denominator.magnitude, other.denominator.magnitude))
    let bottom = (denominator / common).multipliedReportingOverflow(by: other.denominator)
    let a = numerator.multipliedReportingOverflow(by: other.denominator / common)
    let b = other.numerator.multipliedReportingOverflow(by: denominator / common)
    if bottom.overflow || a.overflow || b.overflow { throw WidthOverflow() }
    return Rational(
      Int128(Rational.gcd(a.partialValue.magnitude, b.partialValue.magnitude)), bottom.partialValue)
  }
}

extension Rational: Comparable {
  public static func < (a: Rational, b: Rational) -> Bool {
    // Compared by continued fraction, so that no product can overflow.
    var (a, b) = (a, b)
    var flipped = false
    while true {
      let (floorA, floorB) = (a.floor, b.floor)
      if floorA != floorB { return flipped ? floorB < floorA : floorA < floorB }
      let restA = Rational(a.numerator - floorA * a.denominator, a.denominator)
      let restB = Rational(b.numerator - floorB * b.denominator, b.denominator)
      if restA.numerator == 0 || restB.numerator == 0 {
        let less = restA.numerator == 0 && restB.numerator != 0
        let greater = restB.numerator == 0 && restA.numerator != 0
        return flipped ? greater : less
      }
      (a, b) = (Rational(restA.denominator, restA.numerator), Rational(restB.denominator, restB.numerator))
      flipped.toggle()
    }
  }
}

extension Double {
  /// The value as significand · 2^exponent with an odd significand, or nil for 0, infinities and NaN.
  public var integerSignificand: (significand: Int128, exponent: Int)? {
    guard isFinite, self != 0 else { return nil }
    let bits = Int128(significandBitPattern) | (isNormal ? Int128(1) << 52 : 0)
    let power = (isNormal ? Int(exponentBitPattern) : 1) - 1075
    let zeros = bits.trailingZeroBitCount
    let odd = bits >> Int128(zeros)
    return (self < 0 ? -odd : odd, power + zeros)
  }
}
