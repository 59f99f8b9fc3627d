import Circuit
import FixedPoint

extension Circuit {
  /// A smaller circuit that fails still, for a person to read: outputs left out, operations made outputs, inputs or constants,
  /// as long as that keeps the failure.
  ///
  /// - Parameters:
  ///   - tries: how many circuits are tested at most.
  ///   - fails: whether a circuit shows the failure; true for this one.
  /// - Requires: a pure circuit.
  public func shrunk(tries: Int = 2000, while fails: (Circuit) -> Bool) -> Circuit {
    var best = self
    var left = tries
    func accepts(_ candidate: Circuit?) -> Bool {
      guard let candidate, candidate.size < best.size, left > 0 else { return false }
      left -= 1
      guard candidate.verify().isEmpty, fails(candidate) else { return false }
      best = candidate
      return true
    }
    var isSmaller = true
    while isSmaller && left > 0 {
      let before = best.size
      for element in best.outputs.flatMap(\.elements) where accepts(best.keepingOutput(element)) { break }
      // What the output is made of, as the output.
      while let last = best.outputs.first?.elements.first?.value, best.outputs.count == 1,
        best[last].kind.operands.contains(where: {
          accepts(best.keepingOutput(Port.Element(best[$0].format, value: $0)))
        })
      {}
      var index = best.operations.count - 1
      while index >= 0 {
        if accepts(best.cutting(Value(index))) || accepts(best.fixing(Value(index))) {
          index = min(index, best.operations.count)
        }
        index -= 1
      }
      isSmaller = best.size < before
    }
    return best
  }

  /// What shrinking makes less: operations, with inputs and constants counting least.
  private var size: Int {
    operations.reduce(outputs.reduce(0) { $0 + $1.elements.count }) { size, operation in
      switch operation.kind {
      case .input: size + 2
      case .constant: size + 1
      default: size + 4 + operation.kind.operands.count
      }
    }
  }

  /// The circuit with one output element alone.
  private func keepingOutput(_ element: Port.Element) -> Circuit {
    var result = self
    result.outputs = [Port(name: "y", shape: [1], elements: [element])]
    return result.withoutUnused()
  }

  /// The circuit with an input of the same range in place of an operation.
  private func cutting(_ value: Value) -> Circuit? {
    if case .input = self[value].kind { return nil }
    var result = self
    let port = Port(
      name: "cut\(value.index)", shape: [1], elements: [Port.Element(self[value].format, value: value)])
    if inputs.contains(where: { $0.name == port.name }) { return nil }
    result[value].kind = .input(port: inputs.count, element: 0)
    result.inputs.append(port)
    return result.withoutUnused()
  }

  /// The circuit with a constant in place of an operation.
  private func fixing(_ value: Value) -> Circuit? {
    if case .constant = self[value].kind { return nil }
    var result = self
    let range = self[value].format.range
    let constant = min(max(0, range.lower), range.upper)
    result[value] = Operation(
      .constant(constant), Format(Interval(constant), exponent: self[value].format.exponent),
      origin: self[value].origin)
    return result.withoutUnused()
  }

  /// The circuit without operations, tables and input elements that no output depends on.
  private func withoutUnused() -> Circuit {
    var isUsed = Array(repeating: false, count: operations.count)
    for port in outputs { for element in port.elements { isUsed[element.value.index] = true } }
    for value in values.reversed() where isUsed[value.index] {
      for operand in self[value].kind.operands { isUsed[operand.index] = true }
    }
    var result = Circuit(name: name)
    (result.origins, result.latency) = (origins, latency)
    // A port for each input that is left.
    var moved: [Value] = []
    for value in values {
      moved.append(Value(result.operations.count))
      guard isUsed[value.index] else { continue }
      var operation = self[value]
      operation.kind = operation.kind.mapOperands { moved[$0.index] }
      switch operation.kind {
      case .input(let port, let element):
        operation.kind = .input(port: result.inputs.count, element: 0)
        let name = inputs[port].elements.count == 1 ? inputs[port].name : "\(inputs[port].name)_\(element)"
        let isTaken = result.inputs.contains { $0.name == name }
        result.inputs.append(
          Port(
            name: isTaken ? "\(name)_\(value.index)" : name, shape: [1],
            elements: [Port.Element(operation.format, value: moved[value.index])]))
      case .lookup(let operand, let table):
        let known = result.tables.firstIndex(of: tables[table])
        if known == nil { result.tables.append(tables[table]) }
        operation.kind = .lookup(operand, table: known ?? result.tables.count - 1)
      default: break
      }
      result.operations.append(operation)
    }
    result.outputs = outputs.map { port in
      var port = port
      port.elements = port.elements.map { Port.Element($0.format, value: moved[$0.value.index]) }
      return port
    }
    return result
  }
}
