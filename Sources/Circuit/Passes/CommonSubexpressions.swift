import FixedPoint

/// Makes equal operations once, whatever layers, exponents and ranges they were written with; of two ranges of the
/// same operation, both sound, the intersection is kept.
public struct CommonSubexpressions: CircuitPass {
  public static let name = "cse"

  public init() {}

  /// What makes two operations equal: all but layer and exponent, and for slices the bits that are kept.
  private struct Key: Hashable {
    var kind: Operation.Kind
    var width: Int
    var isSigned: Bool
  }

  public func run(_ circuit: Circuit) -> Circuit? {
    var result = circuit
    var known: [Key: Value] = [:]
    var same = circuit.values
    var isReduced = circuit.operations.map { _ in false }
    for operation in circuit.operations {
      if case .reduce(.and, let operand) = operation.kind { isReduced[operand.index] = true }
    }
    for value in circuit.values {
      var operation = circuit[value]
      operation.kind = normalized(operation.kind.mapOperands { same[$0.index] })
      result[value].kind = operation.kind
      var key = Key(kind: operation.kind, width: 0, isSigned: false)
      if case .slice = operation.kind {
        key.width = operation.format.width
        key.isSigned = operation.format.isSigned
      }
      if case .reduce(_, let operand) = operation.kind { key.width = circuit[operand].format.width }
      guard let first = known[key] else {
        known[key] = value
        continue
      }
      // A slice's meaning depends on its own range, an and-reduction's on its operand's.
      let isFixed = isSlice(operation) || isReduced[value.index] || isReduced[first.index]
      guard let common = result[first].format.range.intersection(operation.format.range),
        !isFixed || result[first].format.range == operation.format.range
      else { continue }
      same[value.index] = first
      result[first].format.range = common
    }
    guard same != circuit.values else { return nil }
    for port in result.outputs.indices {
      for element in result.outputs[port].elements.indices {
        let old = result.outputs[port].elements[element].value
        result.outputs[port].elements[element].value = same[old.index]
      }
    }
    return DeadCodeElimination().run(result) ?? result
  }

  private func isSlice(_ operation: Operation) -> Bool {
    if case .slice = operation.kind { return true }
    return false
  }

  /// Operands in the order of their indices where order does not matter.
  private func normalized(_ kind: Operation.Kind) -> Operation.Kind {
    switch kind {
    case .sum(let terms):
      return .sum(
        terms.sorted {
          ($0.value.index, $0.shift, $0.isNegative ? 1 : 0) < (
            $1.value.index, $1.shift, $1.isNegative ? 1 : 0
          )
        })
    case .multiply(let a, let b): return .multiply(min(a, b), max(a, b))
    case .bitwise(let kind, let operands): return .bitwise(kind, operands.sorted())
    case .compare(let relation, let a, let b) where relation == .equal || relation == .notEqual:
      return .compare(relation, min(a, b), max(a, b))
    default: return kind
    }
  }
}
