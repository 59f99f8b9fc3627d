import Diagnostics

/// A value of a JSON-like file: what the XGBoost reader needs of JSON and of UBJSON.
protocol ModelValue {
  var location: Location { get }
  var bool: Bool? { get }
  var double: Double? { get }
  var string: String? { get }
  /// The elements of an array.
  var elements: [Self]? { get }
  /// The names of an object's members.
  var memberNames: [String]? { get }
  /// The elements of an array of numbers; fast for millions.
  var numbers: [Double]? { get }
  /// The last member of that name.
  subscript(key: String) -> Self? { get }
}

// What the reader asks for; all throw I502 where the file has something else.
extension ModelValue {
  private func mismatch(_ expected: String) -> CompilationFailed {
    CompilationFailed("I502", "expected \(expected)", at: location)
  }

  /// Members that are not known could change what a model predicts: one of a later version of the framework, say.
  ///
  /// - Throws: I503 with all of them, but for empty ones.
  func refuseMembers(otherThan known: Set<String>) throws(CompilationFailed) {
    let unknown = (memberNames ?? []).filter { name in
      guard !known.contains(name), let value = self[name] else { return false }
      return value.elements?.isEmpty != true && value.memberNames?.isEmpty != true
    }
    if unknown.isEmpty { return }
    throw CompilationFailed(
      "I503", "not known: \(unknown.map { "'\($0)'" }.joined(separator: ", "))", at: location,
      notes: ["the file may come from a later version of the framework than fpgaml knows"])
  }

  func member(_ key: String) throws(CompilationFailed) -> Self {
    guard let value = self[key] else { throw CompilationFailed("I502", "'\(key)' is missing", at: location) }
    return value
  }

  func text(_ key: String) throws(CompilationFailed) -> String {
    let value = try member(key)
    guard let text = value.string else { throw value.mismatch("a string") }
    return text
  }

  func list(_ key: String) throws(CompilationFailed) -> [Self] {
    let value = try member(key)
    guard let elements = value.elements else { throw value.mismatch("an array") }
    return elements
  }

  func numbers(_ key: String, count: Int) throws(CompilationFailed) -> [Double] {
    let value = try member(key)
    guard let numbers = value.numbers, numbers.count == count else {
      throw value.mismatch("an array of \(count) numbers")
    }
    return numbers
  }

  func integers(_ key: String, count: Int) throws(CompilationFailed) -> [Int] {
    let integers = try numbers(key, count: count).map { Int32(exactly: $0).map(Int.init) }
    guard !integers.contains(nil) else { throw try member(key).mismatch("integers of 32 bits") }
    return integers.compactMap { $0 }
  }

  /// Flags, spelled as 0 and 1 or, by older writers, as false and true.
  func flags(_ key: String, count: Int) throws(CompilationFailed) -> [Bool] {
    let value = try member(key)
    if let numbers = value.numbers, numbers.count == count { return numbers.map { $0 != 0 } }
    guard let flags = value.elements?.compactMap(\.bool), flags.count == count else {
      throw value.mismatch("an array of \(count) flags")
    }
    return flags
  }
}
