import BigInt
import FixedPoint

extension Function {
  /// The correctly rounded value at raw · 2^exponent · scale: what the exact value becomes when it is converted into the
  /// type, by its rounding and overflow. A pole becomes the end of the type's range on its side, or 0 by `SAT_ZERO`;
  /// of 1/x and 1/√x at 0 that is the upper end.
  ///
  /// The parameters of a function count as the exact binary64 numbers; only slope and offset of `hardSigmoid` as the
  /// simplest fractions that are written so (1/5, 1/6).
  ///
  /// - Returns: the raw integer of the type, or nil where the function is not defined.
  /// - Throws: `WidthOverflow` where an exponential that wraps has more than about 6000 bits.
  public func rounded(
    at raw: Int128, exponent: Int, scale: Rational = .one, to type: FixedType
  ) throws(WidthOverflow) -> Int128? {
    var rounder = FunctionRounder(self, unit: Fraction(scale).scaled(exponent), type)
    return try rounder.rounded(at: raw)
  }

  /// The correctly rounded values at all raw integers of a format, from the least to the greatest, each worth
  /// 2^exponent · scale; see `rounded`.
  ///
  /// - Throws: `WidthOverflow` for more than 2^16 entries as well.
  public func table(
    for format: Format, scale: Rational = .one, result type: FixedType
  ) throws(WidthOverflow) -> [Int128?] {
    guard let count = format.range.count, count <= 1 << 16 else { throw WidthOverflow() }
    var rounder = FunctionRounder(self, unit: Fraction(scale).scaled(format.exponent), type)
    var entries: [Int128?] = []
    entries.reserveCapacity(count)
    for raw in format.range.lower...format.range.upper {
      entries.append(try rounder.rounded(at: raw))
    }
    return entries
  }
}

/// Rounds values of one function into one type, keeping the constants of each precision.
///
/// Values are first enclosed in binary64, with a radius that bounds every error; that decides all but those that lie
/// within about 2^−45 of a rounding boundary, relative to the largest intermediate result. The others are decided exactly.
struct FunctionRounder {
  let function: Function
  /// What one step of a raw operand is worth.
  let unit: Fraction
  let type: FixedType
  private let quick: FunctionEnclosure<BinaryBall>
  private let quickUnit: BinaryBall
  /// By bits: 128, 256, 512, …
  private var enclosures: [Int: FunctionEnclosure<FixedBall>] = [:]

  init(_ function: Function, unit: Fraction, _ type: FixedType) {
    self.function = function
    self.unit = unit
    self.type = type
    quick = FunctionEnclosure(function, .init())
    quickUnit = BinaryBall(unit, .init())
  }

  /// Beyond it, exponentials are not computed.
  private static let largestExponent = Fraction(4096)

  /// The rounded value at raw · unit, nil where the function is not defined.
  mutating func rounded(at raw: Int128) throws(WidthOverflow) -> Int128? {
    if raw != 0, raw.magnitude < 1 << 53, !unit.isZero {
      let x = BinaryBall(exactly: Double(nearest: raw)) * quickUnit
      if let ball = quick.value(at: x, isNegative: (raw < 0) != unit.isNegative),
        let result = type.convert(ball)
      {
        return result
      }
    }
    return try roundedExactly(at: raw)
  }

  /// The same without binary64.
  mutating func roundedExactly(at raw: Int128) throws(WidthOverflow) -> Int128? {
    let x = Fraction(BigInt(exactly128: raw)) * unit
    switch function.exactValue(at: x) {
    case .undefined: return nil
    case .pole(let isNegative):
      if type.overflow == .satZero { return 0 }
      return isNegative ? type.reachableRange.lower : type.reachableRange.upper
    case .algebraic(let value): return type.convert(value)
    case .transcendental: return try transcendental(at: x)
    }
  }

  /// Beyond which enclosures are not made.
  private static func largestOperand(of function: Function) -> Fraction? {
    switch function {
    case .sinh, .cosh: largestExponent
    case .sin, .cos: Fraction(1 << 29)
    default: nil
    }
  }

  private mutating func transcendental(at x: Fraction) throws(WidthOverflow) -> Int128 {
    if case .exp = function, x > FunctionRounder.largestExponent {
      if type.overflow == .wrap { throw WidthOverflow() }
      return type.reduce(type.rawRange.upper + 1)
    }
    if let limit = FunctionRounder.largestOperand(of: function), x > limit || -x > limit {
      throw WidthOverflow()
    }
    if case .celu(let alpha) = function, x / Fraction(alpha) > FunctionRounder.largestExponent {
      throw WidthOverflow()
    }
    let bounds = function.strictBounds(at: x)
    // Enough for the type's unit and for the magnitude of x, with digits to spare; then twice as many until it is clear.
    var magnitude = x.numerator.magnitude.bitWidth - x.denominator.magnitude.bitWidth
    if case .log = function { magnitude = abs(magnitude) }
    let needed = 40 + max(0, -type.exponent) + max(0, magnitude)
    var bits = 128
    while bits < needed { bits *= 2 }
    while true {
      let enclosure = enclosures[bits] ?? FunctionEnclosure(function, bits)
      enclosures[bits] = enclosure
      guard let ball = enclosure.value(at: FixedBall(x, bits), isNegative: x.isNegative) else {
        preconditionFailure("\(function) has no enclosure")
      }
      var lower = ball.middle - ball.radius
      var upper = ball.middle + ball.radius
      if let bound = bounds.lower { lower = max(lower, bound.scaled(bits).floor) }
      if let bound = bounds.upper { upper = min(upper, bound.scaled(bits).ceiling) }
      // An irrational number between integers lies strictly between them: half a unit inside stands for all of it.
      let first = type.convert(2 * lower + 1, exponent: -bits - 1)
      if first == type.convert(2 * upper - 1, exponent: -bits - 1) { return first }
      bits *= 2
    }
  }
}

extension FixedType {
  /// The raw integer of a value in binary64, if every number in the ball has the same.
  fileprivate func convert(_ ball: BinaryBall) -> Int128? {
    // In halves of the unit, so that every mode's boundaries are integers.
    let halves = Double(sign: .plus, exponent: 1 - exponent, significand: ball.middle)
    let radius = Double(sign: .plus, exponent: 1 - exponent, significand: ball.radius) + 0x1p-1000
    guard halves.magnitude < 0x1p50, (halves - halves.rounded()).magnitude > radius else { return nil }
    return convert(2 * Int128(halves.rounded(.down)) + 1, exponent: exponent - 2)
  }

  fileprivate func convert(_ value: Surd) -> Int128 {
    let (floor, isExact) = value.floor(scaledBy: 2 - exponent)
    return convert(eighths: 2 * floor + (isExact ? 0 : 1))
  }

  /// The raw integer of the value raw · 2^exponent of any size.
  fileprivate func convert(_ raw: BigInt, exponent: Int) -> Int128 {
    let count = self.exponent - 2 - exponent
    let quarters = raw.floorShifted(right: count)
    let isExact = count <= 0 || quarters << count == raw
    return convert(eighths: 2 * quarters + (isExact ? 0 : 1))
  }

  /// The raw integer of a value in eighths of the unit, whose lowest bit only says that it is not a whole quarter.
  private func convert(eighths: BigInt) -> Int128 {
    if eighths.magnitude.bitWidth <= 125 { return convert(eighths.int128, exponent: exponent - 3) }
    let isNegative = eighths < 0
    if overflow == .wrap {
      let modulus = BigInt(1) << (width + 3)
      let low = eighths.floorDivided(by: modulus).remainder.int128
      return convert(isNegative ? low - Int128(1) << (width + 3) : low, exponent: exponent - 3)
    }
    return reduce(isNegative ? rawRange.lower - 1 : rawRange.upper + 1)
  }
}
