/// What a clock demands of the stages of operations: pairs of operations that lie too far apart for one stage.
///
/// An assignment of stages meets the clock exactly if no operation comes before its operands and, for each pair, the
/// later one comes at least a stage after the earlier. Only pairs that no other pair implies are kept.
struct StageConstraints {
  /// Pair p demands stage(later[p]) > stage(earlier[p]); sorted by `earlier`, falling.
  private(set) var earlier: [Int32] = []
  private(set) var later: [Int32] = []

  /// - Parameters:
  ///   - limit: picoseconds from launch to capture, registers not included.
  ///   - consumers: of each operation.
  /// - Requires: no single operation takes longer than the limit.
  /// - Complexity: O(Σ operations within one stage's reach of each).
  init(_ graph: TimingGraph, consumers: Adjacency, limit: Int) {
    let count = graph.count
    var arrivals = [Arrival](repeating: .launch, count: count)
    var queue = IndexQueue(capacity: count)
    // The first operations out of reach of each operation, before pruning: what its operands' pairs are pruned by.
    var frontiers = [[Int32]](repeating: [], count: count)
    var impliedFor = [Int32](repeating: -1, count: count)
    // The last start that cannot share a stage with the operation.
    var beyond = [Int32](repeating: -1, count: count)
    for start in (0..<count).reversed() where graph.isTimed[start] && !graph.arcs(to: start).isEmpty {
      for consumer in consumers[start] {
        for end in frontiers[Int(consumer)] { impliedFor[Int(end)] = Int32(start) }
      }
      arrivals[start] = graph.launched(start)
      var frontier: [Int32] = []
      for consumer in consumers[start] { queue.insert(Int(consumer)) }
      // Only operations between `start` and the frontier were given an arrival in this round.
      var touched: [Int] = [start]
      while !queue.isEmpty {
        let index = queue.removeFirst()
        var arrival = Arrival.launch
        var followsFrontier = false
        for number in graph.arcs(to: index) {
          let arc = graph.arcs[number]
          arrival.formLatest(arc(arrivals[Int(arc.operand)]))
          followsFrontier = followsFrontier || beyond[Int(arc.operand)] == Int32(start)
        }
        if followsFrontier || Int(arrival.high) > limit {
          beyond[index] = Int32(start)
          if !followsFrontier { frontier.append(Int32(index)) }
          continue
        }
        arrivals[index] = arrival
        touched.append(index)
        for consumer in consumers[index] { queue.insert(Int(consumer)) }
      }
      for index in touched { arrivals[index] = .launch }
      for end in frontier where impliedFor[Int(end)] != Int32(start) {
        earlier.append(Int32(start))
        later.append(end)
      }
      frontiers[start] = frontier
    }
  }
}

/// For each index a list of indices, in one flat array.
struct Adjacency {
  private var starts: [Int32]
  private var targets: [Int32]

  /// The lists of targets by source, each in the order of the pairs.
  init(count: Int, sources: [Int32], targets: [Int32]) {
    starts = [Int32](repeating: 0, count: count + 1)
    for source in sources { starts[Int(source) + 1] += 1 }
    for index in 0..<count { starts[index + 1] += starts[index] }
    var next = starts
    self.targets = [Int32](repeating: 0, count: targets.count)
    for (source, target) in zip(sources, targets) {
      self.targets[Int(next[Int(source)])] = target
      next[Int(source)] += 1
    }
  }

  subscript(index: Int) -> ArraySlice<Int32> { targets[Int(starts[index])..<Int(starts[index + 1])] }
}

extension TimingGraph {
  /// The operations that use each operation's result, each once.
  var consumers: Adjacency {
    var sources: [Int32] = []
    var targets: [Int32] = []
    var last = [Int32](repeating: -1, count: count)
    for index in 0..<count {
      for number in arcs(to: index) where last[Int(arcs[number].operand)] != Int32(index) {
        last[Int(arcs[number].operand)] = Int32(index)
        sources.append(arcs[number].operand)
        targets.append(Int32(index))
      }
    }
    return Adjacency(count: count, sources: sources, targets: targets)
  }

  /// The least stage of every operation, counted from 0, when none may end later than `limit` after its launch.
  ///
  /// - Requires: no single operation takes longer than the limit.
  func earliestStages(limit: Int) -> [Int] {
    var stages = [Int](repeating: 0, count: count)
    var arrivals = [Arrival](repeating: .launch, count: count)
    for index in 0..<count {
      let arcs = arcs(to: index)
      let stage = arcs.reduce(0) { max($0, stages[Int(self.arcs[$1].operand)]) }
      var arrival = Arrival.launch
      for number in arcs {
        let arc = self.arcs[number]
        let operand = Int(arc.operand)
        arrival.formLatest(arc(stages[operand] == stage ? arrivals[operand] : .launch))
      }
      let fits = Int(arrival.high) <= limit
      stages[index] = fits ? stage : stage + 1
      arrivals[index] = fits ? arrival : launched(index)
    }
    return stages
  }
}
