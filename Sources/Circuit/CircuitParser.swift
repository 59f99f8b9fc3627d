import Diagnostics
import FixedPoint

extension Circuit {
  /// Reads the text form. Only its grammar is checked here; `verify()` checks what it says.
  ///
  /// - Throws: E050 for text that is not the grammar's, E051 for numbers beyond the compiler's limits, E052 for a
  ///   width or signedness that differs from its range's, E053 for an unknown layer.
  public init(parsing text: String, file: String = "circuit") throws(CompilationFailed) {
    var parser = CircuitParser(text, file: file)
    self = try parser.circuit()
  }
}

/// A recursive-descent reader over bytes; the grammar is in `Circuit.text`.
private struct CircuitParser {
  private let bytes: [UInt8]
  private let file: String
  private var position = 0
  private var line = 1
  private var lineStart = 0
  private var layers: [String: Int] = [:]

  init(_ text: String, file: String) {
    bytes = Array(text.utf8)
    self.file = file
  }

  mutating func circuit() throws(CompilationFailed) -> Circuit {
    skipBlankLines()
    try expect("circuit")
    var circuit = Circuit(name: try quotedName())
    if accept("latency") { circuit.latency = try count(below: 1 << 20, "latency") }
    try endLine()
    while !atEnd {
      if accept("layer") {
        let name = try quotedName()
        if layers[name] == nil { layers[name] = circuit.origins.count }
        circuit.origins.append(name)
      } else if accept("table") {
        circuit.tables.append(try table())
      } else if accept("input") {
        circuit.inputs.append(try port())
      } else if accept("output") {
        circuit.outputs.append(try port())
      } else {
        circuit.operations.append(try operation(circuit.operations.count))
      }
      try endLine()
    }
    return circuit
  }

  private mutating func table() throws(CompilationFailed) -> Table {
    let name = try quotedName()
    try expect("from")
    let first = try bounded()
    try expect(":")
    var entries: [Int128] = []
    while !atLineEnd { entries.append(try bounded()) }
    return Table(name: name, first: first, entries: entries)
  }

  private mutating func port() throws(CompilationFailed) -> Port {
    let name = try quotedName()
    var shape: [Int] = []
    try expect("[")
    while !accept("]") {
      if !shape.isEmpty { try expect(",") }
      shape.append(try count(below: 1 << 32, "dimension"))
      let elements = shape.reduce((1, false)) { product, extent in
        let (value, overflow) = product.0.multipliedReportingOverflow(by: extent)
        return (value, product.1 || overflow)
      }
      if elements.1 { throw error("E051", "a shape of more elements than can be counted") }
    }
    try expect(":")
    var elements: [Port.Element] = []
    while !atLineEnd {
      if !elements.isEmpty { try expect(",") }
      let value = try value()
      elements.append(Port.Element(try format(), value: value))
    }
    return Port(name: name, shape: shape, elements: elements)
  }

  private mutating func operation(_ index: Int) throws(CompilationFailed) -> Operation {
    let number = try value().index
    if number != index { throw error("E050", "expected operation %\(index), found %\(number)") }
    try expect("=")
    let kind = try kind()
    try expect(":")
    let format = try format()
    try expect("@")
    let name = peek == UInt8(ascii: "\"") ? try quotedName() : identifier()
    guard let origin = layers[name] else { throw error("E053", "there is no layer '\(name)'") }
    let instance = accept("#") ? try count(below: 1 << 32, "instance") : 0
    return Operation(kind, format, origin: origin, instance: instance)
  }

  private mutating func kind() throws(CompilationFailed) -> Operation.Kind {
    let keyword = identifier()
    switch keyword {
    case "input":
      let port = try count(below: 1 << 32, "port")
      try expect(".")
      return .input(port: port, element: try count(below: 1 << 32, "element"))
    case "constant": return .constant(try bounded())
    case "sum": return .sum(try terms())
    case "multiply":
      let values = try values(2)
      return .multiply(values[0], values[1])
    case "slice":
      let operand = try value()
      try expect("from")
      return .slice(operand, low: try count(below: 1 << 16, "bit"))
    case "compare":
      let relation = try oneOf(Relation.self)
      let values = try values(2)
      return .compare(relation, values[0], values[1])
    case "select":
      let values = try values(3)
      return .select(condition: values[0], ifTrue: values[1], ifFalse: values[2])
    case "lookup":
      let operand = try value()
      try expect("in")
      return .lookup(operand, table: try count(below: 1 << 32, "table"))
    case "bitwise":
      let bitwise = try oneOf(Bitwise.self)
      return .bitwise(bitwise, try values(nil))
    case "reduce":
      let bitwise = try oneOf(Bitwise.self)
      return .reduce(bitwise, try value())
    case "register": return .register(try value())
    default: throw error("E050", "'\(keyword)' is not an operation")
    }
  }

  private mutating func oneOf<Choice: RawRepresentable & CaseIterable>(
    _: Choice.Type
  ) throws(CompilationFailed) -> Choice where Choice.RawValue == String {
    let name = identifier()
    if let choice = Choice(rawValue: name) { return choice }
    let names = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    throw error("E050", "'\(name)' is not one of \(names)")
  }

  private mutating func terms() throws(CompilationFailed) -> [Term] {
    var isNegative = accept("-")
    var terms: [Term] = []
    while true {
      let value = try value()
      let shift = accept("<<") ? try count(below: 1 << 16, "shift") : 0
      terms.append(Term(value, shift: shift, isNegative: isNegative))
      if accept("+") {
        isNegative = false
      } else if accept("-") {
        isNegative = true
      } else {
        return terms
      }
    }
  }

  /// Comma-separated values, as many as `count` says.
  private mutating func values(_ count: Int?) throws(CompilationFailed) -> [Value] {
    var values = [try value()]
    while accept(",") { values.append(try value()) }
    if let count, values.count != count {
      throw error("E050", "expected \(count) operands, found \(values.count)")
    }
    return values
  }

  private mutating func value() throws(CompilationFailed) -> Value {
    try expect("%")
    return Value(try count(below: 1 << 40, "value"))
  }

  private mutating func format() throws(CompilationFailed) -> Format {
    let isSigned = accept("s")
    if !isSigned { try expect("u") }
    let width = try count(below: 1 << 16, "width")
    try expect("e")
    let exponent = try integer()
    guard abs(exponent) < 1 << 20 else { throw error("E051", "exponent \(exponent) is beyond 2^20") }
    try expect("[")
    let lower = try bounded()
    try expect(",")
    let upper = try bounded()
    try expect("]")
    guard lower <= upper else { throw error("E050", "range [\(lower),\(upper)] is empty") }
    let format = Format(Interval(lower, upper), exponent: Int(exponent))
    if format.width != width || format.isSigned != isSigned {
      throw error(
        "E052",
        "range [\(lower),\(upper)] has the type \(format.isSigned ? "s" : "u")\(format.width), "
          + "not \(isSigned ? "s" : "u")\(width)")
    }
    return format
  }

  // MARK: Tokens

  private var atEnd: Bool { position >= bytes.count }
  private var peek: UInt8? { atEnd ? nil : bytes[position] }
  private var atLineEnd: Bool { atEnd || bytes[position] == UInt8(ascii: "\n") }

  private func error(_ code: DiagnosticCode, _ message: String) -> CompilationFailed {
    CompilationFailed(code, message, at: .text(file: file, line: line, column: position - lineStart + 1))
  }

  private mutating func skipSpaces() {
    while let byte = peek, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == 13 {
      position += 1
    }
  }

  private mutating func skipBlankLines() {
    skipSpaces()
    while peek == UInt8(ascii: "\n") {
      position += 1
      line += 1
      lineStart = position
      skipSpaces()
    }
  }

  private mutating func endLine() throws(CompilationFailed) {
    skipSpaces()
    guard atLineEnd else { throw error("E050", "expected the end of the line") }
    skipBlankLines()
  }

  private mutating func accept(_ token: String) -> Bool {
    skipSpaces()
    let token = Array(token.utf8)
    guard bytes[position...].starts(with: token) else { return false }
    position += token.count
    skipSpaces()
    return true
  }

  private mutating func expect(_ token: String) throws(CompilationFailed) {
    if !accept(token) { throw error("E050", "expected '\(token)'") }
  }

  private mutating func identifier() -> String {
    let start = position
    while let byte = peek, CircuitText.isIdentifier(byte) { position += 1 }
    let name = String(decoding: bytes[start..<position], as: UTF8.self)
    skipSpaces()
    return name
  }

  private mutating func quotedName() throws(CompilationFailed) -> String {
    guard peek == UInt8(ascii: "\"") else { throw error("E050", "expected a name between quotes") }
    position += 1
    var name: [UInt8] = []
    while let byte = peek, byte != UInt8(ascii: "\"") {
      if byte == UInt8(ascii: "\n") { break }
      position += 1
      guard byte == UInt8(ascii: "\\") else {
        name.append(byte)
        continue
      }
      guard let escaped = peek else { break }
      name.append(escaped == UInt8(ascii: "n") ? 10 : escaped)
      position += 1
    }
    guard peek == UInt8(ascii: "\"") else { throw error("E050", "the name has no closing quote") }
    position += 1
    skipSpaces()
    return String(decoding: name, as: UTF8.self)
  }

  private mutating func integer() throws(CompilationFailed) -> Int128 {
    let start = position
    if peek == UInt8(ascii: "-") { position += 1 }
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    let digits = String(decoding: bytes[start..<position], as: UTF8.self)
    guard !digits.isEmpty, digits != "-" else { throw error("E050", "expected an integer") }
    guard let value = Int128(digits) else {
      throw error("E051", "\(digits) is beyond 2^\(Interval.maximumBits)")
    }
    skipSpaces()
    return value
  }

  /// An integer that an `Interval` can hold.
  private mutating func bounded() throws(CompilationFailed) -> Int128 {
    let value = try integer()
    let bound = Int128(1) << Interval.maximumBits
    guard -bound <= value, value <= bound else {
      throw error("E051", "\(value) is beyond 2^\(Interval.maximumBits)")
    }
    return value
  }

  private mutating func count(below limit: Int, _ what: String) throws(CompilationFailed) -> Int {
    let value = try integer()
    guard 0 <= value, value < Int128(limit) else {
      throw error("E051", "\(what) \(value) is not in 0..<\(limit)")
    }
    return Int(value)
  }
}
