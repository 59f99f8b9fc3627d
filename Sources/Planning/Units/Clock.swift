import Diagnostics
import FixedPoint

/// The clock that the user asks for.
public enum Clock: Hashable, Sendable, CustomStringConvertible {
  /// Nanoseconds, exact.
  case period(Rational)
  /// As fast as the stages that the latency permits make it.
  case fastest

  /// 200 MHz.
  public static let standard = Clock.period(Rational(5))

  /// Reads a period (`5ns`, `2500ps`), a frequency (`200MHz`, `0.36 GHz`, `9/bx`) or `max`.
  ///
  /// - Parameters:
  ///   - option: the option that the text belongs to, for errors.
  ///   - bunchCrossing: nanoseconds of one `bx`.
  /// - Throws: C002 for other forms; C003 for a frequency or period of 0; C004 for too many digits.
  public init(
    parsing text: String, option: String = "--clock", bunchCrossing: Rational = TimeSpan.defaultBunchCrossing
  ) throws(CompilationFailed) {
    if text == "max" {
      self = .fastest
      return
    }
    guard let quantity = Quantity(parsing: text) else { throw Clock.malformed(text, option) }
    let number = quantity.number
    guard number.numerator != 0 else {
      throw CompilationFailed("C003", "'\(text)' is no clock: it never ticks", at: .option(option))
    }
    switch quantity.unit {
    case "ps": self = .period(try number.over(Rational(1000), option: option))
    case "ns": self = .period(number)
    case "us": self = .period(try number.times(Rational(1000), option: option))
    case "kHz": self = .period(try Rational(1_000_000).over(number, option: option))
    case "MHz": self = .period(try Rational(1000).over(number, option: option))
    case "GHz": self = .period(try Rational(1).over(number, option: option))
    case "/bx": self = .period(try bunchCrossing.over(number, option: option))
    default: throw Clock.malformed(text, option)
    }
  }

  private static func malformed(_ text: String, _ option: String) -> CompilationFailed {
    CompilationFailed(
      "C002", "'\(text)' is not a clock", at: .option(option),
      notes: ["write a period such as 5ns, a frequency such as 200MHz or 9/bx, or max"])
  }

  public var description: String {
    switch self {
    case .fastest: "max"
    case .period(let period): "\(period.decimal) ns"
    }
  }
}
