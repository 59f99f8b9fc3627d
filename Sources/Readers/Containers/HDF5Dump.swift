import Diagnostics

/// The form in which the child process hands an HDF5 file to its parent: a stream of records, each a tag and
/// its fields, in this machine's byte order. Texts have their length (UInt32) before them.
///
///     file    := header object(root) done | … failure
///     object  := group attribute* (opening (object | absent))* end  |  dataset value attribute* end
///     value   := type text, rank UInt8, extents UInt64 each, form UInt8, elements
enum HDF5Dump {
  static let header = Array("fpgaml HDF5 dump 1\n".utf8)

  enum Tag: UInt8 {
    /// The name of the link that is about to be followed; written at once, so that a crash can be located.
    case opening = 1
    case group, dataset
    /// In place of an object: why it is not read.
    case absent
    case attribute, end, done
    /// The child's last words: what libhdf5 said, or which limit the file exceeds.
    case failure
  }

  enum Form: UInt8 { case float32, float64, integers, unsignedIntegers, strings, unsupported }

  static let maximumRank = 32
  static let maximumDepth = 64
}

/// Reads a dump back. The stream may end anywhere, or hold anything: the process that wrote it may have
/// crashed.
struct HDF5DumpParser {
  private var cursor: ByteCursor
  private let file: String
  /// The names from the root to the object being read.
  private var names: [String] = []
  /// The failure that the child reported, if it did.
  private(set) var reported: String?
  private static let malformed = CompilationFailed("I013", "the HDF5 reading process gave a malformed answer")

  init(_ bytes: [UInt8], file: String) {
    cursor = ByteCursor(bytes, orThrow: Self.malformed)
    self.file = file
  }

  /// The path of the object being read.
  var path: String { "/" + names.joined(separator: "/") }

  /// The whole file.
  ///
  /// - Throws: I013 where the stream is not a complete dump; `path` and `reported` then say more.
  mutating func parse() throws(CompilationFailed) -> HDF5File {
    guard try Array(cursor.bytes[cursor.take(HDF5Dump.header.count)]) == HDF5Dump.header else {
      throw Self.malformed
    }
    guard try tag() == .group else { throw Self.malformed }
    let root = try group()
    guard try tag() == .done, cursor.offset == cursor.bytes.count else { throw Self.malformed }
    return HDF5File(path: file, root: root)
  }

  private mutating func group() throws(CompilationFailed) -> HDF5Group {
    var group = HDF5Group(file: file, path: path)
    while true {
      switch try tag() {
      case .attribute: group.attributes.append(try attribute())
      case .opening:
        guard names.count < HDF5Dump.maximumDepth else { throw Self.malformed }
        names.append(try text())
        try object(into: &group)
        names.removeLast()
      case .end: return group
      default: throw Self.malformed
      }
    }
  }

  private mutating func object(into group: inout HDF5Group) throws(CompilationFailed) {
    switch try tag() {
    case .group: group.groups.append(try self.group())
    case .dataset:
      var dataset = HDF5Dataset(file: file, path: path, value: try value())
      while true {
        let tag = try tag()
        if tag == .end { break }
        guard tag == .attribute else { throw Self.malformed }
        dataset.attributes.append(try attribute())
      }
      group.datasets.append(dataset)
    case .absent:
      let value = HDF5Array(type: "none", shape: [], elements: .unsupported(try text()))
      group.datasets.append(HDF5Dataset(file: file, path: path, value: value))
    default: throw Self.malformed
    }
  }

  private mutating func attribute() throws(CompilationFailed) -> HDF5Attribute {
    HDF5Attribute(name: try text(), value: try value())
  }

  private mutating func value() throws(CompilationFailed) -> HDF5Array {
    let type = try text()
    var shape: [Int] = []
    for _ in 0..<(try cursor.integer(UInt8.self)) {
      shape.append(Int(truncatingIfNeeded: try cursor.integer(UInt64.self)))
    }
    guard shape.count <= HDF5Dump.maximumRank, let count = elementCount(shape) else { throw Self.malformed }
    return HDF5Array(type: type, shape: shape, elements: try elements(count))
  }

  private mutating func elements(_ count: Int) throws(CompilationFailed) -> HDF5Elements {
    switch HDF5Dump.Form(rawValue: try cursor.integer(UInt8.self)) {
    case .float32: return .float32(try cursor.array(Float.self, count: count))
    case .float64: return .float64(try cursor.array(Double.self, count: count))
    case .integers: return .integers(try cursor.array(Int64.self, count: count))
    case .unsignedIntegers:
      let integers = try cursor.array(UInt64.self, count: count)
      if integers.contains(where: { $0 > Int64.max }) { return .unsupported("an integer above 2^63 - 1") }
      return .integers(integers.map(Int64.init))
    case .strings:
      var strings: [String] = []
      for _ in 0..<count { strings.append(try text()) }
      return .strings(strings)
    case .unsupported: return .unsupported(try text())
    case nil: throw Self.malformed
    }
  }

  private mutating func tag() throws(CompilationFailed) -> HDF5Dump.Tag {
    guard let tag = HDF5Dump.Tag(rawValue: try cursor.integer(UInt8.self)) else { throw Self.malformed }
    if tag == .failure {
      reported = try text()
      throw Self.malformed
    }
    return tag
  }

  private mutating func text() throws(CompilationFailed) -> String {
    try cursor.text(Int(try cursor.integer(UInt32.self)))
  }
}
