import BigInt

/// What a function is at one point, as far as it is known without computing.
enum ExactValue {
  case algebraic(Surd)
  /// Irrational, so that no rounding boundary can be hit.
  case transcendental
  /// Beyond every number.
  case pole(isNegative: Bool)
  case undefined
}

/// The number (p + √q) / r, with q >= 0 and r > 0.
struct Surd {
  let p: BigInt
  let q: BigInt
  let r: BigInt

  init(_ value: Fraction) { (p, q, r) = (value.numerator, 0, value.denominator) }

  /// a + √b, for b >= 0.
  init(_ a: Fraction, root b: Fraction) {
    p = a.numerator * b.denominator
    q = a.denominator * a.denominator * b.numerator * b.denominator
    r = a.denominator * b.denominator
  }

  /// The largest integer that is not above the value · 2^shift, and whether that is the value.
  func floor(scaledBy shift: Int) -> (floor: BigInt, isExact: Bool) {
    let up = max(shift, 0)
    let radicand = q << (2 * up)
    // ⌊(p + √q) / r⌋ = ⌊(p + ⌊√q⌋) / r⌋ for integers.
    let root = BigInt(radicand.magnitude.squareRoot())
    let (quotient, remainder) = ((p << up) + root).floorDivided(by: r << max(-shift, 0))
    return (quotient, remainder == 0 && root * root == radicand)
  }
}

extension Function {
  /// The exact value at x, or that it is transcendental.
  ///
  /// By the theorem of Lindemann and Weierstrass e^x, and with it every non-constant rational expression in x and e^x used
  /// here, with sin x and cos x by e^ix, is transcendental for algebraic x != 0, as are ln x for x != 1 and ln(1 + e^x) (else 1, e^x and e^y would be
  /// dependent); erf x is by Siegel's theorem on E-functions.
  func exactValue(at x: Fraction) -> ExactValue {
    func at0(_ value: Int) -> ExactValue {
      x.isZero ? .algebraic(Surd(Fraction(BigInt(value)))) : .transcendental
    }
    switch self {
    case .exp, .cos, .cosh: return at0(1)
    case .sin, .atan, .sinh, .tanh, .erf, .silu, .mish, .gelu, .tanhShrink: return at0(0)
    case .sigmoid: return x.isZero ? .algebraic(Surd(Fraction(1, 2))) : .transcendental
    case .softplus, .logSigmoid: return .transcendental
    case .log:
      if x.isNegative { return .undefined }
      if x.isZero { return .pole(isNegative: true) }
      return x == Fraction(1) ? .algebraic(Surd(Fraction(0))) : .transcendental
    case .sqrt: return x.isNegative ? .undefined : .algebraic(Surd(Fraction(0), root: x))
    case .rsqrt:
      if x.isNegative { return .undefined }
      return x.isZero ? .pole(isNegative: false) : .algebraic(Surd(Fraction(0), root: Fraction(1) / x))
    case .reciprocal: return x.isZero ? .pole(isNegative: false) : .algebraic(Surd(Fraction(1) / x))
    case .squareplus(let b):
      let radicand = x * x + Fraction(b)
      let half = Fraction(1, 2)
      return radicand.isNegative
        ? .undefined : .algebraic(Surd(x * half, root: radicand * half * half))
    case .selu where !x.isNegative: return .algebraic(Surd(x * Function.seluScale))
    case .elu where !x.isNegative, .celu where !x.isNegative: return .algebraic(Surd(x))
    case .selu: return .transcendental
    case .elu(let alpha): return alpha == 0 ? .algebraic(Surd(Fraction(0))) : .transcendental
    case .celu(let alpha): return alpha == 0 ? .undefined : .transcendental
    default: return rationalValue(at: x).map { .algebraic(Surd($0)) } ?? .undefined
    }
  }

  /// The value of a function that is rational piece by piece, or nil where it is not defined.
  private func rationalValue(at x: Fraction) -> Fraction? {
    let zero = Fraction(0)
    let one = Fraction(1)
    let magnitude = x.isNegative ? -x : x
    func clip(_ value: Fraction, to top: Fraction) -> Fraction { min(max(value, zero), top) }
    switch self {
    case .square: return x * x
    case .abs: return magnitude
    case .sign: return x.isZero ? zero : x.isNegative ? -one : one
    case .softsign: return x / (one + magnitude)
    case .hardSilu: return x * clip(x * Fraction(1, 6) + Fraction(1, 2), to: one)
    case .hardSwish(let shift, let maximum):
      return maximum == 0 ? nil : x * clip(x + Fraction(shift), to: Fraction(maximum)) / Fraction(maximum)
    case .hardSigmoid(let slope, let offset):
      return clip(Fraction.simplest(slope) * x + Fraction.simplest(offset), to: one)
    case .hardTanh: return min(max(x, -one), one)
    case .softShrink(let threshold):
      let threshold = Fraction(threshold)
      if x > threshold { return x - threshold }
      return x < -threshold ? x + threshold : zero
    case .hardShrink(let threshold): return magnitude > Fraction(threshold) ? x : zero
    case .sparsePlus:
      return x <= -one ? zero : x >= one ? x : (x + one) * (x + one) * Fraction(1, 4)
    case .relu(let maximum, let negativeSlope, let threshold):
      let threshold = Fraction(threshold)
      if x > threshold { return maximum.map { min(x, Fraction($0)) } ?? x }
      return Fraction(negativeSlope) * (x - threshold)
    case .exp, .log, .reciprocal, .sqrt, .rsqrt, .sin, .cos, .atan, .sinh, .cosh, .sigmoid, .tanh, .softplus,
      .selu, .silu, .mish, .erf,
      .logSigmoid, .elu, .celu, .gelu, .squareplus, .tanhShrink:
      return nil
    }
  }

  /// The constants of SELU, and of GELU by tanh: the binary64 numbers that the frameworks compute with.
  static let seluScale = Fraction(1.0507009873554805)
  static let seluAlpha = Fraction(1.6732632423543772)
  static let geluScale = Fraction(0.7978845608028654)
  static let geluCubic = Fraction(0.044715)

  /// Numbers between which a transcendental value lies strictly, nil for none: so that a value that comes close to its
  /// asymptote is rounded without as many digits as it is close.
  func strictBounds(at x: Fraction) -> (lower: Fraction?, upper: Fraction?) {
    let zero = Fraction(0)
    let one = Fraction(1)
    switch self {
    case .exp: return x.isNegative ? (zero, one) : (one, nil)
    case .sigmoid: return x.isNegative ? (zero, Fraction(1, 2)) : (Fraction(1, 2), one)
    case .tanh, .erf: return x.isNegative ? (-one, zero) : (zero, one)
    case .sin, .cos: return (-one, one)
    case .atan: return x.isNegative ? (x, zero) : (zero, x)
    case .sinh: return x.isNegative ? (nil, x) : (x, nil)
    case .cosh: return (one, nil)
    case .softplus: return (max(x, zero), nil)
    case .logSigmoid: return (nil, min(x, zero))
    // Their least values are -0.28, -0.31 and -0.17.
    case .silu, .mish, .gelu: return x.isNegative ? (-one, zero) : (zero, x)
    case .tanhShrink: return x.isNegative ? (x, min(x + one, zero)) : (max(x - one, zero), x)
    case .selu: return (-(Function.seluScale * Function.seluAlpha), zero)
    case .elu(let alpha): return alpha > 0 ? (-Fraction(alpha), zero) : (zero, -Fraction(alpha))
    // With an alpha below 0 it falls without end, and faster than the line.
    case .celu(let alpha): return alpha > 0 ? (-Fraction(alpha), zero) : (nil, x)
    default: return (nil, nil)
    }
  }
}
