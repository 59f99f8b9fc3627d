import Circuit
import FixedPoint

/// Prints a node's circuit as the body of a C++ function: a statement for each live operation, in order.
///
/// Locals are `t17` for operation %17 of the circuit's text, and `y_3` where it is element 3 of result `y`.
struct NodePrinter {
  /// An array parameter: its name and the type of its elements.
  struct Parameter: Hashable {
    var name: String
    var element: CPPInteger
    /// How far each element's raw integer is shifted left in the array.
    var shifts: [Int]
    /// Where each element is found, such as `x[3]`.
    var places: [String]

    init(name: String, element: CPPInteger, shifts: [Int], places: [String]? = nil) {
      self.name = name
      self.element = element
      self.shifts = shifts
      self.places = places ?? shifts.indices.map { "\(name)[\($0)]" }
    }
  }

  /// What stands for an operation's result in expressions.
  enum Operand: Hashable {
    case literal(Int128)
    case variable(String, CPPInteger)
  }

  let circuit: Circuit
  let arguments: [Parameter]
  let results: [Parameter]
  /// C++ names of the circuit's tables.
  let tables: [String]
  private(set) var lines: [String] = []
  private var operands: [Operand] = []
  private var liveness: Liveness

  /// The operations that outputs depend on, and how they are used.
  private struct Liveness {
    var isLive: [Bool]
    /// Whether another live operation reads the result.
    var isOperand: [Bool]
    /// The output elements that are the result.
    var elements: [[(port: Int, element: Int)]]

    init(_ circuit: Circuit) {
      isLive = Array(repeating: false, count: circuit.operations.count)
      isOperand = isLive
      elements = Array(repeating: [], count: circuit.operations.count)
      for (index, port) in circuit.outputs.enumerated() {
        for (element, output) in port.elements.enumerated() {
          isLive[output.value.index] = true
          elements[output.value.index].append((index, element))
        }
      }
      for value in circuit.values.reversed() where isLive[value.index] {
        for operand in circuit[value].kind.operands {
          isLive[operand.index] = true
          isOperand[operand.index] = true
        }
      }
    }
  }

  init(_ circuit: Circuit, arguments: [Parameter], results: [Parameter], tables: [String]) {
    self.circuit = circuit
    self.arguments = arguments
    self.results = results
    self.tables = tables
    liveness = Liveness(circuit)
    operands.reserveCapacity(circuit.operations.count)
    for value in circuit.values { printOperation(value) }
    for (port, output) in circuit.outputs.enumerated() {
      for element in output.elements.indices { printElement(element, of: port) }
    }
  }

  /// Whether the body reads each argument.
  var isArgumentRead: [Bool] {
    var result = Array(repeating: false, count: circuit.inputs.count)
    for value in circuit.values where liveness.isLive[value.index] {
      if case .input(let port, _) = circuit[value].kind, type(value).width > 0 { result[port] = true }
    }
    return result
  }

  private func type(_ value: Value) -> CPPInteger { CPPInteger(circuit[value].format.range) }

  private mutating func printOperation(_ value: Value) {
    let operation = circuit[value]
    guard liveness.isLive[value.index], operation.format.width > 0 else {
      operands.append(.literal(0))
      return
    }
    switch operation.kind {
    case .constant(let constant): operands.append(.literal(constant))
    case .input(let port, let element): printInput(value, arguments[port], element)
    default:
      if let (port, element) = directElement(value) {
        lines.append("\(results[port].places[element]) = \(expression(value));")
        // Nothing but that element uses it.
        operands.append(.literal(0))
      } else {
        let name = localName(value)
        if case .sum(let terms) = operation.kind, terms.count > SumPrinter.termsInStatement {
          printLongSum(terms, of: value, name)
        } else {
          lines.append("const \(type(value)) \(name) = \(expression(value));")
        }
        operands.append(.variable(name, type(value)))
      }
    }
  }

  /// An input element is read in place where the array has its very type, through a local elsewhere.
  private mutating func printInput(_ value: Value, _ array: Parameter, _ element: Int) {
    let place = array.places[element]
    if array.element == type(value) && array.shifts[element] == 0 {
      operands.append(.variable(place, array.element))
      return
    }
    let shift = array.shifts[element] == 0 ? "" : " >> \(array.shifts[element])"
    lines.append("const \(type(value)) \(array.name)_\(element) = \(place)\(shift);")
    operands.append(.variable("\(array.name)_\(element)", type(value)))
  }

  private func localName(_ value: Value) -> String {
    guard let (port, element) = liveness.elements[value.index].first else { return "t\(value.index)" }
    return "\(results[port].name)_\(element)"
  }

  /// The output element to which an operation's expression can be assigned at once: it is the only user, and the array
  /// holds the result as it is.
  private func directElement(_ value: Value) -> (port: Int, element: Int)? {
    let elements = liveness.elements[value.index]
    guard !liveness.isOperand[value.index], elements.count == 1, let (port, element) = elements.first,
      results[port].shifts[element] == 0
    else { return nil }
    switch circuit[value].kind {
    case .slice where type(value) != results[port].element: return nil
    case .sum(let terms) where terms.count > SumPrinter.termsInStatement: return nil
    default: return (port, element)
    }
  }

  private mutating func printElement(_ element: Int, of port: Int) {
    let value = circuit.outputs[port].elements[element].value
    let array = results[port]
    let source: String
    if directElement(value) != nil, isStatement(value) { return }
    let shift = array.shifts[element]
    switch operands[value.index] {
    case .literal(let constant): source = CPPInteger.literal(constant << shift)
    case .variable(let name, let type):
      source = shift == 0 ? name : "\(widened(name, type, by: shift)) << \(shift)"
    }
    lines.append("\(array.places[element]) = \(source);")
  }

  /// Whether an operation computes anything in C++.
  private func isStatement(_ value: Value) -> Bool {
    guard circuit[value].format.width > 0 else { return false }
    switch circuit[value].kind {
    case .constant, .input: return false
    default: return true
    }
  }

  private func widened(_ name: String, _ type: CPPInteger, by shift: Int) -> String {
    "\(CPPInteger(isSigned: type.isSigned, width: type.width + shift))(\(name))"
  }
}

// MARK: - Expressions

extension NodePrinter {
  /// The right side of the statement that computes a value. It has the value's integer, at least in the low bits that
  /// the value's type keeps.
  private func expression(_ value: Value) -> String {
    let operation = circuit[value]
    switch operation.kind {
    case .sum(let terms): return sum(terms, of: value).statements(name: "")[0]
    case .multiply(let a, let b): return product(a, b)
    case .slice(let a, let low): return slice(a, low: low)
    case .compare(let relation, let a, let b):
      return comparison(relation, a, b)
    case .select(let condition, let ifTrue, let ifFalse):
      return "\(text(condition)) ? \(text(ifTrue, as: type(value))) : \(text(ifFalse, as: type(value)))"
    case .lookup(let a, let table): return lookup(a, table)
    case .bitwise(let kind, let operands):
      let rest = operands.dropFirst().map { " \(NodePrinter.spelling(kind)) \(text($0))" }
      return first(operands[0]) + rest.joined()
    case .reduce(let kind, let a): return "\(first(a)).\(kind.rawValue)_reduce()"
    case .input, .constant, .register: preconditionFailure("\(value) is no expression")
    }
  }

  /// An operand as it is.
  private func text(_ value: Value) -> String {
    switch operands[value.index] {
    case .literal(let constant): CPPInteger.literal(constant)
    case .variable(let name, _): name
    }
  }

  /// An operand converted into a type, so that C++ computes in it or in a wider one.
  private func text(_ value: Value, as target: CPPInteger) -> String {
    if case .variable(let name, target) = operands[value.index] { return name }
    return "\(target)(\(text(value)))"
  }

  /// The first operand of an expression: never a literal, between two of which C++ would compute as with `int`.
  private func first(_ value: Value) -> String {
    guard case .literal(let constant) = operands[value.index] else { return text(value) }
    return "\(NodePrinter.literalType(constant))(\(CPPInteger.literal(constant)))"
  }

  private static func literalType(_ constant: Int128) -> CPPInteger {
    CPPInteger(isSigned: constant < 0, width: CPPInteger.bits(constant, isSigned: constant < 0))
  }

  private func operandType(_ value: Value) -> CPPInteger {
    switch operands[value.index] {
    case .literal(let constant): NodePrinter.literalType(constant)
    case .variable(_, let type): type
    }
  }

  private func product(_ a: Value, _ b: Value) -> String {
    let width = operandType(a).signedWidth + operandType(b).signedWidth
    if width <= 64 { return "\(first(a)) * \(text(b))" }
    return "\(text(a, as: .signed(min(width, 128)))) * \(text(b))"
  }

  /// Operands of mixed signedness are made signed: `ap_int` compares such as C++ does, not by value.
  private func comparison(_ relation: Relation, _ a: Value, _ b: Value) -> String {
    let (left, right) = (operandType(a), operandType(b))
    var texts = (first(a), text(b))
    if left.isSigned != right.isSigned {
      if !left.isSigned { texts.0 = text(a, as: .signed(left.signedWidth)) }
      if !right.isSigned, case .variable = operands[b.index] {
        texts.1 = text(b, as: .signed(right.signedWidth))
      }
    }
    return "\(texts.0) \(NodePrinter.spelling(relation)) \(texts.1)"
  }

  private func slice(_ a: Value, low: Int) -> String {
    let operand = operandType(a)
    if low == 0 { return first(a) }
    if low < operand.width { return "\(first(a)) >> \(low)" }
    // Beyond all bits: the sign.
    return operand.isSigned ? "\(first(a)) >> \(operand.width - 1)" : "0"
  }

  private func lookup(_ a: Value, _ table: Int) -> String {
    let first = circuit.tables[table].first
    let domain = circuit.tables[table].domain
    if Int32(exactly: domain.lower) != nil, Int32(exactly: domain.upper - min(first, 0)) != nil {
      let offset = first == 0 ? "" : first < 0 ? " + \(-first)" : " - \(first)"
      return "\(tables[table])[(int)\(text(a))\(offset)]"
    }
    let width = max(operandType(a).signedWidth, NodePrinter.literalType(first).signedWidth) + 1
    return "\(tables[table])[(int)(\(text(a, as: .signed(width))) - \(CPPInteger.literal(first)))]"
  }

  private static func spelling(_ relation: Relation) -> String {
    switch relation {
    case .less: "<"
    case .lessOrEqual: "<="
    case .equal: "=="
    case .notEqual: "!="
    }
  }

  private static func spelling(_ kind: Bitwise) -> String {
    switch kind {
    case .and: "&"
    case .or: "|"
    case .xor: "^"
    }
  }

  private func sum(_ terms: [Term], of value: Value) -> SumPrinter {
    SumPrinter(terms.map { ($0, operands[$0.value.index]) }, result: type(value))
  }

  /// A sum of many terms, added up in one variable.
  private mutating func printLongSum(_ terms: [Term], of value: Value, _ name: String) {
    let statements = sum(terms, of: value).statements(name: name)
    let qualifier = statements.count == 1 ? "const " : ""
    lines.append("\(qualifier)\(type(value)) \(name) = \(statements[0]);")
    lines += statements.dropFirst().map { "\(name) = \($0);" }
  }
}
