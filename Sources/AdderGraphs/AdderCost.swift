/// The LUTs of one carry chain, as the open flow counts them: one for each bit in which operands meet.
enum AdderCost {
  /// The bits of one operand of a sum.
  struct Operand {
    /// Width in two's complement where signed.
    var width: Int
    var isSigned: Bool
    var shift: Int
    var isNegative: Bool

    @inline(__always) var top: Int { shift + width }
  }

  /// LUTs of a + b in `width` bits.
  ///
  /// The lower operand's bits below the other's shift pass through if it is positive. Above both operands signs
  /// repeat and share one LUT; bits that only an unsigned operand leaves alone need none.
  @inline(__always)
  static func adder(_ a: Operand, _ b: Operand, width: Int) -> Int {
    let (low, high) = a.shift < b.shift || (a.shift == b.shift && !a.isNegative) ? (a, b) : (b, a)
    if low.width == 0 { return high.isNegative ? width - high.shift : 0 }
    if high.width == 0 { return low.isNegative ? width - low.shift : 0 }
    let start = low.isNegative ? low.shift : high.shift
    if !low.isNegative && !low.isSigned && low.top <= high.shift {
      // The parts do not meet: side by side.
      return high.isNegative ? max(width - high.shift, 0) : 0
    }
    let end = min(width, max(low.top, high.top))
    let shorter = low.top < high.top ? low : high
    var luts = end - start
    if !shorter.isSigned && !low.isNegative && !high.isNegative {
      luts -= max(end - max(shorter.top, start), 0)
    }
    return max(luts, 0)
  }

  /// LUTs of a + b + c in `width` bits: from the second lowest shift, or the lowest if its operand is negative.
  @inline(__always)
  static func ternaryAdder(_ a: Operand, _ b: Operand, _ c: Operand, width: Int) -> Int {
    let lowest = min(a.shift, b.shift, c.shift)
    let second = max(min(a.shift, b.shift), min(max(a.shift, b.shift), c.shift))
    let isLowNegative =
      (a.isNegative && a.shift == lowest) || (b.isNegative && b.shift == lowest)
      || (c.isNegative && c.shift == lowest)
    return max(width - (isLowNegative ? lowest : second), 0)
  }

  /// LUTs of -a in `width` bits.
  static func negation(width: Int) -> Int { width }
}

/// Widths of intervals held in floating point: exact up to 2^53, and good enough to compare costs above.
enum Bits {
  @inline(__always)
  static func magnitude(_ value: Double) -> Int {
    // The exponent field; all bounds are integers, so that there is nothing between 0 and 1.
    value < 1 ? 0 : Int(truncatingIfNeeded: value.bitPattern >> 52) &- 1022
  }

  @inline(__always)
  static func width(_ lower: Double, _ upper: Double) -> Int {
    lower < 0 ? 1 + max(magnitude(upper), magnitude(-lower - 1)) : magnitude(upper)
  }

  @inline(__always)
  static func power(_ shift: Int) -> Double {
    Double(bitPattern: UInt64(truncatingIfNeeded: shift &+ 1023) &<< 52)
  }
}
