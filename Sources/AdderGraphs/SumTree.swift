/// A tree of two- and three-operand adders that sums shifted, signed operands.
///
/// Merges are chosen greedily by LUTs for each operand that they remove; then each inner node's sign is chosen so
/// that low bits pass through and negations are absorbed.
struct SumTree {
  /// An operand, or the sum of some, with its place in the sum above it.
  struct Node {
    /// Bounds of the value itself, unshifted and unsigned.
    var lower: Double
    var upper: Double
    var shift: Int
    var isNegative: Bool
    var arrival: Int
    /// Indices of the operands, whose shifts and signs are relative to this node; empty in leaves.
    var children: [Int] = []

    @inline(__always) var operand: AdderCost.Operand {
      AdderCost.Operand(
        width: Bits.width(lower, upper), isSigned: lower < 0, shift: shift, isNegative: isNegative)
    }
  }

  private(set) var nodes: [Node]
  private let target: AdderTarget
  private let deadline: Int?
  /// Nodes that are not yet part of another, by shift, then by upper end.
  private var open: [Int]
  private var kraftSum: UInt64 = 0

  /// The costs of each node with its value as it is and negated, and which of its children are negated for it.
  private(set) var plan: [(cost: (Int, Int), flips: (UInt8, UInt8))] = []

  static let impossible = 1 << 40
  /// Sums of at most this many operands are searched in all triples, longer ones in neighbouring ones.
  private static let exhaustiveCount = 20
  private static let window = 5
  /// Sums of more operands are first merged in passes.
  private static let passCount = 48

  /// - Requires: at least one leaf; with a deadline, that the leaves can be summed by two-operand adders in time.
  init(leaves: [Node], target: AdderTarget, deadline: Int?) {
    nodes = leaves
    self.target = target
    self.deadline = deadline
    open = Array(leaves.indices)
    if let deadline {
      kraftSum = leaves.reduce(0) { $0 + Kraft.weight(limit: deadline, arrival: $1.arrival, step: target.adderDelay) }
    }
    let order = leaves
    open.sort { SumTree.precedes(order[$0], order[$1], $0, $1) }
    while open.count > SumTree.passCount { mergePass() }
    while open.count > 1 { mergeBest() }
    chooseSigns()
  }

  var root: Int { open[0] }

  private static func precedes(_ a: Node, _ b: Node, _ i: Int, _ j: Int) -> Bool {
    if a.shift != b.shift { return a.shift < b.shift }
    let (ta, tb) = (a.operand.top, b.operand.top)
    return ta != tb ? ta < tb : i < j
  }

  // MARK: Merging

  private struct Candidate {
    var cost = Double.infinity
    var arrival = Int.max
    var i = 0
    var j = 0
    var k = -1

    @inline(__always)
    func precedes(_ other: Candidate) -> Bool { cost != other.cost ? cost < other.cost : arrival < other.arrival }
  }

  private mutating func mergeBest() {
    let count = open.count
    let reach = count <= SumTree.exhaustiveCount ? count : SumTree.window
    var best = Candidate()
    for i in 0..<count {
      for j in i + 1..<max(min(count, i + reach), i + 1) {
        if !target.hasTernaryAdders || count == 2 || deadline != nil {
          let pair = candidate(i, j, -1)
          if pair.precedes(best) { best = pair }
        }
        guard target.hasTernaryAdders else { continue }
        for k in j + 1..<max(min(count, i + reach), j + 1) {
          let triple = candidate(i, j, k)
          if triple.precedes(best) { best = triple }
        }
      }
    }
    if best.cost == .infinity {
      // The neighbours are too late for each other: the two earliest always fit.
      let byArrival = open.indices.sorted { nodes[open[$0]].arrival < nodes[open[$1]].arrival }
      best = Candidate(cost: 0, arrival: 0, i: min(byArrival[0], byArrival[1]), j: max(byArrival[0], byArrival[1]))
    }
    let chosen = best.k < 0 ? [open[best.i], open[best.j]] : [open[best.i], open[best.j], open[best.k]]
    if best.k >= 0 { open.remove(at: best.k) }
    open.remove(at: best.j)
    open.remove(at: best.i)
    insert(merged(chosen))
  }

  /// The cost of merging open nodes i < j (< k, if not negative) for each operand removed; infinite if too late.
  private func candidate(_ i: Int, _ j: Int, _ k: Int) -> Candidate {
    let a = nodes[open[i]]
    let b = nodes[open[j]]
    var arrival = max(a.arrival, b.arrival)
    if k < 0 {
      arrival += target.adderDelay
      if !isInTime([a.arrival, b.arrival], merged: arrival) { return Candidate() }
      return Candidate(cost: Double(SumTree.cost(a, b)), arrival: arrival, i: i, j: j, k: k)
    }
    let c = nodes[open[k]]
    arrival = max(arrival, c.arrival) + target.ternaryDelay
    if !isInTime([a.arrival, b.arrival, c.arrival], merged: arrival) { return Candidate() }
    return Candidate(cost: Double(SumTree.cost(a, b, c)) * 0.5, arrival: arrival, i: i, j: j, k: k)
  }

  @inline(__always)
  private func isInTime(_ arrivals: @autoclosure () -> [Int], merged: Int) -> Bool {
    guard let deadline else { return true }
    let step = target.adderDelay
    let old = arrivals().reduce(0) { $0 + Kraft.weight(limit: deadline, arrival: $1, step: step) }
    return kraftSum - old + Kraft.weight(limit: deadline, arrival: merged, step: step) <= Kraft.full
  }

  /// Merges neighbours in threes (or twos), earliest first, in one pass.
  private mutating func mergePass() {
    let size = target.hasTernaryAdders ? 3 : 2
    let order = open.sorted { nodes[$0].arrival != nodes[$1].arrival ? nodes[$0].arrival < nodes[$1].arrival : $0 < $1 }
    // Only the earlier two thirds, so that late operands wait for their peers.
    let early = order.prefix(max(order.count * 2 / 3, size)).sorted { SumTree.precedes(nodes[$0], nodes[$1], $0, $1) }
    var taken = Set<Int>()
    var results: [Int] = []
    var i = 0
    while i + 1 < early.count {
      var group = Array(early[i..<min(i + size, early.count)])
      if group.count == 3 && !isInTime(group.map { nodes[$0].arrival }, merged: latest(group) + target.ternaryDelay) {
        group.removeLast()
      }
      if group.count == 2 && !isInTime(group.map { nodes[$0].arrival }, merged: latest(group) + target.adderDelay) {
        i += 1
        continue
      }
      taken.formUnion(group)
      results.append(merged(group))
      i += group.count
    }
    if results.isEmpty {
      taken = [order[0], order[1]]
      results = [merged([order[0], order[1]])]
    }
    open = (open.filter { !taken.contains($0) } + results).sorted { SumTree.precedes(nodes[$0], nodes[$1], $0, $1) }
  }

  private func latest(_ group: [Int]) -> Int { group.reduce(Int.min) { max($0, nodes[$1].arrival) } }

  private mutating func insert(_ index: Int) {
    let node = nodes[index]
    let place = open.firstIndex { SumTree.precedes(node, nodes[$0], index, $0) } ?? open.count
    open.insert(index, at: place)
  }

  /// Appends the sum of two or three nodes, whose shifts and signs become relative to it.
  private mutating func merged(_ group: [Int]) -> Int {
    let shift = group.reduce(Int.max) { min($0, nodes[$1].shift) }
    let lowest = group.filter { nodes[$0].shift == shift }
    let isNegative = lowest.allSatisfy { nodes[$0].isNegative }
    let arrival = latest(group) + (group.count == 3 ? target.ternaryDelay : target.adderDelay)
    var sum = Node(lower: 0, upper: 0, shift: shift, isNegative: isNegative, arrival: arrival, children: group)
    for i in group {
      if let deadline { kraftSum -= Kraft.weight(limit: deadline, arrival: nodes[i].arrival, step: target.adderDelay) }
      nodes[i].shift -= shift
      nodes[i].isNegative = nodes[i].isNegative != isNegative
      let scale = Bits.power(nodes[i].shift)
      sum.lower += (nodes[i].isNegative ? -nodes[i].upper : nodes[i].lower) * scale
      sum.upper += (nodes[i].isNegative ? -nodes[i].lower : nodes[i].upper) * scale
    }
    if let deadline { kraftSum += Kraft.weight(limit: deadline, arrival: arrival, step: target.adderDelay) }
    nodes.append(sum)
    return nodes.count - 1
  }

  // MARK: Costs

  @inline(__always)
  private static func width(_ a: Node, _ b: Node) -> Int {
    let base = min(a.shift, b.shift)
    var bounds = (lower: 0.0, upper: 0.0)
    add(a, base, &bounds)
    add(b, base, &bounds)
    return base + Bits.width(bounds.lower, bounds.upper)
  }

  @inline(__always)
  private static func add(_ node: Node, _ base: Int, _ bounds: inout (lower: Double, upper: Double)) {
    let scale = Bits.power(node.shift - base)
    bounds.lower += (node.isNegative ? -node.upper : node.lower) * scale
    bounds.upper += (node.isNegative ? -node.lower : node.upper) * scale
  }

  /// LUTs of a + b, or of -(a + b) if that passes low bits through.
  @inline(__always)
  private static func cost(_ a: Node, _ b: Node) -> Int {
    var (x, y) = (a.operand, b.operand)
    if x.shift < y.shift ? x.isNegative : (x.shift > y.shift ? y.isNegative : x.isNegative && y.isNegative) {
      x.isNegative.toggle()
      y.isNegative.toggle()
    }
    return AdderCost.adder(x, y, width: width(a, b))
  }

  /// LUTs of a + b + c, or of its negation.
  @inline(__always)
  private static func cost(_ a: Node, _ b: Node, _ c: Node) -> Int {
    let base = min(a.shift, b.shift, c.shift)
    var bounds = (lower: 0.0, upper: 0.0)
    add(a, base, &bounds)
    add(b, base, &bounds)
    add(c, base, &bounds)
    let second = max(min(a.shift, b.shift), min(max(a.shift, b.shift), c.shift))
    return base + Bits.width(bounds.lower, bounds.upper) - second
  }

  // MARK: Signs

  /// Finds for each node the cheapest way to compute its value, and its negative.
  private mutating func chooseSigns() {
    plan = Array(repeating: ((0, SumTree.impossible), (0, 0)), count: nodes.count)
    for i in nodes.indices where !nodes[i].children.isEmpty {
      let (positive, negative) = (cheapest(i, isNegated: false), cheapest(i, isNegated: true))
      plan[i] = ((positive.cost, negative.cost), (positive.flips, negative.flips))
    }
  }

  private func cheapest(_ i: Int, isNegated: Bool) -> (cost: Int, flips: UInt8) {
    let children = nodes[i].children
    let (lower, upper) = isNegated ? (-nodes[i].upper, -nodes[i].lower) : (nodes[i].lower, nodes[i].upper)
    let width = Bits.width(lower, upper)
    var best = (cost: SumTree.impossible, flips: UInt8(0))
    for flips in 0..<UInt8(1 << children.count) {
      var cost = 0
      var operands: [AdderCost.Operand] = []
      for (n, child) in children.enumerated() {
        let isFlipped = flips >> UInt8(n) & 1 != 0
        cost += isFlipped ? plan[child].cost.1 : plan[child].cost.0
        var operand = nodes[child].operand
        if isFlipped {
          operand.width = Bits.width(-nodes[child].upper, -nodes[child].lower)
          operand.isSigned = nodes[child].upper > 0
        }
        operand.isNegative = operand.isNegative != (isNegated != isFlipped)
        operands.append(operand)
      }
      if cost >= best.cost || operands.allSatisfy(\.isNegative) { continue }
      cost +=
        operands.count == 2
        ? AdderCost.adder(operands[0], operands[1], width: width)
        : AdderCost.ternaryAdder(operands[0], operands[1], operands[2], width: width)
      if cost < best.cost { best = (cost, flips) }
    }
    return best
  }
}
