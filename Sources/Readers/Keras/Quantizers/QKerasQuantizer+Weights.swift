import Diagnostics
import FixedPoint
import Foundation
import Graph

// Weights are quantized in float32, operation by operation as QKeras does it, and stored as integers with
// scales.
extension QKerasQuantizer {
  /// The quantized form of a variable.
  ///
  /// - Throws: I204 where the values do not fit 62 bits, or an automatic scale is not a number.
  func weights(_ values: [Double], shape: [Int]) throws(CompilationFailed) -> Weights {
    let x = values.map(Float.init)
    switch form {
    case .bits(let parameters):
      if case .automatic(let powersOfTwo) = parameters.alpha {
        return try fitted(parameters, x, shape, powersOfTwo)
      }
      let (steps, exponent) = QKerasQuantizer.steps(x, parameters)
      return try stored(steps, exponent, try scales(parameters.alpha, shape), shape)
    case .linear(let parameters): return try linear(parameters, x, shape)
    case .binary(let isZeroOne, let alpha):
      let signs = x.map { ($0 >= 0 ? 1 : isZeroOne ? 0 : -1) as Float }
      guard case .automatic(let powersOfTwo) = alpha else {
        return try stored(signs, 0, try scales(alpha, shape), shape)
      }
      let fit = Channels(shape, axis: nil).fit(x, signs, powersOfTwo)
      return try stored(signs, 0, try rationals(fit), shape)
    case .ternary(let alpha, let threshold, let unrolls):
      if case .automatic(let powersOfTwo) = alpha { return try ternary(x, shape, powersOfTwo, unrolls) }
      let signs = x.map { abs($0) >= Float(threshold) ? sign($0) : 0 }
      return try stored(signs, 0, try scales(alpha, shape), shape)
    case .relu, .tanh, .sigmoid, .hswish, .powerOfTwo, .reluPowerOfTwo:
      let quantized = x.map { Double(value($0)) }
      guard let weights = Weights(exactly: quantized, shape: shape) else {
        throw failure("I204", "the quantized weights do not fit 62 bits")
      }
      return weights
    }
  }

  /// The integers and their exponent that `quantized_bits` gives without its factor.
  static func steps(_ x: [Float], _ parameters: FixedPoint) -> (steps: [Float], exponent: Int) {
    if parameters.unsignedBits == 0 {
      return (x.map { $0 >= 0 ? 1 : parameters.keepsNegative ? -1 : 0 }, 0)
    }
    let levels = Float(sign: .plus, exponent: parameters.unsignedBits, significand: 1)
    let unit = Float(sign: .plus, exponent: parameters.integer, significand: 1)
    let lowest = parameters.keepsNegative ? -levels + (parameters.isSymmetric ? 1 : 0) : 0
    let steps = x.map { min(max(($0 * levels / unit).rounded(.toNearestOrEven), lowest), levels - 1) }
    return (steps, parameters.integer - parameters.unsignedBits)
  }

  /// `quantized_bits` with a fitted factor. As in QKeras the integers are those of the last factor but one.
  private func fitted(_ parameters: FixedPoint, _ x: [Float], _ shape: [Int], _ powersOfTwo: Bool)
    throws(CompilationFailed) -> Weights
  {
    let unit = Float(sign: .plus, exponent: parameters.integer, significand: 1)
    let x = x.map { $0 / unit }
    let greatest = Float(sign: .plus, exponent: parameters.bits - 1, significand: 1) - 1
    guard greatest > 0 else { throw failure("I204", "a fitted factor needs at least two bits") }
    let channels = Channels(shape, axis: parameters.scaleAxis)
    var scale = channels.spread(channels.maxima(x).map { $0 * 2 / (2 * greatest) })
    func steps() -> [Float] {
      zip(x, scale).map { x, scale in
        let step = (abs(x) / scale + 0.5).rounded(.down)
        return sign(x) * (step < greatest ? step : greatest)
      }
    }
    var integers: [Float]
    if powersOfTwo {
      scale = scale.map(nearestPowerOfTwo)
      integers = []
      for _ in 0..<5 {
        integers = steps()
        scale = channels.fit(x, integers, true)
      }
    } else {
      integers = steps()
    }
    var weights = try stored(integers, parameters.integer, try rationals(scale), shape)
    // QKeras's own factor is that of fractions, not of integers.
    let unit32 = Float(sign: .plus, exponent: parameters.unsignedBits, significand: 1)
    weights.factors = try rationals(scale.map { $0 * unit32 })
    return weights
  }

  /// `quantized_linear`, whose values are multiples of factor · 2^(integer − unsigned bits).
  private func linear(_ parameters: FixedPoint, _ x: [Float], _ shape: [Int]) throws(CompilationFailed)
    -> Weights
  {
    let isSign = parameters.bits == 1 && parameters.keepsNegative
    let levels = Float(sign: .plus, exponent: parameters.unsignedBits, significand: 1)
    let highest = isSign ? 0.5 : levels - 1
    let lowest = isSign ? -0.5 : parameters.keepsNegative ? -levels + (parameters.isSymmetric ? 1 : 0) : 0
    let unit = Float(sign: .plus, exponent: parameters.integer - parameters.unsignedBits, significand: 1)
    func steps(_ scale: [Float]) -> [Float] {
      zip(x, scale).map { x, scale in
        let shift: Float = isSign ? 0.5 : 0
        return (min(max(x / scale, lowest), highest) - shift).rounded(.toNearestOrEven) + shift
      }
    }
    guard case .automatic(let powersOfTwo) = parameters.alpha else {
      let factors = try scales(parameters.alpha, shape)
      let scale = (0..<x.count).map { Float((factors?[$0] ?? .one).doubleValue) * unit }
      let doubled = steps(scale).map { 2 * $0 }
      return try stored(doubled, parameters.integer - parameters.unsignedBits - 1, factors, shape)
    }
    let channels = Channels(shape, axis: parameters.scaleAxis)
    let maxima = parameters.keepsNegative ? channels.maxima(x).map { 2 * $0 } : channels.greatest(x)
    var scale = channels.spread(maxima.map { max($0 / (highest - lowest), epsilon) })
    if powersOfTwo {
      scale = scale.map(nearestPowerOfTwo)
      for _ in 0..<(isSign ? 1 : 5) {
        let next = channels.fit(x, steps(scale), true)
        if next == scale { break }
        scale = next
      }
    }
    return try stored(steps(scale).map { 2 * $0 }, -1, try rationals(scale), shape)
  }

  /// `ternary` with a fitted factor (arXiv:1605.04711).
  private func ternary(_ x: [Float], _ shape: [Int], _ powersOfTwo: Bool, _ unrolls: Int)
    throws(CompilationFailed) -> Weights
  {
    let channels = Channels(shape, axis: nil)
    var scale = channels.spread(channels.maxima(x).map { 2 * $0 / 3 })
    if powersOfTwo { scale = scale.map(nearestPowerOfTwo) }
    var signs: [Float] = []
    for _ in 0..<unrolls {
      signs = zip(x, scale).map { x, scale in
        let rounded = scale * (x / scale).rounded(.toNearestOrEven)
        return abs(rounded) >= scale / 2 ? sign(x) : 0
      }
      scale = channels.fit(x, signs, powersOfTwo)
    }
    return try stored(signs, 0, try rationals(scale), shape)
  }
}

// MARK: Storing

extension QKerasQuantizer {
  /// The factors that the configuration gives, for every element of a tensor; nil where they are 1.
  func scales(_ alpha: Alpha, _ shape: [Int]) throws(CompilationFailed) -> PerElement<Rational>? {
    let count = shape.elementCount
    switch alpha {
    case .none: return nil
    case .number(let number):
      let factor = try rational(Float(number))
      return factor == .one ? nil : PerElement(repeating: factor, count: count)
    case .channels(let numbers):
      guard numbers.count == shape.last else {
        throw failure("I203", "'alpha' has \(numbers.count) values for \(shape.last ?? 1) channels")
      }
      var factors: [Rational] = []
      for number in numbers { factors.append(try rational(Float(number))) }
      return PerElement((0..<count).map { factors[$0 % factors.count] })
    case .automatic:
      throw failure(
        "I205", "a factor fitted to the data is not possible on activations",
        notes: ["give alpha as a number"])
    }
  }

  private func rationals(_ scales: [Float]) throws(CompilationFailed) -> PerElement<Rational> {
    var result: [Rational] = []
    for scale in scales { result.append(try rational(scale)) }
    return PerElement(result)
  }

  private func rational(_ number: Float) throws(CompilationFailed) -> Rational {
    guard let rational = Rational(exactly: Double(number)) else {
      throw failure("I204", "the factor \(number) can't be represented")
    }
    return rational
  }

  /// steps · 2^exponent · scales, with scales that are powers of two folded into the integers.
  private func stored(_ steps: [Float], _ exponent: Int, _ scales: PerElement<Rational>?, _ shape: [Int])
    throws(CompilationFailed) -> Weights
  {
    let unit = Double(sign: .plus, exponent: exponent, significand: 1)
    let isFolded = scales.map { $0.distinct.allSatisfy(\.isPowerOfTwo) } ?? true
    if isFolded {
      let values = steps.indices.map { Double(steps[$0]) * unit * (scales?[$0].doubleValue ?? 1) }
      if var weights = Weights(exactly: values, shape: shape) {
        weights.factors = scales
        return weights
      }
    }
    let values = steps.map { Double($0) * unit }
    guard var weights = Weights(exactly: values, shape: shape, scales: scales) else {
      throw failure("I204", "the quantized weights do not fit 62 bits")
    }
    weights.factors = scales
    return weights
  }
}

// MARK: float32

/// Keras's `epsilon()`.
private let epsilon: Float = 1e-7

private func sign(_ x: Float) -> Float { x > 0 ? 1 : x < 0 ? -1 : 0 }

/// The logarithm to base 2, correctly rounded: TensorFlow's own is not, but rounds to the same integers.
func log2(_ x: Float) -> Float { Float(log2(Double(x))) }

private func nearestPowerOfTwo(_ x: Float) -> Float {
  let exponent = log2(x + epsilon).rounded(.toNearestOrEven)
  return exponent.isFinite ? Float(sign: .plus, exponent: Int(exponent), significand: 1) : .nan
}

/// The channels over which QKeras fits factors: those of one axis, each over all other axes.
private struct Channels {
  let count: Int
  /// The channel of every element; of a vector QKeras makes every element its own when it fits.
  private let channel: [Int]
  private let isVector: Bool

  init(_ shape: [Int], axis: Int?) {
    isVector = shape.count < 2
    let axis = axis.flatMap { shape.indices.contains($0) ? $0 : nil } ?? max(shape.count - 1, 0)
    let extent = isVector ? 1 : shape[axis]
    let inner = isVector ? shape.elementCount : shape[(axis + 1)...].reduce(1, *)
    count = extent
    channel = (0..<shape.elementCount).map { $0 / max(inner, 1) % extent }
  }

  /// One value for each element from one for each channel.
  func spread(_ values: [Float]) -> [Float] { channel.map { values[$0] } }

  func maxima(_ x: [Float]) -> [Float] { greatest(x.map { abs($0) }) }

  func greatest(_ x: [Float]) -> [Float] {
    var result = Array(repeating: -Float.infinity, count: count)
    for (i, x) in x.enumerated() { result[channel[i]] = max(result[channel[i]], x) }
    return result
  }

  /// The factors of least squares, mean(x·q) / mean(q·q), for every element (`_get_scale`).
  func fit(_ x: [Float], _ q: [Float], _ powersOfTwo: Bool) -> [Float] {
    let scales: [Float]
    if isVector {
      scales = zip(x, q).map { $0 * $1 / ($1 * $1 + epsilon) }
    } else {
      // Summed exactly, then rounded: TensorFlow's order of summation is not defined.
      var crossed = Array(repeating: 0.0, count: count)
      var squared = Array(repeating: 0.0, count: count)
      for i in x.indices {
        crossed[channel[i]] += Double(x[i] * q[i])
        squared[channel[i]] += Double(q[i] * q[i])
      }
      let elements = Double(x.count / max(count, 1))
      scales = spread(zip(crossed, squared).map { Float($0 / elements) / (Float($1 / elements) + epsilon) })
    }
    return powersOfTwo ? scales.map(nearestPowerOfTwo) : scales
  }
}
