/// A network of arcs with capacities, whose minimum cut between a source and a sink is found by maximum flow
/// (Dinic 1970: blocking flows in level graphs).
struct MinimumCut {
  /// A capacity that is never cut.
  static let unlimited = Int32.max / 2
  static let source: Int32 = 0
  static let sink: Int32 = 1

  private var tails: [Int32] = []
  private var heads: [Int32] = []
  private var capacities: [Int32] = []
  private var nodeCount: Int32 = 2

  /// Adds nodes with successive names and returns the first.
  mutating func addNodes(_ count: Int) -> Int32 {
    defer { nodeCount += Int32(count) }
    return nodeCount
  }

  mutating func addArc(_ tail: Int32, _ head: Int32, capacity: Int32) {
    tails.append(tail)
    heads.append(head)
    capacities.append(capacity)
  }

  /// The nodes that belong to the source's side of the minimum cut that lies nearest to the source.
  ///
  /// - Complexity: O(nodes² · arcs) at worst, close to linear on pipelines.
  func sourceSide() -> [Bool] {
    var network = ResidualNetwork(
      nodes: Int(nodeCount), tails: tails, heads: heads, capacities: capacities)
    while network.findLevels() { network.pushBlockingFlow() }
    return network.levels.map { $0 >= 0 }
  }
}

/// The residual network of a flow: every arc and its reverse, grouped by tail.
private struct ResidualNetwork {
  let nodes: Int
  private var starts: [Int32]
  private var heads: [Int32]
  private var rests: [Int32]
  /// The position of the reverse of the arc at each position.
  private var reverses: [Int32]
  /// The distance of each node from the source, -1 where no flow can reach it.
  private(set) var levels: [Int32]
  private var queue: [Int32]

  init(nodes: Int, tails: [Int32], heads: [Int32], capacities: [Int32]) {
    self.nodes = nodes
    var starts = [Int32](repeating: 0, count: nodes + 1)
    for arc in tails.indices {
      starts[Int(tails[arc]) + 1] += 1
      starts[Int(heads[arc]) + 1] += 1
    }
    for node in 0..<nodes { starts[node + 1] += starts[node] }
    var next = starts
    let count = 2 * tails.count
    self.heads = [Int32](repeating: 0, count: count)
    rests = [Int32](repeating: 0, count: count)
    reverses = [Int32](repeating: 0, count: count)
    for arc in tails.indices {
      let (tail, head) = (Int(tails[arc]), Int(heads[arc]))
      let forward = Int(next[tail])
      next[tail] += 1
      let backward = Int(next[head])
      next[head] += 1
      self.heads[forward] = Int32(head)
      self.heads[backward] = Int32(tail)
      rests[forward] = capacities[arc]
      reverses[forward] = Int32(backward)
      reverses[backward] = Int32(forward)
    }
    self.starts = starts
    levels = [Int32](repeating: -1, count: nodes)
    queue = [Int32](repeating: 0, count: nodes)
  }

  /// Numbers the nodes by their distance from the source.
  ///
  /// - Returns: whether the sink is reached.
  mutating func findLevels() -> Bool {
    for node in 0..<nodes { levels[node] = -1 }
    levels[Int(MinimumCut.source)] = 0
    queue[0] = MinimumCut.source
    var (first, end) = (0, 1)
    while first < end {
      let node = Int(queue[first])
      first += 1
      for position in Int(starts[node])..<Int(starts[node + 1])
      where rests[position] > 0 && levels[Int(heads[position])] < 0 {
        levels[Int(heads[position])] = levels[node] + 1
        queue[end] = heads[position]
        end += 1
      }
    }
    return levels[Int(MinimumCut.sink)] >= 0
  }

  /// Saturates an arc on every shortest path from source to sink.
  mutating func pushBlockingFlow() {
    var current = starts
    // The positions of the arcs from the source to the node that the walk has reached.
    var path: [Int32] = []
    var node = Int(MinimumCut.source)
    while true {
      if node == Int(MinimumCut.sink) {
        node = augment(&path)
        continue
      }
      var advanced = false
      while current[node] < starts[node + 1] {
        let position = Int(current[node])
        let head = Int(heads[position])
        if rests[position] > 0 && levels[head] == levels[node] + 1 {
          path.append(Int32(position))
          node = head
          advanced = true
          break
        }
        current[node] += 1
      }
      if advanced { continue }
      // A dead end: the arc that led here is used up for this level graph.
      guard let last = path.popLast() else { return }
      node = Int(heads[Int(reverses[Int(last)])])
      current[node] += 1
    }
  }

  /// Sends what the path carries and steps back to the tail of the first arc that it saturates.
  private mutating func augment(_ path: inout [Int32]) -> Int {
    let amount = path.reduce(Int32.max) { min($0, rests[Int($1)]) }
    var saturated = path.count
    for index in path.indices.reversed() {
      let position = Int(path[index])
      rests[position] -= amount
      rests[Int(reverses[position])] += amount
      if rests[position] == 0 { saturated = index }
    }
    let tail = Int(heads[Int(reverses[Int(path[saturated])])])
    path.removeSubrange(saturated...)
    return tail
  }
}
