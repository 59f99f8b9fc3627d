import AdderGraphs
import Circuit

/// When the values of a circuit are ready, in picoseconds after its inputs, as adder graphs reckon: enough to tell
/// early operands from late ones. Values are looked at once, when they are first asked for.
struct ArrivalTimes {
  private var times: [Int] = []
  private let target: AdderTarget

  init(target: AdderTarget) { self.target = target }

  /// The arrivals of some values of a builder.
  mutating func callAsFunction(_ values: [Value], in builder: CircuitBuilder) -> [Int] {
    let operations = builder.circuit.operations
    times.reserveCapacity(operations.count)
    while times.count < operations.count {
      let operation = operations[times.count]
      let latest = operation.kind.operands.reduce(0) { max($0, times[$1.index]) }
      times.append(latest + delay(of: operation.kind))
    }
    return values.map { times[$0.index] }
  }

  private func delay(of kind: Operation.Kind) -> Int {
    // A look-up table is what a two-operand adder has beyond its carry chain.
    let table = target.adderDelay * 3 / 4
    switch kind {
    case .input, .constant, .slice, .register: return 0
    case .sum(let terms):
      if terms.count == 1 && !terms[0].isNegative { return 0 }
      return terms.count <= 2 ? target.adderDelay : target.ternaryDelay
    case .compare(.less, _, _), .compare(.lessOrEqual, _, _): return target.adderDelay
    case .compare, .select, .bitwise, .reduce: return table
    case .lookup: return 2 * table
    case .multiply: return 4 * target.adderDelay
    }
  }
}
