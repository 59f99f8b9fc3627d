import Circuit
import FixedPoint
import Graph

extension NodeLowering {
  /// Comparators, tree bodies, sums. Equal comparators and equal subtrees of different trees become one in the builder.
  mutating func lower(_ forest: Forest, _ operand: Tensor, _ origin: Int) throws(WidthOverflow) -> [Value] {
    var result: [Value] = []
    for (position, row) in try forest.rows(operand.type).enumerated() {
      let first = position * forest.features.count
      result += try lower(row, Array(operand.values[first..<(first + forest.features.count)]), origin)
    }
    return result
  }

  /// The scores at one position. Each tree's leaves are taken relative to the least of them, so that no operand of a sum
  /// has a sign; one constant puts that right.
  private mutating func lower(
    _ forest: IntegerForest, _ features: [Value], _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    var terms: [[Value]] = Array(repeating: [], count: forest.base.count)
    var constants = forest.base
    for tree in forest.trees {
      var body = TreeLowering(
        tree, features: features, exponents: forest.exponents, origin: origin,
        isHurried: solutions.options.depth != .free)
      for (target, value) in zip(tree.targets, try body.values(&builder)) { terms[target].append(value) }
      for (target, offset) in zip(tree.targets, body.offsets) { constants[target] += Int128(offset) }
    }
    var result: [Value] = []
    for (k, values) in terms.enumerated() {
      let ones = [Int64](repeating: 1, count: values.count)
      result += try matrix(values, ones, [constants[k]], exponents: [forest.exponents[k]], origin)
    }
    return result
  }
}

/// The body of one tree: from the outcomes of its comparisons to the values of the leaf.
///
/// Two forms, chosen subtree by subtree: *multiplexers* pass leaf values from split to split; an *index* is the path
/// itself, one bit a level, each selected by those above, and looks the leaf up. Multiplexers cost in proportion to the
/// width of the leaves, an index hardly does. The weights are fitted to what yosys and ABC make of forests of depth 2 to 6
/// with leaves of 4 to 10 bits.
private struct TreeLowering {
  private let tree: IntegerForest.Tree
  private let features: [Value]
  private let exponents: [Int]
  private let origin: Int
  /// Whether a latency is missed, so that depth counts before size.
  private let isHurried: Bool
  /// The least leaf of each target.
  let offsets: [Int64]
  /// Bits of a leaf over all targets.
  private let width: Int
  /// For each split: the levels below it, itself included; the splits of the subtree with shared ones counted each
  /// time; the cost of the cheaper form.
  private var depths: [Int] = []
  private var sizes: [Int] = []
  private var costs: [Int] = []
  private var isIndexed: [Bool] = []
  private var known: [Int32: [Value]] = [:]

  init(_ tree: IntegerForest.Tree, features: [Value], exponents: [Int], origin: Int, isHurried: Bool) {
    self.isHurried = isHurried
    self.tree = tree
    self.features = features
    self.exponents = tree.targets.map { exponents[$0] }
    self.origin = origin
    let count = tree.targets.count
    var offsets: [Int64] = []
    var width = 0
    for slot in 0..<count {
      let values = stride(from: slot, to: tree.leaves.count, by: count).map { tree.leaves[$0] }
      let least = values.min() ?? 0
      offsets.append(least)
      width += Interval(0, Int128(values.max() ?? 0) - Int128(least)).width
    }
    self.offsets = offsets
    self.width = width
    weigh()
  }

  /// The deepest subtree that is indexed: tables of 64 entries, a look-up table each.
  private static let maximumIndex = 6

  /// Fills in depths, sizes and costs, children first.
  private mutating func weigh() {
    for split in tree.splits {
      let children = [split.left, split.right].filter { $0 >= 0 }.map { Int($0) }
      let depth = 1 + (children.map { depths[$0] }.max() ?? 0)
      // Beyond the deepest index sizes decide nothing; kept small, for shared subtrees they could grow without bound.
      let size = min(1 << TreeLowering.maximumIndex, 1 + children.reduce(0) { $0 + sizes[$1] })
      let multiplexers = children.reduce(11 * width) { min($0 + costs[$1], 1 << 40) }
      let index = TreeLowering.indexCost(depth: depth, splits: size, width: width)
      depths.append(depth)
      sizes.append(size)
      isIndexed.append(index.map { $0 < multiplexers } ?? false)
      costs.append(min(index ?? .max, multiplexers))
    }
  }

  /// In sixtieths of a look-up table, as the 11 for each split and bit of multiplexers.
  private static func indexCost(depth: Int, splits: Int, width: Int) -> Int? {
    switch depth {
    case ...4: 30 * splits + 72 * width
    case 5: 30 * splits + 108 * width
    case maximumIndex: 30 * splits + 240 * width
    default: nil
    }
  }

  /// The values of the leaf that is reached, one per target, less the offsets.
  mutating func values(_ builder: inout CircuitBuilder) throws(WidthOverflow) -> [Value] {
    try values(tree.root, &builder)
  }

  private mutating func values(_ node: Int32, _ builder: inout CircuitBuilder) throws(WidthOverflow)
    -> [Value]
  {
    if let values = known[node] { return values }
    let result: [Value]
    if node < 0 {
      result = leaf(node).enumerated().map {
        builder.constant(Int128($1), exponent: exponents[$0], origin: origin)
      }
    } else if isIndexed[Int(node)] {
      result = try indexed(node, &builder)
    } else {
      let split = tree.splits[Int(node)]
      let condition = compare(split, &builder)
      let left = try values(split.left, &builder)
      let right = try values(split.right, &builder)
      result = zip(left, right).map { builder.select(condition, $0, $1, origin: origin) }
    }
    known[node] = result
    return result
  }

  /// The values of a leaf less the offsets.
  private func leaf(_ node: Int32) -> [Int64] {
    zip(tree.values(ofLeaf: Int(~node)), offsets).map { $0 - $1 }
  }

  private func compare(_ split: IntegerForest.Split, _ builder: inout CircuitBuilder) -> Value {
    let threshold = builder.constant(split.threshold, origin: origin)
    return builder.compare(.less, features[split.feature], threshold, origin: origin)
  }

  // MARK: - The indexed form

  private func indexed(_ root: Int32, _ builder: inout CircuitBuilder) throws(WidthOverflow) -> [Value] {
    let depth = depths[Int(root)]
    // Highest bit first; 1 goes left. Below a leaf both ways lead to the same leaf.
    var bits: [Value] = []
    var level = [root]
    for _ in 0..<depth {
      let conditions = level.map { $0 < 0 ? nil : compare(tree.splits[Int($0)], &builder) }
      bits.append(choose(conditions, bits[...], &builder) ?? builder.constant(0, origin: origin))
      level = level.flatMap { $0 < 0 ? [$0, $0] : [tree.splits[Int($0)].left, tree.splits[Int($0)].right] }
    }
    let terms = bits.enumerated().map { Term($1, shift: depth - 1 - $0) }
    let index = try builder.sum(terms, exponent: 0, origin: origin)
    // `level` starts with the leaf whose index is all ones.
    let leaves = level.reversed().map(leaf)
    return exponents.indices.map { slot in
      let entries = leaves.map { Int128($0[slot]) }
      let table = builder.table(Table(name: "leaves", first: 0, entries: entries))
      return builder.lookup(index, table: table, exponent: exponents[slot], origin: origin)
    }
  }

  /// The condition that the bits above select; nil where no split is on that level.
  ///
  /// The order of the multiplexers is free. With the first decision last, those before it share their conditions, which
  /// takes fewer look-up tables; with the latest last, the path takes one multiplexer a level, which is faster.
  private func choose(
    _ conditions: [Value?], _ bits: ArraySlice<Value>, _ builder: inout CircuitBuilder
  ) -> Value? {
    guard let bit = isHurried ? bits.last : bits.first else { return conditions.first ?? nil }
    let rest = isHurried ? bits.dropLast() : bits.dropFirst()
    // The first decision tells halves apart, the last one neighbours.
    let (step, offset) = isHurried ? (2, 1) : (1, conditions.count / 2)
    let places = stride(from: 0, to: step * conditions.count / 2, by: step)
    let left = choose(places.map { conditions[$0] }, rest, &builder)
    let right = choose(places.map { conditions[$0 + offset] }, rest, &builder)
    guard let left, let right else { return left ?? right }
    return builder.select(bit, left, right, origin: origin)
  }
}
