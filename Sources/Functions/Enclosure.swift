import BigInt
import Synchronization

/// A real number that is known up to a radius, with arithmetic whose results enclose all that the operands can be.
///
/// Two kinds share the algorithms of `Elementary`: `BinaryBall` is quick, `FixedBall` is as precise as is asked for.
protocol Enclosure {
  /// What new numbers are made with.
  associatedtype Precision: Equatable

  init(_ value: Fraction, _ precision: Precision)
  static func naturalLogarithmOf2(_ precision: Precision) -> Self
  static func pi(_ precision: Precision) -> Self

  static prefix func - (a: Self) -> Self
  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
  static func / (a: Self, b: Self) -> Self
  func divided(by divisor: Int) -> Self
  /// The value times 2^exponent.
  func scaled(_ exponent: Int) -> Self
  /// - Requires: the value is at least 1/4.
  func squareRoot() -> Self
  /// The same number with the radius enlarged by the largest magnitude of another.
  func widened(by other: Self) -> Self

  /// Whether the number is so small that a series may end with it.
  var isNegligible: Bool { get }
  /// The middle, roughly.
  var approximation: Double { get }
  /// The bits behind the binary point that the precision can resolve.
  static func bits(_ precision: Precision) -> Int
}

/// A middle and a radius in binary64, each operation adding a bound of its own rounding: IEEE 754 operations are correct
/// to half a unit in the last place (2^−53 of the result, or 2^−1074), and factors of 1 + 2^−50 cover the rounding of the
/// radius itself. No library function is used. Overflow and division by 0 make the radius infinite or NaN, which
/// nothing accepts.
struct BinaryBall: Enclosure {
  struct Precision: Equatable {}

  let middle: Double
  let radius: Double

  private static let unit = 0x1p-53
  private static let least = 0x1p-1073
  private static let slack = 1 + 0x1p-50

  /// - Parameter radius: of the operands' errors; the rounding of the middle is added.
  private init(_ middle: Double, operands radius: Double) {
    self.middle = middle
    self.radius = (radius + middle.magnitude * BinaryBall.unit + BinaryBall.least) * BinaryBall.slack
  }

  init(exactly value: Double) {
    middle = value
    radius = 0
  }

  init(middle: Double, radius: Double) {
    self.middle = middle
    self.radius = radius
  }

  init(_ value: Fraction, _ precision: Precision) {
    func ball(_ integer: BigInt) -> BinaryBall {
      // The conversion of a BigInt is taken to be right to one unit, not to half of one.
      let middle = Double(integer)
      return BinaryBall(
        middle: middle, radius: integer.magnitude.bitWidth <= 53 ? 0 : middle.magnitude * 0x1p-52)
    }
    self = ball(value.numerator) / ball(value.denominator)
  }

  static func naturalLogarithmOf2(_ precision: Precision) -> BinaryBall {
    BinaryBall(middle: 0.6931471805599453, radius: 0x1p-54)
  }
  static func pi(_ precision: Precision) -> BinaryBall { BinaryBall(middle: Double.pi, radius: 0x1p-52) }

  static prefix func - (a: BinaryBall) -> BinaryBall { BinaryBall(middle: -a.middle, radius: a.radius) }
  static func + (a: BinaryBall, b: BinaryBall) -> BinaryBall {
    BinaryBall(a.middle + b.middle, operands: a.radius + b.radius)
  }
  static func - (a: BinaryBall, b: BinaryBall) -> BinaryBall {
    BinaryBall(a.middle - b.middle, operands: a.radius + b.radius)
  }
  static func * (a: BinaryBall, b: BinaryBall) -> BinaryBall {
    BinaryBall(
      a.middle * b.middle,
      operands: a.middle.magnitude * b.radius + b.middle.magnitude * a.radius + a.radius * b.radius)
  }
  static func / (a: BinaryBall, b: BinaryBall) -> BinaryBall {
    let quotient = a.middle / b.middle
    let gap = b.middle.magnitude - b.radius
    return BinaryBall(
      quotient, operands: gap > 0 ? (a.radius + quotient.magnitude * b.radius) / gap * slack : .infinity)
  }
  func divided(by divisor: Int) -> BinaryBall { self / BinaryBall(exactly: Double(divisor)) }
  func scaled(_ exponent: Int) -> BinaryBall {
    BinaryBall(
      Double(sign: .plus, exponent: exponent, significand: middle),
      operands: Double(sign: .plus, exponent: exponent, significand: radius))
  }
  func squareRoot() -> BinaryBall {
    // The derivative is at most 1 from 1/4 on.
    BinaryBall(middle.squareRoot(), operands: radius)
  }
  func widened(by other: BinaryBall) -> BinaryBall {
    BinaryBall(
      middle: middle,
      radius: (radius + other.middle.magnitude + other.radius) * BinaryBall.slack)
  }

  var isNegligible: Bool { !(middle.magnitude > 0x1p-60) }
  var approximation: Double { middle }
  static func bits(_ precision: Precision) -> Int { 60 }
}

/// A middle and a radius in units of 2^−bits.
struct FixedBall: Enclosure {
  let middle: BigInt
  let radius: BigInt
  let bits: Int

  init(middle: BigInt, radius: BigInt, bits: Int) {
    self.middle = middle
    self.radius = radius
    self.bits = bits
  }

  init(_ value: Fraction, _ bits: Int) {
    let (quotient, remainder) = value.scaled(bits).numeratorOverDenominator
    self.init(middle: quotient, radius: remainder == 0 ? 0 : 1, bits: bits)
  }

  /// ln 2 = 18 artanh 1/26 − 2 artanh 1/4801 + 8 artanh 1/8749.
  static func naturalLogarithmOf2(_ bits: Int) -> FixedBall {
    constant(bits, in: logarithms) {
      func term(_ factor: Int, _ divisor: Int) -> FixedBall {
        arctangent(of: divisor, bits, alternating: false).times(factor)
      }
      return term(18, 26) - term(2, 4801) + term(8, 8749)
    }
  }

  /// Machin's formula: π = 16 arctan 1/5 − 4 arctan 1/239.
  static func pi(_ bits: Int) -> FixedBall {
    constant(bits, in: pis) {
      arctangent(of: 5, bits, alternating: true).times(16)
        - arctangent(of: 239, bits, alternating: true).times(4)
    }
  }

  /// Computed constants, by bits.
  private typealias Cache = Mutex<[Int: FixedBall]>
  private static let logarithms = Cache([:])
  private static let pis = Cache([:])

  private static func constant(_ bits: Int, in cache: borrowing Cache, _ compute: () -> FixedBall)
    -> FixedBall
  {
    if let known = cache.withLock({ $0[bits] }) { return known }
    let value = compute()
    cache.withLock { $0[bits] = value }
    return value
  }

  private func times(_ factor: Int) -> FixedBall {
    FixedBall(middle: middle * BigInt(factor), radius: radius * BigInt(factor), bits: bits)
  }

  /// arctan or artanh of 1/divisor by its power series, for a divisor of at least 3.
  private static func arctangent(of divisor: Int, _ bits: Int, alternating: Bool) -> FixedBall {
    var power = (BigInt(1) << bits) / BigInt(divisor)
    var sum = BigInt(0)
    var terms = 0
    while power != 0 {
      let term = power / BigInt(2 * terms + 1)
      sum += alternating && terms & 1 == 1 ? -term : term
      power /= BigInt(divisor * divisor)
      terms += 1
    }
    // Each power is at most 9/8 units too small, each term one more; the rest of the series is below one unit.
    return FixedBall(middle: sum, radius: BigInt(3 * terms + 1), bits: bits)
  }

  static prefix func - (a: FixedBall) -> FixedBall {
    FixedBall(middle: -a.middle, radius: a.radius, bits: a.bits)
  }
  static func + (a: FixedBall, b: FixedBall) -> FixedBall {
    FixedBall(middle: a.middle + b.middle, radius: a.radius + b.radius, bits: a.bits)
  }
  static func - (a: FixedBall, b: FixedBall) -> FixedBall { a + -b }
  static func * (a: FixedBall, b: FixedBall) -> FixedBall {
    let spread =
      BigInt(a.middle.magnitude) * b.radius + BigInt(b.middle.magnitude) * a.radius + a.radius * b.radius
    return FixedBall(
      middle: (a.middle * b.middle).floorShifted(right: a.bits),
      radius: spread.floorShifted(right: a.bits) + 2, bits: a.bits)
  }
  /// - Requires: b excludes 0.
  static func / (a: FixedBall, b: FixedBall) -> FixedBall {
    let gap = BigInt(b.middle.magnitude) - b.radius
    precondition(gap > 0, "division by an enclosure of 0")
    let quotient = (a.middle << a.bits) / b.middle
    let spread = (a.radius << a.bits) + (BigInt(quotient.magnitude) + 1) * b.radius
    return FixedBall(middle: quotient, radius: spread / gap + 2, bits: a.bits)
  }
  func divided(by divisor: Int) -> FixedBall {
    FixedBall(middle: middle / BigInt(divisor), radius: radius / BigInt(divisor) + 2, bits: bits)
  }
  func scaled(_ exponent: Int) -> FixedBall {
    if exponent >= 0 { return FixedBall(middle: middle << exponent, radius: radius << exponent, bits: bits) }
    return FixedBall(
      middle: middle.floorShifted(right: -exponent), radius: radius.floorShifted(right: -exponent) + 2,
      bits: bits)
  }
  func squareRoot() -> FixedBall {
    FixedBall(
      middle: BigInt((middle << bits).magnitude.squareRoot()), radius: radius + 2, bits: bits)
  }
  func widened(by other: FixedBall) -> FixedBall {
    FixedBall(middle: middle, radius: radius + BigInt(other.middle.magnitude) + other.radius, bits: bits)
  }

  var isNegligible: Bool { middle.magnitude <= 2 }
  var approximation: Double {
    let excess = max(0, middle.magnitude.bitWidth - 64)
    return Double(
      sign: .plus, exponent: excess - bits, significand: Double(middle.floorShifted(right: excess).int128))
  }
  static func bits(_ precision: Int) -> Int { precision }
}

extension Fraction {
  fileprivate var numeratorOverDenominator: (quotient: BigInt, remainder: BigInt) {
    numerator.floorDivided(by: denominator)
  }
}
