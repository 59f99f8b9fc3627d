import FixedPoint

/// Copies a circuit through a builder, operation by operation; passes put other operations in place of some.
struct CircuitRewriter {
  let circuit: Circuit
  var builder: CircuitBuilder
  /// The new value of each old operation that was reached.
  private(set) var values: [Value]

  /// The ports and layers of the circuit, no operations yet.
  init(_ circuit: Circuit) {
    self.circuit = circuit
    builder = CircuitBuilder(name: circuit.name)
    values = circuit.operations.map { _ in Value(-1) }
    for origin in circuit.origins { _ = builder.origin(origin) }
    for port in circuit.inputs {
      let origin = port.elements.first.map { circuit[$0.value].origin } ?? 0
      let inputs = builder.input(
        port.name, shape: port.shape, formats: port.elements.map(\.format), origin: origin)
      for (element, value) in zip(port.elements, inputs) { values[element.value.index] = value }
    }
  }

  subscript(old: Value) -> Value {
    get { values[old.index] }
    set { values[old.index] = newValue }
  }

  /// The same operation on the new operands. What was known of its range stays known.
  mutating func copy(_ value: Value) throws(WidthOverflow) -> Value {
    let operation = circuit[value]
    if case .reduce(.and, let operand) = operation.kind,
      builder.range(values[operand.index]).width < circuit[operand].format.width
    {
      // The highest of the bits that are reduced is known to be 0.
      return builder.constant(0, origin: operation.origin)
    }
    return try make(operation.kind.mapOperands { values[$0.index] }, like: operation)
  }

  /// An operation on new operands with the range, exponent and layer of an old one.
  mutating func make(_ kind: Operation.Kind, like operation: Operation) throws(WidthOverflow) -> Value {
    let origin = operation.origin
    let range = operation.format.range
    let result: Value
    switch kind {
    case .input: preconditionFailure("inputs are made with the ports")
    case .constant(let value):
      return builder.constant(value, exponent: operation.format.exponent, origin: origin)
    case .sum(let terms):
      return try builder.sum(terms, range: range, exponent: operation.format.exponent, origin: origin)
    case .multiply(let a, let b): return try builder.multiply(a, b, range: range, origin: origin)
    case .slice(let a, let low): return builder.slice(a, low: low, range: range, origin: origin)
    case .compare(let relation, let a, let b): result = builder.compare(relation, a, b, origin: origin)
    case .select(let condition, let ifTrue, let ifFalse):
      return builder.select(condition, ifTrue, ifFalse, range: range, origin: origin)
    case .lookup(let a, let table):
      let contents = builder.table(circuit.tables[table])
      result = builder.lookup(a, table: contents, exponent: operation.format.exponent, origin: origin)
    case .bitwise(let kind, let operands): result = builder.bitwise(kind, operands, origin: origin)
    case .reduce(let kind, let a): result = builder.reduce(kind, a, origin: origin)
    case .register: preconditionFailure("registers have no place in a pure circuit")
    }
    return builder.narrow(result, to: range, origin: origin)
  }

  /// The circuit with its outputs.
  func finished() -> Circuit {
    var builder = builder
    for port in circuit.outputs {
      builder.output(
        port.name, shape: port.shape,
        elements: port.elements.map { Port.Element($0.format, value: values[$0.value.index]) })
    }
    return builder.circuit
  }

  /// The result of rewriting every operation in order, or nil where that changes nothing or needs too many bits.
  static func run(
    _ circuit: Circuit, _ rewrite: (inout CircuitRewriter, Value) throws(WidthOverflow) -> Value
  ) -> Circuit? {
    var rewriter = CircuitRewriter(circuit)
    do throws(WidthOverflow) {
      for value in circuit.values {
        if case .input = circuit[value].kind { continue }
        rewriter.builder.instance = circuit[value].instance
        rewriter[value] = try rewrite(&rewriter, value)
      }
    } catch {
      return nil
    }
    let result = rewriter.finished()
    return result == circuit ? nil : result
  }
}
