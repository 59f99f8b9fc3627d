import Diagnostics

/// A fixed-point type as the ap_types headers define it: `ap_fixed<W,I,Q,O>` and `ap_ufixed<W,I,Q,O>`.
///
/// A raw integer r of the type stands for the value r · 2^(I−W). I counts the sign bit of signed types and may be
/// negative or exceed W. When a value is converted, rounding precedes overflow. A type of width 0 holds only 0.
public struct FixedType: Hashable, Sendable, Codable {
  public var width: Int
  public var integerBits: Int
  public var isSigned: Bool
  public var rounding: Rounding
  public var overflow: Overflow

  /// The widest type that a user can ask for. Formats of computed values may need two bits more (see `Interval`).
  public static let maximumWidth = 120

  public init(
    width: Int, integerBits: Int, isSigned: Bool = true, rounding: Rounding = .trn, overflow: Overflow = .wrap
  ) {
    precondition((0...FixedType.maximumWidth + 2).contains(width), "width \(width) of a fixed-point type")
    self.width = width
    self.integerBits = integerBits
    self.isSigned = isSigned
    self.rounding = rounding
    self.overflow = overflow
  }

  public var fractionBits: Int { width - integerBits }

  /// The exponent of the least significant bit: a raw integer r stands for r · 2^exponent.
  public var exponent: Int { integerBits - width }

  /// The raw integers that the type can hold, `SAT_SYM`'s narrower range not considered.
  public var rawRange: Interval {
    if width == 0 { return Interval(0, 0) }
    if isSigned {
      let half = Int128(1) << (width - 1)
      return Interval(-half, half - 1)
    }
    return Interval(0, (Int128(1) << width) - 1)
  }

  /// The raw integers that a conversion into the type can yield: `rawRange`, without the most negative
  /// integer of a signed `SAT_SYM` type of at least two bits (the headers keep -1 in one bit).
  public var reachableRange: Interval {
    let range = rawRange
    return overflow == .satSym && isSigned && width > 1 ? Interval(-range.upper, range.upper) : range
  }
}

/// What happens to bits below the least significant one (UG1399, "Quantization modes").
public enum Rounding: String, CaseIterable, Hashable, Sendable, Codable {
  /// Toward minus infinity.
  case trn = "TRN"
  /// Toward zero.
  case trnZero = "TRN_ZERO"
  /// To nearest, ties toward plus infinity.
  case rnd = "RND"
  /// To nearest, ties toward zero.
  case rndZero = "RND_ZERO"
  /// To nearest, ties away from zero.
  case rndInf = "RND_INF"
  /// To nearest, ties toward minus infinity.
  case rndMinInf = "RND_MIN_INF"
  /// To nearest, ties to even.
  case rndConv = "RND_CONV"
}

/// What happens to values beyond the type's range (UG1399, "Overflow modes"; `AP_WRAP_SM` is not supported).
public enum Overflow: String, CaseIterable, Hashable, Sendable, Codable {
  /// Keep the low bits.
  case wrap = "WRAP"
  /// Clamp to the nearest end.
  case sat = "SAT"
  /// Become 0.
  case satZero = "SAT_ZERO"
  /// Clamp to the nearest end of the symmetric range; of unsigned types as `sat`.
  case satSym = "SAT_SYM"
}
