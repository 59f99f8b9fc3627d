import CRapidJSON
import Diagnostics

/// A value inside a parsed JSON text: a view of its document, cheap to copy.
public struct JSONValue: Sendable {
  public let document: JSONDocument
  /// Its place on the document's tape.
  let index: Int

  public enum Kind: String, Sendable {
    case null, boolean, integer, number, string, array, object
  }

  /// What the value is; `integer` is a number without fraction or exponent that 64 bits hold.
  public var kind: Kind {
    switch crapidjson_kind(document.tape.node(index).kind) {
    case crapidjson_null: .null
    case crapidjson_false, crapidjson_true: .boolean
    case crapidjson_integer: .integer
    case crapidjson_real: .number
    case crapidjson_array: .array
    case crapidjson_object: .object
    default: .string
    }
  }

  public var isNull: Bool { kind == .null }

  public var bool: Bool? {
    switch crapidjson_kind(document.tape.node(index).kind) {
    case crapidjson_false: false
    case crapidjson_true: true
    default: nil
    }
  }

  /// The value of an integer, or of a number such as `16.0` that is one.
  public var int: Int? {
    let node = document.tape.node(index)
    switch crapidjson_kind(node.kind) {
    case crapidjson_integer: return Int(Int64(bitPattern: node.payload))
    case crapidjson_real: return Int(exactly: Double(bitPattern: node.payload))
    default: return nil
    }
  }

  /// The value of a number, correctly rounded to binary64.
  public var double: Double? {
    let node = document.tape.node(index)
    switch crapidjson_kind(node.kind) {
    case crapidjson_integer: return Double(Int64(bitPattern: node.payload))
    case crapidjson_real: return Double(bitPattern: node.payload)
    default: return nil
    }
  }

  public var string: String? {
    let node = document.tape.node(index)
    return node.kind == crapidjson_string.rawValue ? document.tape.string(of: node) : nil
  }

  public var array: JSONArray? { kind == .array ? JSONArray(value: self) : nil }

  public var object: JSONObject? { kind == .object ? JSONObject(value: self) : nil }

  /// The last member of that name, or nil where there is none or the value is not an object.
  public subscript(key: String) -> JSONValue? { object?[key] }

  /// The element at a position, or nil where there is none or the value is not an array.
  public subscript(position: Int) -> JSONValue? {
    guard let array, position >= 0, position < array.count else { return nil }
    return array[position]
  }
}

/// The elements of a JSON array, in source order.
public struct JSONArray: RandomAccessCollection, Sendable {
  let value: JSONValue
  public let count: Int
  /// Whether each element takes one node, so that the n-th is found without walking.
  private let isFlat: Bool

  init(value: JSONValue) {
    self.value = value
    let node = value.document.tape.node(value.index)
    count = Int(node.extent)
    isFlat = Int(node.payload) == value.index + 1 + count
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { count }

  /// - Complexity: O(1) for an array of numbers and strings, else O(position).
  public subscript(position: Int) -> JSONValue {
    precondition(position >= 0 && position < count, "array index out of range")
    var node = value.index + 1
    if isFlat {
      node += position
    } else {
      for _ in 0..<position { node = value.document.tape.end(of: node) }
    }
    return JSONValue(document: value.document, index: node)
  }

  /// Walks the elements in O(1) each.
  public struct Iterator: IteratorProtocol {
    let document: JSONDocument
    var cursor: Int
    let end: Int

    public mutating func next() -> JSONValue? {
      guard cursor < end else { return nil }
      defer { cursor = document.tape.end(of: cursor) }
      return JSONValue(document: document, index: cursor)
    }
  }

  public func makeIterator() -> Iterator {
    Iterator(document: value.document, cursor: value.index + 1, end: value.document.tape.end(of: value.index))
  }
}

/// The members of a JSON object, in source order.
public struct JSONObject: Sequence, Sendable {
  let value: JSONValue

  /// How many members there are.
  public var count: Int { Int(value.document.tape.node(value.index).extent) }

  /// The names, in source order.
  public var keys: [String] { map(\.key) }

  /// The last member of that name.
  ///
  /// - Complexity: O(number of members).
  public subscript(key: String) -> JSONValue? {
    let tape = value.document.tape
    let end = tape.end(of: value.index)
    var found: Int?
    var key = key
    key.withUTF8 { name in
      var node = value.index + 1
      while node < end {
        if tape.text(of: tape.node(node)).elementsEqual(name) { found = node + 1 }
        node = tape.end(of: node + 1)
      }
    }
    return found.map { JSONValue(document: value.document, index: $0) }
  }

  public struct Iterator: IteratorProtocol {
    let document: JSONDocument
    var cursor: Int
    let end: Int

    public mutating func next() -> (key: String, value: JSONValue)? {
      guard cursor < end else { return nil }
      let tape = document.tape
      let key = tape.string(of: tape.node(cursor))
      let value = JSONValue(document: document, index: cursor + 1)
      cursor = tape.end(of: cursor + 1)
      return (key, value)
    }
  }

  public func makeIterator() -> Iterator {
    Iterator(document: value.document, cursor: value.index + 1, end: value.document.tape.end(of: value.index))
  }
}
