import FixedPoint
import Functions
import Graph

/// What a function's operand becomes so that its values can be enumerated: clipped where the rounded result no longer
/// changes, and rounded where it has too many digits.
struct NarrowedOperand {
  /// The operand's raw integers behind the conversion.
  var format: Format
  /// The conversion, nil where the operand is left as it is.
  var type: FixedType?
  /// Whether the operand had to be rounded by more than the result's steps permit.
  var isCoarse: Bool
  /// How far, in steps of `format`, the values that were there before are from the converted ones, clipping aside.
  var spread: Double
  /// The result's correctly rounded value at an end of the format where values beyond it were clipped: all of them have
  /// it too.
  var lowerEnd: Int128?
  var upperEnd: Int128?

  /// Tables hold every value up to here.
  static let mostEntries = 1 << 12
  /// Bits of the operand whose every value is looked at, to bound the error of pieces.
  static let mostBits = 17

  /// The largest distance of results from the function, in steps of the result, over all values that the operand stands
  /// for.
  ///
  /// - Parameter results: one for each raw integer of the format.
  func errorBound(_ results: [Int128], _ samples: FunctionSamples, _ type: FixedType) -> Double {
    var bound = 0.0
    for (i, result) in results.enumerated() {
      bound = max(bound, (Double(result) - samples.middles[i]).magnitude + samples.radii[i])
    }
    let rounding = type.rounding.isToNearest ? 0.5 : 1
    for (end, result) in [(lowerEnd, results.first), (upperEnd, results.last)] {
      if let end, let result { bound = max(bound, Double((result - end).magnitude) + rounding) }
    }
    // What these operations lost; no result is further away than its type is wide.
    let width = Double(type.rawRange.upper) - Double(type.rawRange.lower)
    return min(bound * (1 + 0x1p-50) + 0x1p-20, width)
  }
}

/// Narrows the operand of one function whose result is rounded into one type.
struct OperandNarrowing {
  let function: Function
  let type: FixedType

  /// - Parameters:
  ///   - range: the values of the operand.
  ///   - exponent: of the operand's grid; nil where its scale is not a power of two.
  ///   - mostBits: of the narrowed operand.
  func narrowed(
    _ range: ClosedRange<Double>, exponent: Int?, mostBits: Int = NarrowedOperand.mostBits
  ) throws(WidthOverflow) -> NarrowedOperand {
    var grid = exponent ?? (type.exponent - 6)
    // The search below needs raw integers of a size that it can compute with.
    while max(range.lowerBound.magnitude, range.upperBound.magnitude) > .power(grid + 60) { grid += 1 }
    let low = Int128((range.lowerBound / .power(grid)).rounded(.down))
    let high = Int128((range.upperBound / .power(grid)).rounded(.up))
    let kept = try clipped(low, high, exponent: grid)
    var step = grid
    if let slope = function.largestSlope {
      // Rounding the operand moves the result by at most 1/16 of a step.
      step = max(step, type.exponent - 3 - Int(slope.exponent) - 1)
    }
    let finest = step
    var conversion = conversion(kept, exponent: grid, step: step)
    while conversion.width > mostBits {
      step += 1
      conversion = self.conversion(kept, exponent: grid, step: step)
    }
    let all = Format(Interval(low, high), exponent: grid)
    let format = Format(conversion.convert(all), exponent: conversion.exponent)
    func end(_ raw: Int128, isClipped: Bool) throws(WidthOverflow) -> Int128? {
      isClipped ? try function.rounded(at: raw, exponent: format.exponent, to: type) : nil
    }
    let (lowest, highest) = (format.range.lower, format.range.upper)
    return NarrowedOperand(
      format: format,
      type: step == exponent && format.range == all.range ? nil : conversion,
      isCoarse: step > finest,
      spread: step == exponent ? 0 : 0.5,
      lowerEnd: try end(lowest, isClipped: Double(lowest) * .power(step) > range.lowerBound + .power(step)),
      upperEnd: try end(highest, isClipped: Double(highest) * .power(step) < range.upperBound - .power(step)))
  }

  /// The narrowest type of a step that covers what is kept.
  private func conversion(_ kept: Interval, exponent: Int, step: Int) -> FixedType {
    let shift = Int128(step - exponent)
    let rounded = Interval(kept.lower >> shift, -(-kept.upper >> shift))
    var type = Format(rounded, exponent: step).type
    type.rounding = .rnd
    type.overflow = .sat
    return type
  }

  /// The raw integers outside of which the rounded result is that of the nearer end.
  private func clipped(_ low: Int128, _ high: Int128, exponent: Int) throws(WidthOverflow) -> Interval {
    guard let turn = function.turningPoint else { return Interval(low, high) }
    // Results that wrap are as far as their high bits are equal too.
    var wide = type
    if type.overflow == .wrap || type.overflow == .satZero {
      wide.width = min(type.width + 40, FixedType.maximumWidth)
      wide.integerBits += wide.width - type.width
      wide.overflow = .sat
    }
    func value(_ raw: Int128) throws(WidthOverflow) -> Int128? {
      try function.rounded(at: raw, exponent: exponent, to: wide)
    }
    /// The raw integer furthest from `end` on the way to `inner` up to which the result is that at `end`.
    func reach(from end: Int128, to inner: Int128) throws(WidthOverflow) -> Int128 {
      guard let constant = try value(end) else { return end }
      var (known, other) = (end, inner)
      if try value(other) == constant { return other }
      while (known - other).magnitude > 1 {
        let middle = (known + other) / 2
        if try value(middle) == constant { known = middle } else { other = middle }
      }
      return known
    }
    let isMonotone = function.monotonicity != .neither
    let edge = turn.isFinite ? Int128((turn / .power(exponent)).rounded(.up)) + 1 : 0
    var (lower, upper) = (low, high)
    if isMonotone || low < -edge { lower = try reach(from: low, to: isMonotone ? high : min(-edge, high)) }
    if isMonotone || high > edge { upper = try reach(from: high, to: isMonotone ? lower : max(edge, low)) }
    return Interval(min(lower, upper), max(lower, upper))
  }
}

extension Function {
  /// The function never changes direction further from 0 than this, poles aside; nil where that is not known.
  fileprivate var turningPoint: Double? {
    if monotonicity != .neither { return 0 }
    switch self {
    // Their least values lie at −1.28, −1.19, −0.75 and −1.5.
    case .silu, .mish, .gelu, .hardSilu: return 2
    case .square, .abs, .reciprocal: return 0
    case .hardSwish(let shift, let maximum): return max(shift.magnitude, (maximum - shift).magnitude)
    default: return nil
    }
  }
}

extension Double {
  fileprivate static func power(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }
}
