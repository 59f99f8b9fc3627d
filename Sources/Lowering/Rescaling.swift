import Circuit
import FixedPoint

/// floor((raw · factor + offset) / 2^shift): multiplication by a fraction and rounding, on integers.
struct Rescaling: Hashable {
  var factor: Int128
  var offset: Int128
  var shift: Int

  /// The rescaling with the fewest fraction bits that equals round(raw · unit), in steps of a type, for every raw integer
  /// of a range whose result the type can hold, and lies on the same side of the type beyond it.
  ///
  /// A factor m / 2^k and an offset b fit if for every raw integer r with result f(r) the inequalities
  /// f(r) · 2^k ≤ m·r + b < (f(r) + 1) · 2^k hold; both are linear in b, so each k and m needs one pass.
  ///
  /// - Throws: `WidthOverflow` if none with up to 48 fraction bits does, or the range holds more than 2^20 integers.
  init(_ range: Interval, unit: Unit, type: FixedType) throws(WidthOverflow) {
    // Two bits wider on both sides: the rounded value before overflow, clamped where it no longer matters.
    var wide = type
    wide.width += 2
    wide.integerBits += 2
    wide.isSigned = true
    wide.overflow = .sat
    let limit = wide.rawRange
    let ratio = try unit.factor.multiplied(by: Rescaling.power(unit.exponent - type.exponent))
    guard let count = range.count, count <= 1 << 20 else {
      self = try Rescaling(range, ratio: ratio, rounding: type.rounding)
      return
    }
    var samples: [(raw: Int128, result: Int128)] = []
    samples.reserveCapacity(count)
    for i in 0..<count {
      let raw = range.lower + Int128(i)
      let result = try wide.convert(raw, unit: unit)
      // Beyond the type every greater value will do, unless it wraps.
      if result > limit.lower && result < limit.upper { samples.append((raw, result)) }
    }
    let isComplete = samples.count == count
    if type.overflow == .wrap && !isComplete { throw WidthOverflow() }
    for shift in 0...48 {
      let scaled = try ratio.multiplied(by: Rational(Int128(1) << shift))
      for factor in [scaled.floor, scaled.floor + 1] where factor > 0 {
        var low = Int128.min
        var high = Int128.max
        for (raw, result) in samples {
          low = max(low, (result << shift) - factor * raw)
          high = min(high, ((result + 1) << shift) - 1 - factor * raw)
          if low > high { break }
        }
        if low <= high {
          self.factor = factor
          self.shift = shift
          // The offset of least magnitude: 0 where that fits.
          offset = min(max(0, low), high)
          return
        }
      }
    }
    throw WidthOverflow()
  }

  /// The rescaling for ranges too large to try, from the bound on its error: with A/C the factor and B/C the offset of
  /// floor((A·raw + B) / C), a factor ⌈A·2^k / C⌉ gives the same integers for R + 1 successive operands once
  /// 2^k >= C · (R + 1) (Granlund and Montgomery, Division by Invariant Integers using Multiplication, 1994).
  private init(_ range: Interval, ratio: Rational, rounding: Rounding) throws(WidthOverflow) {
    let (p, q) = (ratio.numerator, ratio.denominator)
    // Halves occur for even denominators only.
    let hasTies = q & 1 == 0
    let (a, b, c): (Int128, Int128, Int128)
    switch rounding {
    case .trn: (a, b, c) = (p, 0, q)
    case .rnd: (a, b, c) = (2 * p, q, 2 * q)
    case .rndMinInf: (a, b, c) = (2 * p, q - 1, 2 * q)
    case .rndConv, .rndInf, .rndZero:
      if hasTies { throw WidthOverflow() }
      (a, b, c) = (2 * p, q, 2 * q)
    case .trnZero: throw WidthOverflow()
    }
    let span = try Interval(c).scaled(by: range.upper - range.lower + 1).upper
    let shift = Interval(0, span).width
    let first = try Interval(a).scaled(by: range.lower).adding(Interval(b)).lower
    let whole = first >= 0 ? first / c : -((c - 1 - first) / c)
    let rest = first - whole * c
    func scaled(_ value: Int128) throws(WidthOverflow) -> Int128 {
      try (Interval(value).shifted(left: shift).lower + c - 1) / c
    }
    factor = try scaled(a)
    self.shift = shift
    offset = try Interval(whole).shifted(left: shift).adding(Interval(scaled(rest))).subtracting(
      Interval(factor).scaled(by: range.lower)
    ).lower
  }

  private static func power(_ exponent: Int) throws(WidthOverflow) -> Rational {
    guard exponent.magnitude <= 100 else { throw WidthOverflow() }
    let power = Int128(1) << exponent.magnitude
    return exponent >= 0 ? Rational(power) : Rational(1, power)
  }
}

extension NodeLowering {
  /// round(raw · unit) in steps of a type, before overflow.
  mutating func rescale(_ value: Value, unit: Unit, to type: FixedType, _ origin: Int) throws(WidthOverflow)
    -> Value
  {
    let rescaling = try Rescaling(builder.range(value), unit: unit, type: type)
    let product = try multiply(value, by: rescaling.factor, plus: rescaling.offset, origin)
    return builder.slice(product, low: rescaling.shift, origin: origin)
  }
}
