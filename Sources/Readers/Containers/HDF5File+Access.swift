import Diagnostics

// What a reader of a format asks of its HDF5 file. I015: a type that is not read; I016: something is missing;
// I018: a value is of another kind than expected.
extension HDF5Group {
  public var location: Location { .object(file: file, path: path) }

  /// The attribute of that name.
  public func attribute(_ name: String) -> HDF5Array? { attributes.first { $0.name == name }?.value }

  /// The group at a path of names separated by `/`, relative to this one.
  public func group(_ path: String) -> HDF5Group? {
    var group = self
    for name in path.split(separator: "/") {
      guard let next = group.groups.first(where: { $0.name == name }) else { return nil }
      group = next
    }
    return group
  }

  /// The dataset at a path of names separated by `/`, relative to this group.
  public func dataset(_ path: String) -> HDF5Dataset? {
    let names = path.split(separator: "/")
    guard let last = names.last else { return nil }
    return group(names.dropLast().joined(separator: "/"))?.datasets.first { $0.name == last }
  }

  public func requireGroup(_ path: String) throws(CompilationFailed) -> HDF5Group {
    guard let group = group(path) else { throw missing("group", path, groups.map(\.name)) }
    return group
  }

  public func requireDataset(_ path: String) throws(CompilationFailed) -> HDF5Dataset {
    guard let dataset = dataset(path) else { throw missing("dataset", path, datasets.map(\.name)) }
    return dataset
  }

  /// A string attribute, such as `model_config`.
  public func requireString(_ name: String) throws(CompilationFailed) -> String {
    guard let value = attribute(name) else { throw missing("attribute", name, attributes.map(\.name)) }
    guard case .strings(let strings) = value.elements, strings.count == 1 else {
      throw CompilationFailed(
        "I018", "expected attribute '\(name)' to be one string, found \(value)", at: location)
    }
    return strings[0]
  }

  /// A list of strings, such as `layer_names` and `weight_names`; nil when there is no such attribute.
  ///
  /// Keras splits a list above 64 KiB into `name0`, `name1`, …, and writes an empty one as float64 of shape
  /// (0,).
  ///
  /// - Throws: I018 when the attribute holds something else.
  public func strings(_ name: String) throws(CompilationFailed) -> [String]? {
    var parts: [HDF5Array] = []
    if let whole = attribute(name) {
      parts = [whole]
    } else {
      while let part = attribute("\(name)\(parts.count)") { parts.append(part) }
    }
    if parts.isEmpty { return nil }
    var result: [String] = []
    for part in parts where part.count > 0 {
      guard case .strings(let strings) = part.elements else {
        throw CompilationFailed(
          "I018", "expected attribute '\(name)' to be a list of strings, found \(part)", at: location)
      }
      result += strings
    }
    return result
  }

  public func requireStrings(_ name: String) throws(CompilationFailed) -> [String] {
    guard let strings = try strings(name) else { throw missing("attribute", name, attributes.map(\.name)) }
    return strings
  }

  private func missing(_ kind: String, _ name: String, _ present: [String]) -> CompilationFailed {
    let names = present.prefix(10).map { "'\($0)'" }.joined(separator: ", ")
    return CompilationFailed(
      "I016", "there is no \(kind) '\(name)'", at: location,
      notes: present.isEmpty ? [] : ["there is: \(names)\(present.count > 10 ? ", …" : "")"])
  }
}

extension HDF5Dataset {
  /// The elements as binary64, row-major.
  ///
  /// - Throws: I015 when the type is not read, I018 when the elements are strings or integers beyond
  ///   binary64.
  public func doubles() throws(CompilationFailed) -> [Double] {
    switch value.elements {
    case .float32(let elements): return elements.map(Double.init)
    case .float64(let elements): return elements
    case .integers(let elements):
      let doubles = elements.map { Double($0) }
      guard zip(elements, doubles).allSatisfy({ Int64(exactly: $1) == $0 }) else {
        throw CompilationFailed("I018", "the dataset holds an integer that binary64 can't hold", at: location)
      }
      return doubles
    case .strings: throw mismatch("numbers")
    case .unsupported(let reason): throw unsupported(reason)
    }
  }

  /// The elements as integers, row-major; of a float type only when each of them is one.
  ///
  /// - Throws: I015 when the type is not read, I018 when an element is not an integer of 64 bits.
  public func integers() throws(CompilationFailed) -> [Int] {
    if case .integers(let elements) = value.elements { return elements.map { Int($0) } }
    var result: [Int] = []
    for element in try doubles() {
      guard let integer = Int(exactly: element) else { throw mismatch("integers") }
      result.append(integer)
    }
    return result
  }

  private func mismatch(_ expected: String) -> CompilationFailed {
    CompilationFailed("I018", "expected a dataset of \(expected), found \(value)", at: location)
  }

  private func unsupported(_ reason: String) -> CompilationFailed {
    CompilationFailed("I015", "the dataset can't be read: \(reason)", at: location)
  }
}

extension HDF5Array: CustomStringConvertible {
  /// Type and shape, such as `float32[16, 64]`.
  public var description: String { "\(type)[\(shape.map { "\($0)" }.joined(separator: ", "))]" }
}
