import FixedPoint

/// Whether a function never falls or never rises over its whole domain.
public enum Monotonicity: Hashable, Sendable {
  case increasing, decreasing, neither
}

/// How a function's values at x and −x are related.
public enum Symmetry: Hashable, Sendable {
  /// f(−x) = f(x).
  case even
  /// f(−x) = −f(x).
  case odd
  /// f(−x) = 1 − f(x).
  case complement
  case none
}

extension Function {
  public var monotonicity: Monotonicity {
    switch self {
    case .exp, .log, .sqrt, .sign, .sigmoid, .tanh, .softplus, .softsign, .selu, .erf, .logSigmoid, .hardTanh,
      .tanhShrink, .sparsePlus, .atan, .sinh:
      return .increasing
    case .rsqrt: return .decreasing
    case .reciprocal, .square, .abs, .silu, .mish, .gelu, .hardSilu, .hardSwish, .sin, .cos, .cosh:
      return .neither
    case .elu(let alpha): return alpha >= 0 ? .increasing : .neither
    case .celu: return .increasing
    case .squareplus(let b): return b >= 0 ? .increasing : .neither
    case .softShrink(let threshold), .hardShrink(let threshold):
      return threshold >= 0 ? .increasing : .neither
    case .hardSigmoid(let slope, _): return slope >= 0 ? .increasing : .decreasing
    case .relu(let maximum, let negativeSlope, let threshold):
      // At the threshold it steps from 0 to the threshold, or to a maximum below it.
      return negativeSlope >= 0 && min(threshold, maximum ?? threshold) >= 0 ? .increasing : .neither
    }
  }

  public var symmetry: Symmetry {
    switch self {
    case .square, .abs, .cos, .cosh: return .even
    case .reciprocal, .sign, .sin, .atan, .sinh, .tanh, .softsign, .erf, .hardTanh, .tanhShrink: return .odd
    case .softShrink(let threshold), .hardShrink(let threshold): return threshold >= 0 ? .odd : .none
    case .sigmoid: return .complement
    case .hardSigmoid(_, let offset): return offset == 0.5 ? .complement : .none
    default: return .none
    }
  }

  /// The range of the correctly rounded values over all raw integers of a format, each worth 2^exponent · scale: exact for
  /// monotone functions whose values do not overflow or saturate, and for at most 2^16 entries; else a range that contains
  /// it.
  public func range(
    over format: Format, scale: Rational = .one, result type: FixedType
  ) throws(WidthOverflow) -> Interval {
    if monotonicity == .neither || format.range.count ?? .max <= 1 << 8 {
      guard format.range.count ?? .max <= 1 << 16 else { return type.reachableRange }
      let entries = try table(for: format, scale: scale, result: type).compactMap { $0 }
      guard let least = entries.min(), let greatest = entries.max() else { return .zero }
      return Interval(least, greatest)
    }
    // Saturated one step beyond either end: enough to tell whether anything leaves the type.
    var wide = type
    wide.overflow = .sat
    wide.isSigned = true
    wide.width = min(type.width + 2, FixedType.maximumWidth + 2)
    wide.integerBits = type.integerBits + wide.width - type.width
    guard let first = try rounded(at: format.range.lower, exponent: format.exponent, scale: scale, to: wide),
      let last = try rounded(at: format.range.upper, exponent: format.exponent, scale: scale, to: wide)
    else { return type.reachableRange }
    let range = Interval(min(first, last), max(first, last))
    if type.reachableRange.contains(range) { return range }
    switch type.overflow {
    case .wrap, .satZero: return type.rawRange
    case .sat, .satSym: return Interval(type.reduce(range.lower), type.reduce(range.upper))
    }
  }
}
