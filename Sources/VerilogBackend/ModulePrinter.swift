import Circuit
import FixedPoint

/// Prints one timed circuit as one module, and the parts of it that repeat as instances of others.
///
/// Values that are always the same are literals where they are read and never signals; operations that no output
/// needs are not printed. Which bits of each signal are read is noted while printing, because bits that nothing
/// reads must go to a wire named `unused_…`.
struct ModulePrinter {
  let circuit: Circuit
  let interface: ModuleInterface
  let stages: [Int?]
  let latency: Int
  let ternaryAdderName: String
  private(set) var usesTernaryAdder = false
  /// Of a part of another module: the text that says of what. Parts have no protocol, and a port for each element.
  private let partOf: String?
  /// The modules of parts that repeat.
  private(set) var parts: [ModulePrinter] = []
  private var repeated = RepeatedParts()
  /// By layer.
  private var instanceCounts: [Int: Int] = [:]

  private var scope: NameScope
  /// Signal names by operation; empty for operations that are not printed.
  private var names: [String]
  private var isLive: [Bool]
  /// The bits of each signal that something reads.
  private var read: [UInt128]
  private var body: [String] = []
  /// Nonblocking assignments by the stage that they end.
  private var registers: [[String]]
  private var functions: [TableFunction: String] = [:]
  private var functionTexts: [String] = []
  private let indexName: String

  /// Tables are functions, one for each width of the result.
  private struct TableFunction: Hashable {
    var table: Int
    var width: Int
  }

  /// A design's printer.
  init(_ circuit: Circuit, interface: ModuleInterface, stages: [Int?], latency: Int) {
    self.init(
      circuit, interface, stages, latency: latency, ternaryAdderName: "\(interface.name)_ternary_adder",
      partOf: nil)
  }

  private init(
    _ circuit: Circuit, _ interface: ModuleInterface, _ stages: [Int?], latency: Int,
    ternaryAdderName: String,
    partOf: String?
  ) {
    self.circuit = circuit
    self.interface = interface
    self.stages = stages
    self.latency = latency
    self.ternaryAdderName = ternaryAdderName
    self.partOf = partOf
    let ports = interface.inputs + interface.outputs
    scope = NameScope(
      reserved: ModuleInterface.controlPorts + ports.map(\.name) + ["valid", ternaryAdderName])
    indexName = scope.unique("index")
    names = Array(repeating: "", count: circuit.operations.count)
    isLive = circuit.operations.map { _ in false }
    read = Array(repeating: 0, count: circuit.operations.count)
    registers = Array(repeating: [], count: latency + 1)
    markLive()
    findParts()
  }

  /// The module's text.
  mutating func print() -> String {
    nameSignals()
    printOperations()
    printRegisters()
    printOutputs()
    printUnusedBits()
    let lines = comment() + ["`default_nettype none"] + portList() + functionTexts + body
    return (lines + ["endmodule", "`default_nettype wire", ""]).joined(separator: "\n")
  }
}

// MARK: What is printed, and its names

extension ModulePrinter {
  /// The integer that a value always is, or nil.
  func constant(_ value: Value) -> Int128? {
    let range = circuit[value].format.range
    return range.isConstant ? range.lower : nil
  }

  func width(_ value: Value) -> Int { circuit[value].format.width }

  private mutating func markLive() {
    for port in circuit.outputs {
      for element in port.elements where constant(element.value) == nil { isLive[element.value.index] = true }
    }
    for value in circuit.values.reversed() where isLive[value.index] {
      for operand in circuit[value].kind.operands where constant(operand) == nil {
        isLive[operand.index] = true
      }
    }
  }

  /// `<layer>_e<number>_s<stage>`; the elements of input ports have the port's name and their own number, the others
  /// are counted within their layer. Registers keep the name and number of what they delay. A part's inputs are its ports.
  private mutating func nameSignals() {
    var stems: [String] = Array(repeating: "", count: circuit.operations.count)
    var prefixes: [Int: String] = [:]
    var counts: [Int: Int] = [:]
    var usedPrefixes = Set(interface.inputs.map(\.name))
    for value in circuit.values where isLive[value.index] && !repeated.isHidden[value.index] {
      let operation = circuit[value]
      switch operation.kind {
      case .input(let port, _) where isPart:
        names[value.index] = interface.inputs[port].name
        continue
      case .input(let port, let element): stems[value.index] = "\(interface.inputs[port].name)_e\(element)"
      case .register(let operand) where !stems[operand.index].isEmpty:
        stems[value.index] = stems[operand.index]
      default:
        let origin = operation.origin
        let prefix = prefixes[origin] ?? unusedPrefix(circuit.origins[origin], &usedPrefixes)
        prefixes[origin] = prefix
        stems[value.index] = "\(prefix)_e\(counts[origin, default: 0])"
        counts[origin, default: 0] += 1
      }
      names[value.index] = scope.unique("\(stems[value.index])_s\(stages[value.index] ?? 0)")
    }
  }

  private func unusedPrefix(_ layer: String, _ used: inout Set<String>) -> String {
    let name = VerilogName.prefix(layer)
    var prefix = name
    var number = 2
    while !used.insert(prefix).inserted {
      prefix = "\(name)_\(number)"
      number += 1
    }
    return prefix
  }
}

// MARK: Parts that repeat

extension ModulePrinter {
  private mutating func findParts() {
    repeated = RepeatedParts(circuit, isLive: isLive, stages: stages)
    var names = NameScope(reserved: [interface.name, ternaryAdderName])
    var counts: [Int: Int] = [:]
    for part in repeated.parts {
      counts[part.origin, default: 0] += 1
      let layer = circuit.origins[part.origin]
      var inner = part.circuit
      inner.name = names.unique(
        ModuleInterface.partName(model: interface.name, layer: layer, number: counts[part.origin] ?? 1))
      inner.origins = [layer]
      let options = VerilogOptions(ports: .none, clockEnable: hasEnable)
      parts.append(
        ModulePrinter(
          inner, ModuleInterface(inner, options: options), part.stages,
          latency: part.stages.lazy.compactMap { $0 }.max() ?? 0, ternaryAdderName: ternaryAdderName,
          partOf: "A part of '\(commented(layer))', \(part.instances) times in \(interface.name)."))
    }
  }

  /// One instance of a part, and the wires of its results.
  private mutating func printInstance(_ instance: RepeatedParts.Instance) {
    let part = parts[instance.part].interface
    let origin = repeated.parts[instance.part].origin
    var connections: [String] = []
    if repeated.parts[instance.part].isClocked {
      connections += hasEnable ? [".clk(clk)", ".ce(ce)"] : [".clk(clk)"]
    }
    for (port, value) in zip(part.inputs, instance.inputs) {
      connections.append(".\(port.name)(\(text(value, width: width(value))))")
    }
    for (port, value) in zip(part.outputs, instance.outputs) {
      declare(value)
      connections.append(".\(port.name)(\(names[value.index]))")
    }
    let name = scope.unique(
      "\(VerilogName.prefix(circuit.origins[origin]))_i\(instanceCounts[origin, default: 0])")
    instanceCounts[origin, default: 0] += 1
    printStatement("\(part.name) \(name) (")
    for (number, start) in stride(from: 0, to: connections.count, by: 6).enumerated() {
      let line = connections[start..<min(start + 6, connections.count)].joined(separator: ", ")
      body.append("    \(line)\((number + 1) * 6 < connections.count ? "," : ");")")
    }
  }
}

// MARK: Reading signals

extension ModulePrinter {
  /// `count` bits of a value's two's complement from bit `low` upward; bits below 0 are zeros, bits above the width
  /// repeat the sign of a value that can be negative.
  mutating func bits(_ value: Value, low: Int, count: Int) -> BitPattern {
    if let constant = constant(value) {
      return ModulePrinter.bits(ofConstant: constant, low: low, count: count)
    }
    var result = BitPattern()
    let zeros = min(max(-low, 0), count)
    result.append(constant: 0, width: zeros)
    let width = width(value)
    let name = names[value.index]
    let from = max(low, 0)
    let taken = min(max(width - from, 0), count - zeros)
    if taken > 0 {
      read[value.index] |= (UInt128.max >> UInt128(128 - taken)) << UInt128(from)
      result.append(signal: name, width: width, low: from, count: taken)
    }
    let above = count - zeros - taken
    if circuit[value].format.isSigned && above > 0 {
      read[value.index] |= UInt128(1) << UInt128(width - 1)
      result.append(signOf: name, width: width, count: above)
    } else {
      result.append(constant: 0, width: above)
    }
    return result
  }

  static func bits(ofConstant constant: Int128, low: Int, count: Int) -> BitPattern {
    BitPattern(constant: low < 0 ? constant << Int128(-low) : constant >> Int128(min(low, 127)), width: count)
  }

  /// The value in as many bits, extended or cut.
  mutating func text(_ value: Value, width: Int) -> String { bits(value, low: 0, count: width).text }
}

// MARK: Operations

extension ModulePrinter {
  private mutating func printOperations() {
    var origin: Int?
    for statement in repeated.statements {
      let next: Int
      switch statement {
      case .operation(let value):
        if case .input = circuit[value].kind {
          printInput(value)
          continue
        }
        next = circuit[value].origin
      case .instance(let instance): next = repeated.parts[instance.part].origin
      }
      if origin != next {
        origin = next
        body += ["", "  // \(commented(circuit.origins[next]))"]
      }
      switch statement {
      case .operation(let value): printOperation(value)
      case .instance(let instance): printInstance(instance)
      }
    }
  }

  private mutating func printInput(_ value: Value) {
    guard case .input(let port, let element) = circuit[value].kind, !isPart else { return }
    let layout = interface.inputs[port]
    let place = layout.elements[element]
    assign(value, BitPattern.select(layout.name, width: layout.bits, low: place.offset, count: place.width))
  }

  private mutating func printOperation(_ value: Value) {
    let width = width(value)
    switch circuit[value].kind {
    case .input, .constant: break
    case .sum(let terms): printSum(value, terms)
    case .multiply(let a, let b): printProduct(value, a, b)
    case .slice(let a, let low): assign(value, bits(a, low: low, count: width).text)
    case .compare(let relation, let a, let b): assign(value, comparison(relation, a, b))
    case .select(let condition, let ifTrue, let ifFalse):
      let choice =
        "\(text(condition, width: 1)) ? \(text(ifTrue, width: width)) : \(text(ifFalse, width: width))"
      assign(value, choice)
    case .lookup(let a, let table):
      let function = tableFunction(table, width: width)
      assign(value, "\(function)(\(text(a, width: circuit.tables[table].domain.width)))")
    case .bitwise(let kind, let operands):
      let sign = [Bitwise.and: " & ", .or: " | ", .xor: " ^ "][kind] ?? " & "
      assign(value, operands.map { text($0, width: width) }.joined(separator: sign))
    case .reduce(let kind, let a):
      let sign = [Bitwise.and: "&", .or: "|", .xor: "^"][kind] ?? "&"
      assign(value, sign + text(a, width: self.width(a)))
    case .register(let a): printRegister(value, a)
    }
  }

  /// The declaration of a value's wire, without its end.
  private func declaration(_ kind: String, _ value: Value) -> String {
    "  \(kind) \(vector(width(value)))\(names[value.index])"
  }

  mutating func assign(_ value: Value, _ expression: String) {
    body.append("\(declaration("wire", value)) = \(expression);")
  }

  /// Declares a value's wire, which other statements drive.
  mutating func declare(_ value: Value) { body.append("\(declaration("wire", value));") }

  mutating func printStatement(_ statement: String) { body.append("  \(statement)") }

  func name(_ value: Value) -> String { names[value.index] }

  mutating func uniqueName(_ name: String) -> String { scope.unique(name) }

  mutating func noteTernaryAdder() { usesTernaryAdder = true }

  private mutating func printRegister(_ value: Value, _ operand: Value) {
    body.append("\(declaration("reg", value));")
    let stage = stages[value.index] ?? 0
    registers[stage].append("\(names[value.index]) <= \(text(operand, width: width(value)));")
  }

  private mutating func printProduct(_ value: Value, _ a: Value, _ b: Value) {
    let width = width(value)
    let factors = [a, b].map { text($0, width: width) }
    // Factors that can be negative are marked, so that synthesis sees that their upper bits are signs.
    let isSigned = circuit[a].format.isSigned || circuit[b].format.isSigned
    assign(value, factors.map { isSigned ? "$signed(\($0))" : $0 }.joined(separator: " * "))
  }

  /// The function of a table for results of one width, printed where it is first used.
  private mutating func tableFunction(_ table: Int, width: Int) -> String {
    let key = TableFunction(table: table, width: width)
    if let known = functions[key] { return known }
    let contents = circuit.tables[table]
    let name = scope.unique("\(VerilogName.prefix(contents.name))_table")
    functions[key] = name
    functionTexts += TableText(name: name, index: indexName, table: contents, width: width).lines
    return name
  }
}

// MARK: The module around the operations

extension ModulePrinter {
  /// A range and a space for more than one bit, nothing for one.
  private func vector(_ width: Int) -> String { width == 1 ? "" : "[\(width - 1):0] " }

  private var isPart: Bool { partOf != nil }
  private var hasValid: Bool { interface.options.ports == .valid }
  private var hasEnable: Bool { interface.options.clockEnable }
  private var isClocked: Bool { registers.contains { !$0.isEmpty } || hasValid && latency > 0 }

  private func comment() -> [String] {
    if let partOf { return ["// \(partOf)"] }
    var lines = [
      "// \(commented(circuit.name)): outputs \(latency) cycle\(latency == 1 ? "" : "s") after inputs, "
        + "a new sample every cycle."
    ]
    for (direction, ports) in [("input", interface.inputs), ("output", interface.outputs)] {
      for port in ports {
        let shape = port.shape.map(String.init).joined(separator: " x ")
        let omitted = port.bits == 0 ? ", omitted: it has no bits" : ""
        lines.append(
          "// \(direction) \(port.name): '\(commented(port.tensor))' of shape [\(shape)]\(omitted)")
      }
    }
    return lines
  }

  private func portList() -> [String] {
    var ports: [String] = []
    if !isPart || isClocked { ports.append("input wire clk") }
    if hasValid { ports.append("input wire rst") }
    if hasEnable && (!isPart || isClocked) { ports.append("input wire ce") }
    if hasValid { ports.append("input wire in_valid") }
    ports += interface.inputs.filter { $0.bits > 0 }.map { "input wire \(vector($0.bits))\($0.name)" }
    if hasValid { ports.append("output wire out_valid") }
    ports += interface.outputs.filter { $0.bits > 0 }.map { "output wire \(vector($0.bits))\($0.name)" }
    let last = ports.count - 1
    return ["module \(interface.name)("]
      + ports.enumerated().map { "  \($1)\($0 == last ? "" : ",")" } + [");"]
  }

  private mutating func printRegisters() {
    for (stage, assignments) in registers.enumerated() where !assignments.isEmpty {
      body += ["", "  // stage \(stage)", "  always @(posedge clk) begin"]
      if hasEnable { body.append("    if (ce) begin") }
      body += assignments.map { "\(hasEnable ? "      " : "    ")\($0)" }
      if hasEnable { body.append("    end") }
      body.append("  end")
    }
    if hasValid { printValidChain() }
  }

  private mutating func printValidChain() {
    body.append("")
    guard latency > 0 else {
      printStatement("assign out_valid = in_valid & ~rst;")
      return
    }
    let next = latency == 1 ? "in_valid" : "{valid\(latency == 2 ? "[0]" : "[\(latency - 2):0]"), in_valid}"
    body += [
      "  (* shreg_extract = \"no\" *) reg \(vector(latency))valid;",
      "  always @(posedge clk) begin",
      "    if (rst) valid <= \(latency)'d0;",
      "    else\(hasEnable ? " if (ce)" : "") valid <= \(next);",
      "  end",
      "  assign out_valid = valid\(latency == 1 ? "" : "[\(latency - 1)]");",
    ]
  }

  private mutating func printOutputs() {
    for (port, layout) in zip(circuit.outputs, interface.outputs) where layout.bits > 0 {
      let elements = port.elements.map { bits($0.value, low: 0, count: $0.format.width) }.filter {
        $0.width > 0
      }
      body.append("")
      if elements.count == 1 {
        printStatement("assign \(layout.name) = \(elements[0].text);")
      } else {
        printStatement("assign \(layout.name) = {")
        body += elements.reversed().enumerated().map {
          "    \($1.text)\($0 == elements.count - 1 ? "" : ",")"
        }
        printStatement("};")
      }
    }
  }

  private mutating func printUnusedBits() {
    var sinks: [(name: String, bits: BitPattern)] = []
    if !isClocked && !isPart { sinks.append(("clk", BitPattern(wire: "clk"))) }
    if hasEnable && !isClocked && !isPart { sinks.append(("ce", BitPattern(wire: "ce"))) }
    for (port, layout) in zip(circuit.inputs, interface.inputs) {
      var unread = BitPattern()
      for (element, place) in zip(port.elements, layout.elements) {
        if isLive[element.value.index] {
          unread.append(unreadBits(element.value))
        } else {
          unread.append(signal: layout.name, width: layout.bits, low: place.offset, count: place.width)
        }
      }
      sinks.append((layout.name, unread))
    }
    for value in circuit.values where isLive[value.index] && !repeated.isHidden[value.index] {
      if case .input = circuit[value].kind { continue }
      sinks.append((names[value.index], unreadBits(value)))
    }
    sinks.removeAll { $0.bits.width == 0 }
    if sinks.isEmpty { return }
    body += ["", "  // bits that nothing reads"]
    for sink in sinks {
      let name = scope.unique("unused_\(sink.name)")
      printStatement("wire \(vector(sink.bits.width))\(name) = \(sink.bits.text);")
    }
  }

  private func unreadBits(_ value: Value) -> BitPattern {
    var result = BitPattern()
    let width = width(value)
    var bit = 0
    while bit < width {
      var end = bit
      while end < width && read[value.index] >> UInt128(end) & 1 == 0 { end += 1 }
      result.append(signal: names[value.index], width: width, low: bit, count: end - bit)
      bit = end + 1
    }
    return result
  }
}

extension BitPattern {
  /// All of a signal of one bit.
  init(wire name: String) {
    self.init()
    append(signal: name, width: 1, low: 0, count: 1)
  }
}
