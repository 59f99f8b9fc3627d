import FixedPoint

extension IntegerForest {
  /// The same function without what no sample reaches: a split whose outcome the splits above it and the features'
  /// ranges imply is replaced by its child, one whose children are equal by one of them. Equal subtrees of a tree become
  /// one.
  public func pruned() -> IntegerForest {
    var result = self
    result.trees = trees.map { tree in
      var pruning = TreePruning(tree, features)
      return pruning.run()
    }
    return result
  }
}

/// Prunes one tree, path by path.
private struct TreePruning {
  private let source: IntegerForest.Tree
  /// What is known of each feature on the path down to the node at hand.
  private var known: [Interval]
  private var result: IntegerForest.Tree
  private var splits: [IntegerForest.Split: Int32] = [:]
  private var leaves: [[Int64]: Int32] = [:]
  /// Nodes that may still be visited. Shared children are visited once for each path to them; a tree that would take
  /// too long is left as it is.
  private var budget = 1 << 20

  init(_ tree: IntegerForest.Tree, _ features: [Interval]) {
    source = tree
    known = features
    result = IntegerForest.Tree(splits: [], root: -1, targets: tree.targets, leaves: [])
  }

  mutating func run() -> IntegerForest.Tree {
    result.root = visit(source.root)
    return budget > 0 ? result : source
  }

  private mutating func visit(_ node: Int32) -> Int32 {
    budget -= 1
    if budget <= 0 { return -1 }
    guard node >= 0 else { return leaf(Array(source.values(ofLeaf: Int(~node)))) }
    let split = source.splits[Int(node)]
    let range = known[split.feature]
    if range.upper < split.threshold { return visit(split.left) }
    if range.lower >= split.threshold { return visit(split.right) }
    known[split.feature] = Interval(range.lower, split.threshold - 1)
    let left = visit(split.left)
    known[split.feature] = Interval(split.threshold, range.upper)
    let right = visit(split.right)
    known[split.feature] = range
    if left == right { return left }
    let pruned = IntegerForest.Split(
      feature: split.feature, threshold: split.threshold, left: left, right: right)
    if let index = splits[pruned] { return index }
    result.splits.append(pruned)
    splits[pruned] = Int32(result.splits.count - 1)
    return Int32(result.splits.count - 1)
  }

  private mutating func leaf(_ values: [Int64]) -> Int32 {
    if let index = leaves[values] { return index }
    let index = ~Int32(result.leafCount)
    result.leaves += values
    leaves[values] = index
    return index
  }
}
