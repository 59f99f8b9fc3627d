import Diagnostics
import Graph
import ONNXProto

// The attributes of tree ensembles as arrays.
extension ONNXCall {
  /// The attributes of `TreeEnsembleRegressor` and `TreeEnsembleClassifier`, and of `TreeEnsemble` in their form.
  ///
  /// - Parameter leaf: what leaves' attributes are called by: `target` or `class`.
  /// - Throws: I502 and I503 for attributes that do not fit, I403 for damaged tensors.
  func treeEnsemble(leaf: String, outputCount: Int) throws(CompilationFailed) -> ONNXTreeEnsemble {
    var nodes = ONNXTreeEnsemble.Nodes()
    nodes.trees = integers("nodes_treeids")
    nodes.numbers = integers("nodes_nodeids")
    nodes.features = integers("nodes_featureids")
    nodes.modes = strings("nodes_modes")
    nodes.values = try numbers("nodes_values")
    nodes.whenTrue = integers("nodes_truenodeids")
    nodes.whenFalse = integers("nodes_falsenodeids")
    nodes.missingIsTrue = integers("nodes_missing_value_tracks_true")
    let leaves = ONNXTreeEnsemble.Leaves(
      trees: integers("\(leaf)_treeids"), numbers: integers("\(leaf)_nodeids"),
      targets: integers("\(leaf)_ids"), weights: try numbers("\(leaf)_weights"))
    return ONNXTreeEnsemble(
      nodes: nodes, leaves: leaves, outputCount: outputCount, isClassifier: leaf == "class",
      baseValues: try numbers("base_values"), aggregation: text("aggregate_function", default: "SUM"),
      postTransform: text("post_transform", default: "NONE"),
      isDouble: attributes["nodes_values_as_tensor"]?.t.dataType == 11)
  }

  func integers(_ name: String) -> [Int] { attributes[name]?.ints.map(Int.init) ?? [] }
  func strings(_ name: String) -> [String] {
    attributes[name]?.strings.map { String(decoding: $0, as: UTF8.self) } ?? []
  }

  /// Numbers that are binary32 attributes or, as `…_as_tensor`, of any type.
  func numbers(_ name: String) throws(CompilationFailed) -> [Double] {
    if let attribute = attributes["\(name)_as_tensor"] { return try values(attribute, name) }
    return attributes[name]?.floats.map(Double.init) ?? []
  }

  /// The elements of a tensor attribute; none where it is missing.
  func tensorNumbers(_ name: String) throws(CompilationFailed) -> [Double] {
    try attributes[name].map { attribute throws(CompilationFailed) in try values(attribute, name) } ?? []
  }

  private func values(_ attribute: Onnx_AttributeProto, _ name: String) throws(CompilationFailed) -> [Double]
  {
    var reader = ONNXTensorReader(file: context.file)
    return try reader.constant(attribute.t, name: "\(self.name).\(name)").values
  }

  // MARK: - TreeEnsemble

  /// The attributes of `TreeEnsemble` (`ai.onnx.ml` 5), whose splits and leaves are numbered apart over all trees, in the
  /// form of the older operators: node i is split i, node (number of splits) + j leaf j.
  ///
  /// - Throws: I501 for trees that do not hang together, I502 and I503 for attributes that do not fit.
  func treeEnsemble5() throws(CompilationFailed) -> ONNXTreeEnsemble {
    func name(_ attribute: String, _ names: [String], default fallback: Int) throws(CompilationFailed)
      -> String
    {
      let value = int(attribute, default: fallback)
      guard names.indices.contains(value) else {
        throw failure("I502", "'\(attribute)' is \(value)", notes: [])
      }
      return names[value]
    }
    let splits = try TreeEnsemble5Nodes(self)
    var ensemble = ONNXTreeEnsemble(
      nodes: .init(), leaves: .init(), outputCount: int("n_targets", default: 1), isClassifier: false,
      aggregation: try name("aggregate_function", ["AVERAGE", "SUM", "MIN", "MAX"], default: 1),
      postTransform: try name(
        "post_transform", ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"], default: 0),
      isDouble: attributes["nodes_splits"]?.t.dataType == 11)
    for (tree, root) in integers("tree_roots").enumerated() {
      try splits.append(tree: tree, root: root, to: &ensemble, self)
    }
    return ensemble
  }
}

/// The arrays of `TreeEnsemble`.
private struct TreeEnsemble5Nodes {
  var features: [Int]
  var modes: [Int]
  var thresholds: [Double]
  /// For true and false: the number of a split, or where `isLeaf` says so of a leaf.
  var children: [[Int]]
  var isLeaf: [[Bool]]
  var missingIsTrue: [Int]
  var targets: [Int]
  var weights: [Double]

  static let modeNames = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]

  init(_ call: ONNXCall) throws(CompilationFailed) {
    features = call.integers("nodes_featureids")
    modes = try call.tensorNumbers("nodes_modes").map { Int(exactly: $0) ?? -1 }
    thresholds = try call.tensorNumbers("nodes_splits")
    children = [call.integers("nodes_truenodeids"), call.integers("nodes_falsenodeids")]
    isLeaf = ["nodes_trueleafs", "nodes_falseleafs"].map { call.integers($0).map { $0 != 0 } }
    missingIsTrue = call.integers("nodes_missing_value_tracks_true")
    targets = call.integers("leaf_targetids")
    weights = try call.tensorNumbers("leaf_weights")
    let counts = [modes.count, thresholds.count] + children.map(\.count) + isLeaf.map(\.count)
    guard !features.isEmpty, counts.allSatisfy({ $0 == features.count }),
      missingIsTrue.isEmpty || missingIsTrue.count == features.count, targets.count == weights.count
    else { throw call.failure("I502", "the attributes of nodes or of leaves have different lengths") }
  }

  /// Adds one tree, root first.
  func append(tree: Int, root: Int, to ensemble: inout ONNXTreeEnsemble, _ call: ONNXCall)
    throws(CompilationFailed)
  {
    // Behind the nodes, numbers here stand for leaves; a root is a node.
    guard features.indices.contains(root) else {
      throw call.failure("I501", "a tree has root \(root), which does not exist")
    }
    var waiting = [root]
    let limit = ensemble.nodes.trees.count + features.count + targets.count
    while let number = waiting.popLast() {
      if ensemble.nodes.trees.count > limit {
        throw call.failure("I501", "a node is reached twice, where a tree has one path to each node")
      }
      if number >= features.count {
        appendLeaf(number, tree, to: &ensemble)
        continue
      }
      guard features.indices.contains(number), Self.modeNames.indices.contains(modes[number]) else {
        let isKnown = features.indices.contains(number)
        throw call.failure(
          isKnown ? "I503" : "I501",
          isKnown
            ? "fpgaml does not compile the node mode \(modes[number])"
            : "a tree has node \(number), which does not exist")
      }
      var below: [Int] = []
      for side in 0..<2 {
        let child = children[side][number]
        guard child >= 0, child < (isLeaf[side][number] ? targets.count : features.count) else {
          throw call.failure("I501", "node \(number) has child \(child), which does not exist")
        }
        below.append(isLeaf[side][number] ? features.count + child : child)
      }
      // A tree of one leaf is a split with that leaf on both sides.
      if below[0] == below[1], below[0] >= features.count {
        appendLeaf(below[0], tree, to: &ensemble)
        continue
      }
      append(number, tree, mode: Self.modeNames[modes[number]], below, to: &ensemble)
      ensemble.nodes.missingIsTrue.append(missingIsTrue.isEmpty ? 0 : missingIsTrue[number])
      waiting += below.reversed()
    }
  }

  private func append(
    _ number: Int, _ tree: Int, mode: String, _ below: [Int], to ensemble: inout ONNXTreeEnsemble
  ) {
    let isSplit = number < features.count
    ensemble.nodes.trees.append(tree)
    ensemble.nodes.numbers.append(number)
    ensemble.nodes.features.append(isSplit ? features[number] : 0)
    ensemble.nodes.modes.append(mode)
    ensemble.nodes.values.append(isSplit ? thresholds[number] : 0)
    ensemble.nodes.whenTrue.append(below[0])
    ensemble.nodes.whenFalse.append(below[1])
  }

  private func appendLeaf(_ number: Int, _ tree: Int, to ensemble: inout ONNXTreeEnsemble) {
    append(number, tree, mode: "LEAF", [0, 0], to: &ensemble)
    ensemble.nodes.missingIsTrue.append(0)
    ensemble.leaves.trees.append(tree)
    ensemble.leaves.numbers.append(number)
    ensemble.leaves.targets.append(targets[number - features.count])
    ensemble.leaves.weights.append(weights[number - features.count])
  }
}
