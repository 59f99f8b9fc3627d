import FixedPoint

extension Circuit {
  /// The reference meaning of a circuit: the raw integers of all output elements, port after port, for those of all
  /// input elements. Registers are transparent, as for one sample in steady state.
  ///
  /// - Requires: `inputs` holds one raw integer per element of every input port, inside its format's range.
  public func evaluate(_ inputs: [Int128]) -> [Int128] {
    let results = evaluateAll(inputs)
    return outputs.flatMap { port in port.elements.map { results[$0.value.index] } }
  }

  /// The result of every operation, in order.
  public func evaluateAll(_ inputs: [Int128]) -> [Int128] {
    var firstElement: [Int] = []
    var count = 0
    for port in self.inputs {
      firstElement.append(count)
      count += port.elements.count
    }
    precondition(inputs.count == count, "\(inputs.count) values for \(count) input elements")
    var results: [Int128] = []
    results.reserveCapacity(operations.count)
    for operation in operations {
      let result: Int128
      switch operation.kind {
      case .input(let port, let element): result = inputs[firstElement[port] + element]
      case .constant(let value): result = value
      case .sum(let terms):
        result = terms.reduce(0) { sum, term in
          let operand = results[term.value.index] << term.shift
          return term.isNegative ? sum - operand : sum + operand
        }
      case .multiply(let a, let b): result = results[a.index] * results[b.index]
      case .slice(let a, let low): result = operation.format.range.wrap(results[a.index] >> low)
      case .compare(let relation, let a, let b):
        result = relation.holds(results[a.index], results[b.index]) ? 1 : 0
      case .select(let condition, let ifTrue, let ifFalse):
        result = results[condition.index] != 0 ? results[ifTrue.index] : results[ifFalse.index]
      case .lookup(let a, let table):
        result = tables[table].entries[Int(results[a.index] - tables[table].first)]
      case .bitwise(let kind, let operands):
        result = operands.dropFirst().reduce(results[operands[0].index]) {
          kind.apply($0, results[$1.index])
        }
      case .reduce(let kind, let a):
        result = kind.reduce(results[a.index], width: self[a].format.width)
      case .register(let a): result = results[a.index]
      }
      results.append(result)
    }
    return results
  }
}

extension Bitwise {
  func apply(_ a: Int128, _ b: Int128) -> Int128 {
    switch self {
    case .and: a & b
    case .or: a | b
    case .xor: a ^ b
    }
  }

  func reduce(_ value: Int128, width: Int) -> Int128 {
    switch self {
    case .and: value == (Int128(1) << width) - 1 ? 1 : 0
    case .or: value != 0 ? 1 : 0
    case .xor: Int128(value.nonzeroBitCount & 1)
    }
  }
}
