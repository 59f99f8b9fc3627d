import Circuit

/// The slowest path between two register ranks of a circuit, its inputs launched and its outputs captured by
/// registers of the same clock.
public struct CriticalPath: Hashable, Sendable {
  /// Picoseconds, the registers at both ends included.
  public var delay: Int
  /// The operations on the path, first to last.
  public var values: [Value]
  /// The layers on the path that take time on it, the one that takes most first.
  public var origins: [Int]
}

extension DelayModel {
  /// The delay of one operation between two registers, in picoseconds, without the registers: from its operands, all
  /// there at once, to the last bit of its result.
  public static func delay(of value: Value, in circuit: Circuit, on part: Part) -> Int {
    Int(TimingGraph(circuit, part: part).launched(value.index).high)
  }
}

extension Circuit {
  /// The slowest path of a stage; of the whole circuit if it is pure.
  ///
  /// - Complexity: O(operations and operands).
  public func criticalPath(on part: Part) -> CriticalPath {
    let graph = TimingGraph(self, part: part)
    var arrivals: [Arrival] = []
    arrivals.reserveCapacity(graph.count)
    for index in 0..<graph.count {
      var arrival = Arrival.launch
      for arc in graph.arcs(to: index) {
        arrival.formLatest(graph.arcs[arc](arrivals[Int(graph.arcs[arc].operand)]))
      }
      arrivals.append(arrival)
    }
    let last = arrivals.indices.max { arrivals[$0].high < arrivals[$1].high }
    guard var index = last, arrivals[index].high > 0 else {
      return CriticalPath(delay: part.delays.register, values: [], origins: [])
    }
    let delay = Int(arrivals[index].high) + part.delays.register
    var path = [Value(index)]
    var isHigh = true
    var shares: [Int: Int32] = [:]
    while true {
      let arrival = arrivals[index]
      let time = isHigh ? arrival.high : arrival.low
      // The arc and the end of its operand that the arrival came from; none at a launch.
      var before: (operand: Int, isHigh: Bool)?
      for number in graph.arcs(to: index) where before == nil {
        let arc = graph.arcs[number]
        let operand = arrivals[Int(arc.operand)]
        if operand.high + (isHigh ? arc.highToHigh : arc.highToLow) == time {
          before = (Int(arc.operand), true)
        } else if operand.low + (isHigh ? arc.lowToHigh : arc.lowToLow) == time {
          before = (Int(arc.operand), false)
        }
      }
      guard let before, time > 0 else { break }
      let start = before.isHigh ? arrivals[before.operand].high : arrivals[before.operand].low
      shares[operations[index].origin, default: 0] += time - start
      index = before.operand
      isHigh = before.isHigh
      path.append(Value(index))
    }
    let ranked = shares.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return CriticalPath(delay: delay, values: path.reversed(), origins: ranked.map(\.key))
  }
}
