import BigInt
import FixedPoint

/// An exact rational number of any size, not necessarily in lowest terms, with a positive denominator.
struct Fraction {
  let numerator: BigInt
  let denominator: BigInt

  /// - Requires: denominator != 0.
  init(_ numerator: BigInt, _ denominator: BigInt = 1) {
    precondition(denominator != 0, "fraction with denominator 0")
    self.numerator = denominator < 0 ? -numerator : numerator
    self.denominator = denominator < 0 ? -denominator : denominator
  }

  init(_ value: Rational) {
    self.init(BigInt(exactly128: value.numerator), BigInt(exactly128: value.denominator))
  }

  /// The exact value of a finite number.
  init(_ value: Double) {
    let (significand, exponent) = value.integerSignificand ?? (0, 0)
    self = Fraction(BigInt(exactly128: significand)).scaled(exponent)
  }

  /// The value times 2^exponent.
  func scaled(_ exponent: Int) -> Fraction {
    exponent >= 0
      ? Fraction(numerator << exponent, denominator) : Fraction(numerator, denominator << -exponent)
  }

  /// The fraction with the least denominator among those whose nearest binary64 number is the given one: what a constant
  /// such as 0.2 or 1/6 was before it became a floating-point number.
  static func simplest(_ value: Double) -> Fraction {
    guard value != 0 else { return Fraction(0) }
    let magnitude = value.magnitude
    let exact = Fraction(magnitude)
    let half = Fraction(1, 2)
    let simplest = between(
      (exact + Fraction(magnitude.nextDown)) * half, (exact + Fraction(magnitude.nextUp)) * half)
    return value < 0 ? -simplest : simplest
  }

  /// The simplest fraction strictly between two positive ones.
  private static func between(_ low: Fraction, _ high: Fraction) -> Fraction {
    let whole = low.floor
    if Fraction(whole + 1) < high { return Fraction(whole + 1) }
    // The same question for the reciprocals of what is beyond the whole part.
    let rest = low - Fraction(whole)
    let top = high - Fraction(whole)
    let inverse =
      rest.numerator == 0
      ? Fraction((Fraction(1) / top).floor + 1) : between(Fraction(1) / top, Fraction(1) / rest)
    return Fraction(whole) + Fraction(1) / inverse
  }

  var isZero: Bool { numerator == 0 }
  var isNegative: Bool { numerator < 0 }

  /// The largest integer that is not above the value.
  var floor: BigInt { numerator.floorDivided(by: denominator).quotient }
  /// The smallest integer that is not below the value.
  var ceiling: BigInt { -(-self).floor }

  static prefix func - (a: Fraction) -> Fraction { Fraction(-a.numerator, a.denominator) }
  static func + (a: Fraction, b: Fraction) -> Fraction {
    Fraction(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
  }
  static func - (a: Fraction, b: Fraction) -> Fraction { a + -b }
  static func * (a: Fraction, b: Fraction) -> Fraction {
    Fraction(a.numerator * b.numerator, a.denominator * b.denominator)
  }
  /// - Requires: b is not 0.
  static func / (a: Fraction, b: Fraction) -> Fraction {
    Fraction(a.numerator * b.denominator, a.denominator * b.numerator)
  }
}

extension Fraction: Comparable {
  static func < (a: Fraction, b: Fraction) -> Bool {
    a.numerator * b.denominator < b.numerator * a.denominator
  }
  static func == (a: Fraction, b: Fraction) -> Bool {
    a.numerator * b.denominator == b.numerator * a.denominator
  }
}

extension BigInt {
  // The library's own conversions lose the carry of a negative number's second word (BigInt 6.0.1, Swift 6.3).
  init(exactly128 value: Int128) {
    let magnitude = value.magnitude
    self.init(
      sign: value < 0 ? .minus : .plus,
      magnitude: BigUInt(words: [
        UInt(truncatingIfNeeded: magnitude), UInt(truncatingIfNeeded: magnitude >> 64),
      ]))
  }

  /// The value as a native integer.
  ///
  /// - Requires: |value| < 2^127.
  var int128: Int128 {
    precondition(magnitude.bitWidth < 128, "\(self) does not fit")
    let words = magnitude.words
    var value = Int128(words.first ?? 0)
    if words.count > 1 { value |= Int128(words[1]) << 64 }
    return sign == .minus ? -value : value
  }

  /// The quotient rounded to minus infinity, and the remainder, which has the divisor's sign.
  ///
  /// - Requires: divisor > 0.
  func floorDivided(by divisor: BigInt) -> (quotient: BigInt, remainder: BigInt) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  /// The value / 2^count, rounded to minus infinity.
  func floorShifted(right count: Int) -> BigInt {
    if count <= 0 { return self << -count }
    return sign == .plus
      ? BigInt(magnitude >> count) : -BigInt((magnitude + (BigUInt(1) << count) - 1) >> count)
  }
}
