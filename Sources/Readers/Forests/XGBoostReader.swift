import Diagnostics
import Graph

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads what XGBoost's `save_model` writes as `.json` or `.ubj` (1.0 to 3.x): boosters gbtree (boosted trees, random
/// forests) and dart.
///
/// A sample goes left if its feature, in binary32, is less than the split condition; NaN follows `default_left`. The
/// sum is binary32, starts with the base margin, and goes through the trees in file order.
struct XGBoostReader<Value: ModelValue> {
  private let learner: Value
  private let model: Value
  private let weights: [Double]?
  private let featureCount: Int
  private let scores: Int

  /// - Throws: I500 for a file that is no XGBoost model, I501 to I503 for what is wrong in one.
  static func read(_ root: Value) throws(CompilationFailed) -> ForestModel {
    let reader = try XGBoostReader(root)
    var version = ""
    if let parts = root["version"]?.numbers, parts.allSatisfy({ $0.magnitude < 1e6 }) {
      version = " " + parts.map { String(Int($0)) }.joined(separator: ".")
    }
    return try reader.forest(framework: "xgboost\(version)")
  }

  private init(_ root: Value) throws(CompilationFailed) {
    guard let learner = root["learner"] else {
      throw CompilationFailed(
        "I500", "not an XGBoost model: 'learner' is missing", at: root.location,
        notes: ["fpgaml reads what Booster.save_model writes, not dump_model or pickles"])
    }
    self.learner = learner
    let booster = try learner.member("gradient_booster")
    try booster.refuseMembers(otherThan: ["name", "model", "gbtree", "weight_drop"])
    switch try booster.text("name") {
    case "gbtree": model = try booster.member("model")
    case "dart": model = try booster.member("gbtree").member("model")
    case let name:
      throw CompilationFailed(
        "I503", "booster '\(name)' has no trees", at: booster.location,
        notes: ["fpgaml reads gbtree and dart"])
    }
    try model.refuseMembers(otherThan: [
      "gbtree_model_param", "trees", "tree_info", "iteration_indptr", "weight_drop",
      // The names of categories; splits on them are refused.
      "cats",
    ])
    // Up to 3.2 beside the trees' model, of a booster of its own; from 3.3 on in it, of any model trained with dropout.
    if let drops = booster["weight_drop"] ?? model["weight_drop"] {
      weights = try Self.treeWeights(drops)
    } else {
      weights = nil
    }
    let parameters = try learner.member("learner_model_param")
    featureCount = try Self.integer(parameters, "num_feature", 1...1_000_000)
    let classes = try Self.integer(parameters, "num_class", 0...100_000, default: 0)
    let targets = try Self.integer(parameters, "num_target", 0...100_000, default: 1)
    scores = max(1, classes, targets)
  }

  private static func treeWeights(_ value: Value) throws(CompilationFailed) -> [Double] {
    guard let numbers = value.numbers, numbers.allSatisfy(\.isFinite) else {
      throw CompilationFailed("I502", "expected an array of finite numbers", at: value.location)
    }
    return numbers.map { Double(Float($0)) }
  }

  private func forest(framework: String) throws(CompilationFailed) -> ForestModel {
    let objective = try XGBoostObjective(try learner.member("objective"))
    let treeValues = try model.list("trees")
    if let weights, weights.count != treeValues.count {
      throw CompilationFailed(
        "I502", "\(weights.count) entries of 'weight_drop' for \(treeValues.count) trees",
        at: learner.location)
    }
    if treeValues.isEmpty { throw CompilationFailed("I502", "the model has no trees", at: model.location) }
    let targets = try model.integers("tree_info", count: treeValues.count)
    var trees: [DecisionTree] = []
    trees.reserveCapacity(treeValues.count)
    for (index, value) in treeValues.enumerated() {
      guard (0..<scores).contains(targets[index]) else {
        throw CompilationFailed(
          "I502", "tree \(index) is of class \(targets[index]), but there are \(scores)", at: model.location)
      }
      trees.append(try tree(value, target: targets[index], weight: weights?[index] ?? 1))
    }
    let names = (learner["feature_names"]?.elements ?? []).compactMap(\.string)
    let forest = Forest(
      features: names.count == featureCount ? names : (0..<featureCount).map { "f\($0)" },
      outputs: scoreNames(scores), trees: trees, base: try base(objective),
      arithmetic: .init(features: .binary32, sums: .binary32, startsWithBase: true))
    return ForestModel(
      forest: forest, transform: objective.transform, framework: framework, kind: objective.name)
  }

  private func tree(_ value: Value, target: Int, weight: Double) throws(CompilationFailed) -> DecisionTree {
    if let size = value["tree_param"]?["size_leaf_vector"]?.string, (Int(size) ?? 0) > 1 {
      throw CompilationFailed(
        "I503", "leaves are vectors, which fpgaml does not read from XGBoost files", at: value.location,
        notes: ["train with multi_strategy=one_output_per_tree"])
    }
    let leftsValue = try value.member("left_children")
    guard let count = leftsValue.numbers?.count, count > 0 else {
      throw CompilationFailed("I502", "expected an array of numbers", at: leftsValue.location)
    }
    let lefts = try value.integers("left_children", count: count)
    let rights = try value.integers("right_children", count: count)
    let features = try value.integers("split_indices", count: count)
    let conditions = try value.numbers("split_conditions", count: count)
    let defaults = try value.flags("default_left", count: count)
    if let kinds = value["split_type"]?.numbers, let split = kinds.firstIndex(where: { $0 != 0 }) {
      throw CompilationFailed(
        "I503", "split \(split) is categorical, which fpgaml does not compile", at: value.location,
        notes: ["train on one-hot or ordinal features instead"])
    }
    return try DecisionTree(
      targets: [target], weight: weight, featureCount: featureCount, nodeCount: count, at: value.location
    ) { node in
      let condition = Double(Float(conditions[node]))
      if lefts[node] == -1 { return .leaf([condition]) }
      return .split(
        .init(
          feature: features[node], .less, condition, whenTrue: lefts[node], whenFalse: rights[node],
          missingIsTrue: defaults[node]))
    }
  }

  /// The base margin of each score. Files have it in the objective's own space: as a probability, a rate or a margin;
  /// as a number or, from 3.1 on, as an array; always within a string.
  private func base(_ objective: XGBoostObjective) throws(CompilationFailed) -> [Double] {
    let parameters = try learner.member("learner_model_param")
    let text = try parameters.text("base_score")
    var list = text[...]
    if list.hasPrefix("["), list.hasSuffix("]") { list = list.dropFirst().dropLast() }
    let values = list.split(separator: ",").map { Float($0) }
    let bases = values.compactMap { $0.map(objective.margin) }
    guard bases.count == values.count, bases.count == 1 || bases.count == scores, bases.allSatisfy(\.isFinite)
    else {
      throw CompilationFailed(
        "I502", "'base_score' is '\(text)', which gives no finite margin for each of \(scores) scores",
        at: parameters.location)
    }
    return (0..<scores).map { Double(bases[bases.count == 1 ? 0 : $0]) }
  }

  private static func integer(
    _ parameters: Value, _ key: String, _ range: ClosedRange<Int>, default standard: Int? = nil
  ) throws(CompilationFailed) -> Int {
    if parameters[key] == nil, let standard { return standard }
    guard let value = Int(try parameters.text(key)), range.contains(value) else {
      throw CompilationFailed(
        "I502", "'\(key)' is not an integer in \(range.lowerBound)...\(range.upperBound)",
        at: parameters.location)
    }
    return value
  }
}

/// What an XGBoost objective says about scores: `ProbToMargin` and `PredTransform` of `src/objective`.
struct XGBoostObjective {
  let name: String
  let transform: ScoreTransform
  private let link: Link

  private enum Link { case identity, logit, logarithm }

  /// - Throws: I503 for an objective that is not known.
  init(_ value: some ModelValue) throws(CompilationFailed) {
    name = try value.text("name")
    switch name {
    case "binary:logistic", "reg:logistic": (transform, link) = (.logistic(slope: 1), .logit)
    case "count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft":
      (transform, link) = (.exponential, .logarithm)
    case "multi:softprob", "multi:softmax": (transform, link) = (.softmax, .identity)
    case "binary:hinge": (transform, link) = (.unsupported(name), .identity)
    case "reg:squarederror", "reg:linear", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror",
      "reg:squaredlogerror", "reg:expectileerror", "binary:logitraw", "rank:pairwise", "rank:ndcg",
      "rank:map":
      (transform, link) = (.identity, .identity)
    default:
      throw CompilationFailed(
        "I503", "objective '\(name)' is not known, so neither is the meaning of 'base_score'",
        at: value.location)
    }
  }

  /// The margin of a base score, in binary32 as XGBoost computes it.
  func margin(_ score: Float) -> Float {
    switch link {
    case .identity: score
    case .logit: -Float(log(Double(1 / score - 1)))
    case .logarithm: Float(log(Double(score)))
    }
  }
}
