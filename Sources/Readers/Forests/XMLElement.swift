import CLibXML2
import Diagnostics

/// An element of a parsed XML file.
///
/// Parsed by libxml2 without network and without document types, so that no file can name another one or grow when its
/// entities are expanded. Elements nest at most 256 deep (libxml2's own limit).
struct XMLElement {
  private let document: XMLTree
  private let node: UnsafeMutablePointer<xmlNode>

  /// Owns libxml2's document and frees it once.
  private final class XMLTree {
    let file: String
    let document: xmlDocPtr

    init(_ document: xmlDocPtr, file: String) {
      self.document = document
      self.file = file
    }

    deinit { xmlFreeDoc(document) }
  }

  private init(_ node: UnsafeMutablePointer<xmlNode>, in document: XMLTree) {
    self.node = node
    self.document = document
  }

  private static let initialize: Void = xmlInitParser()

  /// Parses a file; white space before the XML declaration, which some exporters write, is skipped.
  ///
  /// - Throws: I505 with line and column where the bytes are not XML, or have a document type.
  init(_ bytes: [UInt8], file: String) throws(CompilationFailed) {
    Self.initialize
    let start = bytes.firstIndex { !" \t\r\n".utf8.contains($0) } ?? bytes.count
    let skippedLines = bytes[..<start].count { $0 == UInt8(ascii: "\n") }
    if let doctype = Self.firstIndex(of: "<!DOCTYPE", in: bytes) {
      let line = 1 + bytes[..<doctype].count { $0 == UInt8(ascii: "\n") }
      throw CompilationFailed(
        "I505", "the file has a document type, which fpgaml does not accept",
        at: .text(file: file, line: line, column: 1), notes: ["remove the <!DOCTYPE> declaration"])
    }
    guard bytes.count - start <= Int32.max, let context = xmlNewParserCtxt() else {
      throw CompilationFailed("I505", "the file is too large", at: .file(file))
    }
    defer { xmlFreeParserCtxt(context) }
    let options =
      XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue
      | XML_PARSE_BIG_LINES.rawValue
    let parsed = bytes[start...].withUnsafeBytes { buffer in
      xmlCtxtReadMemory(
        context, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count), nil, nil,
        Int32(bitPattern: options))
    }
    guard let parsed else {
      let error = xmlCtxtGetLastError(context)?.pointee
      let message = error?.message.map { String(cString: $0) } ?? "the file is empty"
      throw CompilationFailed(
        "I505", "the file is not XML: \(message.split(whereSeparator: \.isNewline).first ?? "")",
        at: .text(
          file: file, line: max(1, Int(error?.line ?? 1)) + skippedLines,
          column: max(1, Int(error?.int2 ?? 1))))
    }
    document = XMLTree(parsed, file: file)
    guard let root = xmlDocGetRootElement(parsed) else {
      throw CompilationFailed("I505", "the file has no element", at: .file(file))
    }
    node = root
  }

  private static func firstIndex(of text: String, in bytes: [UInt8]) -> Int? {
    let pattern = Array(text.utf8)
    guard bytes.count >= pattern.count else { return nil }
    return (0...bytes.count - pattern.count).first {
      bytes[$0] == pattern[0] && bytes[$0..<$0 + pattern.count].elementsEqual(pattern)
    }
  }

  var name: String { node.pointee.name.map { String(cString: $0) } ?? "" }

  /// Where the element starts.
  var location: Location { .text(file: document.file, line: xmlGetLineNo(node), column: 1) }

  /// The child elements, in order.
  var children: [XMLElement] {
    withExtendedLifetime(document) {
      var result: [XMLElement] = []
      var child = node.pointee.children
      while let current = child {
        if current.pointee.type == XML_ELEMENT_NODE { result.append(XMLElement(current, in: document)) }
        child = current.pointee.next
      }
      return result
    }
  }

  /// The first child element of a name.
  func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

  /// The value of an attribute, or nil where it is missing.
  func attribute(_ name: String) -> String? {
    withExtendedLifetime(document) {
      var attribute = node.pointee.properties
      while let current = attribute {
        if let key = current.pointee.name, String(cString: key) == name {
          return Self.text(current.pointee.children)
        }
        attribute = current.pointee.next
      }
      return nil
    }
  }

  /// The text directly inside the element.
  var text: String { withExtendedLifetime(document) { Self.text(node.pointee.children) } }

  /// The text of a node and the nodes behind it.
  private static func text(_ first: UnsafeMutablePointer<xmlNode>?) -> String {
    var result = ""
    var node = first
    while let current = node {
      let isText = current.pointee.type == XML_TEXT_NODE || current.pointee.type == XML_CDATA_SECTION_NODE
      if isText, let content = current.pointee.content { result += String(cString: content) }
      node = current.pointee.next
    }
    return result
  }
}

// What a reader asks for; all throw I502 where the file has something else.
extension XMLElement {
  func failure(_ code: DiagnosticCode, _ message: String, notes: [String] = []) -> CompilationFailed {
    CompilationFailed(code, message, at: location, notes: notes)
  }

  func requireChild(_ name: String) throws(CompilationFailed) -> XMLElement {
    guard let child = child(name) else { throw failure("I502", "'\(self.name)' has no element '\(name)'") }
    return child
  }

  func require(_ attribute: String) throws(CompilationFailed) -> String {
    guard let value = self.attribute(attribute) else {
      throw failure("I502", "'\(name)' has no attribute '\(attribute)'")
    }
    return value
  }

  func integer(_ attribute: String) throws(CompilationFailed) -> Int {
    guard let value = Int32(try require(attribute)) else {
      throw failure("I502", "attribute '\(attribute)' of '\(name)' is not an integer")
    }
    return Int(value)
  }

  func number(_ attribute: String) throws(CompilationFailed) -> Double {
    guard let value = Double(try require(attribute)) else {
      throw failure("I502", "attribute '\(attribute)' of '\(name)' is not a number")
    }
    return value
  }
}
