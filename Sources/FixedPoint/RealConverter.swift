/// Converts binary64 values into one fixed-point type: the same as `FixedType.convert`, made for many values.
public struct RealConverter: Sendable {
  public let type: FixedType
  /// Nil where the type is too wide for the quick way.
  private let quick: Quick?

  /// What conversions of moderate values into a type of moderate width need.
  private struct Quick: Sendable {
    /// 2^−exponent: products with it are exact.
    var factor: Double
    /// 2^exponent, whose products with raw integers are exact.
    var step: Double
    var lower: Int64
    var upper: Int64
  }

  public init(_ type: FixedType) {
    self.type = type
    let range = type.reachableRange
    guard type.width <= 50, abs(type.exponent) <= 200 else {
      quick = nil
      return
    }
    quick = Quick(
      factor: Double(sign: .plus, exponent: -type.exponent, significand: 1),
      step: Double(sign: .plus, exponent: type.exponent, significand: 1), lower: Int64(range.lower),
      upper: Int64(range.upper))
  }

  /// The raw integer of a value, and whether it wrapped around; nil for NaN and infinities.
  @inline(__always)
  public func convert(_ value: Double) -> (raw: Int128, hasWrapped: Bool)? {
    if value == 0 { return (0, false) }
    // Below 2^51 steps, floor and rest are exact; from 2^-700 on, the product is.
    guard let quick, abs(value) > 0x1p-700, abs(value * quick.factor) < 0x1p51 else { return exactly(value) }
    let steps = value * quick.factor
    // The floor and what is above it, which lies in 0..<1 or, a step lower, in -1..<0.
    var floor = Int64(steps)
    let rest = steps - Double(floor)
    if rest < 0 { floor -= 1 }
    if rest != 0 && isRoundedUp(floor, rest: rest, half: rest < 0 ? -0.5 : 0.5) { floor += 1 }
    if quick.lower <= floor && floor <= quick.upper { return (Int128(floor), false) }
    return (type.reduce(Int128(floor)), type.overflow == .wrap)
  }

  /// The value of the type that a value becomes; nil for NaN and infinities.
  @inline(__always)
  public func value(_ value: Double) -> Double? {
    guard let raw = convert(value)?.raw else { return nil }
    // Of types for the quick way this is the same product.
    guard let quick else { return type.value(raw) }
    return Double(Int64(truncatingIfNeeded: raw)) * quick.step
  }

  /// Converts values and puts their raw integers into `raw` from `start` on.
  ///
  /// - Parameter converters: one for all values, or one for each.
  /// - Returns: whether a value wrapped around. NaN and infinities become 0.
  public static func convert(
    _ values: ArraySlice<Double>, _ converters: [RealConverter], to raw: inout [Int128], from start: Int
  ) -> Bool {
    var hasWrapped = false
    if let first = converters.first, converters.count == 1 {
      var position = start
      for value in values {
        let result = first.convert(value) ?? (0, false)
        raw[position] = result.raw
        hasWrapped = hasWrapped || result.hasWrapped
        position += 1
      }
    } else {
      for (offset, value) in values.enumerated() {
        let result = converters[offset].convert(value) ?? (0, false)
        raw[start + offset] = result.raw
        hasWrapped = hasWrapped || result.hasWrapped
      }
    }
    return hasWrapped
  }

  @inline(__always)
  private func isRoundedUp(_ floor: Int64, rest: Double, half: Double) -> Bool {
    switch type.rounding {
    case .trn: false
    case .trnZero: floor < 0
    case .rnd: rest >= half
    case .rndMinInf: rest > half
    case .rndInf: floor < 0 ? rest > half : rest >= half
    case .rndZero: floor < 0 ? rest >= half : rest > half
    case .rndConv: rest > half || (rest == half && floor & 1 == 1)
    }
  }

  private func exactly(_ value: Double) -> (raw: Int128, hasWrapped: Bool)? {
    guard let raw = type.convert(value) else { return nil }
    guard type.overflow == .wrap else { return (raw, false) }
    var saturating = type
    saturating.overflow = .sat
    return (raw, saturating.convert(value) != raw)
  }
}
