extension Elaboration {
  /// The value of an expression of parameters and numbers.
  func constant(
    _ expression: VerilogExpression, _ environment: [VerilogName: Int128]
  ) throws(VerilogError) -> Int128 {
    switch expression.kind {
    case .name(let name):
      guard let value = environment[name] else {
        throw VerilogError("'\(names[name])' is not a constant", at: expression.place)
      }
      return value
    case .number(let value, _, false) where value < 1 << 120: return Int128(value)
    case .unary(.symbol("-"), let operand): return -(try constant(operand, environment))
    case .conditional(let condition, let then, let otherwise):
      return try constant(try constant(condition, environment) != 0 ? then : otherwise, environment)
    case .binary(let sign, let left, let right):
      let (a, b) = (try constant(left, environment), try constant(right, environment))
      guard a.magnitude < 1 << 62 && b.magnitude < 1 << 62 else { break }
      switch sign {
      case .symbol("+"): return a + b
      case .symbol("-"): return a - b
      case .symbol("*"): return a * b
      case .symbol("/") where b != 0: return a / b
      case .symbol("=="): return a == b ? 1 : 0
      case .symbol("!="): return a != b ? 1 : 0
      case .symbol("<"): return a < b ? 1 : 0
      case .symbol("<="): return a <= b ? 1 : 0
      case .symbol(">"): return a > b ? 1 : 0
      case .symbol(">="): return a >= b ? 1 : 0
      default: break
      }
    default: break
    }
    throw VerilogError("not a constant", at: expression.place)
  }

  private func signal(
    _ name: VerilogName, _ scope: Int, _ place: VerilogPlace
  ) throws(VerilogError) -> ModuleScope.Signal {
    guard let signal = scopes[scope].signals[name] else {
      throw VerilogError("'\(names[name])' is not declared", at: place)
    }
    return signal
  }

  /// The place and count of the bits of a selection.
  private func selected(
    _ signal: ModuleScope.Signal, _ high: VerilogExpression, _ low: VerilogExpression?,
    _ environment: [VerilogName: Int128], _ place: VerilogPlace
  ) throws(VerilogError) -> (low: Int, count: Int) {
    let top = try index(high, environment, signal, place)
    var bottom = top
    if let low { bottom = try index(low, environment, signal, place) }
    if top < bottom { throw VerilogError("bits from \(top) to \(bottom)", at: place) }
    return (bottom, top - bottom + 1)
  }

  // MARK: Widths and signs (IEEE 1364-2005, 5.4 and 5.5)

  /// The width that an expression has by itself.
  func width(
    of expression: VerilogExpression, _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) -> Int {
    switch expression.kind {
    case .name(let name):
      return environment[name] != nil ? 32 : try signal(name, scope, expression.place).width
    case .number(_, let width, _): return width ?? 32
    case .select(let name, let high, let low):
      return try selected(signal(name, scope, expression.place), high, low, environment, expression.place)
        .count
    case .concatenation(let parts):
      return try totalWidth(parts, environment, scope)
    case .replication(let count, let parts):
      return try totalWidth(parts, environment, scope) * repetitions(count, environment)
    case .unary(let sign, let operand):
      switch sign {
      case .symbol("-"), .symbol("~"): return try width(of: operand, environment, scope)
      default: return 1
      }
    case .binary(let sign, let left, let right):
      switch sign {
      case _ where sign.isComparison: return 1
      default: return max(try width(of: left, environment, scope), try width(of: right, environment, scope))
      }
    case .conditional(_, let then, let otherwise):
      return max(try width(of: then, environment, scope), try width(of: otherwise, environment, scope))
    case .call(let name, let argument):
      if names[name] == "$signed" { return try width(of: argument, environment, scope) }
      return try function(name, scope, expression.place).width
    }
  }

  private func totalWidth(
    _ parts: [VerilogExpression], _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) -> Int {
    var sum = 0
    for part in parts { sum += try width(of: part, environment, scope) }
    return sum
  }

  private func repetitions(
    _ count: VerilogExpression, _ environment: [VerilogName: Int128]
  ) throws(VerilogError) -> Int {
    let value = try constant(count, environment)
    guard value > 0, value <= 4096 else { throw VerilogError("\(value) repetitions", at: count.place) }
    return Int(value)
  }

  private func function(
    _ name: VerilogName, _ scope: Int, _ place: VerilogPlace
  ) throws(VerilogError) -> ModuleScope.TableFunction {
    guard let function = scopes[scope].functions[name] else {
      throw VerilogError("no function '\(names[name])'", at: place)
    }
    return function
  }

  /// Whether an expression is signed, so that operands are extended by their signs.
  private func isSigned(_ expression: VerilogExpression, _ environment: [VerilogName: Int128]) -> Bool {
    switch expression.kind {
    case .name(let name): environment[name] != nil
    case .number(_, let width, _): width == nil
    case .select, .concatenation, .replication: false
    case .call(let name, _): names[name] == "$signed"
    case .unary(let sign, let operand):
      (sign == .symbol("-") || sign == .symbol("~")) && isSigned(operand, environment)
    case .binary(let sign, let left, let right):
      switch sign {
      case _ where sign.isComparison: false
      default: isSigned(left, environment) && isSigned(right, environment)
      }
    case .conditional(_, let then, let otherwise):
      isSigned(then, environment) && isSigned(otherwise, environment)
    }
  }

  // MARK: Values

  /// The bits of an expression that is assigned to `width` bits.
  ///
  /// - Requires: the drivers of all signals in it are worked out.
  mutating func assigned(
    _ expression: VerilogExpression, width: Int, _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) -> NetBits {
    let own = try self.width(of: expression, environment, scope)
    let isSigned = isSigned(expression, environment)
    let bits = try value(expression, max(own, width), isSigned, environment, scope)
    return bits.slice(low: 0, count: width)
  }

  /// The word of an expression in as many bits as it has by itself.
  mutating func ownWord(
    _ expression: VerilogExpression, _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) -> Net {
    let width = try width(of: expression, environment, scope)
    return try word(assigned(expression, width: width, environment, scope), expression.place)
  }

  private mutating func word(_ bits: NetBits, _ place: VerilogPlace) throws(VerilogError) -> Net {
    guard bits.width >= 1, bits.width <= 128 else {
      throw VerilogError("a word of \(bits.width) bits; up to 128 are read", at: place)
    }
    return netlist.word(bits, at: place)
  }

  private mutating func extended(_ bits: NetBits, to width: Int, isSigned: Bool) -> NetBits {
    guard bits.width < width else { return bits }
    var result = bits
    if isSigned {
      let sign = bits.slice(low: bits.width - 1, count: 1)
      for _ in bits.width..<width { result.append(sign) }
    } else {
      let zeros = netlist.constant(0, width: width - bits.width)
      result.append(NetPiece(net: zeros, low: 0, count: width - bits.width))
    }
    return result
  }

  /// The bits of an expression in a context of `width` bits, at least as many as its own.
  private mutating func value(
    _ expression: VerilogExpression, _ width: Int, _ isSigned: Bool, _ environment: [VerilogName: Int128],
    _ scope: Int
  ) throws(VerilogError) -> NetBits {
    let place = expression.place
    switch expression.kind {
    case .name(let name):
      if let parameter = environment[name] {
        return NetBits(netlist.constant(UInt128(truncatingIfNeeded: parameter), width: width), width: width)
      }
      let count = try signal(name, scope, place).width
      return extended(try read(name, 0, count, scope, place), to: width, isSigned: isSigned)
    case .number(let number, _, let isUnknown):
      if isUnknown { throw VerilogError("an unknown value", at: place) }
      return NetBits(netlist.constant(number, width: width), width: width)
    case .select(let name, let high, let low):
      let (first, count) = try selected(signal(name, scope, place), high, low, environment, place)
      return extended(try read(name, first, count, scope, place), to: width, isSigned: false)
    case .concatenation(let parts):
      return extended(try sideBySide(parts, environment, scope), to: width, isSigned: false)
    case .replication(let count, let parts):
      let bits = try sideBySide(parts, environment, scope)
      var result = NetBits()
      for _ in 0..<(try repetitions(count, environment)) { result.append(bits) }
      return extended(result, to: width, isSigned: false)
    case .unary(let sign, let operand):
      return try unary(sign, operand, width, isSigned, environment, scope, place)
    case .binary(let sign, let left, let right):
      return try binary(sign, left, right, expression, width, isSigned, environment, scope)
    case .conditional(let condition, let then, let otherwise):
      let chooser = try ownWord(condition, environment, scope)
      guard netlist.width(chooser) == 1 else { throw VerilogError("a condition of several bits", at: place) }
      let branches = (
        try word(value(then, width, isSigned, environment, scope), place),
        try word(value(otherwise, width, isSigned, environment, scope), place)
      )
      return NetBits(
        netlist.add(
          .choice(condition: chooser, then: branches.0, otherwise: branches.1), width: width, at: place),
        width: width)
    case .call(let name, let argument):
      if names[name] == "$signed" {
        let own = try self.width(of: argument, environment, scope)
        return extended(
          try assigned(argument, width: own, environment, scope), to: width, isSigned: isSigned)
      }
      let function = try function(name, scope, place)
      let index = try word(
        assigned(argument, width: function.argumentWidth, environment, scope), place)
      let result = netlist.add(.lookup(table: function.table, index), width: function.width, at: place)
      return extended(NetBits(result, width: function.width), to: width, isSigned: false)
    }
  }

  private mutating func sideBySide(
    _ parts: [VerilogExpression], _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) -> NetBits {
    var result = NetBits()
    for part in parts.reversed() {
      if case .number(_, nil, _) = part.kind { throw VerilogError("a number without width", at: part.place) }
      let width = try width(of: part, environment, scope)
      result.append(try assigned(part, width: width, environment, scope))
    }
    return result
  }

  private mutating func unary(
    _ sign: VerilogToken, _ operand: VerilogExpression, _ width: Int, _ isSigned: Bool,
    _ environment: [VerilogName: Int128], _ scope: Int, _ place: VerilogPlace
  ) throws(VerilogError) -> NetBits {
    if sign == .symbol("-") || sign == .symbol("~") {
      let net = try word(value(operand, width, isSigned, environment, scope), place)
      let operation: NetOperation =
        sign == .symbol("-") ? .sum([NetTerm(net: net, isNegative: true)]) : .not(net)
      return NetBits(netlist.add(operation, width: width, at: place), width: width)
    }
    let net = try ownWord(operand, environment, scope)
    let kind: NetLogic =
      switch sign {
      case .symbol("&"), .symbol("~&"): .and
      case .symbol("|"), .symbol("~|"): .or
      default: .xor
      }
    var result = netlist.add(.reduce(kind, net), width: 1, at: place)
    if sign == .symbol("~&") || sign == .symbol("~|") {
      result = netlist.add(.not(result), width: 1, at: place)
    }
    return extended(NetBits(result, width: 1), to: width, isSigned: false)
  }

  private mutating func binary(
    _ sign: VerilogToken, _ left: VerilogExpression, _ right: VerilogExpression, _ whole: VerilogExpression,
    _ width: Int, _ isSigned: Bool, _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) -> NetBits {
    let place = whole.place
    switch sign {
    case .symbol("+"), .symbol("-"):
      var terms: [NetTerm] = []
      try addTerms(whole, false, width, isSigned, &terms, environment, scope)
      return NetBits(netlist.add(.sum(terms), width: width, at: place), width: width)
    case .symbol("*"), .symbol("&"), .symbol("|"), .symbol("^"):
      let a = try word(value(left, width, isSigned, environment, scope), place)
      let b = try word(value(right, width, isSigned, environment, scope), place)
      let operation: NetOperation =
        switch sign {
        case .symbol("*"): .product(a, b)
        case .symbol("&"): .logic(.and, a, b)
        case .symbol("|"): .logic(.or, a, b)
        default: .logic(.xor, a, b)
        }
      return NetBits(netlist.add(operation, width: width, at: place), width: width)
    case .symbol("/"): throw VerilogError("a division", at: place)
    default:
      return extended(
        NetBits(try comparison(sign, left, right, environment, scope, place), width: 1), to: width,
        isSigned: false)
    }
  }

  /// The operands of a chain of additions and subtractions.
  private mutating func addTerms(
    _ expression: VerilogExpression, _ isNegative: Bool, _ width: Int, _ isSigned: Bool,
    _ terms: inout [NetTerm],
    _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) {
    if case .binary(let sign, let left, let right) = expression.kind,
      sign == .symbol("+") || sign == .symbol("-")
    {
      try addTerms(left, isNegative, width, isSigned, &terms, environment, scope)
      try addTerms(right, isNegative != (sign == .symbol("-")), width, isSigned, &terms, environment, scope)
    } else {
      let bits = try value(expression, width, isSigned, environment, scope)
      terms.append(NetTerm(net: try word(bits, expression.place), isNegative: isNegative))
    }
  }

  private mutating func comparison(
    _ sign: VerilogToken, _ left: VerilogExpression, _ right: VerilogExpression,
    _ environment: [VerilogName: Int128], _ scope: Int, _ place: VerilogPlace
  ) throws(VerilogError) -> Net {
    let own = (try width(of: left, environment, scope), try width(of: right, environment, scope))
    let width = max(own.0, own.1)
    let isSigned = isSigned(left, environment) && isSigned(right, environment)
    let a = try word(value(left, width, isSigned, environment, scope), place)
    let b = try word(value(right, width, isSigned, environment, scope), place)
    if let x = netlist.constantValue(a), let y = netlist.constantValue(b),
      sign == .symbol("==") || sign == .symbol("!=")
    {
      return netlist.constant((x == y) == (sign == .symbol("==")) ? 1 : 0, width: 1)
    }
    if isSigned { throw VerilogError("a comparison of signed values", at: place) }
    func negated(_ net: Net) -> Net { netlist.add(.not(net), width: 1, at: place) }
    switch sign {
    case .symbol("=="): return netlist.add(.equal(a, b), width: 1, at: place)
    case .symbol("!="): return negated(netlist.add(.equal(a, b), width: 1, at: place))
    case .symbol("<"): return netlist.add(.less(a, b), width: 1, at: place)
    case .symbol(">"): return netlist.add(.less(b, a), width: 1, at: place)
    case .symbol("<="): return negated(netlist.add(.less(b, a), width: 1, at: place))
    default: return negated(netlist.add(.less(a, b), width: 1, at: place))
    }
  }
}

extension VerilogToken {
  /// Whether the operator compares, with one unsigned bit as result.
  fileprivate var isComparison: Bool {
    [.symbol("<"), .symbol("<="), .symbol(">"), .symbol(">="), .symbol("=="), .symbol("!=")].contains(self)
  }
}
