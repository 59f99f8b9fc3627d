import FixedPoint

/// The exact numeric type of a tensor: element i has the value raw · 2^exponent · scale, its raw integer and exponent
/// given by `formats[i]`. The scale is 1 unless the model brings factors that are not powers of two.
public struct TensorType: Hashable, Sendable, Codable {
  public var formats: PerElement<Format>
  public var scales: PerElement<Rational>

  public init(_ formats: PerElement<Format>, scales: PerElement<Rational>? = nil) {
    self.formats = formats
    self.scales = scales ?? PerElement(repeating: .one, count: formats.count)
  }

  public var count: Int { formats.count }

  /// Whether every scale is 1, so that raw integers and exponents tell the values.
  public var isUnscaled: Bool { scales.uniform == .one }

  /// The binary64 value of a raw integer of element i; exact up to 53 significant bits of the product.
  public func value(_ raw: Int128, element i: Int) -> Double {
    let scaled = Double(nearest: raw) * Double(sign: .plus, exponent: formats[i].exponent, significand: 1)
    return isUnscaled ? scaled : scaled * scales[i].doubleValue
  }

  /// The least and the greatest value of any element, as binary64 rounds them.
  public var valueRange: ClosedRange<Double> {
    var (low, high) = (Double.infinity, -Double.infinity)
    for i in 0..<count {
      low = min(low, value(formats[i].range.lower, element: i))
      high = max(high, value(formats[i].range.upper, element: i))
    }
    return low <= high ? low...high : 0...0
  }

  /// A type that covers every element, as reports print it.
  public var union: FixedType {
    let exponent = formats.distinct.map(\.exponent).min() ?? 0
    let low = formats.distinct.map { $0.range.lower << ($0.exponent - exponent) }.min() ?? 0
    let high = formats.distinct.map { $0.range.upper << ($0.exponent - exponent) }.max() ?? 0
    return Format(Interval(low, high), exponent: exponent).type
  }
}

/// What decided a type, in order of precedence (DESIGN section 3, "Where a type comes from").
public enum TypeSource: Hashable, Sendable, Codable, CustomStringConvertible {
  /// An entry of the configuration file, by its path, such as `LayerName.fc1.Precision.result`.
  case configuration(String)
  /// A quantizer of the model.
  case model
  /// `--precision`.
  case option
  /// Ranges seen in calibration data (`--inputs`).
  case calibration
  /// Nothing was said.
  case byDefault
  /// The interval of an exact result.
  case exact

  public var description: String {
    switch self {
    case .configuration(let key): "configuration \(key)"
    case .model: "model"
    case .option: "--precision"
    case .calibration: "calibration"
    case .byDefault: "default"
    case .exact: "exact"
    }
  }
}
