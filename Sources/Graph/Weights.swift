import FixedPoint

/// A constant tensor: real numbers as a file has them, or exact integers once a quantizer has given them a type.
public struct Weights: Hashable, Sendable, Codable {
  public var shape: [Int]
  public var storage: Storage
  /// The factors of the model's quantizer, one for each element, also where they are part of the integers; nil for a
  /// quantizer without. hls4ml applies them behind the layer.
  public var factors: PerElement<Rational>?

  public enum Storage: Hashable, Sendable, Codable {
    /// Values without a type of their own, to be converted when types are assigned.
    case real([Double])
    /// raw · 2^exponent · scale.
    case exact(raw: [Int64], exponent: Int, scales: PerElement<Rational>)
  }

  /// Real values without a type.
  public init(real values: [Double], shape: [Int]) {
    precondition(values.count == shape.elementCount)
    self.shape = shape
    storage = .real(values)
  }

  /// Integers with a common exponent, and a scale for each element.
  public init(raw: [Int64], exponent: Int, shape: [Int], scales: PerElement<Rational>? = nil) {
    precondition(raw.count == shape.elementCount)
    self.shape = shape
    storage = .exact(
      raw: raw, exponent: exponent, scales: scales ?? PerElement(repeating: .one, count: raw.count))
  }

  /// The values exactly as they are, times the scales: what a model's own quantizer left.
  ///
  /// - Returns: nil where a value is not finite, or the values span more than 62 bits.
  public init?(exactly values: [Double], shape: [Int], scales: PerElement<Rational>? = nil) {
    let parts = values.map(\.integerSignificand)
    var exponent = Int.max
    for (value, part) in zip(values, parts) {
      if let part { exponent = min(exponent, part.exponent) } else if value != 0 { return nil }
    }
    if exponent == .max { exponent = 0 }
    var raw: [Int64] = []
    raw.reserveCapacity(values.count)
    for part in parts {
      guard let part else {
        raw.append(0)
        continue
      }
      let shift = part.exponent - exponent
      guard shift <= 62, let value = Int64(exactly: part.significand << shift), value.magnitude < 1 << 62
      else {
        return nil
      }
      raw.append(value)
    }
    self.init(raw: raw, exponent: exponent, shape: shape, scales: scales)
  }

  /// The same values divided by the quantizer's factors; nil where that needs more than 62 bits.
  public var withoutFactors: Weights? {
    guard let factors else { return self }
    return Weights(
      exactly: values.enumerated().map { $1 / factors[$0].doubleValue }, shape: shape)
  }

  public var count: Int { shape.elementCount }
  public var isExact: Bool { if case .exact = storage { true } else { false } }

  /// The values as binary64 numbers.
  public var values: [Double] {
    switch storage {
    case .real(let values): return values
    case .exact(let raw, let exponent, let scales):
      let unit = Double(sign: .plus, exponent: exponent, significand: 1)
      if scales.uniform == .one { return raw.map { Double($0) * unit } }
      return raw.indices.map { Double(raw[$0]) * unit * scales[$0].doubleValue }
    }
  }
}
