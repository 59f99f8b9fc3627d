import Circuit
import FixedPoint

/// A node's circuit as blocks: runs of result elements, each computed from operand elements of its own. Blocks that
/// compute the same thing are of one kind, which is printed once, as the body of a loop.
///
/// A convolution has a block for each position, an elementwise function one for each element. What blocks share in the
/// circuit (neighbouring positions read the same pixels) each of them computes for itself; synthesis merges it again.
struct NodeBlocks {
  /// Consecutive result elements in a block; block b has those from b · size on.
  let size: Int
  /// In order of their first blocks.
  private(set) var kinds: [Kind] = []

  /// Blocks that compute the same.
  struct Kind {
    /// The block's elements, from those operand elements that it reads, numbered as it reads them.
    var circuit: Circuit
    /// Ascending.
    var blocks: [Int] = []
    /// For each input port and each element of the port that the circuit reads: the elements that stand for it, one for
    /// each block.
    var elements: [[[Int]]]
    /// How far those elements, and the block's own, are shifted left in their arrays.
    var operandShifts: [[Int]]
    var resultShifts: [Int]
  }

  /// How many statements blocks may compute for each one of the circuit.
  private static let mostRepeated = (numerator: 5, denominator: 4)
  /// Fewer statements are not worth a loop.
  private static let fewestSaved = 8

  /// The blocks that take the fewest statements, or nil where statements for the whole circuit are as good.
  init?(_ circuit: Circuit, arguments: [NodePrinter.Parameter], results: [NodePrinter.Parameter]) {
    guard circuit.outputs.count == 1, let result = circuit.outputs.first else { return nil }
    var search = BlockSearch(circuit, arguments: arguments, result: results[0])
    let count = result.elements.count
    let whole = search.cone(0..<count).statements
    let most = whole * NodeBlocks.mostRepeated.numerator / NodeBlocks.mostRepeated.denominator + count
    var best: (blocks: NodeBlocks, statements: Int)?
    var size = 1
    for length in result.shape.reversed() + [1] where size < count {
      if let found = search.blocks(of: size, most: most), found.statements < best?.statements ?? Int.max {
        best = found
      }
      size *= length
    }
    guard let best, best.statements * 2 <= whole, best.statements + NodeBlocks.fewestSaved <= whole else {
      return nil
    }
    self = best.blocks
  }

  fileprivate init(size: Int) { self.size = size }

  fileprivate mutating func append(_ kind: Kind) { kinds.append(kind) }

  fileprivate mutating func append(block: Int, _ elements: [[Int]], to kind: Int) {
    kinds[kind].blocks.append(block)
    for (port, list) in elements.enumerated() {
      for (leaf, element) in list.enumerated() { kinds[kind].elements[port][leaf].append(element) }
    }
  }
}

/// Cuts a circuit into blocks of a size, and finds which are alike.
private struct BlockSearch {
  let circuit: Circuit
  let arguments: [NodePrinter.Parameter]
  let result: NodePrinter.Parameter
  /// The number of each operation in the current block, or -1.
  private var numbers: [Int]

  init(_ circuit: Circuit, arguments: [NodePrinter.Parameter], result: NodePrinter.Parameter) {
    self.circuit = circuit
    self.arguments = arguments
    self.result = result
    numbers = Array(repeating: -1, count: circuit.operations.count)
  }

  /// What result elements are computed from, numbered by use, without binary points: equal for blocks that are alike.
  struct Cone: Hashable {
    var operations: [Operation] = []
    var outputs: [Value] = []
    /// Of the operand elements that are read, port by port.
    var operandShifts: [[Int]]
    var resultShifts: [Int] = []

    var statements: Int { operations.count + outputs.count }
  }

  mutating func blocks(of size: Int, most: Int) -> (blocks: NodeBlocks, statements: Int)? {
    var result = NodeBlocks(size: size)
    var kinds: [Cone: Int] = [:]
    var repeated = 0
    var statements = 0
    for block in 0..<(circuit.outputs[0].elements.count / size) {
      let (cone, elements) = conesWithElements(block * size..<(block + 1) * size)
      repeated += cone.statements
      if repeated > most { return nil }
      if let kind = kinds[cone] {
        result.append(block: block, elements, to: kind)
        continue
      }
      kinds[cone] = kinds.count
      statements += cone.statements
      result.append(
        NodeBlocks.Kind(
          circuit: circuit(of: cone), blocks: [block], elements: elements.map { $0.map { [$0] } },
          operandShifts: cone.operandShifts, resultShifts: cone.resultShifts))
    }
    return (result, statements)
  }

  mutating func cone(_ elements: Range<Int>) -> Cone { conesWithElements(elements).cone }

  /// The cone of some result elements, and the operand elements that it reads, in the order of first use.
  private mutating func conesWithElements(_ range: Range<Int>) -> (cone: Cone, elements: [[Int]]) {
    var cone = Cone(operandShifts: Array(repeating: [], count: circuit.inputs.count))
    var elements: [[Int]] = Array(repeating: [], count: circuit.inputs.count)
    var visited: [Value] = []
    var stack: [(value: Value, isEntered: Bool)] = []
    if range.count == 1, let copy = copy(range.lowerBound) { return copy }
    for element in range {
      stack.append((circuit.outputs[0].elements[element].value, false))
      while let (value, isEntered) = stack.popLast() {
        if numbers[value.index] >= 0 { continue }
        let operation = circuit[value]
        let operands = BlockSearch.ordered(operation, in: circuit).operands
        if !isEntered && !operands.isEmpty {
          stack.append((value, true))
          for operand in operands.reversed() where numbers[operand.index] < 0 {
            stack.append((operand, false))
          }
          continue
        }
        numbers[value.index] = cone.operations.count
        visited.append(value)
        cone.operations.append(renumbered(operation, &cone, &elements))
      }
      cone.outputs.append(Value(numbers[circuit.outputs[0].elements[element].value.index]))
      cone.resultShifts.append(result.shifts[element])
    }
    for value in visited { numbers[value.index] = -1 }
    return (cone, elements)
  }

  /// An operation in a form that is the same in all blocks: a result without bits is 0 whatever it is computed from, and
  /// the constants of a sum, which blocks share, come last.
  private static func ordered(_ operation: Operation, in circuit: Circuit) -> Operation.Kind {
    if operation.format.width == 0 { return .constant(0) }
    guard case .sum(let terms) = operation.kind else { return operation.kind }
    let isConstant = terms.map { circuit[$0.value].format.range.isConstant }
    let varying = zip(terms, isConstant).filter { !$1 }.map { $0.0 }
    return .sum(varying + zip(terms, isConstant).filter { $1 }.map { $0.0 })
  }

  private func renumbered(_ operation: Operation, _ cone: inout Cone, _ elements: inout [[Int]]) -> Operation
  {
    let kind = BlockSearch.ordered(operation, in: circuit)
    switch kind {
    case .constant: return Operation(kind, Format(operation.format.range, exponent: 0), origin: 0)
    case .input(let port, let element):
      elements[port].append(element)
      cone.operandShifts[port].append(arguments[port].shifts[element])
      return BlockSearch.operation(
        .input(port: port, element: elements[port].count - 1), CPPInteger(operation.format.range))
    default:
      return BlockSearch.operation(
        kind.mapOperands { Value(numbers[$0.index]) }, CPPInteger(operation.format.range))
    }
  }

  /// An operation as C++ sees it: its result has a width and a sign.
  private static func operation(_ kind: Operation.Kind, _ type: CPPInteger) -> Operation {
    Operation(kind, Format(type.range, exponent: 0), origin: 0)
  }

  /// A result element that is an operand element as it is: copied in the array's type, so that all copies are alike
  /// however narrow the elements are.
  private func copy(_ result: Int) -> (cone: Cone, elements: [[Int]])? {
    guard case .input(let port, let element) = circuit[circuit.outputs[0].elements[result].value].kind,
      arguments[port].shifts[element] == self.result.shifts[result]
    else { return nil }
    var cone = Cone(operandShifts: Array(repeating: [], count: circuit.inputs.count))
    var elements: [[Int]] = Array(repeating: [], count: circuit.inputs.count)
    elements[port] = [element]
    cone.operandShifts[port] = [0]
    cone.resultShifts = [0]
    cone.operations = [BlockSearch.operation(.input(port: port, element: 0), arguments[port].element)]
    cone.outputs = [Value(0)]
    return (cone, elements)
  }

  private func circuit(of cone: Cone) -> Circuit {
    var result = Circuit(name: circuit.name)
    result.origins = [circuit.name]
    result.operations = cone.operations
    result.tables = circuit.tables
    result.inputs = circuit.inputs.map { Port(name: $0.name, shape: [], elements: []) }
    for (index, operation) in cone.operations.enumerated() {
      guard case .input(let port, _) = operation.kind else { continue }
      result.inputs[port].elements.append(Port.Element(operation.format, value: Value(index)))
    }
    let outputs = cone.outputs.map { Port.Element(cone.operations[$0.index].format, value: $0) }
    result.outputs = [Port(name: circuit.outputs[0].name, shape: [outputs.count], elements: outputs)]
    return result
  }
}
