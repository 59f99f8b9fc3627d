extension Elaboration {
  /// The bits of a signal, everything that they depend on worked out first.
  mutating func bits(
    of name: VerilogName, _ low: Int, _ count: Int, _ scope: Int, _ place: VerilogPlace
  ) throws(VerilogError) -> NetBits {
    try resolve(try driversOf(name, low, count, scope, place))
    return try read(name, low, count, scope, place)
  }

  /// The drivers of some bits of a signal; of all its bits where it is a word.
  private func driversOf(
    _ name: VerilogName, _ low: Int, _ count: Int, _ scope: Int, _ place: VerilogPlace
  ) throws(VerilogError) -> [Int] {
    guard let signal = scopes[scope].signals[name] else {
      throw VerilogError("'\(names[name])' is not declared", at: place)
    }
    let found = signal.drivers.filter {
      !signal.isTransparent || drivers[$0].low < low + count && low < drivers[$0].low + drivers[$0].count
    }
    let driven = found.reduce(0) { sum, driver in
      signal.isTransparent
        ? sum + min(low + count, drivers[driver].low + drivers[driver].count) - max(low, drivers[driver].low)
        : sum + drivers[driver].count
    }
    if driven != (signal.isTransparent ? count : signal.width) {
      throw VerilogError("'\(names[name])' has bits that nothing drives", at: signal.place)
    }
    return found
  }

  /// Works drivers out, operands first. An explicit stack: designs are deeper than a thread's.
  private mutating func resolve(_ roots: [Int]) throws(VerilogError) {
    var stack = roots
    while let driver = stack.last {
      if drivers[driver].result != nil {
        stack.removeLast()
        continue
      }
      let missing = try dependencies(of: driver).filter { drivers[$0].result == nil }
      if missing.isEmpty {
        drivers[driver].result = try value(of: driver)
        stack.removeLast()
      } else {
        if drivers[driver].isVisited {
          let name = scopes[drivers[driver].scope].prefix + names[drivers[driver].signal]
          throw VerilogError("'\(name)' depends on itself", at: drivers[driver].place)
        }
        drivers[driver].isVisited = true
        stack += missing
      }
    }
  }

  private func dependencies(of driver: Int) throws(VerilogError) -> [Int] {
    var found: [Int] = []
    let (scope, place) = (drivers[driver].scope, drivers[driver].place)
    switch drivers[driver].source {
    case .bits: break
    case .expression(let value, let environment): try add(value, environment, scope, &found)
    case .register(let value, let clock, let enable):
      found += try driversOf(clock, 0, 1, scope, place)
      if let enable { try add(enable, scopes[scope].parameters, scope, &found) }
      try add(value, scopes[scope].parameters, scope, &found)
    case .state(_, let clock, let enable, let reset, _):
      // What it becomes next may depend on what it is.
      found += try driversOf(clock, 0, 1, scope, place)
      if let enable { try add(enable, scopes[scope].parameters, scope, &found) }
      try add(reset, scopes[scope].parameters, scope, &found)
    case .input(let value, let environment, let outer): try add(value, environment, outer, &found)
    case .output(let name, let inner):
      found += try driversOf(name, 0, scopes[inner].signals[name]?.width ?? 0, inner, place)
    case .block(let inputs, let environment, _, _):
      for input in inputs { try add(input, environment, scope, &found) }
    case .cell(let cell, _, let connections, let environment):
      for port in cell.inputs {
        if let input = connections[port] { try add(input, environment, scope, &found) }
      }
    }
    return found
  }

  private func add(
    _ expression: VerilogExpression, _ environment: [VerilogName: Int128], _ scope: Int, _ found: inout [Int]
  ) throws(VerilogError) {
    switch expression.kind {
    case .number: break
    case .name(let name):
      if environment[name] != nil { return }
      let width = scopes[scope].signals[name]?.width ?? 0
      found += try driversOf(name, 0, width, scope, expression.place)
    case .select(let name, let high, let low):
      guard let signal = scopes[scope].signals[name] else {
        throw VerilogError("'\(names[name])' is not declared", at: expression.place)
      }
      let top = try index(high, environment, signal, expression.place)
      var bottom = top
      if let low { bottom = try index(low, environment, signal, expression.place) }
      found += try driversOf(name, bottom, max(0, top - bottom + 1), scope, expression.place)
    case .concatenation(let parts), .replication(_, let parts):
      for part in parts { try add(part, environment, scope, &found) }
    case .unary(_, let operand), .call(_, let operand): try add(operand, environment, scope, &found)
    case .binary(_, let left, let right):
      try add(left, environment, scope, &found)
      try add(right, environment, scope, &found)
    case .conditional(let condition, let then, let otherwise):
      for part in [condition, then, otherwise] { try add(part, environment, scope, &found) }
    }
  }

  /// Bits of a signal whose drivers are worked out.
  mutating func read(
    _ name: VerilogName, _ low: Int, _ count: Int, _ scope: Int, _ place: VerilogPlace
  ) throws(VerilogError) -> NetBits {
    guard let signal = scopes[scope].signals[name] else {
      throw VerilogError("'\(names[name])' is not declared", at: place)
    }
    if let net = signal.net { return NetBits(net, width: signal.width).slice(low: low, count: count) }
    let ordered = try driversOf(name, low, count, scope, place).sorted { drivers[$0].low < drivers[$1].low }
    var bits = NetBits()
    for driver in ordered { bits.append(drivers[driver].result ?? NetBits()) }
    if signal.isTransparent {
      return bits.slice(low: low - (ordered.first.map { drivers[$0].low } ?? 0), count: count)
    }
    let net = netlist.word(bits, at: signal.place)
    scopes[scope].signals[name]?.net = net
    return NetBits(net, width: signal.width).slice(low: low, count: count)
  }

  private mutating func value(of driver: Int) throws(VerilogError) -> NetBits {
    let (scope, place, count) = (drivers[driver].scope, drivers[driver].place, drivers[driver].count)
    let parameters = scopes[scope].parameters
    switch drivers[driver].source {
    case .bits(let bits): return bits
    case .expression(let value, let environment):
      return try assigned(value, width: count, environment, scope)
    case .register(let value, let clock, let enable):
      try checkClock(clock, scope, place)
      let next = netlist.word(try assigned(value, width: count, parameters, scope), at: place)
      var condition: Net?
      if let enable { condition = try ownWord(enable, parameters, scope) }
      let net = netlist.add(.register(next), width: count, at: place)
      netlist.registers.append(DataRegister(net: net, enable: condition))
      return NetBits(net, width: count)
    case .state(_, let clock, _, _, _):
      try checkClock(clock, scope, place)
      states.append(driver)
      return NetBits(netlist.add(.state(states.count - 1), width: count, at: place), width: count)
    case .input(let value, let environment, let outer):
      return try assigned(value, width: count, environment, outer)
    case .output(let name, let inner): return try read(name, 0, count, inner, place)
    case .block(let inputs, let environment, let signs, let width):
      var terms: [NetTerm] = []
      for (input, isNegative) in zip(inputs, signs) {
        let bits = try assigned(input, width: width, environment, scope)
        terms.append(NetTerm(net: netlist.word(bits, at: place), isNegative: isNegative))
      }
      return NetBits(netlist.add(.sum(terms), width: width, at: place), width: width)
    case .cell(let cell, let output, let connections, let environment):
      return try value(of: cell, output, connections, environment, scope, place)
    }
  }

  private mutating func checkClock(
    _ clock: VerilogName, _ scope: Int, _ place: VerilogPlace
  ) throws(VerilogError) {
    let bits = try read(clock, 0, 1, scope, place)
    guard bits.pieces.count == 1, netlist.operation(bits.pieces[0].net) == .control("clk") else {
      throw VerilogError("a register on another clock than 'clk'", at: place)
    }
  }

  /// What registers with a reset become, once all that they depend on is there.
  mutating func finishStates() throws(VerilogError) {
    var index = 0
    while index < states.count {
      let driver = drivers[states[index]]
      index += 1
      guard case .state(let value, _, let enable, let reset, let initial) = driver.source else { continue }
      let parameters = scopes[driver.scope].parameters
      var needed: [Int] = []
      try add(value, parameters, driver.scope, &needed)
      try resolve(needed)
      let next = try assigned(value, width: driver.count, parameters, driver.scope)
      guard let state = driver.result?.pieces.first?.net else { continue }
      var condition: Net?
      if let enable { condition = try ownWord(enable, parameters, driver.scope) }
      netlist.resettable.append(
        ResettableRegister(
          name: scopes[driver.scope].prefix + names[driver.signal], place: driver.place, state: state,
          next: next,
          reset: try ownWord(reset, parameters, driver.scope), resetValue: initial,
          enable: condition))
    }
  }

  // MARK: Cells

  private mutating func value(
    of cell: VerilogCell, _ output: String, _ connections: [String: VerilogExpression],
    _ environment: [VerilogName: Int128], _ scope: Int, _ place: VerilogPlace
  ) throws(VerilogError) -> NetBits {
    func input(_ port: String, _ width: Int, _ elaboration: inout Elaboration) throws(VerilogError) -> Net {
      guard let expression = connections[port] else { throw VerilogError("port \(port) is open", at: place) }
      let bits = try elaboration.assigned(expression, width: width, environment, scope)
      return elaboration.netlist.word(bits, at: place)
    }
    switch cell {
    case .lut6x2(let contents):
      var inputs: [Net] = []
      for port in cell.inputs { inputs.append(try input(port, 1, &self)) }
      if output == "O5" { inputs[5] = netlist.constant(0, width: 1) }
      return NetBits(netlist.add(.cell(contents: contents, inputs: inputs), width: 1, at: place), width: 1)
    case .carry4:
      let start = [try input("CI", 1, &self), try input("CYINIT", 1, &self)]
      let (data, select) = (try input("DI", 4, &self), try input("S", 4, &self))
      func bit(_ net: Net, _ index: Int, _ elaboration: inout Elaboration) -> Net {
        elaboration.netlist.word(NetBits(net, width: 4).slice(low: index, count: 1), at: place)
      }
      var carry = netlist.add(.logic(.or, start[0], start[1]), width: 1, at: place)
      var result = NetBits()
      for index in 0..<4 {
        let propagate = bit(select, index, &self)
        let sum = netlist.add(.logic(.xor, propagate, carry), width: 1, at: place)
        carry = netlist.add(
          .choice(condition: propagate, then: carry, otherwise: bit(data, index, &self)), width: 1, at: place)
        result.append(NetPiece(net: output == "O" ? sum : carry, low: 0, count: 1))
      }
      return result
    }
  }
}

extension VerilogCell {
  var inputs: [String] {
    switch self {
    case .lut6x2: ["I0", "I1", "I2", "I3", "I4", "I5"]
    case .carry4: ["CI", "CYINIT", "DI", "S"]
    }
  }
}
