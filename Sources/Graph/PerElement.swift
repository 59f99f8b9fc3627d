/// One value for each element of a tensor in row-major order. Images have millions of elements of few different values:
/// each value is stored once, and for the elements its place.
public struct PerElement<Value: Hashable & Sendable & Codable>: Hashable, Sendable, Codable {
  /// The different values, in order of first appearance.
  public let distinct: [Value]
  /// Of each element the place of its value in `distinct`; empty where that is 0 for all.
  private let places: [UInt32]
  public let count: Int

  public init(repeating value: Value, count: Int) {
    self.init(distinct: [value], places: [], count: count)
  }

  public init(_ values: some Sequence<Value>) {
    var builder = Builder(capacity: values.underestimatedCount)
    for value in values { builder.append(value) }
    self = builder.result
  }

  private init(distinct: [Value], places: [UInt32], count: Int) {
    self.distinct = distinct
    self.places = places
    self.count = count
  }

  /// As files have it: a single value, or one for each element.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let values = try container.decode([Value].self, forKey: .values)
    let count = try container.decode(Int.self, forKey: .count)
    guard count >= 0, values.count == 1 || values.count == count else {
      throw DecodingError.dataCorruptedError(
        forKey: .values, in: container, debugDescription: "\(values.count) values for \(count) elements")
    }
    if values.count == 1 {
      self.init(repeating: values[0], count: count)
    } else {
      self.init(values)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(places.isEmpty ? distinct : array, forKey: .values)
    try container.encode(count, forKey: .count)
  }

  private enum CodingKeys: String, CodingKey { case values, count }

  public subscript(index: Int) -> Value { distinct[place(index)] }

  /// The place of an element's value in `distinct`.
  func place(_ index: Int) -> Int { places.isEmpty ? 0 : Int(places[index]) }

  /// The places of some elements; none where all elements are equal.
  func places(_ range: Range<Int>) -> ArraySlice<UInt32> { places.isEmpty ? [] : places[range] }

  /// The value that all elements share, if they do.
  public var uniform: Value? { places.isEmpty ? distinct.first : nil }

  public var array: [Value] {
    places.isEmpty
      ? distinct.flatMap { Array(repeating: $0, count: count) } : places.map { distinct[Int($0)] }
  }

  /// The values that a function makes of these; it is called once for each different one.
  public func map<Result>(_ transform: (Value) throws -> Result) rethrows -> PerElement<Result>
  where Result: Hashable & Sendable & Codable {
    let results = PerElement<Result>(try distinct.map(transform))
    return PerElement<Result>(
      distinct: results.distinct,
      places: results.distinct.count <= 1 ? [] : places.map { UInt32(results.place(Int($0))) }, count: count)
  }

  /// The values of other elements, in their order.
  ///
  /// - Parameters:
  ///   - indices: elements, or −1 for `padding`.
  func selecting(_ indices: [Int], padding: Value) -> PerElement {
    if let uniform, uniform == padding || !indices.contains(where: { $0 < 0 }) {
      return PerElement(repeating: uniform, count: indices.count)
    }
    let values = distinct + (distinct.contains(padding) ? [] : [padding])
    let paddingPlace = values.firstIndex(of: padding) ?? 0
    // Places in order of first appearance among the elements that are left.
    var renumbered: [UInt32?] = Array(repeating: nil, count: values.count)
    var kept: [Value] = []
    let result = indices.map { index in
      let old = index < 0 ? paddingPlace : place(index)
      if let new = renumbered[old] { return new }
      let new = UInt32(kept.count)
      renumbered[old] = new
      kept.append(values[old])
      return new
    }
    return PerElement(distinct: kept, places: kept.count <= 1 ? [] : result, count: indices.count)
  }
}

extension PerElement {
  /// Takes the values of elements one by one.
  struct Builder {
    private var distinct: [Value] = []
    private var places: [UInt32] = []
    private var known: [Value: UInt32] = [:]
    /// For each place the one behind which it came last: channels come round in the same order.
    private var followers: [UInt32] = []
    private var last: UInt32 = 0

    init(capacity: Int = 0) { places.reserveCapacity(capacity) }

    mutating func append(_ value: Value) {
      let place = place(of: value)
      if !places.isEmpty { followers[Int(last)] = place }
      last = place
      places.append(place)
    }

    private mutating func place(of value: Value) -> UInt32 {
      if !places.isEmpty {
        let guess = followers[Int(last)]
        if distinct[Int(guess)] == value { return guess }
      }
      if let place = known[value] { return place }
      let place = UInt32(distinct.count)
      known[value] = place
      distinct.append(value)
      followers.append(place)
      return place
    }

    var result: PerElement {
      PerElement(distinct: distinct, places: distinct.count <= 1 ? [] : places, count: places.count)
    }
  }
}
