// JSON forms of the numeric types. Integers beyond 2^53 are written as strings, so that every JSON reader keeps them.

/// An integer in JSON: a number where every reader can hold it, else its decimal digits.
private struct JSONInteger: Codable {
  var value: Int128

  init(_ value: Int128) { self.value = value }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int64.self) {
      value = Int128(number)
    } else if let digits = Int128(try container.decode(String.self)) {
      value = digits
    } else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an integer")
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if value.magnitude < 1 << 53 {
      try container.encode(Int64(value))
    } else {
      try container.encode(String(value))
    }
  }
}

extension Interval: Codable {
  public init(from decoder: any Decoder) throws {
    let bounds = try [JSONInteger](from: decoder)
    let limit = Int128(1) << Interval.maximumBits
    guard bounds.count == 2, bounds[0].value <= bounds[1].value, bounds[0].value >= -limit,
      bounds[1].value <= limit
    else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "not a pair of bounds"))
    }
    self.init(bounds[0].value, bounds[1].value)
  }

  public func encode(to encoder: any Encoder) throws {
    try [JSONInteger(lower), JSONInteger(upper)].encode(to: encoder)
  }
}

extension Rational: Codable {
  public init(from decoder: any Decoder) throws {
    let parts = try [JSONInteger](from: decoder)
    guard parts.count == 2, parts[1].value > 0 else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "not a fraction"))
    }
    self.init(parts[0].value, parts[1].value)
  }

  public func encode(to encoder: any Encoder) throws {
    try [JSONInteger(numerator), JSONInteger(denominator)].encode(to: encoder)
  }
}
