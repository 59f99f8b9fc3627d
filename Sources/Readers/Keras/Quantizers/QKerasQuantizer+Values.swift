import FixedPoint
import Foundation
import Graph

// What the quantizers do to one number, in float32 as QKeras computes it.
extension QKerasQuantizer {
  /// The value of x under a quantizer whose factor is given, without that factor where it has one for each
  /// channel.
  func value(_ x: Float) -> Float {
    switch form {
    case .bits(let parameters):
      let (steps, exponent) = QKerasQuantizer.steps([x], parameters)
      return steps[0] * Float(sign: .plus, exponent: exponent, significand: 1)
    case .linear, .binary, .ternary: return .nan
    case .relu(let bits, let integer, let usesSigmoid, let slope, let upperBound):
      let value = QKerasQuantizer.relu(x, bits, integer, usesSigmoid, Float(slope))
      return upperBound.map { min(value, Float($0)) } ?? value
    case .tanh(let bits, let isSymmetric, let isReal):
      let levels = Float(sign: .plus, exponent: bits - 1, significand: 1)
      let p = isReal ? tanhf(x) : 2 * QKerasQuantizer.hardSigmoid(x) - 1
      return clip(
        (p * levels).rounded(.toNearestOrEven) / levels, -1 + (isSymmetric ? 1 : 0) / levels, 1 - 1 / levels)
    case .sigmoid(let bits, let isSymmetric, let isReal):
      let levels = Float(sign: .plus, exponent: bits, significand: 1)
      let p = isReal ? 1 / (1 + expf(-x)) : QKerasQuantizer.hardSigmoid(x)
      return clip(
        (p * levels).rounded(.toNearestOrEven) / levels, (isSymmetric ? 1 : 0) / levels, 1 - 1 / levels)
    case .hswish(let parameters, let shift, let upperBound):
      let swish = x * clip(x + Float(shift), 0, Float(upperBound)) / Float(upperBound)
      let (steps, exponent) = QKerasQuantizer.steps([swish], parameters)
      return steps[0] * Float(sign: .plus, exponent: exponent, significand: 1)
    case .powerOfTwo(let parameters):
      let power = Float(sign: .plus, exponent: parameters.exponent(abs(x)), significand: 1)
      return x < 0 ? -power : power
    case .reluPowerOfTwo(let parameters, let slope):
      if x >= 0 || slope == 0 {
        return Float(sign: .plus, exponent: parameters.exponent(max(x, 0)), significand: 1)
      }
      return -Float(sign: .plus, exponent: parameters.exponent(-x * Float(slope)), significand: 1)
    }
  }

  static func hardSigmoid(_ x: Float) -> Float { clip(0.5 * x + 0.5, 0, 1) }

  private static func relu(_ x: Float, _ bits: Int, _ integer: Int, _ usesSigmoid: Bool, _ slope: Float)
    -> Float
  {
    let levels = Float(sign: .plus, exponent: slope == 0 ? bits : bits - 1, significand: 1)
    let unit = Float(sign: .plus, exponent: integer, significand: 1)
    if usesSigmoid {
      let p = (hardSigmoid(x / unit) * levels).rounded(.toNearestOrEven)
      return unit * clip(2 * (p / levels) - 1, 0, 1 - 1 / levels)
    }
    let p = x * levels / unit
    let positive = unit * clip(p.rounded(.toNearestOrEven) / levels, 0, 1 - 1 / levels)
    if slope == 0 { return positive }
    let negative = (p * slope).rounded(.toNearestOrEven) / (slope * levels)
    return positive + unit * slope * clip(negative, -1, 0)
  }
}

extension QKerasQuantizer.PowerOfTwo {
  /// The exponent of the power of two that stands for a magnitude (`_clip_power_of_two`).
  func exponent(_ magnitude: Float) -> Int {
    let epsilon: Float = 1e-7
    if magnitude < epsilon { return exponents.lowerBound }
    var x = magnitude
    if let maximum, x >= Float(maximum) { x = Float(maximum) }
    if isQuadratic { x = x.squareRoot() }
    let exponent = log2(x).rounded(isFloor ? .down : .toNearestOrEven)
    let clipped = Int(clip(exponent, Float(exponents.lowerBound), Float(exponents.upperBound)))
    return isQuadratic ? 2 * clipped : clipped
  }
}

func clip(_ x: Float, _ low: Float, _ high: Float) -> Float { min(max(x, low), high) }
