import Circuit
import FixedPoint

/// When a result is there: its lowest and its highest bit, in picoseconds after the clock edge that launched the
/// stage. Bits in between are taken to lie in between: a carry chain delivers them one after the other.
struct Arrival: Hashable {
  var low: Int32
  var high: Int32

  static let launch = Arrival(low: 0, high: 0)
  static let never = Arrival(low: .min / 2, high: .min / 2)

  /// Bit by bit the later one.
  mutating func formLatest(_ other: Arrival) {
    low = max(low, other.low)
    high = max(high, other.high)
  }
}

/// What one operand adds on its way to the result: picoseconds from its lowest or highest bit to the result's lowest
/// or highest.
///
/// Arrivals are thus linear in (max, +): the delay of a path is independent of all others, and the arrival at an
/// operation is the latest over the paths that lead to it. The pipeliner's constraints rest on that.
struct TimingArc: Hashable {
  var operand: Int32
  var lowToLow: Int32
  var lowToHigh: Int32
  var highToLow: Int32
  var highToHigh: Int32

  /// A delay that no path has: bits that the result's do not depend on.
  static let none = Int32.min / 4

  func callAsFunction(_ operand: Arrival) -> Arrival {
    Arrival(
      low: max(operand.low + lowToLow, operand.high + highToLow),
      high: max(operand.low + lowToHigh, operand.high + highToHigh))
  }
}

/// A circuit as the timing analysis sees it: for every operation the arcs from its operands, constants left out.
struct TimingGraph {
  /// Arcs of operation v: `arcs[arcStart[v] ..< arcStart[v + 1]]`.
  private(set) var arcs: [TimingArc] = []
  private(set) var arcStart: [Int32] = [0]
  /// Operations that an input reaches; all others are constants and have no time.
  private(set) var isTimed: [Bool] = []
  /// Operations that are wires: they add no delay and take no hardware.
  private(set) var isWire: [Bool] = []

  init(_ circuit: Circuit, part: Part) {
    let delays = OperationDelays(part: part, fanouts: Fanouts(circuit))
    isTimed.reserveCapacity(circuit.operations.count)
    for value in circuit.values {
      let operation = circuit[value]
      var isReached = false
      if case .input = operation.kind { isReached = true }
      let first = arcs.count
      if case .register(let operand) = operation.kind {
        isReached = isTimed[operand.index]
      } else {
        delays.append(value, in: circuit, to: &arcs)
        // A constant operand has no arrival.
        arcs.removeSubrange(first..<arcs.count, where: { !isTimed[Int($0.operand)] })
        isReached = isReached || arcs.count > first
      }
      arcStart.append(Int32(arcs.count))
      isTimed.append(isReached)
      isWire.append(
        arcs[first...].allSatisfy {
          max($0.lowToLow, $0.lowToHigh, $0.highToLow, $0.highToHigh) <= 0
        })
    }
  }

  var count: Int { isTimed.count }

  func arcs(to operation: Int) -> Range<Int> { Int(arcStart[operation])..<Int(arcStart[operation + 1]) }

  /// The arrival at an operation all of whose operands come from registers.
  func launched(_ operation: Int) -> Arrival {
    var result = Arrival.launch
    for arc in arcs(to: operation) { result.formLatest(arcs[arc](.launch)) }
    return result
  }
}

extension Array where Element == TimingArc {
  fileprivate mutating func removeSubrange(_ range: Range<Int>, where isRemoved: (TimingArc) -> Bool) {
    var kept = range.lowerBound
    for index in range where !isRemoved(self[index]) {
      self[kept] = self[index]
      kept += 1
    }
    removeSubrange(kept..<range.upperBound)
  }
}

/// How many inputs of look-up tables and registers each bit of a result drives.
struct Fanouts {
  private(set) var loads: [Int]

  init(_ circuit: Circuit) {
    var loads = [Int](repeating: 0, count: circuit.operations.count)
    for port in circuit.outputs {
      for element in port.elements { loads[element.value.index] += 1 }
    }
    for value in circuit.values.reversed() {
      let operation = circuit[value]
      let width = max(1, operation.format.width)
      switch operation.kind {
      case .input, .constant: break
      case .sum(let terms):
        let isWire = terms.count == 1 && !terms[0].isNegative
        for term in terms { loads[term.value.index] += isWire ? loads[value.index] : 1 }
      case .slice(let operand, _): loads[operand.index] += loads[value.index]
      case .select(let condition, let ifTrue, let ifFalse):
        loads[condition.index] += width
        loads[ifTrue.index] += 1
        loads[ifFalse.index] += 1
      case .lookup(let operand, _):
        let tables = 1 << max(0, min(circuit[operand].format.width - 6, 6))
        loads[operand.index] += width * tables
      case .multiply(let a, let b):
        loads[a.index] += 1
        loads[b.index] += 1
      case .compare, .bitwise, .reduce, .register:
        for operand in operation.kind.operands { loads[operand.index] += 1 }
      }
    }
    self.loads = loads
  }
}
