/// Encloses the values of one transcendental function at one precision.
struct FunctionEnclosure<E: Enclosure> {
  private let function: Function
  private let elementary: Elementary<E>
  private let one: E
  private let two: E
  /// The function's own constants.
  private let parameters: [E]

  init(_ function: Function, _ precision: E.Precision) {
    self.function = function
    let needsErrorFunction: Bool
    switch function {
    case .erf, .gelu(approximate: false): needsErrorFunction = true
    default: needsErrorFunction = false
    }
    let elementary = Elementary<E>(
      precision, withErrorFunction: needsErrorFunction, withQuarterTurn: function.isCircular)
    self.elementary = elementary
    one = elementary.constant(Fraction(1))
    two = elementary.constant(Fraction(2))
    let constants: [Fraction]
    switch function {
    case .selu: constants = [Function.seluScale * Function.seluAlpha]
    case .elu(let alpha), .celu(let alpha): constants = [Fraction(alpha)]
    case .gelu(approximate: true): constants = [Function.geluScale.scaled(1), Function.geluCubic]
    default: constants = []
    }
    parameters = constants.map(elementary.constant)
  }

  /// The value at x, whose sign is given; nil where the function is not a transcendental one there.
  ///
  /// - Requires: x is not 0; exponents stay below about 4096.
  func value(at x: E, isNegative: Bool) -> E? {
    let magnitude = isNegative ? -x : x
    func signed(_ value: E) -> E { isNegative ? -value : value }
    /// 1 / (1 + e^−t), for t of the same sign as x.
    func sigmoid(_ t: E) -> E {
      if !isNegative { return elementary.sigmoid(t) }
      let power = elementary.exponential(t)
      return power / (one + power)
    }
    /// ln(1 + e^−|x|).
    func tail() -> E { elementary.logarithm(onePlus: elementary.exponential(-magnitude)) }
    switch function {
    case .exp: return elementary.exponential(x)
    case .log: return isNegative ? nil : logarithm(x)
    case .sin: return signed(elementary.sine(magnitude, quarterTurns: 0))
    case .cos: return elementary.sine(magnitude, quarterTurns: 1)
    case .atan: return signed(elementary.inverseTangent(magnitude))
    case .sinh:
      return signed((elementary.exponential(magnitude) - elementary.exponential(-magnitude)).scaled(-1))
    case .cosh: return (elementary.exponential(magnitude) + elementary.exponential(-magnitude)).scaled(-1)
    case .sigmoid: return sigmoid(x)
    case .tanh: return signed(elementary.hyperbolicTangent(magnitude))
    case .tanhShrink: return x - signed(elementary.hyperbolicTangent(magnitude))
    case .softplus: return isNegative ? tail() : x + tail()
    case .logSigmoid: return isNegative ? x - tail() : -tail()
    case .silu: return x * sigmoid(x)
    case .mish: return x * mishFactor(magnitude, isNegative: isNegative)
    case .erf: return signed(elementary.errorFunction(magnitude))
    case .gelu(approximate: false):
      return (x * (one + signed(elementary.errorFunction(overRoot2: magnitude)))).scaled(-1)
    case .gelu(approximate: true):
      // 1/2 (1 + tanh t) = sigmoid 2t.
      return x * sigmoid(parameters[0] * (x + parameters[1] * x * x * x))
    case .selu, .elu:
      return isNegative ? parameters[0] * elementary.exponentialMinusOne(x) : nil
    case .celu:
      return isNegative ? parameters[0] * elementary.exponentialMinusOne(x / parameters[0]) : nil
    default: return nil
    }
  }

  private func logarithm(_ x: E) -> E? {
    let approximation = x.approximation * 0.7071067811865476
    guard approximation.isNormal else { return nil }
    // m within 0.7 … 1.4.
    let exponent = Int(approximation.exponent) + 1
    return elementary.logarithm(x.scaled(-exponent), exponent: exponent)
  }

  /// tanh ln(1 + e^x) = (u² + 2u) / (u² + 2u + 2) with u = e^x; written in e^−|x|.
  private func mishFactor(_ magnitude: E, isNegative: Bool) -> E {
    let u = elementary.exponential(-magnitude)
    if isNegative {
      let w = u * (u + two)
      return w / (w + two)
    }
    let w = one + u.scaled(1)
    return w / (w + (u * u).scaled(1))
  }
}

extension Function {
  /// Whether values are found by way of π.
  fileprivate var isCircular: Bool {
    switch self {
    case .sin, .cos, .atan: true
    default: false
    }
  }
}
