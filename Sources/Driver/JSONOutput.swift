/// A JSON value to be written, with object members in the order given.
public indirect enum JSONOutput: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  /// Non-finite numbers are written as null: JSON has none.
  case number(Double)
  case string(String)
  case array([JSONOutput])
  case object([Member])

  public struct Member: Hashable, Sendable {
    public var key: String
    public var value: JSONOutput
  }

  /// The value as indented text; arrays of scalars stay on one line.
  public func text(indentation: Int = 0) -> String {
    let margin = String(repeating: " ", count: indentation)
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .integer(let value): return "\(value)"
    case .number(let value):
      guard value.isFinite else { return "null" }
      return value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value)).0" : "\(value)"
    case .string(let value): return JSONOutput.quoted(value)
    case .array(let values):
      if values.allSatisfy(\.isScalar) {
        return "[" + values.map { $0.text() }.joined(separator: ", ") + "]"
      }
      let lines = values.map { margin + "  " + $0.text(indentation: indentation + 2) }
      return "[\n" + lines.joined(separator: ",\n") + "\n" + margin + "]"
    case .object(let members):
      if members.isEmpty { return "{}" }
      let lines = members.map {
        margin + "  " + JSONOutput.quoted($0.key) + ": " + $0.value.text(indentation: indentation + 2)
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n" + margin + "}"
    }
  }

  private var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case let control where control.value < 0x20:
        let digits = String(control.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension JSONOutput: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONOutput: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral {
  public init(dictionaryLiteral elements: (String, JSONOutput)...) {
    self = .object(elements.map { Member(key: $0, value: $1) })
  }
  public init(arrayLiteral elements: JSONOutput...) { self = .array(elements) }

  /// A number, or null.
  static func optional(_ value: Double?) -> JSONOutput { value.map { .number($0) } ?? .null }
  static func optional(_ value: Int?) -> JSONOutput { value.map { .integer($0) } ?? .null }
}
