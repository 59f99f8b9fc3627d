/// Removes operations and tables that no output depends on; inputs stay, as ports.
public struct DeadCodeElimination: CircuitPass {
  public static let name = "dce"

  public init() {}

  public func run(_ circuit: Circuit) -> Circuit? {
    var isLive = circuit.operations.map { operation in
      if case .input = operation.kind { return true }
      return false
    }
    for port in circuit.outputs { for element in port.elements { isLive[element.value.index] = true } }
    for value in circuit.values.reversed() where isLive[value.index] {
      for operand in circuit[value].kind.operands { isLive[operand.index] = true }
    }
    var isRead = circuit.tables.map { _ in false }
    for value in circuit.values where isLive[value.index] {
      if case .lookup(_, let table) = circuit[value].kind { isRead[table] = true }
    }
    if !isLive.contains(false) && !isRead.contains(false) { return nil }
    var result = circuit
    result.operations = []
    result.tables = []
    var tables: [Int] = []
    for (table, isRead) in zip(circuit.tables, isRead) {
      tables.append(result.tables.count)
      if isRead { result.tables.append(table) }
    }
    var moved: [Value] = []
    for value in circuit.values {
      moved.append(Value(result.operations.count))
      guard isLive[value.index] else { continue }
      var operation = circuit[value]
      operation.kind = operation.kind.mapOperands { moved[$0.index] }
      if case .lookup(let operand, let table) = operation.kind {
        operation.kind = .lookup(operand, table: tables[table])
      }
      result.operations.append(operation)
    }
    for port in result.inputs.indices {
      for element in result.inputs[port].elements.indices {
        result.inputs[port].elements[element].value =
          moved[circuit.inputs[port].elements[element].value.index]
      }
    }
    for port in result.outputs.indices {
      for element in result.outputs[port].elements.indices {
        result.outputs[port].elements[element].value =
          moved[circuit.outputs[port].elements[element].value.index]
      }
    }
    return result
  }
}
