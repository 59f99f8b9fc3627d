import Diagnostics
import FixedPoint

/// A number with a unit as the command line spells it: `100ns`, `1.5 us`, `200MHz`, `9/bx`.
struct Quantity {
  let number: Rational
  let unit: String

  /// Reads an unsigned decimal number and the unit that follows it, both exactly.
  ///
  /// - Returns: nil where the text has another form, or more than 18 digits.
  init?(parsing text: String) {
    let compact = text.filter { !$0.isWhitespace }
    let digits = compact.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), digits.count <= 18, let whole = Int128(parts[0]) else { return nil }
    var number = Rational(whole)
    if parts.count == 2 {
      guard let fraction = Int128(parts[1]) else { return nil }
      let scale = parts[1].reduce(Int128(1)) { scale, _ in scale * 10 }
      number = Rational(whole * scale + fraction, scale)
    }
    self.number = number
    unit = String(compact.dropFirst(digits.count))
  }
}

extension Rational {
  /// The product, or a located error where it cannot be held exactly.
  func times(_ factor: Rational, option: String) throws(CompilationFailed) -> Rational {
    do {
      return try multiplied(by: factor)
    } catch {
      throw CompilationFailed("C004", "a value has too many digits", at: .option(option))
    }
  }

  /// The quotient, or a located error where it cannot be held exactly.
  func over(_ divisor: Rational, option: String) throws(CompilationFailed) -> Rational {
    try times(Rational(divisor.denominator, divisor.numerator), option: option)
  }
}
