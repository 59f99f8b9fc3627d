extension Netlist {
  /// The values of every word for several samples: word n's value for sample s is element n · samples + s. Words that
  /// depend on control ports are 0.
  ///
  /// - Parameters:
  ///   - elements: the raw integers of the model's input elements, one array for each sample.
  ///   - isTimed: samples follow each other, one a cycle, and a register has the value of the cycle before, 0 at first;
  ///     else registers are passed through.
  func evaluated(_ elements: [[Int128]], isTimed: Bool = false) -> [UInt128] {
    let samples = elements.count
    var values = [UInt128](repeating: 0, count: count * samples)
    for index in nets {
      let mask = UInt128.ones(widths[index])
      let start = index * samples
      if case .element(let element) = operations[index] {
        for s in 0..<samples { values[start + s] = UInt128(truncatingIfNeeded: elements[s][element]) & mask }
      } else if isTimed, case .register(let operand) = operations[index] {
        for s in 1..<max(samples, 1) { values[start + s] = values[operand.index * samples + s - 1] }
      } else {
        for s in 0..<samples {
          values[start + s] = value(of: operations[index], { values[$0.index * samples + s] }) & mask
        }
      }
    }
    return values
  }

  /// The result of an operation on known words, with bits above its width.
  @inline(__always)
  func value(of operation: NetOperation, _ operand: (Net) -> UInt128) -> UInt128 {
    switch operation {
    case .element, .control, .state: return 0
    case .constant(let value): return value
    case .concatenation(let pieces):
      var result: UInt128 = 0
      var place: UInt128 = 0
      for piece in pieces {
        result |= (operand(piece.net) >> UInt128(piece.low) & UInt128.ones(piece.count)) << place
        place += UInt128(piece.count)
      }
      return result
    case .sum(let terms):
      var result: UInt128 = 0
      for term in terms {
        result = term.isNegative ? result &- operand(term.net) : result &+ operand(term.net)
      }
      return result
    case .product(let a, let b): return operand(a) &* operand(b)
    case .not(let a): return ~operand(a)
    case .logic(let kind, let a, let b): return kind.apply(operand(a), operand(b))
    case .reduce(let kind, let a):
      let value = operand(a)
      switch kind {
      case .and: return value == UInt128.ones(width(a)) ? 1 : 0
      case .or: return value == 0 ? 0 : 1
      case .xor: return UInt128(value.nonzeroBitCount & 1)
      }
    case .equal(let a, let b): return operand(a) == operand(b) ? 1 : 0
    case .less(let a, let b): return operand(a) < operand(b) ? 1 : 0
    case .choice(let condition, let then, let otherwise):
      return operand(condition) == 1 ? operand(then) : operand(otherwise)
    case .lookup(let table, let a):
      let entries = tables[table].entries
      return entries[Int(operand(a))] ?? 0
    case .cell(let contents, let inputs):
      var index: UInt64 = 0
      for (bit, input) in inputs.enumerated() { index |= UInt64(operand(input)) << UInt64(bit) }
      return UInt128(contents >> index & 1)
    case .register(let a): return operand(a)
    }
  }
}

extension NetLogic {
  func apply(_ a: UInt128, _ b: UInt128) -> UInt128 {
    switch self {
    case .and: a & b
    case .or: a | b
    case .xor: a ^ b
    }
  }
}
