import Diagnostics
import FixedPoint

extension Circuit {
  /// Checks everything that a circuit promises by its form, and lists all that is broken.
  ///
  /// Whether a range holds every value that its operation takes cannot be seen from the form where clients narrowed
  /// it; `firstRangeViolation` checks it by simulation.
  public func verify() -> [Diagnostic] {
    var verifier = CircuitVerifier(circuit: self)
    verifier.run()
    return verifier.sink.diagnostics
  }

  /// The first operation whose value for these inputs lies outside its range, or nil.
  public func firstRangeViolation(_ inputs: [Int128]) -> Value? {
    let results = evaluateAll(inputs)
    return values.first { !self[$0].format.range.contains(results[$0.index]) }
  }

  /// The register ranks between the inputs and each operation, nil for those that no input reaches; nil as a whole if
  /// paths of different length meet.
  public var stages: [Int?]? {
    var stages: [Int?] = []
    for operation in operations {
      if case .input = operation.kind {
        stages.append(0)
        continue
      }
      let operands = operation.kind.operands.compactMap { stages[$0.index] }
      guard operands.allSatisfy({ $0 == operands.first }) else { return nil }
      if case .register = operation.kind {
        stages.append(operands.first.map { $0 + 1 })
      } else {
        stages.append(operands.first)
      }
    }
    return stages
  }
}

private struct CircuitVerifier {
  let circuit: Circuit
  var sink = DiagnosticSink()
  /// False once an operand, port or table does not exist, so that nothing may follow references.
  var isClosed = true

  mutating func run() {
    for value in circuit.values { checkReferences(value) }
    checkPortReferences()
    guard isClosed else { return }
    checkPorts()
    for value in circuit.values { checkRange(value) }
    checkNames()
    checkLatency()
  }

  /// E060: what does not exist or comes too late.
  private mutating func checkReferences(_ value: Value) {
    let operation = circuit[value]
    func refer(_ problem: String) {
      sink.error("E060", "operation \(value) \(problem)", at: location(operation))
      isClosed = false
    }
    for operand in operation.kind.operands where !(0..<value.index).contains(operand.index) {
      refer("uses \(operand), which does not precede it")
    }
    if !circuit.origins.indices.contains(operation.origin) { refer("has no layer \(operation.origin)") }
    switch operation.kind {
    case .input(let port, let element):
      if !circuit.inputs.indices.contains(port) || !circuit.inputs[port].elements.indices.contains(element) {
        refer("stands for element \(element) of input port \(port), which does not exist")
      }
    case .sum(let terms):
      if terms.isEmpty { refer("is a sum without terms") }
      if terms.contains(where: { !(0...Interval.maximumBits).contains($0.shift) }) {
        refer("shifts by a count outside 0...\(Interval.maximumBits)")
      }
    case .slice(_, let low):
      if !(0...Interval.maximumBits).contains(low) {
        refer("drops a count of bits outside 0...\(Interval.maximumBits)")
      }
    case .bitwise(_, let values):
      if values.isEmpty { refer("is bit logic without operands") }
    case .lookup(_, let table):
      if !circuit.tables.indices.contains(table) { refer("reads table \(table), which does not exist") }
    case .constant, .multiply, .compare, .select, .reduce, .register: break
    }
  }

  private mutating func checkPortReferences() {
    for port in circuit.inputs + circuit.outputs {
      for element in port.elements where !circuit.operations.indices.contains(element.value.index) {
        sink.error("E060", "port '\(port.name)' refers to operation \(element.value), which does not exist")
        isClosed = false
      }
    }
    for table in circuit.tables where table.entries.isEmpty {
      sink.error("E060", "table '\(table.name)' has no entries")
      isClosed = false
    }
  }

  /// E061: shapes, elements and formats at the boundary.
  private mutating func checkPorts() {
    for port in circuit.inputs + circuit.outputs {
      let count = port.shape.reduce(1, *)
      if count != port.elements.count {
        sink.error("E061", "port '\(port.name)' of shape \(port.shape) has \(port.elements.count) elements")
      }
    }
    for (index, port) in circuit.inputs.enumerated() {
      for (number, element) in port.elements.enumerated() {
        let operation = circuit[element.value]
        if operation.kind != .input(port: index, element: number) {
          sink.error(
            "E061", "element \(number) of input port '\(port.name)' is not operation \(element.value)")
        } else if operation.format != element.format {
          sink.error(
            "E061", "element \(number) of input port '\(port.name)' differs in format from its operation")
        }
      }
    }
    for port in circuit.outputs {
      for (number, element) in port.elements.enumerated()
      where !element.format.range.contains(circuit[element.value].format.range) {
        sink.error(
          "E061",
          "element \(number) of output port '\(port.name)' has the range \(element.format.range), which "
            + "does not hold that of \(element.value), \(circuit[element.value].format.range)")
      }
    }
    for value in circuit.values {
      guard case .input(let port, let element) = circuit[value].kind else { continue }
      if circuit.inputs[port].elements[element].value != value {
        sink.error("E061", "operation \(value) stands for an input element that another operation stands for")
      }
    }
  }

  /// E062: operands of the wrong kind, tables that are too small, ranges that no operand values can give.
  private mutating func checkRange(_ value: Value) {
    let operation = circuit[value]
    let range = operation.format.range
    func wrong(_ problem: String) {
      sink.error("E062", "operation \(value) \(problem)", at: location(operation))
    }
    for problem in operandProblems(operation) { wrong(problem) }
    switch operation.kind {
    case .constant(let constant):
      if !range.contains(constant) { wrong("has the range \(range) without its constant \(constant)") }
    case .register(let operand):
      if operation.format != circuit[operand].format { wrong("registers \(operand) in another format") }
    case .lookup(let operand, let table):
      let domain = circuit.tables[table].domain
      guard domain.contains(self.range(operand)) else {
        return wrong("reads table '\(circuit.tables[table].name)' outside its domain \(domain)")
      }
      let reached = circuit.tables[table].range(over: self.range(operand))
      if !range.contains(reached) { wrong("has the range \(range), less than its entries' \(reached)") }
    case .sum, .multiply, .compare, .select, .bitwise, .reduce:
      guard let possible = possibleRange(operation.kind) else {
        return wrong("can exceed \(Interval.maximumBits) bits")
      }
      if range.intersection(possible) == nil {
        wrong("has the range \(range), all of it outside \(possible)")
      }
    case .input, .slice: break
    }
  }

  private func operandProblems(_ operation: Operation) -> [String] {
    switch operation.kind {
    case .select(let condition, _, _) where !Interval.bit.contains(range(condition)):
      ["selects by \(condition), which is not one bit"]
    case .bitwise(_, let operands):
      operands.filter { range($0).isSigned }.map { "is bit logic on \($0), which can be negative" }
    case .reduce(_, let operand) where range(operand).isSigned:
      ["reduces \(operand), which can be negative"]
    default: []
    }
  }

  private func range(_ value: Value) -> Interval { circuit[value].format.range }

  /// What interval arithmetic says about a result; nil beyond `Interval.maximumBits`.
  private func possibleRange(_ kind: Operation.Kind) -> Interval? {
    do throws(WidthOverflow) {
      switch kind {
      case .sum(let terms):
        var total = Interval.zero
        for term in terms {
          let shifted = try range(term.value).shifted(left: term.shift)
          total = try term.isNegative ? total.subtracting(shifted) : total.adding(shifted)
        }
        return total
      case .multiply(let a, let b): return try range(a).multiplied(by: range(b))
      case .compare(let relation, let a, let b): return relation.outcome(range(a), range(b))
      case .select(_, let ifTrue, let ifFalse): return range(ifTrue).union(range(ifFalse))
      case .bitwise(let kind, let operands): return kind.range(operands.map(range))
      case .reduce: return .bit
      case .input, .constant, .slice, .lookup, .register: return nil
      }
    } catch {
      return nil
    }
  }

  /// E063: names that two things share.
  private mutating func checkNames() {
    for (what, names) in [
      ("layers", circuit.origins), ("input ports", circuit.inputs.map(\.name)),
      ("output ports", circuit.outputs.map(\.name)),
    ] {
      var seen: Set<String> = []
      for name in names where !seen.insert(name).inserted {
        sink.error("E063", "two \(what) have the name '\(name)'")
      }
    }
  }

  /// E064: registers in a pure circuit, of constants, or on paths of different length.
  private mutating func checkLatency() {
    guard let latency = circuit.latency else {
      for value in circuit.values {
        if case .register = circuit[value].kind {
          sink.error("E064", "operation \(value) is a register, but the circuit has no latency")
        }
      }
      return
    }
    var stages: [Int?] = []
    for value in circuit.values {
      let operation = circuit[value]
      let operands = operation.kind.operands.compactMap { stages[$0.index] }
      var stage = operands.first
      if operands.contains(where: { $0 != stage }) {
        let listed = operation.kind.operands.map { "\($0): \(stages[$0.index].map(String.init) ?? "any")" }
        sink.error(
          "E064", "the operands of \(value) come after different counts of registers",
          at: location(operation),
          notes: [listed.joined(separator: ", ")])
      }
      if case .input = operation.kind { stage = 0 }
      if case .register(let operand) = operation.kind {
        if stage == nil {
          sink.error("E064", "\(value) registers \(operand), which no input reaches", at: location(operation))
        }
        stage = stage.map { $0 + 1 }
      }
      stages.append(stage)
    }
    for port in circuit.outputs {
      for (number, element) in port.elements.enumerated() {
        guard let stage = stages[element.value.index], stage != latency else { continue }
        sink.error(
          "E064",
          "element \(number) of output port '\(port.name)' comes after \(stage) registers instead of \(latency)"
        )
      }
    }
  }

  private func location(_ operation: Operation) -> Location? {
    circuit.origins.indices.contains(operation.origin) ? .layer(circuit.origins[operation.origin]) : nil
  }
}
