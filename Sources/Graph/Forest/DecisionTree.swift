/// A binary decision tree whose splits ask one question: does a feature lie below a threshold.
///
/// Flat arrays, one entry per split. A child `c >= 0` is a split, always with a smaller index than its parent (that is
/// the whole acyclicity check); a child `c < 0` is the leaf `~c`. Two parents may share a child. Every comparison that
/// a framework knows becomes "less than" in the initializer: `x <= t` is `x < t.nextUp` for all binary32 and binary64 x.
public struct DecisionTree: Hashable, Sendable, Codable {
  /// The feature that a split compares.
  public internal(set) var features: [Int32] = []
  /// A sample goes left if its feature is less than this.
  public internal(set) var thresholds: [Double] = []
  public internal(set) var lefts: [Int32] = []
  public internal(set) var rights: [Int32] = []
  /// Whether a missing value (NaN) goes left.
  public internal(set) var missingGoesLeft: [Bool] = []
  /// The first node that a sample meets: a split, or `~leaf` in a tree without splits.
  public internal(set) var root: Int32 = -1
  /// The scores that the tree contributes to. One for boosted trees, all classes for most random forests.
  public internal(set) var targets: [Int32]
  /// Leaf after leaf, one value per target.
  public internal(set) var leaves: [Double] = []
  /// What the framework multiplies leaves with: TMVA's boost weight, DART's tree weight. 1 elsewhere.
  public internal(set) var weight: Double

  public var splitCount: Int { features.count }
  public var leafCount: Int { leaves.count / targets.count }

  /// Trees deeper than this are refused, so that walks over a tree may recurse.
  public static let maximumDepth = 512

  /// The leaf that a sample ends in.
  ///
  /// - Parameter value: the value of a feature, already in the framework's precision; NaN if missing.
  public func leaf(_ value: (Int) -> Double) -> Int {
    var node = root
    while node >= 0 {
      let split = Int(node)
      let x = value(Int(features[split]))
      let goesLeft = x.isNaN ? missingGoesLeft[split] : x < thresholds[split]
      node = goesLeft ? lefts[split] : rights[split]
    }
    return Int(~node)
  }

  /// The values of a leaf, one per target.
  public func values(ofLeaf leaf: Int) -> ArraySlice<Double> {
    leaves[leaf * targets.count..<(leaf + 1) * targets.count]
  }
}

extension DecisionTree {
  func isWellFormed(features featureCount: Int, scores: Int) -> Bool {
    let count = splitCount
    guard [thresholds.count, lefts.count, rights.count, missingGoesLeft.count].allSatisfy({ $0 == count }),
      !targets.isEmpty, leafCount > 0, leaves.count == leafCount * targets.count,
      targets.allSatisfy({ (0..<scores).contains(Int($0)) }), Set(targets).count == targets.count,
      leaves.allSatisfy(\.isFinite), weight.isFinite, !thresholds.contains(where: \.isNaN)
    else { return false }
    func isNode(_ node: Int32, below limit: Int) -> Bool {
      node >= 0 ? Int(node) < limit : Int(~node) < leafCount
    }
    var depths: [Int] = []
    for i in 0..<count {
      guard (0..<featureCount).contains(Int(features[i])), isNode(lefts[i], below: i),
        isNode(rights[i], below: i)
      else { return false }
      let below = max(lefts[i] < 0 ? 0 : depths[Int(lefts[i])], rights[i] < 0 ? 0 : depths[Int(rights[i])])
      depths.append(below + 1)
      // A split of a file may have become three.
      if below >= 3 * DecisionTree.maximumDepth { return false }
    }
    return isNode(root, below: count)
  }
}

/// A comparison of a feature with a threshold, as the frameworks spell it.
public enum SplitRelation: String, CaseIterable, Hashable, Sendable {
  case less, lessOrEqual, greater, greaterOrEqual, equal, notEqual
}

extension DecisionTree {
  /// A node as a file has it: children are the file's own node numbers.
  public enum Node: Sendable {
    /// One value per target.
    case leaf([Double])
    case split(Split)
  }

  public struct Split: Sendable {
    public var feature: Int
    public var relation: SplitRelation
    public var threshold: Double
    public var whenTrue: Int
    public var whenFalse: Int
    /// Whether a missing value goes where the relation holds.
    public var missingIsTrue: Bool
    /// A missing value may also be spelled as any value of a magnitude up to this (LightGBM's `zero_as_missing`).
    public var missingMagnitude: Double?

    public init(
      feature: Int, _ relation: SplitRelation, _ threshold: Double, whenTrue: Int, whenFalse: Int,
      missingIsTrue: Bool, missingMagnitude: Double? = nil
    ) {
      self.feature = feature
      self.relation = relation
      self.threshold = threshold
      self.whenTrue = whenTrue
      self.whenFalse = whenFalse
      self.missingIsTrue = missingIsTrue
      self.missingMagnitude = missingMagnitude
    }
  }

  /// What is wrong with the nodes of a file; `node` is the file's own number.
  public enum Malformation: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownChild(node: Int, child: Int)
    case repeatedNode(Int)
    case tooDeep
    case unknownFeature(node: Int, feature: Int)
    case notANumber(node: Int)

    public var description: String {
      switch self {
      case .unknownChild(let node, let child): "node \(node) has child \(child), which does not exist"
      case .repeatedNode(let node): "node \(node) is reached twice, where a tree has one path to each node"
      case .tooDeep: "tree is deeper than \(DecisionTree.maximumDepth) splits"
      case .unknownFeature(let node, let feature):
        "node \(node) splits on feature \(feature), which does not exist"
      case .notANumber(let node): "node \(node) has a threshold or a leaf value that is not a finite number"
      }
    }
  }

  /// Makes a tree of a file's nodes, reached from `root`.
  ///
  /// - Parameters:
  ///   - targets: the scores that leaves contribute to; leaves have as many values.
  ///   - node: the node of a number in `0..<nodeCount`; asked once for each node that is reached.
  public init(
    targets: [Int], weight: Double = 1, featureCount: Int, nodeCount: Int, root: Int = 0,
    node: (Int) -> Node
  ) throws(Malformation) {
    self.init(targets: targets.map(Int32.init), weight: weight)
    // Depth first, children before their parents: a split waits on the stack until both children have their index.
    var isReached = [Bool](repeating: false, count: nodeCount)
    var waiting: [(number: Int, split: Split, whenTrue: Int32?)] = []
    // The node to be visited next; nil when one was finished just now.
    var next: (number: Int, parent: Int)? = (root, root)
    var finished: Int32 = -1
    while true {
      if let (number, parent) = next {
        guard number >= 0, number < nodeCount else { throw .unknownChild(node: parent, child: number) }
        if isReached[number] { throw .repeatedNode(number) }
        isReached[number] = true
        next = nil
        switch node(number) {
        case .leaf(let values): finished = try addLeaf(values, number)
        case .split(let split):
          try check(split, number, featureCount)
          if waiting.count >= DecisionTree.maximumDepth { throw .tooDeep }
          waiting.append((number, split, nil))
          next = (split.whenTrue, number)
        }
      } else if let (number, split, whenTrue) = waiting.last {
        if let whenTrue {
          finished = add(split, whenTrue, finished)
          waiting.removeLast()
        } else {
          waiting[waiting.count - 1].whenTrue = finished
          next = (split.whenFalse, number)
        }
      } else {
        break
      }
    }
    self.root = finished
  }

  private init(targets: [Int32], weight: Double) {
    self.targets = targets
    self.weight = weight
  }

  private func check(_ split: Split, _ number: Int, _ featureCount: Int) throws(Malformation) {
    if split.feature < 0 || split.feature >= featureCount {
      throw .unknownFeature(node: number, feature: split.feature)
    }
    if split.threshold.isNaN { throw .notANumber(node: number) }
  }

  private mutating func addLeaf(_ values: [Double], _ number: Int) throws(Malformation) -> Int32 {
    precondition(values.count == targets.count, "a leaf has one value per target")
    if values.contains(where: { !$0.isFinite }) { throw .notANumber(node: number) }
    leaves += values
    return ~Int32(leafCount - 1)
  }

  /// Adds a split on any relation between two nodes that are there.
  private mutating func add(_ split: Split, _ whenTrue: Int32, _ whenFalse: Int32) -> Int32 {
    let (feature, threshold, missing) = (split.feature, split.threshold, split.missingIsTrue)
    let node: Int32
    switch split.relation {
    case .less: node = less(feature, threshold, whenTrue, whenFalse, missing)
    case .lessOrEqual: node = less(feature, threshold.nextUp, whenTrue, whenFalse, missing)
    case .greaterOrEqual: node = less(feature, threshold, whenFalse, whenTrue, !missing)
    case .greater: node = less(feature, threshold.nextUp, whenFalse, whenTrue, !missing)
    case .equal: node = inside(feature, threshold, threshold, whenTrue, whenFalse, missing)
    case .notEqual: node = inside(feature, threshold, threshold, whenFalse, whenTrue, !missing)
    }
    guard let magnitude = split.missingMagnitude else { return node }
    let destination = missing ? whenTrue : whenFalse
    return inside(feature, -magnitude, magnitude, destination, node, true)
  }

  private mutating func less(
    _ feature: Int, _ threshold: Double, _ left: Int32, _ right: Int32, _ missing: Bool
  ) -> Int32 {
    features.append(Int32(feature))
    thresholds.append(threshold)
    lefts.append(left)
    rights.append(right)
    missingGoesLeft.append(missing)
    return Int32(features.count - 1)
  }

  /// Where a feature in `low...high` goes apart from all others: two splits that share their outer child.
  private mutating func inside(
    _ feature: Int, _ low: Double, _ high: Double, _ within: Int32, _ outside: Int32, _ missingIsWithin: Bool
  ) -> Int32 {
    let upper = less(feature, high.nextUp, within, outside, missingIsWithin)
    return less(feature, low, outside, upper, !missingIsWithin)
  }
}
