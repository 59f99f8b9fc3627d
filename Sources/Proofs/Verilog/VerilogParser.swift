/// Reads the Verilog-2005 that is proved: modules of wires, registers on one clock edge, tables as functions, instances,
/// and the generate blocks of adders made of cells. Anything else is an error with its place.
struct VerilogParser {
  private(set) var names: VerilogNames
  private let words: Words
  private let file: Int
  private var tokens: [(token: VerilogToken, offset: Int)] = []
  private var index = 0

  /// The reserved words that occur.
  struct Words: Sendable {
    let module, endmodule, parameter, localparam, input, output, wire, reg, assign, always, posedge, begin,
      end: VerilogName
    let `if`, `else`, generate, endgenerate, genvar, `for`, function, endfunction, `case`, endcase,
      `default`: VerilogName
    let signed: VerilogName

    init(_ names: inout VerilogNames) {
      module = names.name("module")
      endmodule = names.name("endmodule")
      parameter = names.name("parameter")
      localparam = names.name("localparam")
      input = names.name("input")
      output = names.name("output")
      wire = names.name("wire")
      reg = names.name("reg")
      assign = names.name("assign")
      always = names.name("always")
      posedge = names.name("posedge")
      begin = names.name("begin")
      end = names.name("end")
      self.if = names.name("if")
      self.else = names.name("else")
      generate = names.name("generate")
      endgenerate = names.name("endgenerate")
      genvar = names.name("genvar")
      self.for = names.name("for")
      function = names.name("function")
      endfunction = names.name("endfunction")
      self.case = names.name("case")
      endcase = names.name("endcase")
      self.default = names.name("default")
      signed = names.name("$signed")
    }
  }

  private init(names: VerilogNames, words: Words, file: Int) {
    self.names = names
    self.words = words
    self.file = file
  }

  /// The modules of all files, and the names in them.
  static func parse(_ files: [VerilogFile]) throws(VerilogError) -> (
    modules: [VerilogModule], names: VerilogNames
  ) {
    var names = VerilogNames()
    let words = Words(&names)
    var modules: [VerilogModule] = []
    for (index, file) in files.enumerated() {
      var parser = VerilogParser(names: names, words: words, file: index)
      var lexer = VerilogLexer(file.text, file: index)
      parser.tokens = try lexer.tokens(&parser.names)
      while parser.token != .end { modules.append(try parser.module()) }
      names = parser.names
    }
    return (modules, names)
  }
}

// MARK: - Tokens

extension VerilogParser {
  private var token: VerilogToken { tokens[index].token }
  private var place: VerilogPlace { VerilogPlace(file: file, offset: tokens[index].offset) }

  private func error(_ message: String) -> VerilogError { VerilogError(message, at: place) }

  private mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  private func isNext(_ symbol: VerilogSymbol) -> Bool { token == .symbol(symbol) }
  private func isNext(_ word: VerilogName) -> Bool { token == .name(word) }

  private mutating func accept(_ symbol: VerilogSymbol) -> Bool {
    if !isNext(symbol) { return false }
    advance()
    return true
  }

  private mutating func accept(_ word: VerilogName) -> Bool {
    if !isNext(word) { return false }
    advance()
    return true
  }

  private mutating func expect(_ symbol: VerilogSymbol) throws(VerilogError) {
    if !accept(symbol) { throw error("'\(symbol.text)' is missing here") }
  }

  private mutating func expect(_ word: VerilogName) throws(VerilogError) {
    if !accept(word) { throw error("'\(names[word])' is missing here") }
  }

  private mutating func name() throws(VerilogError) -> VerilogName {
    guard case .name(let name) = token else { throw error("a name is missing here") }
    advance()
    return name
  }

  /// `first, second, …` up to a closing symbol.
  private mutating func list<Element>(
    until end: VerilogSymbol, _ element: (inout VerilogParser) throws(VerilogError) -> Element
  ) throws(VerilogError) -> [Element] {
    var result: [Element] = []
    if accept(end) { return result }
    repeat { result.append(try element(&self)) } while accept(",")
    try expect(end)
    return result
  }
}

// MARK: - Modules

extension VerilogParser {
  private mutating func module() throws(VerilogError) -> VerilogModule {
    try expect(words.module)
    let place = place
    let name = try name()
    var parameters: [(name: VerilogName, value: VerilogExpression)] = []
    if accept("#") {
      try expect("(")
      parameters = try list(until: ")") { parser throws(VerilogError) in try parser.parameter() }
    }
    try expect("(")
    let ports = try list(until: ")") { parser throws(VerilogError) in try parser.port() }
    try expect(";")
    var items: [VerilogItem] = []
    while !accept(words.endmodule) { items += try item() }
    return VerilogModule(name: name, place: place, parameters: parameters, ports: ports, items: items)
  }

  private mutating func parameter() throws(VerilogError) -> (name: VerilogName, value: VerilogExpression) {
    try expect(words.parameter)
    _ = try range()
    let name = try name()
    try expect("=")
    return (name, try expression())
  }

  private mutating func port() throws(VerilogError) -> VerilogModule.Port {
    let isInput = accept(words.input)
    if !isInput { try expect(words.output) }
    try expect(words.wire)
    let range = try range()
    return VerilogModule.Port(isInput: isInput, name: try name(), range: range)
  }

  private mutating func range() throws(VerilogError) -> VerilogRange? {
    guard accept("[") else { return nil }
    let high = try expression()
    try expect(":")
    let low = try expression()
    try expect("]")
    return VerilogRange(high: high, low: low)
  }

  private mutating func item() throws(VerilogError) -> [VerilogItem] {
    let place = place
    if accept(words.wire) { return [try signal(isRegister: false, place)] }
    if accept(words.reg) { return [try signal(isRegister: true, place)] }
    if accept(words.assign) {
      let target = try target()
      try expect("=")
      let value = try expression()
      try expect(";")
      return [.assign(target, value)]
    }
    if accept(words.always) { return [try always(place)] }
    if accept(words.localparam) {
      _ = try range()
      let name = try name()
      try expect("=")
      let value = try expression()
      try expect(";")
      return [.constant(name, value)]
    }
    if accept(words.function) { return [.function(try function(place))] }
    if accept(words.genvar) {
      _ = try name()
      try expect(";")
      return []
    }
    if accept(words.generate) {
      var items: [VerilogItem] = []
      while !accept(words.endgenerate) { items += try item() }
      return items
    }
    if accept(words.if) { return [try generatedChoice()] }
    if accept(words.for) { return [try loop(place)] }
    return [.instance(try instance(place))]
  }

  private mutating func signal(isRegister: Bool, _ place: VerilogPlace) throws(VerilogError) -> VerilogItem {
    let range = try range()
    let name = try name()
    var value: VerilogExpression?
    if !isRegister, accept("=") { value = try expression() }
    try expect(";")
    return .signal(isRegister: isRegister, name, range, value: value, place)
  }

  private mutating func target() throws(VerilogError) -> VerilogTarget {
    let place = place
    let name = try name()
    guard accept("[") else { return VerilogTarget(name: name, range: nil, place: place) }
    let high = try expression()
    let low = accept(":") ? try expression() : high
    try expect("]")
    return VerilogTarget(name: name, range: VerilogRange(high: high, low: low), place: place)
  }

  private mutating func always(_ place: VerilogPlace) throws(VerilogError) -> VerilogItem {
    try expect("@")
    try expect("(")
    try expect(words.posedge)
    let clock = try name()
    try expect(")")
    return .always(clock: clock, try statement(), place)
  }

  private mutating func statement() throws(VerilogError) -> VerilogStatement {
    if accept(words.begin) {
      var statements: [VerilogStatement] = []
      while !accept(words.end) { statements.append(try statement()) }
      return .block(statements)
    }
    if accept(words.if) {
      try expect("(")
      let condition = try expression()
      try expect(")")
      let then = try statement()
      let otherwise = accept(words.else) ? try statement() : nil
      return .choice(condition, then, otherwise: otherwise)
    }
    let target = try target()
    try expect("<=")
    let value = try expression()
    try expect(";")
    return .assign(target, value)
  }

  private mutating func instance(_ place: VerilogPlace) throws(VerilogError) -> VerilogInstance {
    let module = try name()
    var parameters: [(name: VerilogName, value: VerilogExpression)] = []
    if accept("#") {
      try expect("(")
      parameters = try list(until: ")") { parser throws(VerilogError) in try parser.connection() }
    }
    let name = try name()
    try expect("(")
    let connections = try list(until: ")") { parser throws(VerilogError) in try parser.connection() }
    try expect(";")
    return VerilogInstance(
      module: module, parameters: parameters, name: name,
      connections: connections.map { (port: $0.name, value: $0.value) }, place: place)
  }

  private mutating func connection() throws(VerilogError) -> (name: VerilogName, value: VerilogExpression) {
    try expect(".")
    let name = try name()
    try expect("(")
    let value = try expression()
    try expect(")")
    return (name, value)
  }
}

// MARK: - Generate blocks and functions

extension VerilogParser {
  /// `begin : name … end`, or one item.
  private mutating func generatedBlock() throws(VerilogError) -> [VerilogItem] {
    guard accept(words.begin) else { return try item() }
    if accept(":") { _ = try name() }
    var items: [VerilogItem] = []
    while !accept(words.end) { items += try item() }
    return items
  }

  private mutating func generatedChoice() throws(VerilogError) -> VerilogItem {
    try expect("(")
    let condition = try expression()
    try expect(")")
    let then = try generatedBlock()
    let otherwise = accept(words.else) ? try generatedBlock() : []
    return .choice(condition, then, otherwise: otherwise)
  }

  private mutating func loop(_ place: VerilogPlace) throws(VerilogError) -> VerilogItem {
    try expect("(")
    let variable = try name()
    try expect("=")
    let first = try expression()
    try expect(";")
    let condition = try expression()
    try expect(";")
    guard try name() == variable else { throw error("a loop that steps another variable") }
    try expect("=")
    let next = try expression()
    try expect(")")
    return .loop(
      VerilogLoop(
        variable: variable, first: first, condition: condition, next: next, items: try generatedBlock(),
        place: place))
  }

  private mutating func function(_ place: VerilogPlace) throws(VerilogError) -> VerilogFunction {
    let width = try range()
    let name = try name()
    try expect(";")
    try expect(words.input)
    let argument = try range()
    let index = try self.name()
    try expect(";")
    try expect(words.case)
    try expect("(")
    guard try self.name() == index else { throw error("a table over something else than its argument") }
    try expect(")")
    var function = VerilogFunction(
      name: name, width: width, argument: argument, entries: [], otherwise: nil, place: place)
    while !accept(words.endcase) {
      var labels: [UInt128] = []
      let isDefault = accept(words.default)
      if isDefault {
        try expect(":")
      } else {
        repeat { labels.append(try literal().value) } while accept(",")
        try expect(":")
      }
      guard try self.name() == name else { throw error("a table that sets something else than its value") }
      try expect("=")
      let value = try literal()
      try expect(";")
      if isDefault {
        function.otherwise = value.isUnknown ? nil : value.value
      } else if value.isUnknown {
        throw error("an unknown entry of a table")
      } else {
        function.entries.append((labels, value.value))
      }
    }
    try expect(words.endfunction)
    return function
  }

  private mutating func literal() throws(VerilogError) -> (value: UInt128, isUnknown: Bool) {
    guard case .number(let value, _?, let isUnknown) = token else {
      throw error("a number with a width is missing here")
    }
    advance()
    return (value, isUnknown)
  }
}

// MARK: - Expressions

extension VerilogParser {
  private mutating func expression() throws(VerilogError) -> VerilogExpression {
    let condition = try binary(0)
    guard accept("?") else { return condition }
    let then = try expression()
    try expect(":")
    return VerilogExpression(.conditional(condition, then, try expression()), at: condition.place)
  }

  /// Binding strengths, from weak to strong (IEEE 1364-2005, table 5-4).
  private static let levels: [[VerilogToken]] = [
    [.symbol("|")], [.symbol("^")], [.symbol("&")], [.symbol("=="), .symbol("!=")],
    [.symbol("<"), .symbol("<="), .symbol(">"), .symbol(">=")], [.symbol("+"), .symbol("-")],
    [.symbol("*"), .symbol("/")],
  ]

  private mutating func binary(_ level: Int) throws(VerilogError) -> VerilogExpression {
    guard level < VerilogParser.levels.count else { return try unary() }
    var left = try binary(level + 1)
    while VerilogParser.levels[level].contains(token) {
      let sign = token
      advance()
      left = VerilogExpression(.binary(sign, left, try binary(level + 1)), at: left.place)
    }
    return left
  }

  private mutating func unary() throws(VerilogError) -> VerilogExpression {
    let place = place
    for sign in ["-", "~", "&", "|", "^", "~&", "~|"] as [VerilogSymbol] where accept(sign) {
      return VerilogExpression(.unary(.symbol(sign), try unary()), at: place)
    }
    return try primary()
  }

  private mutating func primary() throws(VerilogError) -> VerilogExpression {
    let place = place
    if accept("(") {
      let inner = try expression()
      try expect(")")
      return inner
    }
    if accept("{") { return try concatenation(place) }
    if case .number(let value, let width, let isUnknown) = token {
      advance()
      return VerilogExpression(.number(value: value, width: width, isUnknown: isUnknown), at: place)
    }
    let name = try name()
    if accept("(") {
      let argument = try expression()
      try expect(")")
      return VerilogExpression(.call(name, argument), at: place)
    }
    guard accept("[") else { return VerilogExpression(.name(name), at: place) }
    let high = try expression()
    let low = accept(":") ? try expression() : nil
    try expect("]")
    return VerilogExpression(.select(name, high: high, low: low), at: place)
  }

  private mutating func concatenation(_ place: VerilogPlace) throws(VerilogError) -> VerilogExpression {
    let first = try expression()
    if accept("{") {
      let parts = try list(until: "}") { parser throws(VerilogError) in try parser.expression() }
      try expect("}")
      return VerilogExpression(.replication(first, parts), at: place)
    }
    var parts = [first]
    while accept(",") { parts.append(try expression()) }
    try expect("}")
    return VerilogExpression(.concatenation(parts), at: place)
  }
}
