import Circuit
import FixedPoint

extension Circuit {
  /// A timed circuit of the same meaning: operations at random stages, as early as possible where `slack` is 0, and
  /// registers in between. For tests only; the real pipeliner weighs registers against the clock.
  ///
  /// - Requires: a pure circuit.
  public func pipelined(latency: Int, slack: Int = 2, seed: UInt64 = 0) -> Circuit {
    var random = SeededGenerator(seed: seed)
    let stages = randomStages(latency: latency, slack: slack, using: &random)
    var result = Circuit(name: name)
    result.origins = origins
    result.tables = tables
    result.inputs = inputs
    result.latency = latency
    // moved[v][k]: the value v after k registers.
    var moved: [[Value]] = []
    func delayed(_ value: Value, to stage: Int?) -> Value {
      guard let stage, let start = stages[value.index] else { return moved[value.index][0] }
      while moved[value.index].count <= stage - start {
        let last = moved[value.index][moved[value.index].count - 1]
        var register = self[value]
        register.kind = .register(last)
        result.operations.append(register)
        moved[value.index].append(Value(result.operations.count - 1))
      }
      return moved[value.index][stage - start]
    }
    for value in values {
      var operation = self[value]
      operation.kind = operation.kind.mapOperands { delayed($0, to: stages[value.index]) }
      result.operations.append(operation)
      moved.append([Value(result.operations.count - 1)])
    }
    for (index, port) in inputs.enumerated() {
      for element in port.elements.indices {
        result.inputs[index].elements[element].value = moved[port.elements[element].value.index][0]
      }
    }
    result.outputs = outputs.map { port in
      var port = port
      port.elements = port.elements.map { Port.Element($0.format, value: delayed($0.value, to: latency)) }
      return port
    }
    return result
  }

  /// A stage in 0...latency for every operation that an input reaches, none before its operands'.
  private func randomStages(latency: Int, slack: Int, using random: inout SeededGenerator) -> [Int?] {
    var stages: [Int?] = []
    for operation in operations {
      if case .input = operation.kind {
        stages.append(0)
        continue
      }
      let earliest = operation.kind.operands.compactMap { stages[$0.index] }.max()
      let delay = slack > 0 && random.oneIn(3) ? Int.random(in: 0...slack, using: &random) : 0
      stages.append(earliest.map { min(latency, $0 + delay) })
    }
    return stages
  }

  /// Circuits of one latency side by side in one, their ports, layers and instances renamed apart: many random circuits in
  /// a single simulator run.
  public static func joined(_ circuits: [Circuit], name: String) -> Circuit {
    var result = Circuit(name: name)
    result.latency = circuits.first?.latency
    for (number, circuit) in circuits.enumerated() {
      let instances = result.operations.map(\.instance).max() ?? 0
      let values = result.operations.count
      let origins = result.origins.count
      let tables = result.tables.count
      let ports = result.inputs.count
      result.origins += circuit.origins.map { "c\(number) \($0)" }
      result.tables += circuit.tables.map {
        Table(name: "c\(number) \($0.name)", first: $0.first, entries: $0.entries)
      }
      for operation in circuit.operations {
        var kind = operation.kind.mapOperands { Value($0.index + values) }
        if case .input(let port, let element) = kind { kind = .input(port: port + ports, element: element) }
        if case .lookup(let index, let table) = kind { kind = .lookup(index, table: table + tables) }
        result.operations.append(
          Operation(
            kind, operation.format, origin: operation.origin + origins,
            instance: operation.instance == 0 ? 0 : operation.instance + instances))
      }
      func renamed(_ port: Port) -> Port {
        Port(
          name: "c\(number)_\(port.name)", shape: port.shape,
          elements: port.elements.map { Port.Element($0.format, value: Value($0.value.index + values)) })
      }
      result.inputs += circuit.inputs.map(renamed)
      result.outputs += circuit.outputs.map(renamed)
    }
    return result
  }
}
