/// The words of Verilog text. Names are numbered, so that the parser compares integers.
enum VerilogToken: Hashable, Sendable {
  case name(VerilogName)
  /// A number of a stated width, or of none; `x` digits make it unknown as a whole.
  case number(value: UInt128, width: Int?, isUnknown: Bool)
  /// Punctuation, such as `<=`.
  case symbol(VerilogSymbol)
  case end
}

/// Punctuation of one or two characters.
struct VerilogSymbol: Hashable, Sendable, ExpressibleByStringLiteral {
  var code: UInt16

  init(_ code: UInt16) { self.code = code }
  init(stringLiteral text: StaticString) {
    code = text.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt16($1) } }
  }

  var text: String {
    String(decoding: [UInt8(code >> 8), UInt8(code & 255)].filter { $0 != 0 }, as: UTF8.self)
  }
}

/// An identifier by its number.
struct VerilogName: Hashable, Sendable { var index: Int32 }

/// The identifiers of all files.
struct VerilogNames: Sendable {
  private(set) var texts: [String] = []
  private var known: [String: VerilogName] = [:]

  subscript(name: VerilogName) -> String { texts[Int(name.index)] }

  mutating func name(_ text: String) -> VerilogName {
    if let name = known[text] { return name }
    let name = VerilogName(index: Int32(texts.count))
    texts.append(text)
    known[text] = name
    return name
  }
}

/// Cuts a file into tokens; comments, attributes and compiler directives are passed over.
struct VerilogLexer {
  private let bytes: [UInt8]
  private let file: Int
  private var position = 0

  init(_ text: String, file: Int) {
    bytes = Array(text.utf8)
    self.file = file
  }

  /// All tokens with their offsets, `end` last.
  mutating func tokens(_ names: inout VerilogNames) throws(VerilogError) -> [(
    token: VerilogToken, offset: Int
  )] {
    var result: [(token: VerilogToken, offset: Int)] = []
    result.reserveCapacity(bytes.count / 4)
    while true {
      try skipBlanks()
      let start = position
      guard position < bytes.count else {
        result.append((.end, start))
        return result
      }
      let byte = bytes[position]
      if VerilogLexer.isLetter(byte) || byte == UInt8(ascii: "$") {
        position += 1
        while position < bytes.count, VerilogLexer.isWord(bytes[position]) { position += 1 }
        result.append((.name(names.name(String(decoding: bytes[start..<position], as: UTF8.self))), start))
      } else if VerilogLexer.isDigit(byte) {
        result.append((try number(), start))
      } else {
        result.append((symbol(), start))
      }
    }
  }

  private func at(_ offset: Int) -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

  private mutating func skipBlanks() throws(VerilogError) {
    while position < bytes.count {
      let (byte, next) = (bytes[position], at(position + 1))
      if byte == 32 || byte == 10 || byte == 9 || byte == 13 {
        position += 1
      } else if byte == UInt8(ascii: "/") && next == UInt8(ascii: "/") || byte == UInt8(ascii: "`") {
        while position < bytes.count, bytes[position] != 10 { position += 1 }
      } else if byte == UInt8(ascii: "/") && next == UInt8(ascii: "*") {
        try skip(until: "*", "/")
      } else if byte == UInt8(ascii: "(") && next == UInt8(ascii: "*")
        && at(position + 2) != UInt8(ascii: ")")
      {
        try skip(until: "*", ")")
      } else {
        return
      }
    }
  }

  private mutating func skip(until first: Unicode.Scalar, _ second: Unicode.Scalar) throws(VerilogError) {
    let start = position
    position += 2
    while at(position) != UInt8(ascii: first) || at(position + 1) != UInt8(ascii: second) {
      guard position < bytes.count else {
        throw VerilogError("a comment or attribute without end", at: VerilogPlace(file: file, offset: start))
      }
      position += 1
    }
    position += 2
  }

  /// `42`, `8'd42` or `8'h2a`; `8'dx` is unknown.
  private mutating func number() throws(VerilogError) -> VerilogToken {
    let start = position
    func error(_ message: String) -> VerilogError {
      VerilogError(message, at: VerilogPlace(file: file, offset: start))
    }
    guard let first = digits(radix: 10) else { throw error("a number of more than 128 bits") }
    guard at(position) == UInt8(ascii: "'") else {
      return .number(value: first, width: nil, isUnknown: false)
    }
    let radix: UInt128
    switch at(position + 1) {
    case UInt8(ascii: "d"): radix = 10
    case UInt8(ascii: "h"): radix = 16
    case UInt8(ascii: "b"): radix = 2
    default: throw error("a number that is neither 'd, 'h nor 'b")
    }
    position += 2
    guard first >= 1, first <= 128 else { throw error("a number of \(first) bits; 1 to 128 are read") }
    if at(position) == UInt8(ascii: "x") {
      position += 1
      return .number(value: 0, width: Int(first), isUnknown: true)
    }
    let digitsStart = position
    guard let value = digits(radix: radix), position > digitsStart else {
      throw error("a number without digits")
    }
    guard first == 128 || value >> first == 0 else {
      throw error("a number that needs more than its \(first) bits")
    }
    return .number(value: value, width: Int(first), isUnknown: false)
  }

  /// The digits from here on; nil beyond 128 bits.
  private mutating func digits(radix: UInt128) -> UInt128? {
    var value: UInt128 = 0
    while true {
      let byte = at(position)
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: return value
      }
      guard UInt128(digit) < radix else { return value }
      let (high, overflow) = value.multipliedReportingOverflow(by: radix)
      let (sum, carry) = high.addingReportingOverflow(UInt128(digit))
      if overflow || carry { return nil }
      value = sum
      position += 1
    }
  }

  private mutating func symbol() -> VerilogToken {
    let (first, second) = (bytes[position], at(position + 1))
    let symbol = VerilogSymbol(UInt16(first) << 8 | UInt16(second))
    if VerilogLexer.pairs.contains(symbol) {
      position += 2
      return .symbol(symbol)
    }
    position += 1
    return .symbol(VerilogSymbol(UInt16(first)))
  }

  private static let pairs: [VerilogSymbol] = [
    "<=", ">=", "==", "!=", "&&", "||", "<<", ">>", "~&", "~|", "~^",
  ]

  private static func isLetter(_ byte: UInt8) -> Bool {
    (byte | 32) >= UInt8(ascii: "a") && (byte | 32) <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
  }
  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
  private static func isWord(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }
}
