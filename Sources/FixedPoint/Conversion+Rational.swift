extension Rounding {
  /// numerator / denominator rounded to an integer.
  ///
  /// - Requires: denominator > 0.
  func divide(_ numerator: Int128, by denominator: Int128) -> Int128 {
    var floor = numerator / denominator
    var rest = numerator % denominator
    if rest < 0 {
      rest += denominator
      floor -= 1
    }
    if rest == 0 { return floor }
    // Compares the fraction with one half without doubling, which could overflow.
    let below = denominator - rest
    let isTie = rest == below
    let isAboveHalf = rest > below
    let up: Bool
    switch self {
    case .trn: up = false
    case .trnZero: up = numerator < 0
    case .rnd: up = isAboveHalf || isTie
    case .rndMinInf: up = isAboveHalf
    case .rndInf: up = isAboveHalf || (isTie && numerator > 0)
    case .rndZero: up = isAboveHalf || (isTie && numerator < 0)
    case .rndConv: up = isAboveHalf || (isTie && floor & 1 == 1)
    }
    return up ? floor + 1 : floor
  }
}

extension FixedType {
  /// The raw integer of the value raw · unit converted into this type: rounding, then overflow.
  ///
  /// - Throws: `WidthOverflow` where the exact quotient needs more than 127 bits on the way.
  public func convert(_ raw: Int128, unit: Unit) throws(WidthOverflow) -> Int128 {
    if unit.factor == .one { return convert(raw, exponent: unit.exponent) }
    let shift = unit.exponent - exponent
    let scaled = raw.multipliedReportingOverflow(by: unit.factor.numerator)
    if scaled.overflow { throw WidthOverflow() }
    if shift >= 0 {
      let lifted = try Interval.checked(scaled.partialValue).shifted(left: shift)
      return reduce(rounding.divide(lifted.lower, by: unit.factor.denominator))
    }
    let divisor = try Interval.checked(unit.factor.denominator).shifted(left: -shift)
    return reduce(rounding.divide(scaled.partialValue, by: divisor.lower))
  }
}

extension Interval {
  /// The interval of a single value, which may be beyond ±2^120.
  static func checked(_ value: Int128) throws(WidthOverflow) -> Interval {
    if value.magnitude > UInt128(1) << maximumBits { throw WidthOverflow() }
    return Interval(value)
  }
}

extension FixedType {
  /// The exact range of the results when every raw integer of a range, worth `unit` each, is converted into this type,
  /// or a range that contains it where the conversion wraps or zeroes.
  public func convert(_ range: Interval, unit: Unit) throws(WidthOverflow) -> Interval {
    if unit.factor == .one { return convert(Format(range, exponent: unit.exponent)) }
    // Clamped to one step beyond either end: enough to tell whether anything leaves the type.
    var wide = self
    wide.overflow = .sat
    wide.width += 2
    wide.integerBits += 2
    wide.isSigned = true
    let low = try wide.convert(range.lower, unit: unit)
    let high = try wide.convert(range.upper, unit: unit)
    let reachable = reachableRange
    if reachable.contains(Interval(low, high)) { return Interval(low, high) }
    switch overflow {
    case .wrap, .satZero: return rawRange
    case .sat, .satSym:
      return Interval(
        min(max(low, reachable.lower), reachable.upper), min(max(high, reachable.lower), reachable.upper))
    }
  }
}
