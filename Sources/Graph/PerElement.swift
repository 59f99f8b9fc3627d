/// One value for each element of a tensor in row-major order, stored once where all are equal.
public struct PerElement<Value: Hashable & Sendable & Codable>: Hashable, Sendable, Codable {
  /// A single value, or one for each element; never several equal ones only.
  private var values: [Value]
  public let count: Int

  public init(repeating value: Value, count: Int) {
    values = [value]
    self.count = count
  }

  public init(_ values: [Value]) {
    count = values.count
    if let first = values.first, values.allSatisfy({ $0 == first }) {
      self.values = [first]
    } else {
      self.values = values
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    values = try container.decode([Value].self, forKey: .values)
    count = try container.decode(Int.self, forKey: .count)
    guard count >= 0, values.count == 1 || values.count == count else {
      throw DecodingError.dataCorruptedError(
        forKey: .values, in: container, debugDescription: "\(values.count) values for \(count) elements")
    }
  }

  private enum CodingKeys: String, CodingKey { case values, count }

  public subscript(index: Int) -> Value { values.count == 1 ? values[0] : values[index] }

  /// The value that all elements share, if they do.
  public var uniform: Value? { values.count == 1 ? values[0] : nil }

  /// The different values, in order of first appearance.
  public var distinct: [Value] {
    var seen: Set<Value> = []
    return values.filter { seen.insert($0).inserted }
  }

  public var array: [Value] { values.count == 1 ? Array(repeating: values[0], count: count) : values }

  public func map<Result>(_ transform: (Value) throws -> Result) rethrows -> PerElement<Result>
  where Result: Hashable & Sendable & Codable {
    var result = PerElement<Result>(try values.map(transform))
    if values.count == 1 { result = PerElement<Result>(repeating: result[0], count: count) }
    return result
  }
}
