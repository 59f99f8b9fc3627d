import FixedPoint

/// `w<N>` or `u<N>` of `fpgaml_w.h`: a signed or unsigned integer of a stated width.
struct CPPInteger: Hashable, CustomStringConvertible {
  var isSigned: Bool
  var width: Int

  static func signed(_ width: Int) -> CPPInteger { CPPInteger(isSigned: true, width: width) }

  init(isSigned: Bool, width: Int) {
    self.isSigned = isSigned
    self.width = width
  }

  /// The integer that holds the raw values of a type.
  init(_ type: FixedType) { self.init(isSigned: type.isSigned, width: type.width) }

  init(_ range: Interval) { self.init(isSigned: range.isSigned, width: range.width) }

  /// Bits as a signed integer.
  var signedWidth: Int { isSigned ? width : width + 1 }

  /// The integers that it holds.
  var range: Interval {
    isSigned
      ? Interval(-(Int128(1) << Int128(width - 1)), (Int128(1) << Int128(width - 1)) - 1)
      : Interval(0, (Int128(1) << Int128(width)) - 1)
  }

  var description: String { "\(isSigned ? "w" : "u")<\(width)>" }

  /// The bits that hold a value, at least one.
  static func bits(_ value: Int128, isSigned: Bool) -> Int {
    max(1, 128 - (value < 0 ? ~value : value).leadingZeroBitCount + (isSigned ? 1 : 0))
  }

  /// A constant as C++ writes it, an `int` where it fits.
  static func literal(_ value: Int128) -> String {
    if Int32(exactly: value) != nil { return "\(value)" }
    if value == Int128(Int64.min) { return "(-9223372036854775807LL - 1)" }
    if Int64(exactly: value) != nil { return "\(value)LL" }
    let low = UInt64(truncatingIfNeeded: value)
    return "fpgaml::constant<\(bits(value, isSigned: true))>(\(literal(value >> 64)), \(low)ULL)"
  }
}
