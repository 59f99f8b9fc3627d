import Foundation

/// A unary real function that a network applies to every element of a tensor.
public enum Function: Hashable, Sendable, Codable {
  case exp, log, reciprocal, sqrt, rsqrt, square, abs, sign
  case sin, cos, atan, sinh, cosh
  case sigmoid, tanh, softplus, softsign, selu, silu, mish, erf, logSigmoid
  /// x · clip(x / 6 + 1/2, 0, 1).
  case hardSilu
  /// x · clip(x + shift, 0, maximum) / maximum.
  case hardSwish(shift: Double, maximum: Double)
  case elu(alpha: Double)
  case celu(alpha: Double)
  case gelu(approximate: Bool)
  /// clip(slope · x + offset, 0, 1).
  case hardSigmoid(slope: Double, offset: Double)
  case hardTanh
  /// (x + √(x² + b)) / 2.
  case squareplus(b: Double)
  /// x moved toward 0 by the threshold, 0 within it.
  case softShrink(threshold: Double)
  /// x beyond ±threshold, else 0.
  case hardShrink(threshold: Double)
  /// x − tanh(x).
  case tanhShrink
  /// 0 up to −1, x from 1 on, (x + 1)² / 4 between.
  case sparsePlus
  /// x > threshold: min(x, maximum); up to it: negativeSlope · (x − threshold), as in Keras and ONNX.
  case relu(maximum: Double?, negativeSlope: Double, threshold: Double)
}

extension Function {
  public func value(_ x: Double) -> Double {
    switch self {
    case .exp: Foundation.exp(x)
    case .log: Foundation.log(x)
    case .reciprocal: 1 / x
    case .sqrt: x.squareRoot()
    case .rsqrt: 1 / x.squareRoot()
    case .square: x * x
    case .abs: Swift.abs(x)
    case .sign: x > 0 ? 1 : x < 0 ? -1 : 0
    case .sin: Foundation.sin(x)
    case .cos: Foundation.cos(x)
    case .atan: Foundation.atan(x)
    case .sinh: Foundation.sinh(x)
    case .cosh: Foundation.cosh(x)
    case .sigmoid: 1 / (1 + Foundation.exp(-x))
    case .tanh: Foundation.tanh(x)
    case .softplus: max(x, 0) + log1p(Foundation.exp(-Swift.abs(x)))
    case .softsign: x / (1 + Swift.abs(x))
    case .selu: 1.0507009873554805 * Function.elu(alpha: 1.6732632423543772).value(x)
    case .silu: x / (1 + Foundation.exp(-x))
    case .mish: x * Foundation.tanh(Function.softplus.value(x))
    case .erf: Foundation.erf(x)
    case .logSigmoid: -Function.softplus.value(-x)
    case .hardSilu: Function.hardSwish(shift: 3, maximum: 6).value(x)
    case .hardSwish(let shift, let maximum): x * min(max(x + shift, 0), maximum) / maximum
    case .elu(let alpha): x >= 0 ? x : alpha * expm1(x)
    case .celu(let alpha): x >= 0 ? x : alpha * expm1(x / alpha)
    case .gelu(let approximate):
      approximate
        ? 0.5 * x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        : 0.5 * x * (1 + Foundation.erf(x / 2.0.squareRoot()))
    case .hardSigmoid(let slope, let offset): min(max(slope * x + offset, 0), 1)
    case .hardTanh: min(max(x, -1), 1)
    case .squareplus(let b): (x + (x * x + b).squareRoot()) / 2
    case .softShrink(let threshold): x > threshold ? x - threshold : x < -threshold ? x + threshold : 0
    case .hardShrink(let threshold): Swift.abs(x) > threshold ? x : 0
    case .tanhShrink: x - Foundation.tanh(x)
    case .sparsePlus: x <= -1 ? 0 : x >= 1 ? x : (x + 1) * (x + 1) / 4
    case .relu(let maximum, let negativeSlope, let threshold):
      x > threshold ? min(x, maximum ?? x) : negativeSlope * (x - threshold)
    }
  }
}
