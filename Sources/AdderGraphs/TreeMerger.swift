import FixedPoint

/// Merges operands into one sum, two or three at a time, by LUTs for each operand removed.
struct TreeMerger {
  typealias Node = SumTree.Node

  private(set) var nodes: [Node]
  private let target: AdderTarget
  private let deadline: Int?
  private let noise: Double
  private var random: SplitMix64
  /// Nodes that are not yet part of another, by shift, then by upper end.
  private var open: [Open] = []
  private var kraftSum: UInt64 = 0

  /// A node with its place in the sum, shift and sign applied to its bounds.
  private struct Open {
    var lower: Double
    var upper: Double
    var shift: Int
    var top: Int
    var arrival: Int
    /// What it takes of the time that is left; 0 without a deadline.
    var weight: UInt64
    /// Bits of the distance between the bounds: no sum with this operand ends below.
    var span: Int
    var node: Int

    @inline(__always)
    func precedes(_ other: Open) -> Bool {
      if shift != other.shift { return shift < other.shift }
      return top != other.top ? top < other.top : node < other.node
    }
  }

  /// Sums of at most this many operands are searched in all triples, longer ones in neighbouring ones.
  private static let exhaustiveCount = 20
  private static let window = 5
  /// Sums of more operands are first merged in passes.
  private static let passCount = 48

  init(leaves: [Node], target: AdderTarget, deadline: Int?, seed: UInt64, noise: Double) {
    nodes = leaves
    nodes.reserveCapacity(leaves.count * 2)
    self.target = target
    self.deadline = deadline
    self.noise = noise
    random = SplitMix64(seed: seed)
    if deadline != nil { kraftSum = leaves.reduce(0) { $0 + weight($1.arrival) } }
    open = nodes.indices.map(opened).sorted { $0.precedes($1) }
  }

  /// Merges everything and returns the root.
  mutating func run() -> Int {
    while open.count > TreeMerger.passCount { mergePass() }
    while open.count > 1 { mergeBest() }
    return open[0].node
  }

  private func weight(_ arrival: Int) -> UInt64 {
    deadline.map { Kraft.weight(limit: $0, arrival: arrival, step: target.adderDelay) } ?? 0
  }

  private func opened(_ index: Int) -> Open {
    let node = nodes[index]
    let scale = Bits.power(node.shift)
    return Open(
      lower: (node.isNegative ? -node.upper : node.lower) * scale,
      upper: (node.isNegative ? -node.lower : node.upper) * scale,
      shift: node.shift, top: node.operand.top, arrival: node.arrival, weight: weight(node.arrival),
      span: Bits.magnitude((node.upper - node.lower) * scale), node: index)
  }

  // MARK: The best merge

  private struct Candidate {
    var cost = Double.infinity
    var arrival = Int.max
    var i = 0
    var j = 0
    var k = -1

    @inline(__always)
    func precedes(_ other: Candidate) -> Bool {
      cost != other.cost ? cost < other.cost : arrival < other.arrival
    }
  }

  private mutating func mergeBest() {
    var best = bestCandidate()
    if best.cost == .infinity {
      // The neighbours are too late for each other: the two earliest always fit.
      let byArrival = open.indices.sorted { open[$0].arrival < open[$1].arrival }
      best.i = min(byArrival[0], byArrival[1])
      best.j = max(byArrival[0], byArrival[1])
    }
    let (a, b) = (open[best.i].node, open[best.j].node)
    let merged: Open
    if best.k >= 0 {
      merged = merge(SumTree.Children(a, b, open[best.k].node))
      open.remove(at: best.k)
    } else {
      merged = merge(SumTree.Children(a, b))
    }
    open.remove(at: best.j)
    open.remove(at: best.i)
    open.insert(merged, at: open.firstIndex { merged.precedes($0) } ?? open.count)
  }

  private mutating func bestCandidate() -> Candidate {
    let count = open.count
    let reach = count <= TreeMerger.exhaustiveCount ? count : TreeMerger.window
    var best = Candidate()
    open.withUnsafeBufferPointer { open in
      for i in 0..<count {
        let end = min(count, i + reach)
        for j in i + 1..<max(end, i + 1) {
          if !target.hasTernaryAdders || count == 2 || deadline != nil {
            let pair = pair(open[i], open[j])
            if pair.precedes(best) { best = Candidate(cost: pair.cost, arrival: pair.arrival, i: i, j: j) }
          }
          guard target.hasTernaryAdders else { continue }
          // What is too dear at its least bits is not looked at; the random numbers are as if it had been.
          let span = max(open[i].span, open[j].span)
          if Double(span - open[j].shift) * 0.5 > best.cost {
            pass(max(end - j - 1, 0))
            continue
          }
          for k in j + 1..<max(end, j + 1) {
            if Double(max(span, open[k].span) - open[j].shift) * 0.5 > best.cost {
              pass(1)
              continue
            }
            let cost = perturbed(TreeMerger.ternaryLUTs(open[i], open[j], open[k])) * 0.5
            if cost > best.cost { continue }
            let arrival = max(open[i].arrival, open[j].arrival, open[k].arrival) + target.ternaryDelay
            let triple = Candidate(cost: cost, arrival: arrival, i: i, j: j, k: k)
            if triple.precedes(best) && isInTime(open[i], open[j], open[k], arrival) { best = triple }
          }
        }
      }
    }
    return best
  }

  /// Leaves out the random numbers of so many costs.
  @inline(__always)
  private mutating func pass(_ count: Int) { if noise != 0 { random.skip(count) } }

  @inline(__always)
  private mutating func perturbed(_ luts: Int) -> Double {
    if noise == 0 { return Double(luts) }
    return Double(luts) * (1 + noise * Double(random.next() >> 40) * 0x1p-24)
  }

  /// The cost of merging two open nodes, the lower first; infinite if too late.
  @inline(__always)
  private mutating func pair(_ a: Open, _ b: Open) -> Candidate {
    let arrival = max(a.arrival, b.arrival) + target.adderDelay
    if deadline != nil && !fits(a.weight + b.weight, arrival) { return Candidate() }
    var (x, y) = (nodes[a.node].operand, nodes[b.node].operand)
    // The negated sum is as good; its low bits may pass through.
    if x.isNegative && (y.isNegative || x.shift < y.shift) {
      x.isNegative.toggle()
      y.isNegative.toggle()
    }
    let top = TreeMerger.top(a.lower + b.lower, a.upper + b.upper, unit: Bits.power(a.shift))
    return Candidate(cost: perturbed(AdderCost.adder(x, y, width: top)), arrival: arrival)
  }

  /// LUTs of the sum of three open nodes or its negative, the lowest first.
  @inline(__always)
  private static func ternaryLUTs(_ a: Open, _ b: Open, _ c: Open) -> Int {
    top(a.lower + b.lower + c.lower, a.upper + b.upper + c.upper, unit: Bits.power(a.shift)) - b.shift
  }

  /// The bit above an interval of multiples of `unit`.
  @inline(__always)
  private static func top(_ lower: Double, _ upper: Double, unit: Double) -> Int {
    lower < 0 ? 1 + max(Bits.magnitude(upper), Bits.magnitude(-lower - unit)) : Bits.magnitude(upper)
  }

  @inline(__always)
  private func isInTime(_ a: Open, _ b: Open, _ c: Open, _ arrival: Int) -> Bool {
    deadline == nil || fits(a.weight + b.weight + c.weight, arrival)
  }

  @inline(__always)
  private func add(_ index: Int, _ base: Int, _ bounds: inout (lower: Double, upper: Double)) {
    let scale = Bits.power(nodes[index].shift - base)
    if nodes[index].isNegative {
      bounds.lower -= nodes[index].upper * scale
      bounds.upper -= nodes[index].lower * scale
    } else {
      bounds.lower += nodes[index].lower * scale
      bounds.upper += nodes[index].upper * scale
    }
  }

  @inline(__always)
  private func fits(_ removed: UInt64, _ arrival: Int) -> Bool {
    kraftSum - removed + weight(arrival) <= Kraft.full
  }

  // MARK: Passes

  /// Merges neighbours in threes (or twos) in one pass over the earlier two thirds, so that late operands wait for
  /// their peers.
  private mutating func mergePass() {
    let size = target.hasTernaryAdders ? 3 : 2
    let order = open.sorted { $0.arrival != $1.arrival ? $0.arrival < $1.arrival : $0.node < $1.node }
    let early = order.prefix(max(order.count * 2 / 3, size)).sorted { $0.precedes($1) }
    var rest = Array(order[early.count...])
    var start = 0
    while start < early.count {
      if let children = affordable(early[start..<min(start + size, early.count)]) {
        rest.append(merge(children))
        start += children.count
      } else {
        rest.append(early[start])
        start += 1
      }
    }
    if rest.count == open.count {
      rest = Array(order[2...]) + [merge(SumTree.Children(order[0].node, order[1].node))]
    }
    open = rest.sorted { $0.precedes($1) }
  }

  /// The first two or three of a group, if they can be merged in time.
  private func affordable(_ group: ArraySlice<Open>) -> SumTree.Children? {
    let members = Array(group)
    if members.count == 3 {
      let latest = max(members[0].arrival, members[1].arrival, members[2].arrival)
      if isInTime(members[0], members[1], members[2], latest + target.ternaryDelay) {
        return SumTree.Children(members[0].node, members[1].node, members[2].node)
      }
    }
    guard members.count >= 2 else { return nil }
    let (a, b) = (members[0], members[1])
    let arrival = max(a.arrival, b.arrival) + target.adderDelay
    if deadline != nil && !fits(a.weight + b.weight, arrival) { return nil }
    return SumTree.Children(a.node, b.node)
  }

  /// Appends the sum of two or three nodes, whose shifts and signs become relative to it.
  private mutating func merge(_ children: SumTree.Children) -> Open {
    var shift = Int.max
    var arrival = Int.min
    for n in 0..<children.count {
      shift = min(shift, nodes[children[n]].shift)
      arrival = max(arrival, nodes[children[n]].arrival)
      kraftSum -= weight(nodes[children[n]].arrival)
    }
    var isNegative = true
    for n in 0..<children.count where nodes[children[n]].shift == shift && !nodes[children[n]].isNegative {
      isNegative = false
    }
    arrival += children.count == 3 ? target.ternaryDelay : target.adderDelay
    var bounds = (lower: 0.0, upper: 0.0)
    for n in 0..<children.count {
      nodes[children[n]].isNegative = nodes[children[n]].isNegative != isNegative
      add(children[n], shift, &bounds)
      nodes[children[n]].shift -= shift
    }
    kraftSum += weight(arrival)
    nodes.append(
      Node(
        lower: bounds.lower, upper: bounds.upper, shift: shift, isNegative: isNegative, arrival: arrival,
        children: children))
    return opened(nodes.count - 1)
  }
}
