import CRapidJSON
import Diagnostics

/// A parsed JSON text.
///
/// Its values lie in source order on one flat tape, so that a forest of a hundred megabytes costs one
/// allocation for the nodes and one for the strings. Numbers are exact: integers of 64 bits as such, all
/// others correctly rounded to binary64. As in the files that Python writes, bare `NaN`, `Infinity` and
/// `-Infinity` are numbers, and of members with the same name the last one counts.
public struct JSONDocument: Sendable {
  /// The file that the text came from, for diagnostics.
  public let file: String
  /// Where inside the file the text lay (`config.json` in an archive, `/model_config` in an HDF5 file), or
  /// empty.
  public let member: String
  let tape: JSONTape

  /// The deepest nesting of arrays and objects.
  static let maximumDepth: UInt32 = 512

  /// Parses `bytes` as one JSON value in UTF-8.
  ///
  /// - Throws: I030 with line and column when the text is not JSON.
  public init(_ bytes: [UInt8], file: String, member: String = "") throws(CompilationFailed) {
    self.file = file
    self.member = member
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let parsed = bytes.withUnsafeBufferPointer { buffer in
      let text = UnsafeRawBufferPointer(buffer).bindMemory(to: CChar.self).dropFirst(start)
      return withUnsafePointer(to: CChar(0)) {
        crapidjson_parse(
          text.isEmpty ? $0 : UnsafeBufferPointer(rebasing: text).baseAddress, text.count, Self.maximumDepth)
      }
    }
    tape = JSONTape(owning: parsed)
    if let error = parsed.error {
      let (line, column) = lineAndColumn(of: start + parsed.error_offset, in: bytes)
      let name = member.isEmpty ? file : "\(file): \(member)"
      throw CompilationFailed(
        "I030", "the text is not JSON: \(String(cString: error))",
        at: .text(file: name, line: line, column: column))
    }
  }

  /// Parses a text, such as an attribute of an HDF5 file.
  public init(text: String, file: String, member: String = "") throws(CompilationFailed) {
    try self.init(Array(text.utf8), file: file, member: member)
  }

  /// Parses the file at `path`.
  public init(path: String) throws(CompilationFailed) {
    try self.init(try InputFile.bytes(at: path), file: path)
  }

  /// The outermost value.
  public var root: JSONValue { JSONValue(document: self, index: 0) }
}

/// Owns the memory of a parsed text and frees it once. Never written after the parse, hence safe to share;
/// the indices in its nodes were made by the parser and lie inside it.
final class JSONTape: @unchecked Sendable {
  private var document: crapidjson_document

  init(owning document: crapidjson_document) { self.document = document }

  deinit { crapidjson_free(&document) }

  /// The node at an index that the tape itself gave.
  @inline(__always)
  func node(_ index: Int) -> crapidjson_node {
    precondition(index < document.node_count)
    return document.nodes[index]
  }

  /// The index after the last node of the value at `index`.
  @inline(__always)
  func end(of index: Int) -> Int {
    let node = node(index)
    return node.kind >= crapidjson_array.rawValue ? Int(node.payload) : index + 1
  }

  func text(of node: crapidjson_node) -> UnsafeBufferPointer<UInt8> {
    guard let base = document.text else { return UnsafeBufferPointer(start: nil, count: 0) }
    return base.withMemoryRebound(to: UInt8.self, capacity: document.text_size) {
      UnsafeBufferPointer(start: $0 + Int(node.payload), count: Int(node.extent))
    }
  }

  func string(of node: crapidjson_node) -> String {
    withExtendedLifetime(self) { String(decoding: text(of: node), as: UTF8.self) }
  }
}

/// Line and column, both from 1, of a byte offset; columns count characters of UTF-8, not bytes.
func lineAndColumn(of offset: Int, in bytes: [UInt8]) -> (line: Int, column: Int) {
  var line = 1
  var column = 1
  for byte in bytes.prefix(offset) {
    if byte == UInt8(ascii: "\n") {
      line += 1
      column = 1
    } else if byte & 0xC0 != 0x80 {
      column += 1
    }
  }
  return (line, column)
}
