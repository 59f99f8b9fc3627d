import Foundation

/// A unary real function that a network applies to every element of a tensor.
public enum Function: Hashable, Sendable, Codable {
  case exp, log, reciprocal, sqrt, rsqrt, square, abs, sign
  case sigmoid, tanh, softplus, softsign, selu, silu, mish, erf
  case elu(alpha: Double)
  case gelu(approximate: Bool)
  case hardSigmoid(slope: Double, offset: Double)
  case hardTanh
  /// x ≥ threshold: min(x, maximum); below: negativeSlope · (x − threshold).
  case relu(maximum: Double?, negativeSlope: Double, threshold: Double)
}

extension Function {
  public func value(_ x: Double) -> Double { x }
}
