import CRapidJSON
import Diagnostics

// What a reader of a format asks of its JSON: values that must be there, with the error that says which is
// not. I032: a member is missing; I033: a value is of another kind; I034: a number does not fit what is asked
// for.
extension JSONValue {
  /// The path from the outermost value, such as `layers[3].config.units`; empty for that value itself.
  ///
  /// - Complexity: O(nodes before it); for diagnostics.
  public var path: String {
    let tape = document.tape
    var path = ""
    var container = 0
    while container < index {
      let isObject = tape.node(container).kind == crapidjson_object.rawValue
      var child = container + 1
      var position = 0
      while tape.end(of: isObject ? child + 1 : child) <= index {
        child = tape.end(of: isObject ? child + 1 : child)
        position += 1
      }
      if isObject {
        path += (path.isEmpty ? "" : ".") + tape.string(of: tape.node(child))
        container = child + 1
      } else {
        path += "[\(position)]"
        container = child
      }
    }
    return path
  }

  /// Where the value stands, for diagnostics.
  public var location: Location {
    let path = [document.member, path].filter { !$0.isEmpty }.joined(separator: ": ")
    return path.isEmpty ? .file(document.file) : .object(file: document.file, path: path)
  }

  /// An error about this value.
  public func failure(_ code: DiagnosticCode, _ message: String, notes: [String] = []) -> CompilationFailed {
    CompilationFailed(code, message, at: location, notes: notes)
  }

  /// The value as an integer.
  public func requireInt() throws(CompilationFailed) -> Int {
    if let int { return int }
    if let double { throw failure("I034", "expected an integer of 64 bits, found \(double)") }
    throw mismatch("an integer")
  }

  /// The value as a number.
  public func requireDouble() throws(CompilationFailed) -> Double {
    guard let double else { throw mismatch("a number") }
    return double
  }

  public func requireBool() throws(CompilationFailed) -> Bool {
    guard let bool else { throw mismatch("true or false") }
    return bool
  }

  public func requireString() throws(CompilationFailed) -> String {
    guard let string else { throw mismatch("a string") }
    return string
  }

  public func requireArray() throws(CompilationFailed) -> JSONArray {
    guard let array else { throw mismatch("an array") }
    return array
  }

  public func requireObject() throws(CompilationFailed) -> JSONObject {
    guard let object else { throw mismatch("an object") }
    return object
  }

  /// The elements of an array of integers; fast enough for arrays of millions.
  public func requireInts() throws(CompilationFailed) -> [Int] {
    var result: [Int] = []
    let array = try requireArray()
    result.reserveCapacity(array.count)
    for element in array { result.append(try element.requireInt()) }
    return result
  }

  /// The elements of an array of numbers; fast enough for arrays of millions.
  public func requireDoubles() throws(CompilationFailed) -> [Double] {
    var result: [Double] = []
    let array = try requireArray()
    result.reserveCapacity(array.count)
    for element in array { result.append(try element.requireDouble()) }
    return result
  }

  /// The elements of an array of strings.
  public func requireStrings() throws(CompilationFailed) -> [String] {
    var result: [String] = []
    for element in try requireArray() { result.append(try element.requireString()) }
    return result
  }

  /// The member of that name.
  public func require(_ key: String) throws(CompilationFailed) -> JSONValue {
    guard let value = try requireObject()[key] else { throw failure("I032", "'\(key)' is missing") }
    return value
  }

  public func requireInt(_ key: String) throws(CompilationFailed) -> Int { try require(key).requireInt() }
  public func requireDouble(_ key: String) throws(CompilationFailed) -> Double {
    try require(key).requireDouble()
  }
  public func requireBool(_ key: String) throws(CompilationFailed) -> Bool { try require(key).requireBool() }
  public func requireString(_ key: String) throws(CompilationFailed) -> String {
    try require(key).requireString()
  }
  public func requireArray(_ key: String) throws(CompilationFailed) -> JSONArray {
    try require(key).requireArray()
  }
  public func requireObject(_ key: String) throws(CompilationFailed) -> JSONObject {
    try require(key).requireObject()
  }
  public func requireInts(_ key: String) throws(CompilationFailed) -> [Int] { try require(key).requireInts() }
  public func requireDoubles(_ key: String) throws(CompilationFailed) -> [Double] {
    try require(key).requireDoubles()
  }
  public func requireStrings(_ key: String) throws(CompilationFailed) -> [String] {
    try require(key).requireStrings()
  }

  private func mismatch(_ expected: String) -> CompilationFailed {
    let found =
      switch kind {
      case .null: "null"
      case .boolean: bool == true ? "true" : "false"
      case .integer, .number: "the number \(double ?? 0)"
      case .string: "the string '\((string ?? "").prefix(40))'"
      case .array: "an array"
      case .object: "an object"
      }
    return failure("I033", "expected \(expected), found \(found)")
  }
}
