import Circuit

/// Puts registers on every edge between stages; edges from one result share a chain.
struct RegisterInsertion {
  let circuit: Circuit
  /// The stage of every operation, nil for constants.
  let stages: [Int?]
  /// The stage of the output ports.
  let last: Int
  private(set) var registerBits = 0
  private var result: Circuit
  /// The new values of each operation: itself, and after one, two, … registers.
  private var chains: [[Value]] = []

  init(circuit: Circuit, stages: [Int?], last: Int) {
    self.circuit = circuit
    self.stages = stages
    self.last = last
    result = circuit
    result.operations = []
  }

  mutating func run(latency: Int) -> Circuit {
    result.latency = latency
    chains.reserveCapacity(circuit.operations.count)
    for value in circuit.values {
      var operation = circuit[value]
      let stage = stages[value.index]
      // Operands first: the registers that they need precede the operation.
      for operand in operation.kind.operands { _ = delayed(operand, to: stage) }
      operation.kind = operation.kind.mapOperands { chains[$0.index][position($0, stage)] }
      result.operations.append(operation)
      chains.append([Value(result.operations.count - 1)])
    }
    for port in result.inputs.indices {
      for element in result.inputs[port].elements.indices {
        let value = circuit.inputs[port].elements[element].value
        result.inputs[port].elements[element].value = chains[value.index][0]
      }
    }
    for port in result.outputs.indices {
      for element in result.outputs[port].elements.indices {
        result.outputs[port].elements[element].value = delayed(
          circuit.outputs[port].elements[element].value, to: last)
      }
    }
    return result
  }

  /// Registers between an operand and its user's stage; constants need none.
  private func position(_ operand: Value, _ stage: Int?) -> Int {
    guard let stage, let start = stages[operand.index] else { return 0 }
    return stage - start
  }

  private mutating func delayed(_ value: Value, to stage: Int?) -> Value {
    let count = position(value, stage)
    let operation = circuit[value]
    while chains[value.index].count <= count {
      let previous = chains[value.index][chains[value.index].count - 1]
      result.operations.append(
        Operation(
          .register(previous), operation.format, origin: operation.origin, instance: operation.instance))
      chains[value.index].append(Value(result.operations.count - 1))
      registerBits += operation.format.width
    }
    return chains[value.index][count]
  }
}
