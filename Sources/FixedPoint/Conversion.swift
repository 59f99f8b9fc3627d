extension Rounding {
  /// raw / 2^count rounded to an integer. A count of 0 or less multiplies by 2^−count, exactly.
  ///
  /// - Requires: the result fits Int128 (intervals of at most 120 bits and widths guarantee it).
  public func shift(_ raw: Int128, right count: Int) -> Int128 {
    if count <= 0 { return raw << -count }
    // Beyond all bits: the magnitude, at most 2^120, is below half of the new unit.
    if count >= 124 { return self == .trn && raw < 0 ? -1 : 0 }
    let floor = raw >> count
    let rest = raw & ((Int128(1) << count) - 1)
    if rest == 0 { return floor }
    let half = Int128(1) << (count - 1)
    let up: Bool
    switch self {
    case .trn: up = false
    case .trnZero: up = raw < 0
    case .rnd: up = rest >= half
    case .rndMinInf: up = rest > half
    case .rndInf: up = raw < 0 ? rest > half : rest >= half
    case .rndZero: up = raw < 0 ? rest >= half : rest > half
    case .rndConv: up = rest > half || (rest == half && floor & 1 == 1)
    }
    return up ? floor + 1 : floor
  }
}

extension FixedType {
  /// Brings a raw integer of this type's exponent into the type's range, by its overflow mode.
  public func reduce(_ raw: Int128) -> Int128 {
    let range = rawRange
    if range.contains(raw) && !(overflow == .satSym && raw < reachableRange.lower) { return raw }
    if width == 0 { return 0 }
    switch overflow {
    case .wrap:
      let low = raw & ((Int128(1) << width) - 1)
      return isSigned && low > range.upper ? low - (Int128(1) << width) : low
    case .sat: return raw < range.lower ? range.lower : range.upper
    case .satZero: return 0
    case .satSym: return raw < 0 ? reachableRange.lower : range.upper
    }
  }

  /// The raw integer of the value raw · 2^exponent converted into this type: rounding, then overflow.
  public func convert(_ raw: Int128, exponent: Int) -> Int128 {
    let lift = exponent - self.exponent
    if lift <= 0 { return reduce(rounding.shift(raw, right: -lift)) }
    if raw == 0 { return 0 }
    if raw.magnitude.leadingZeroBitCount - 2 >= lift { return reduce(raw << lift) }
    // The value is a multiple of 2^lift that Int128 cannot hold; its low bits are zeros.
    if overflow == .wrap {
      return lift >= width ? 0 : reduce((raw & ((Int128(1) << (width - lift)) - 1)) << lift)
    }
    return reduce(raw < 0 ? rawRange.lower - 1 : rawRange.upper + 1)
  }

  /// The raw integer of a binary64 value converted into this type, or nil for NaN and infinities.
  public func convert(_ value: Double) -> Int128? {
    if value == 0 { return 0 }
    guard let (significand, power) = value.integerSignificand else { return nil }
    return convert(significand, exponent: power)
  }

  /// The value that a raw integer of this type stands for; exact up to 53 significant bits.
  public func value(_ raw: Int128) -> Double {
    Double(raw) * Double(sign: .plus, exponent: exponent, significand: 1)
  }

  /// The exact range of the results when every value of a format is converted into this type, or a
  /// range that contains it where the conversion wraps.
  public func convert(_ format: Format) -> Interval {
    let low = rounded(format.range.lower, exponent: format.exponent)
    let high = rounded(format.range.upper, exponent: format.exponent)
    if let low, let high, reachableRange.contains(Interval(low, high)) { return Interval(low, high) }
    switch overflow {
    case .wrap: return rawRange
    case .sat, .satSym:
      let bottom = reachableRange.lower
      let top = reachableRange.upper
      return Interval(
        low.map { min(max($0, bottom), top) } ?? (format.range.lower < 0 ? bottom : top),
        high.map { min(max($0, bottom), top) } ?? (format.range.upper < 0 ? bottom : top))
    case .satZero: return rawRange
    }
  }

  /// The value raw · 2^exponent rounded to this type's exponent, or nil where Int128 cannot hold it.
  private func rounded(_ raw: Int128, exponent: Int) -> Int128? {
    let lift = exponent - self.exponent
    if lift <= 0 { return rounding.shift(raw, right: -lift) }
    return raw == 0 || raw.magnitude.leadingZeroBitCount - 2 >= lift ? raw << lift : nil
  }
}
