import Diagnostics

/// A Python call expression with literal arguments, such as `quantized_bits(6, 0, alpha='auto')`: how QKeras
/// writes quantizers into strings. It is read, never evaluated.
struct PythonCall: Sendable {
  /// A Python literal; lists and tuples are flattened, since only numbers for each channel are written so.
  enum Literal: Hashable, Sendable {
    case none
    case bool(Bool)
    case number(Double)
    case string(String)
    case list([Literal])
  }

  var name: String
  var positional: [Literal] = []
  var keywords: [(name: String, value: Literal)] = []

  /// Parses `text`, a name alone or a call; nil where it is neither.
  init?(_ text: String) {
    var parser = Parser(rest: Substring(text))
    guard let name = parser.name() else { return nil }
    self.name = name
    if parser.isAtEnd { return }
    guard parser.take("(") else { return nil }
    while !parser.take(")") {
      if !(positional.isEmpty && keywords.isEmpty) {
        guard parser.take(",") else { return nil }
        if parser.take(")") { break }
      }
      if let keyword = parser.keyword() {
        guard let value = parser.literal() else { return nil }
        keywords.append((keyword, value))
      } else {
        guard keywords.isEmpty, let value = parser.literal() else { return nil }
        positional.append(value)
      }
    }
    if !parser.isAtEnd { return nil }
  }

  private struct Parser {
    var rest: Substring
    private var depth = 0

    init(rest: Substring) { self.rest = rest }

    mutating func skipSpace() { rest = rest.drop { $0.isWhitespace } }

    var isAtEnd: Bool { rest.allSatisfy(\.isWhitespace) }

    mutating func take(_ character: Character) -> Bool {
      skipSpace()
      guard rest.first == character else { return false }
      rest.removeFirst()
      return true
    }

    /// An identifier, perhaps behind module names, which are dropped.
    mutating func name() -> String? {
      skipSpace()
      let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
      guard let first = word.first, first.isLetter || first == "_", let last = word.split(separator: ".").last
      else {
        return nil
      }
      rest = rest.dropFirst(word.count)
      return String(last)
    }

    /// `name=`, or nothing.
    mutating func keyword() -> String? {
      let start = rest
      if let name = name(), take("=") { return name }
      rest = start
      return nil
    }

    mutating func literal() -> Literal? {
      skipSpace()
      guard let first = rest.first, depth < 16 else { return nil }
      if first == "'" || first == "\"" { return string(quote: first) }
      if first == "[" || first == "(" { return list(close: first == "[" ? "]" : ")") }
      let word = rest.prefix { $0.isLetter || $0.isNumber || "+-._".contains($0) }
      rest = rest.dropFirst(word.count)
      switch word {
      case "None": return Literal.none
      case "True": return .bool(true)
      case "False": return .bool(false)
      default: return Double(word).flatMap { $0.isFinite ? .number($0) : nil }
      }
    }

    private mutating func string(quote: Character) -> Literal? {
      rest.removeFirst()
      let text = rest.prefix { $0 != quote }
      rest = rest.dropFirst(text.count)
      return take(quote) && !text.contains("\\") ? .string(String(text)) : nil
    }

    private mutating func list(close: Character) -> Literal? {
      rest.removeFirst()
      depth += 1
      defer { depth -= 1 }
      var elements: [Literal] = []
      while !take(close) {
        if !elements.isEmpty {
          guard take(",") else { return nil }
          if take(close) { break }
        }
        guard let element = literal() else { return nil }
        elements.append(element)
      }
      return .list(elements)
    }
  }
}

extension PythonCall.Literal {
  /// The same value from a JSON configuration.
  init?(_ value: JSONValue) {
    switch value.kind {
    case .null: self = .none
    case .boolean: self = .bool(value.bool == true)
    case .integer, .number:
      guard let number = value.double, number.isFinite else { return nil }
      self = .number(number)
    case .string: self = .string(value.string ?? "")
    case .array:
      var elements: [Self] = []
      for element in value.array.map(Array.init) ?? [] {
        guard let literal = Self(element) else { return nil }
        elements.append(literal)
      }
      self = .list(elements)
    case .object:
      // Keras writes arrays as {"class_name": "__numpy__", "config": {"value": …}} and the like.
      guard let inner = value["config"]?["value"] ?? value["value"], let literal = Self(inner) else {
        return nil
      }
      self = literal
    }
  }

  /// The numbers of a literal and its lists, in order; nil where there is anything else.
  var numbers: [Double]? {
    switch self {
    case .number(let number): return [number]
    case .bool(let flag): return [flag ? 1 : 0]
    case .list(let elements):
      var result: [Double] = []
      for element in elements {
        guard let numbers = element.numbers else { return nil }
        result += numbers
      }
      return result
    case .none, .string: return nil
    }
  }
}
