extension Elaboration {
  /// Adds a scope with all its signals and drivers.
  mutating func open(_ scope: ModuleScope, parameters: [VerilogName: Int128]) throws(VerilogError) -> Int {
    let index = scopes.count
    scopes.append(scope)
    for (name, value) in scope.module.parameters {
      let standard = try constant(value, scopes[index].parameters)
      scopes[index].parameters[name] = parameters[name] ?? standard
    }
    for port in scope.module.ports {
      // The design's ports are wide, and their elements are words of their own.
      try declare(
        port.name, port.range, isRegister: false, isTransparent: scope.isTop, index, scope.module.place)
    }
    let environment = scopes[index].parameters
    try add(scope.module.items, environment, index)
    return index
  }

  private mutating func declare(
    _ name: VerilogName, _ range: VerilogRange?, isRegister: Bool, isTransparent: Bool, _ scope: Int,
    _ place: VerilogPlace
  ) throws(VerilogError) {
    var width = 1
    if let range {
      let (high, low) = (try constant(range.high, scopes[scope].parameters), try constant(range.low, [:]))
      guard low == 0, high >= 0, high < 1 << 24 else {
        throw VerilogError("'\(names[name])' has the bits \(high) to \(low); they must end at 0", at: place)
      }
      width = Int(high) + 1
    }
    guard scopes[scope].signals[name] == nil, scopes[scope].parameters[name] == nil else {
      throw VerilogError("a second '\(names[name])'", at: place)
    }
    scopes[scope].signals[name] = ModuleScope.Signal(
      width: width, isRegister: isRegister, place: place,
      isTransparent: isTransparent || scopes[scope].isBitwise || width > 128)
    scopes[scope].order.append(name)
  }

  private mutating func add(
    _ items: [VerilogItem], _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) {
    var environment = environment
    for item in items {
      switch item {
      case .signal(let isRegister, let name, let range, let value, let place):
        try declare(name, range, isRegister: isRegister, isTransparent: false, scope, place)
        if let value {
          let target = VerilogTarget(name: name, range: nil, place: place)
          try drive(target, .expression(value, environment), environment, scope)
        }
      case .assign(let target, let value):
        try drive(target, .expression(value, environment), environment, scope)
      case .always(let clock, let statement, let place): try add(statement, nil, clock, scope, place)
      case .instance(let instance): try add(instance, environment, scope)
      case .constant(let name, let value):
        environment[name] = try constant(value, environment)
        scopes[scope].parameters[name] = environment[name]
      case .function(let function): try add(function, scope)
      case .choice(let condition, let then, let otherwise):
        try add(constant(condition, environment) != 0 ? then : otherwise, environment, scope)
      case .loop(let loop): try add(loop, environment, scope)
      }
    }
  }

  private mutating func add(
    _ loop: VerilogLoop, _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) {
    var environment = environment
    environment[loop.variable] = try constant(loop.first, environment)
    var rounds = 0
    while try constant(loop.condition, environment) != 0 {
      rounds += 1
      if rounds > 4096 { throw VerilogError("a loop of more than 4096 rounds", at: loop.place) }
      try add(loop.items, environment, scope)
      environment[loop.variable] = try constant(loop.next, environment)
    }
  }

  /// Notes what drives a signal's bits; nothing may drive them twice.
  private mutating func drive(
    _ target: VerilogTarget, _ source: SignalDriver.Source, _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) {
    guard let signal = scopes[scope].signals[target.name] else {
      throw VerilogError("'\(names[target.name])' is not declared", at: target.place)
    }
    var (low, high) = (0, signal.width - 1)
    if let range = target.range {
      low = try index(range.low, environment, signal, target.place)
      high = try index(range.high, environment, signal, target.place)
      if high < low { throw VerilogError("bits from \(high) to \(low)", at: target.place) }
    }
    for other in signal.drivers
    where drivers[other].low <= high && low < drivers[other].low + drivers[other].count {
      throw VerilogError("'\(names[target.name])' is driven twice", at: target.place)
    }
    switch source {
    case .register, .state:
      if !signal.isRegister { throw VerilogError("'\(names[target.name])' is no reg", at: target.place) }
    default: if signal.isRegister { throw VerilogError("'\(names[target.name])' is a reg", at: target.place) }
    }
    drivers.append(
      SignalDriver(
        scope: scope, signal: target.name, low: low, count: high - low + 1, source: source,
        place: target.place))
    scopes[scope].signals[target.name]?.drivers.append(drivers.count - 1)
  }

  /// A bit's index in a signal.
  func index(
    _ expression: VerilogExpression, _ environment: [VerilogName: Int128], _ signal: ModuleScope.Signal,
    _ place: VerilogPlace
  ) throws(VerilogError) -> Int {
    let value = try constant(expression, environment)
    guard value >= 0, value < signal.width else {
      throw VerilogError("bit \(value) of a signal of \(signal.width) bits", at: place)
    }
    return Int(value)
  }

  // MARK: Registers

  private mutating func add(
    _ statement: VerilogStatement, _ enable: VerilogExpression?, _ clock: VerilogName, _ scope: Int,
    _ place: VerilogPlace
  ) throws(VerilogError) {
    switch statement {
    case .block(let statements):
      for statement in statements { try add(statement, enable, clock, scope, place) }
    case .assign(let target, let value):
      try drive(
        target, .register(value, clock: clock, enable: enable), scopes[scope].parameters, scope)
    case .choice(let condition, let then, nil):
      if enable != nil { throw VerilogError("a condition inside a condition", at: condition.place) }
      try add(then, condition, clock, scope, place)
    case .choice(let reset, let then, let otherwise?):
      var (next, inner) = (otherwise, enable)
      if case .choice(let condition, let statement, nil) = otherwise {
        (next, inner) = (statement, condition)
      }
      guard enable == nil, case .assign(let cleared, let value) = then,
        case .assign(let target, let kept) = next,
        cleared.name == target.name, cleared.range == nil, target.range == nil
      else { throw VerilogError("an 'if' with 'else' that is no reset", at: reset.place) }
      var initial: UInt128?
      if case .number(let number, _?, false) = value.kind { initial = number }
      try drive(
        target, .state(kept, clock: clock, enable: inner, reset: reset, initial), scopes[scope].parameters,
        scope)
    }
  }

  // MARK: Tables

  private mutating func add(_ function: VerilogFunction, _ scope: Int) throws(VerilogError) {
    let parameters = scopes[scope].parameters
    var (width, argument): (Int128, Int128) = (1, 1)
    if let range = function.width { width = try constant(range.high, parameters) + 1 }
    if let range = function.argument { argument = try constant(range.high, parameters) + 1 }
    guard width >= 1, width <= 128, argument >= 1, argument <= 20 else {
      throw VerilogError("a table of \(argument) to \(width) bits; 20 to 128 are read", at: function.place)
    }
    var entries: [UInt128?] = Array(repeating: function.otherwise, count: 1 << Int(argument))
    var isSet = Array(repeating: false, count: entries.count)
    for entry in function.entries {
      for label in entry.labels {
        guard label < UInt128(entries.count) else {
          throw VerilogError("label \(label) of a table of \(argument) bits", at: function.place)
        }
        // Of equal labels the first one counts.
        if isSet[Int(label)] { continue }
        isSet[Int(label)] = true
        entries[Int(label)] = entry.value & UInt128.ones(Int(width))
      }
    }
    netlist.tables.append(NetTable(entries: entries, width: Int(width)))
    scopes[scope].functions[function.name] = ModuleScope.TableFunction(
      table: netlist.tables.count - 1, argumentWidth: Int(argument), width: Int(width))
  }

  // MARK: Instances

  private mutating func add(
    _ instance: VerilogInstance, _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) {
    var parameters: [VerilogName: Int128] = [:]
    for (name, value) in instance.parameters { parameters[name] = try constant(value, environment) }
    if VerilogCell.names.contains(names[instance.module]) {
      return try addCell(instance, parameters, environment, scope)
    }
    guard let module = modules[instance.module] else {
      throw VerilogError("no module '\(names[instance.module])'", at: instance.place)
    }
    var connected: [VerilogName: VerilogExpression] = [:]
    for (port, value) in instance.connections { connected[port] = value }
    guard connected.count == module.ports.count, module.ports.allSatisfy({ connected[$0.name] != nil }) else {
      throw VerilogError(
        "ports of '\(names[instance.module])' that are missing or unknown", at: instance.place)
    }
    if hasCells(module.items) {
      return try addBlock(instance, module, parameters, connected, environment, scope)
    }
    guard scopes[scope].prefix.utf8.count < 1000 else {
      throw VerilogError("modules inside modules without end", at: instance.place)
    }
    var inner = ModuleScope(module: module, prefix: scopes[scope].prefix + names[instance.name] + ".")
    inner.isBitwise = scopes[scope].isBitwise
    let index = try open(inner, parameters: parameters)
    for port in module.ports {
      guard let expression = connected[port.name], let signal = scopes[index].signals[port.name] else {
        continue
      }
      if port.isInput {
        drivers.append(
          SignalDriver(
            scope: index, signal: port.name, low: 0, count: signal.width,
            source: .input(expression, environment, outer: scope), place: instance.place))
        scopes[index].signals[port.name]?.drivers.append(drivers.count - 1)
      } else {
        try drive(
          target(expression), .output(port.name, inner: index), environment, scope, width: signal.width)
      }
    }
  }

  /// As `drive`, for targets that must have a width.
  private mutating func drive(
    _ target: VerilogTarget, _ source: SignalDriver.Source, _ environment: [VerilogName: Int128],
    _ scope: Int,
    width: Int
  ) throws(VerilogError) {
    try drive(target, source, environment, scope)
    let count = drivers[drivers.count - 1].count
    if count != width {
      throw VerilogError("\(count) bits at a port of \(width)", at: target.place)
    }
  }

  private func target(_ expression: VerilogExpression) throws(VerilogError) -> VerilogTarget {
    switch expression.kind {
    case .name(let name): return VerilogTarget(name: name, range: nil, place: expression.place)
    case .select(let name, let high, let low):
      return VerilogTarget(
        name: name, range: VerilogRange(high: high, low: low ?? high), place: expression.place)
    default: throw VerilogError("an output that drives no signal", at: expression.place)
    }
  }

  // MARK: Cells

  private func hasCells(_ items: [VerilogItem]) -> Bool {
    items.contains { item in
      switch item {
      case .instance(let instance): VerilogCell.names.contains(names[instance.module])
      case .choice(_, let then, let otherwise): hasCells(then) || hasCells(otherwise)
      case .loop(let loop): hasCells(loop.items)
      default: false
      }
    }
  }

  private mutating func addCell(
    _ instance: VerilogInstance, _ parameters: [VerilogName: Int128], _ environment: [VerilogName: Int128],
    _ scope: Int
  ) throws(VerilogError) {
    let cell: VerilogCell
    let ports: (inputs: [String], outputs: [(name: String, width: Int)])
    if names[instance.module] == "LUT6_2" {
      let contents = parameters.first { names[$0.key] == "INIT" }?.value ?? 0
      cell = .lut6x2(contents: UInt64(truncatingIfNeeded: contents))
      ports = (["I0", "I1", "I2", "I3", "I4", "I5"], [("O5", 1), ("O6", 1)])
    } else {
      cell = .carry4
      ports = (["CI", "CYINIT", "DI", "S"], [("O", 4), ("CO", 4)])
    }
    var inputs: [String: VerilogExpression] = [:]
    for (port, value) in instance.connections { inputs[names[port]] = value }
    guard inputs.count == instance.connections.count,
      inputs.count == ports.inputs.count + ports.outputs.count,
      ports.inputs.allSatisfy({ inputs[$0] != nil })
    else { throw VerilogError("ports of a cell that are missing or unknown", at: instance.place) }
    for (output, width) in ports.outputs {
      guard let expression = inputs[output] else {
        throw VerilogError("ports of a cell that are missing or unknown", at: instance.place)
      }
      try drive(
        target(expression), .cell(cell, output: output, inputs, environment), environment, scope, width: width
      )
    }
  }

  /// An instance of a module of cells: it must add its inputs up, which is proved once for all instances of one width.
  private mutating func addBlock(
    _ instance: VerilogInstance, _ module: VerilogModule, _ parameters: [VerilogName: Int128],
    _ connected: [VerilogName: VerilogExpression], _ environment: [VerilogName: Int128], _ scope: Int
  ) throws(VerilogError) {
    let key = BlockKey(module: module.name, parameters: parameters)
    let inputs = module.ports.filter(\.isInput)
    guard let output = module.ports.first(where: { !$0.isInput }), inputs.count + 1 == module.ports.count,
      let result = connected[output.name]
    else { throw VerilogError("a module of cells without a single output", at: module.place) }
    let signs: [Bool]
    if let known = blocks[key] {
      signs = known
    } else {
      signs = try sumOfBlock(module, parameters, inputs, output)
      blocks[key] = signs
    }
    let target = try target(result)
    let expressions = inputs.compactMap { connected[$0.name] }
    try drive(target, .block(expressions, environment, signs: signs, width: 0), environment, scope)
    let width = drivers[drivers.count - 1].count
    drivers[drivers.count - 1].source = .block(expressions, environment, signs: signs, width: width)
  }

  private mutating func sumOfBlock(
    _ module: VerilogModule, _ parameters: [VerilogName: Int128], _ inputs: [VerilogModule.Port],
    _ output: VerilogModule.Port
  ) throws(VerilogError) -> [Bool] {
    var inner = try Elaboration(Array(modules.values), names: names)
    var scope = ModuleScope(module: module, prefix: "")
    scope.isBitwise = true
    let index = try inner.open(scope, parameters: parameters)
    let width = inner.scopes[index].signals[output.name]?.width ?? 0
    for (number, port) in inputs.enumerated() {
      guard inner.scopes[index].signals[port.name]?.width == width, width <= 128 else {
        throw VerilogError("a module of cells with ports of several widths", at: module.place)
      }
      let net = inner.netlist.add(.element(number), width: width)
      inner.drivers.append(
        SignalDriver(
          scope: index, signal: port.name, low: 0, count: width, source: .bits(NetBits(net, width: width)),
          place: module.place))
      inner.scopes[index].signals[port.name]?.drivers.append(inner.drivers.count - 1)
    }
    let bits = try inner.bits(of: output.name, 0, width, index, module.place)
    let sum = inner.netlist.word(bits)
    let settings = parameters.map { "\(names[$0.key]) = \($0.value)" }.sorted().joined(separator: ", ")
    switch AdderLemma.signs(of: sum, inputs: inputs.count, in: inner.netlist) {
    case .proved(let signs): return signs
    case .refuted(let example):
      let values = zip(inputs, example.inputs).map { "\(names[$0.name]) = \($1)" }.joined(separator: ", ")
      throw VerilogError(
        "'\(names[module.name])' with \(settings) is no adder: for \(values) it gives \(example.result)",
        at: module.place, isWrong: true)
    case .unknown:
      throw VerilogError("'\(names[module.name])' with \(settings) cannot be proved to add", at: module.place)
    }
  }
}
