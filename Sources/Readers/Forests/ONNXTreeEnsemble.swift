import Diagnostics
import Graph

/// The attributes of ONNX's `TreeEnsembleRegressor` and `TreeEnsembleClassifier` (`ai.onnx.ml` 1 and 3), as plain arrays,
/// and the forest that ONNX Runtime makes of them.
///
/// Entries of the `nodes` arrays belong together, and so do those of the leaf arrays (`target_…` or `class_…`); a node is
/// named by its tree and its number in the tree. With binary32 attributes features, leaves and sums are binary32; a tree
/// adds to the sum in order of first appearance, base values come last. (The runtime sums the trees in parts where it has
/// several threads, so that the last bits of its own sums depend on the machine.)
struct ONNXTreeEnsemble: Sendable {
  struct Nodes: Sendable {
    var trees: [Int] = []
    var numbers: [Int] = []
    var features: [Int] = []
    /// `BRANCH_LEQ`, `BRANCH_LT`, `BRANCH_GTE`, `BRANCH_GT`, `BRANCH_EQ`, `BRANCH_NEQ` or `LEAF`.
    var modes: [String] = []
    var values: [Double] = []
    var whenTrue: [Int] = []
    var whenFalse: [Int] = []
    /// `nodes_missing_value_tracks_true`; empty: nothing is missing, NaN fails every comparison but the last.
    var missingIsTrue: [Int] = []
  }

  struct Leaves: Sendable {
    var trees: [Int] = []
    var numbers: [Int] = []
    /// `target_ids` or `class_ids`.
    var targets: [Int] = []
    var weights: [Double] = []
  }

  var nodes: Nodes
  var leaves: Leaves
  /// `n_targets`, or the number of class labels.
  var outputCount: Int
  var isClassifier: Bool
  var baseValues: [Double] = []
  /// `SUM` or `AVERAGE`.
  var aggregation = "SUM"
  var postTransform = "NONE"
  /// Whether the attributes are the `…_as_tensor` ones in binary64.
  var isDouble = false

  /// - Parameter features: the names of the features, as many as the operand's last axis is long.
  /// - Throws: I501 to I503 at `location`.
  func forest(features: [String], at location: Location) throws(CompilationFailed) -> Forest {
    try checkCounts(at: location)
    let scores = isBinary ? 1 : outputCount
    let targets = leaves.targets
    // The runtime adds the second class's base value to the first one's score here, where it has any.
    if isClassifier, outputCount == 2, !isBinary, !baseValues.isEmpty, Set(targets).count < 2 {
      throw failure(
        "I503", "fpgaml does not compile base values with leaves of the second class only", at: location)
    }
    guard targets.allSatisfy({ (0..<scores).contains($0) }) else {
      throw failure("I502", "a leaf adds to an output that does not exist", at: location)
    }
    let divisor = try divisor(at: location)
    let precision: Forest.Arithmetic.Precision = isDouble ? .binary64 : .binary32
    return Forest(
      features: features, outputs: scoreNames(scores),
      trees: try trees(targets, featureCount: features.count, at: location),
      base: try base(scores, at: location),
      divisor: divisor, arithmetic: .init(features: precision, sums: precision, startsWithBase: false))
  }

  /// Whether leaves count for one score only, although there are two classes: the margin of the second.
  var isBinary: Bool { isClassifier && outputCount == 2 && leaves.targets.allSatisfy { $0 == 0 } }

  /// Of a binary classifier whose leaves are never negative the score is taken for the second class's probability.
  var hasProbabilities: Bool { leaves.weights.allSatisfy { $0 >= 0 } }

  private func failure(_ code: DiagnosticCode, _ message: String, at location: Location) -> CompilationFailed
  {
    CompilationFailed(code, message, at: location)
  }

  private func checkCounts(at location: Location) throws(CompilationFailed) {
    let count = nodes.trees.count
    let counts = [nodes.numbers, nodes.features, nodes.whenTrue, nodes.whenFalse].map(\.count)
    guard count > 0, counts.allSatisfy({ $0 == count }), nodes.modes.count == count,
      nodes.values.count == count,
      nodes.missingIsTrue.isEmpty || nodes.missingIsTrue.count == count
    else { throw failure("I502", "the 'nodes' attributes have different lengths", at: location) }
    let leafCount = leaves.trees.count
    guard leaves.numbers.count == leafCount, leaves.targets.count == leafCount,
      leaves.weights.count == leafCount,
      outputCount > 0
    else { throw failure("I502", "the attributes of leaves have different lengths", at: location) }
  }

  private func divisor(at location: Location) throws(CompilationFailed) -> Double {
    switch aggregation {
    case "SUM": return 1
    case "AVERAGE" where baseValues.allSatisfy({ $0 == 0 }): return Double(Set(nodes.trees).count)
    default:
      throw failure(
        "I503",
        "fpgaml does not compile 'aggregate_function' \(aggregation)\(aggregation == "AVERAGE" ? " with base values" : "")",
        at: location)
    }
  }

  private func base(_ scores: Int, at location: Location) throws(CompilationFailed) -> [Double] {
    if baseValues.isEmpty { return Array(repeating: 0, count: scores) }
    if scores == 1, baseValues.count <= 2, let last = baseValues.last { return [last] }
    guard baseValues.count == scores, baseValues.allSatisfy(\.isFinite) else {
      throw failure("I502", "\(baseValues.count) base values for \(scores) outputs", at: location)
    }
    return baseValues
  }

  func transform(at location: Location) throws(CompilationFailed) -> ScoreTransform {
    switch postTransform {
    case "NONE": return .identity
    case "LOGISTIC": return .logistic(slope: 1)
    case "SOFTMAX": return .softmax
    case "SOFTMAX_ZERO", "PROBIT": return .unsupported(postTransform)
    default: throw failure("I502", "'post_transform' is '\(postTransform)'", at: location)
    }
  }

  // MARK: - Trees

  private struct Key: Hashable {
    var tree: Int
    var number: Int
  }

  /// One tree for each identifier, in order of first appearance; its first node is the root.
  private func trees(_ targets: [Int], featureCount: Int, at location: Location) throws(CompilationFailed)
    -> [DecisionTree]
  {
    var indices: [Key: Int] = [:]
    for i in nodes.trees.indices where indices.updateValue(i, forKey: key(i)) != nil {
      throw failure("I502", "node \(nodes.numbers[i]) of tree \(nodes.trees[i]) is there twice", at: location)
    }
    var leafEntries: [Int: [Int]] = [:]
    var treeTargets: [Int: Set<Int>] = [:]
    for i in leaves.trees.indices {
      guard let node = indices[Key(tree: leaves.trees[i], number: leaves.numbers[i])] else {
        throw failure("I502", "a leaf's value is for a node that does not exist", at: location)
      }
      leafEntries[node, default: []].append(i)
      treeTargets[leaves.trees[i], default: []].insert(targets[i])
    }
    var roots: [Int] = []
    var seen: Set<Int> = []
    for i in nodes.trees.indices where seen.insert(nodes.trees[i]).inserted { roots.append(i) }
    let relations = try nodes.modes.map { mode throws(CompilationFailed) in try relation(mode, at: location) }
    var trees: [DecisionTree] = []
    for root in roots {
      let tree = nodes.trees[root]
      let own = treeTargets[tree].map { $0.sorted() } ?? [0]
      trees.append(
        try DecisionTree(
          targets: own, featureCount: featureCount, nodeCount: nodes.trees.count, root: root, at: location
        ) { node in
          guard let relation = relations[node] else {
            return .leaf(leaf(leafEntries[node] ?? [], targets, own))
          }
          func child(_ number: Int) -> Int { indices[Key(tree: tree, number: number)] ?? -1 }
          // NaN fails every comparison but "not equal", unless the node says otherwise.
          let missing = nodes.missingIsTrue.isEmpty ? 0 : nodes.missingIsTrue[node]
          return .split(
            .init(
              feature: nodes.features[node], relation, nodes.values[node],
              whenTrue: child(nodes.whenTrue[node]),
              whenFalse: child(nodes.whenFalse[node]), missingIsTrue: missing != 0 || relation == .notEqual))
        })
    }
    return trees
  }

  private func key(_ i: Int) -> Key { Key(tree: nodes.trees[i], number: nodes.numbers[i]) }

  /// The values of a leaf's entries, one for each target of its tree; several entries for one target add up.
  private func leaf(_ entries: [Int], _ targets: [Int], _ own: [Int]) -> [Double] {
    own.map { target in
      let weights = entries.filter { targets[$0] == target }.map { leaves.weights[$0] }
      return weights.dropFirst().reduce(weights.first ?? 0, +)
    }
  }

  /// Nil for a leaf.
  private func relation(_ mode: String, at location: Location) throws(CompilationFailed) -> SplitRelation? {
    switch mode {
    case "LEAF": return nil
    case "BRANCH_LEQ": return .lessOrEqual
    case "BRANCH_LT": return .less
    case "BRANCH_GTE": return .greaterOrEqual
    case "BRANCH_GT": return .greater
    case "BRANCH_EQ": return .equal
    case "BRANCH_NEQ": return .notEqual
    default: throw failure("I503", "fpgaml does not compile the node mode '\(mode)'", at: location)
    }
  }
}
