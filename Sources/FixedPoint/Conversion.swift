extension Rounding {
  /// raw / 2^count rounded to an integer. A count of 0 or less multiplies by 2^−count, exactly.
  ///
  /// - Requires: |raw| < 2^126, and the result fits Int128 (intervals of at most 122 bits guarantee it).
  public func shift(_ raw: Int128, right count: Int) -> Int128 {
    if count <= 0 { return raw << Int128(-count) }
    // From 127 on, every count gives the same: the magnitude is below half of the new unit.
    let count = Int128(min(count, 127))
    let floor = raw >> count
    let rest = raw & (Int128.max >> (127 - count))
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
    let reachable = reachableRange
    if reachable.contains(raw) { return raw }
    switch overflow {
    case .wrap: return reachable.wrap(raw)
    case .sat, .satSym: return raw < reachable.lower ? reachable.lower : reachable.upper
    case .satZero: return 0
    }
  }

  /// The raw integer of the value raw · 2^exponent converted into this type: rounding, then overflow.
  ///
  /// - Requires: |raw| < 2^126.
  public func convert(_ raw: Int128, exponent: Int) -> Int128 {
    if let rounded = rounded(raw, exponent: exponent) { return reduce(rounded) }
    // A multiple of 2^lift, with zeros below, that Int128 cannot hold: far beyond the range.
    if overflow != .wrap { return reduce(raw < 0 ? rawRange.lower - 1 : rawRange.upper + 1) }
    let lift = exponent - self.exponent
    return lift >= width ? 0 : reduce((raw & ((Int128(1) << (width - lift)) - 1)) << lift)
  }

  /// The raw integer of a binary64 value converted into this type, or nil for NaN and infinities.
  public func convert(_ value: Double) -> Int128? {
    if value == 0 { return 0 }
    guard let (significand, power) = value.integerSignificand else { return nil }
    return convert(significand, exponent: power)
  }

  /// The value that a raw integer of this type stands for; exact up to 53 significant bits.
  public func value(_ raw: Int128) -> Double {
    Double(sign: .plus, exponent: exponent, significand: Double(nearest: raw))
  }

  /// The range of the results when every value of a format is converted into this type.
  ///
  /// Both bounds are reached, except where the values wrap around an end of the type's range: then the result is the
  /// whole range.
  public func convert(_ format: Format) -> Interval {
    let reachable = reachableRange
    let low = rounded(format.range.lower, exponent: format.exponent)
    let high = rounded(format.range.upper, exponent: format.exponent)
    switch overflow {
    case .wrap:
      guard let low, let high else { return rawRange }
      let (first, last) = (reduce(low), reduce(high))
      return last - first == high - low ? Interval(first, last) : rawRange
    case .sat, .satSym:
      return Interval(
        convert(format.range.lower, exponent: format.exponent),
        convert(format.range.upper, exponent: format.exponent))
    case .satZero:
      if let low, let high, reachable.contains(low), reachable.contains(high) { return Interval(low, high) }
      // Something overflows and becomes 0; what does not are the multiples of the format's unit inside the range.
      let lift = Int128(max(0, format.exponent - exponent))
      if lift > Int128(width) { return .zero }
      let least = -(((-reachable.lower) >> lift) << lift)
      let greatest = (reachable.upper >> lift) << lift
      let bottom = low.map { max($0, least) } ?? (format.range.lower < 0 ? least : greatest + 1)
      let top = high.map { min($0, greatest) } ?? (format.range.upper < 0 ? least - 1 : greatest)
      return bottom <= top ? Interval(min(bottom, 0), max(top, 0)) : .zero
    }
  }

  /// The value raw · 2^exponent rounded to this type's exponent, or nil where that exceeds 2^126.
  private func rounded(_ raw: Int128, exponent: Int) -> Int128? {
    let lift = exponent - self.exponent
    if lift <= 0 { return rounding.shift(raw, right: -lift) }
    return raw == 0 || raw.magnitude.leadingZeroBitCount - 2 >= lift ? raw << Int128(lift) : nil
  }
}

extension Double {
  /// The nearest binary64 number to an integer. The standard library's own conversion of Int128 is generic code that
  /// takes a hundred times as long as that of Int64, which nearly all raw integers fit.
  public init(nearest raw: Int128) {
    let low = Int64(truncatingIfNeeded: raw)
    self = Int128(low) == raw ? Double(low) : Double(raw)
  }
}
