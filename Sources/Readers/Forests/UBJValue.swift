import Diagnostics

/// A value of a Universal Binary JSON file (ubjson.org, draft 12, as XGBoost writes it: big-endian, with the type
/// marker `L` for lengths and keys without a leading `S`).
struct UBJValue: Sendable {
  let file: String
  /// The path from the outermost value.
  let path: String
  private let content: Content

  private indirect enum Content: Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    /// An array whose elements are all numbers.
    case numbers([Double])
    case array([Content])
    case object([(key: String, value: Content)])
  }

  private init(_ content: Content, file: String, path: String) {
    self.content = content
    self.file = file
    self.path = path
  }

  /// Parses a whole file.
  ///
  /// - Throws: I504 with the byte offset where the bytes are not UBJSON.
  init(_ bytes: [UInt8], file: String) throws(CompilationFailed) {
    var parser = Parser(bytes: bytes, file: file)
    self.init(try parser.value(parser.marker(), depth: 0), file: file, path: "")
  }

  private struct Parser {
    let bytes: [UInt8]
    let file: String
    var offset = 0

    static let maximumDepth = 128

    init(bytes: [UInt8], file: String) {
      self.bytes = bytes
      self.file = file
    }

    func failure(_ message: String, at offset: Int) -> CompilationFailed {
      CompilationFailed("I504", message, at: .byte(file: file, offset: offset))
    }

    /// The next `count` bytes, which are skipped.
    mutating func take(_ count: Int) throws(CompilationFailed) -> Range<Int> {
      guard count <= bytes.count - offset else {
        throw failure("the file ends inside a value that needs \(count) bytes more", at: offset)
      }
      offset += count
      return offset - count..<offset
    }

    /// The next type marker; `N` (no-op) means nothing.
    mutating func marker() throws(CompilationFailed) -> UInt8 {
      while true {
        let byte = bytes[try take(1).lowerBound]
        if byte != UInt8(ascii: "N") { return byte }
      }
    }

    mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(CompilationFailed) -> T {
      let range = try take(MemoryLayout<T>.size)
      return bytes.withUnsafeBytes {
        T(bigEndian: $0.loadUnaligned(fromByteOffset: range.lowerBound, as: T.self))
      }
    }

    /// The bytes of a number of that type, or nil where the marker is of no number.
    static func size(_ type: UInt8) -> Int? {
      switch type {
      case UInt8(ascii: "i"), UInt8(ascii: "U"): 1
      case UInt8(ascii: "I"): 2
      case UInt8(ascii: "l"), UInt8(ascii: "d"): 4
      case UInt8(ascii: "L"), UInt8(ascii: "D"): 8
      default: nil
      }
    }

    mutating func number(_ type: UInt8) throws(CompilationFailed) -> Double {
      switch type {
      case UInt8(ascii: "i"): Double(try integer(Int8.self))
      case UInt8(ascii: "U"): Double(try integer(UInt8.self))
      case UInt8(ascii: "I"): Double(try integer(Int16.self))
      case UInt8(ascii: "l"): Double(try integer(Int32.self))
      case UInt8(ascii: "L"): Double(try integer(Int64.self))
      case UInt8(ascii: "d"): Double(Float(bitPattern: try integer(UInt32.self)))
      default: Double(bitPattern: try integer(UInt64.self))
      }
    }

    /// A length or a count: a number of an integer type.
    mutating func length() throws(CompilationFailed) -> Int {
      let start = offset
      let type = try marker()
      guard Self.size(type) != nil, type != UInt8(ascii: "d"), type != UInt8(ascii: "D"),
        let value = Int(exactly: try number(type)), value >= 0
      else { throw failure("expected a length, an integer that is not negative", at: start) }
      return value
    }

    mutating func text() throws(CompilationFailed) -> String {
      String(decoding: bytes[try take(length())], as: UTF8.self)
    }

    mutating func value(_ type: UInt8, depth: Int) throws(CompilationFailed) -> Content {
      if depth > Self.maximumDepth {
        throw failure("containers nest deeper than \(Self.maximumDepth)", at: offset)
      }
      switch type {
      case UInt8(ascii: "Z"): return .null
      case UInt8(ascii: "T"): return .boolean(true)
      case UInt8(ascii: "F"): return .boolean(false)
      case UInt8(ascii: "S"): return .string(try text())
      case UInt8(ascii: "C"): return .string(String(decoding: bytes[try take(1)], as: UTF8.self))
      case UInt8(ascii: "H"):
        let start = offset
        guard let value = Double(try text()) else { throw failure("expected a number", at: start) }
        return .number(value)
      case UInt8(ascii: "["): return try array(depth: depth)
      case UInt8(ascii: "{"): return try object(depth: depth)
      default:
        guard Self.size(type) != nil else {
          throw failure("expected a type marker, found byte \(type)", at: offset - 1)
        }
        return .number(try number(type))
      }
    }

    /// The `$type` and `#count` behind the start of a container.
    mutating func header() throws(CompilationFailed) -> (type: UInt8?, count: Int?) {
      var type: UInt8?
      if offset < bytes.count, bytes[offset] == UInt8(ascii: "$") {
        offset += 1
        type = bytes[try take(1).lowerBound]
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "#") else {
          throw failure("expected '#' and a count after the type of a container", at: offset)
        }
      }
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: "#") else { return (nil, nil) }
      offset += 1
      let start = offset
      let count = try length()
      // Every element takes a byte, but for constants such as null: none is needed in a model.
      if count > bytes.count - offset || type.map({ "ZTFN".utf8.contains($0) }) == true {
        throw failure("a container of \(count) elements does not fit the file", at: start)
      }
      return (type, count)
    }

    /// The type of the next element: the container's, or the element's own.
    mutating func elementType(_ type: UInt8?) throws(CompilationFailed) -> UInt8 {
      if let type { return type }
      return try marker()
    }

    mutating func array(depth: Int) throws(CompilationFailed) -> Content {
      let (type, count) = try header()
      if let type, let count, let size = Self.size(type) {
        guard count <= (bytes.count - offset) / size else {
          throw failure("the file ends inside an array of \(count) numbers", at: offset)
        }
        var numbers: [Double] = []
        numbers.reserveCapacity(count)
        for _ in 0..<count { numbers.append(try number(type)) }
        return .numbers(numbers)
      }
      var elements: [Content] = []
      while true {
        if let count, elements.count == count { break }
        let next = try elementType(type)
        if count == nil, next == UInt8(ascii: "]") { break }
        elements.append(try value(next, depth: depth + 1))
      }
      var numbers: [Double] = []
      for case .number(let number) in elements { numbers.append(number) }
      return numbers.count == elements.count ? .numbers(numbers) : .array(elements)
    }

    mutating func object(depth: Int) throws(CompilationFailed) -> Content {
      let (type, count) = try header()
      var members: [(key: String, value: Content)] = []
      while true {
        if let count, members.count == count { break }
        if count == nil {
          if try marker() == UInt8(ascii: "}") { break }
          offset -= 1
        }
        let key = try text()
        members.append((key, try value(elementType(type), depth: depth + 1)))
      }
      return .object(members)
    }
  }
}

extension UBJValue: ModelValue {
  var location: Location { path.isEmpty ? .file(file) : .object(file: file, path: path) }

  subscript(key: String) -> UBJValue? {
    guard case .object(let members) = content, let member = members.last(where: { $0.key == key }) else {
      return nil
    }
    return UBJValue(member.value, file: file, path: path.isEmpty ? key : "\(path).\(key)")
  }

  var bool: Bool? { if case .boolean(let value) = content { value } else { nil } }
  var double: Double? { if case .number(let value) = content { value } else { nil } }
  var string: String? { if case .string(let value) = content { value } else { nil } }

  var elements: [UBJValue]? {
    let contents: [Content]
    switch content {
    case .numbers(let values): contents = values.map { .number($0) }
    case .array(let values): contents = values
    default: return nil
    }
    return contents.enumerated().map { UBJValue($0.element, file: file, path: "\(path)[\($0.offset)]") }
  }

  var memberNames: [String]? { if case .object(let members) = content { members.map(\.key) } else { nil } }

  var numbers: [Double]? { if case .numbers(let values) = content { values } else { nil } }
}
