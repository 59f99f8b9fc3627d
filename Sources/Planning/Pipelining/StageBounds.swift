import Circuit

/// The least and the greatest stage of every operation when the whole takes a given number of stages.
///
/// Stages count the register ranks since the input ports: inputs lie in stage `first`, which is -1 where a rank of
/// registers follows them; outputs in stage `last`, which is the number of stages where a rank precedes them. Logic
/// lies in 0 ..< stages; wires may lie beyond, on the far side of the ports' registers.
struct StageBounds {
  let stages: Int
  let first: Int
  let last: Int
  private(set) var lower: [Int]
  private(set) var upper: [Int]

  /// Register ranks on every path.
  var latency: Int { last - first }

  init(
    _ graph: TimingGraph, consumers: Adjacency, constraints: StageConstraints, stages: Int,
    ioRegisters: IORegisters
  ) {
    self.stages = stages
    first = ioRegisters.atInputs ? -1 : 0
    last = ioRegisters.atOutputs ? stages : stages - 1
    let count = graph.count
    var lower = [Int](repeating: first, count: count)
    var upper = [Int](repeating: stages - 1, count: count)
    let before = Adjacency(count: count, sources: constraints.later, targets: constraints.earlier)
    let after = Adjacency(count: count, sources: constraints.earlier, targets: constraints.later)
    for index in 0..<count {
      let arcs = graph.arcs(to: index)
      if arcs.isEmpty {
        upper[index] = first
        continue
      }
      if graph.isWire[index] { upper[index] = last } else { lower[index] = 0 }
      for number in arcs { lower[index] = max(lower[index], lower[Int(graph.arcs[number].operand)]) }
      for earlier in before[index] { lower[index] = max(lower[index], lower[Int(earlier)] + 1) }
    }
    for index in (0..<count).reversed() {
      for consumer in consumers[index] { upper[index] = min(upper[index], upper[Int(consumer)]) }
      for later in after[index] { upper[index] = min(upper[index], upper[Int(later)] - 1) }
      upper[index] = max(upper[index], lower[index])
    }
    self.lower = lower
    self.upper = upper
  }
}
