import FixedPoint

/// A tree of two- and three-operand adders that sums shifted, signed operands.
///
/// Merges are chosen greedily by LUTs for each operand that they remove, in several attempts with different noise;
/// then each inner node's sign is chosen so that low bits pass through and negations are absorbed.
struct SumTree {
  /// An operand, or the sum of some, with its place in the sum above it.
  struct Node {
    /// Bounds of the value itself, unshifted and unsigned.
    var lower: Double
    var upper: Double
    var shift: Int
    var isNegative: Bool
    var arrival: Int
    /// The two or three operands, whose shifts and signs are relative to this node; none in leaves.
    var children = Children()

    @inline(__always) var operand: AdderCost.Operand {
      AdderCost.Operand(
        width: Bits.width(lower, upper), isSigned: lower < 0, shift: shift, isNegative: isNegative)
    }
  }

  /// Up to three indices of nodes.
  struct Children {
    private(set) var count = 0
    private var indices: (Int, Int, Int) = (0, 0, 0)

    init() {}
    init(_ a: Int, _ b: Int) { (count, indices) = (2, (a, b, 0)) }
    init(_ a: Int, _ b: Int, _ c: Int) { (count, indices) = (3, (a, b, c)) }

    @inline(__always) subscript(i: Int) -> Int { i == 0 ? indices.0 : i == 1 ? indices.1 : indices.2 }
  }

  /// The cheapest way to compute a node's value, or its negative: its LUTs with all below it, and which of its
  /// children are negated for it, as bits.
  struct Plan {
    var luts = SumTree.impossible
    var flips = UInt8(0)
  }

  private(set) var nodes: [Node]
  /// For each node its plans as it is and negated.
  private(set) var plans: [(positive: Plan, negative: Plan)] = []
  private(set) var root = 0

  static let impossible = 1 << 40

  /// The best tree of several attempts.
  /// - Requires: at least one leaf; with a deadline, that the leaves can be summed by two-operand adders in time.
  static func best(leaves: [Node], target: AdderTarget, deadline: Int?, attempts: Int, seed: UInt64 = 0)
    -> SumTree
  {
    var best = SumTree(leaves: leaves, target: target, deadline: deadline, seed: 0, noise: 0)
    guard leaves.count > 3 else { return best }
    for attempt in 1..<max(attempts, 1) {
      let seed = SplitMix64.mixed(seed &+ UInt64(attempt))
      let tree = SumTree(leaves: leaves, target: target, deadline: deadline, seed: seed, noise: 0.12)
      if tree.luts < best.luts { best = tree }
    }
    return best
  }

  private init(leaves: [Node], target: AdderTarget, deadline: Int?, seed: UInt64, noise: Double) {
    var builder = TreeMerger(leaves: leaves, target: target, deadline: deadline, seed: seed, noise: noise)
    root = builder.run()
    nodes = builder.nodes
    chooseSigns()
  }

  /// LUTs of the whole tree in its cheaper sign.
  var luts: Int { min(plans[root].positive.luts, plans[root].negative.luts) }

  // MARK: Signs

  private mutating func chooseSigns() {
    plans.reserveCapacity(nodes.count)
    for i in nodes.indices {
      if nodes[i].children.count == 0 {
        plans.append((Plan(luts: 0), Plan()))
      } else {
        plans.append((plan(i, isNegated: false), plan(i, isNegated: true)))
      }
    }
  }

  private func plan(_ i: Int, isNegated: Bool) -> Plan {
    let children = nodes[i].children
    let (lower, upper) = isNegated ? (-nodes[i].upper, -nodes[i].lower) : (nodes[i].lower, nodes[i].upper)
    let width = Bits.width(lower, upper)
    var best = Plan()
    for flips in 0..<UInt8(1 << children.count) {
      var (a, luts) = term(children[0], isFlipped: flips & 1 != 0, isNegated)
      if luts >= best.luts { continue }
      let (b, lutsB) = term(children[1], isFlipped: flips & 2 != 0, isNegated)
      luts += lutsB
      if luts >= best.luts { continue }
      if children.count == 2 {
        if a.isNegative && b.isNegative { continue }
        luts += AdderCost.adder(a, b, width: width)
      } else {
        let (c, lutsC) = term(children[2], isFlipped: flips & 4 != 0, isNegated)
        if a.isNegative && b.isNegative && c.isNegative { continue }
        luts += lutsC + AdderCost.ternaryAdder(a, b, c, width: width)
      }
      if luts < best.luts { best = Plan(luts: luts, flips: flips) }
    }
    return best
  }

  /// A child as an operand, negated or not, and the LUTs of computing it.
  @inline(__always)
  private func term(_ child: Int, isFlipped: Bool, _ isNegated: Bool) -> (AdderCost.Operand, Int) {
    let node = nodes[child]
    var operand = node.operand
    if isFlipped {
      operand.width = Bits.width(-node.upper, -node.lower)
      operand.isSigned = node.upper > 0
    }
    operand.isNegative = operand.isNegative != (isNegated != isFlipped)
    return (operand, isFlipped ? plans[child].negative.luts : plans[child].positive.luts)
  }
}
