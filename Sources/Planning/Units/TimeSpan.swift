import Diagnostics
import FixedPoint

/// A budget of time, exact: nanoseconds, or cycles of whatever clock the design gets.
public enum TimeSpan: Hashable, Sendable, CustomStringConvertible {
  case nanoseconds(Rational)
  case cycles(Int)

  /// The time between bunch crossings of the LHC, in nanoseconds: the default of `--bx`.
  public static let defaultBunchCrossing = Rational(25)

  /// Reads `100ns`, `0.5us`, `750ps`, `20cycles`, `4bx`.
  ///
  /// - Parameters:
  ///   - option: the option that the text belongs to, for errors.
  ///   - bunchCrossing: nanoseconds of one `bx`.
  /// - Throws: C001 for other forms and units; C003 for nothing at all; C004 for too many digits.
  public init(
    parsing text: String, option: String, bunchCrossing: Rational = defaultBunchCrossing
  ) throws(CompilationFailed) {
    func malformed(_ notes: [String] = []) -> CompilationFailed {
      let usual = "write a number and one of ns, us, ps, cycles, bx, such as 100ns or 20cycles"
      return CompilationFailed(
        "C001", "'\(text)' is not a length of time", at: .option(option), notes: notes + [usual])
    }
    guard let quantity = Quantity(parsing: text) else { throw malformed() }
    if quantity.number.numerator == 0 {
      throw CompilationFailed("C003", "'\(text)' leaves no time at all", at: .option(option))
    }
    switch quantity.unit {
    case "ps": self = .nanoseconds(try quantity.number.over(Rational(1000), option: option))
    case "ns": self = .nanoseconds(quantity.number)
    case "us": self = .nanoseconds(try quantity.number.times(Rational(1000), option: option))
    case "bx": self = .nanoseconds(try quantity.number.times(bunchCrossing, option: option))
    case "cycle", "cycles":
      guard quantity.number.denominator == 1, quantity.number <= Rational(1_000_000) else {
        throw malformed(["cycles are whole, at most a million"])
      }
      self = .cycles(Int(quantity.number.numerator))
    default: throw malformed()
    }
  }

  /// Whole cycles of a clock that fit: floor(time / period), at most a million.
  ///
  /// - Parameter period: nanoseconds.
  public func cycles(period: Rational) -> Int {
    switch self {
    case .cycles(let count): return count
    case .nanoseconds(let time):
      guard let ratio = try? time.divided(by: period) else { return 0 }
      return Int(min(ratio.floor, 1_000_000))
    }
  }

  /// Nanoseconds at a clock period.
  public func nanoseconds(period: Rational) -> Double {
    switch self {
    case .cycles(let count): Double(count) * period.doubleValue
    case .nanoseconds(let time): time.doubleValue
    }
  }

  public var description: String {
    switch self {
    case .cycles(let count): count == 1 ? "1 cycle" : "\(count) cycles"
    case .nanoseconds(let time): "\(time.decimal) ns"
    }
  }
}

extension Rational {
  /// The value in decimal digits: exact where three digits after the point suffice, rounded down to them otherwise.
  public var decimal: String {
    (try? multiplied(by: Rational(1000)).floor).map(Rational.thousandths) ?? description
  }

  /// As `decimal`, but rounded up: of the least budget that suffices.
  public var decimalUp: String {
    (try? multiplied(by: Rational(-1000)).floor).map { Rational.thousandths(-$0) } ?? description
  }

  private static func thousandths(_ count: Int128) -> String {
    let (whole, rest) = (count.magnitude / 1000, count.magnitude % 1000)
    let sign = count < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    var digits = String(1000 + rest).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(sign)\(whole).\(digits)"
  }
}
