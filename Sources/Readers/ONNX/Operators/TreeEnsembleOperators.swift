import Diagnostics
import FixedPoint
import Functions
import Graph

/// Operators of `ai.onnx.ml`: tree ensembles, and what skl2onnx and onnxmltools put around them.
extension ONNXOperator {
  private static let nodeAttributes = [
    "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_modes", "nodes_values", "nodes_truenodeids",
    "nodes_falsenodeids", "nodes_missing_value_tracks_true", "nodes_hitrates", "nodes_values_as_tensor",
    "nodes_hitrates_as_tensor", "base_values", "base_values_as_tensor", "post_transform",
  ]

  static let treeEnsembleOperators = [
    ONNXOperator(
      ["TreeEnsembleRegressor"],
      attributes: nodeAttributes + [
        "target_treeids", "target_nodeids", "target_ids", "target_weights", "target_weights_as_tensor",
        "n_targets", "aggregate_function",
      ]
    ) { (call, builder) throws(CompilationFailed) in
      try regressor(
        call.treeEnsemble(leaf: "target", outputCount: call.int("n_targets", default: 1)), call, &builder)
    },
    ONNXOperator(
      ["TreeEnsembleClassifier"],
      attributes: nodeAttributes + [
        "class_treeids", "class_nodeids", "class_ids", "class_weights", "class_weights_as_tensor",
        "classlabels_int64s", "classlabels_strings",
      ], emit: emitClassifier),
    ONNXOperator(
      ["TreeEnsemble"],
      attributes: [
        "aggregate_function", "leaf_targetids", "leaf_weights", "n_targets", "nodes_falseleafs",
        "nodes_falsenodeids", "nodes_featureids", "nodes_hitrates", "nodes_missing_value_tracks_true",
        "nodes_modes", "nodes_splits", "nodes_trueleafs", "nodes_truenodeids", "post_transform", "tree_roots",
      ]
    ) { (call, builder) throws(CompilationFailed) in try regressor(call.treeEnsemble5(), call, &builder) },
    // The scores by the names of their classes: the scores.
    ONNXOperator(["ZipMap"], attributes: ["classlabels_int64s", "classlabels_strings"]) {
      (call, builder) throws(CompilationFailed) in [.tensor(try call.tensor(0, &builder))]
    },
    ONNXOperator(["Scaler"], attributes: ["offset", "scale"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.tensor(0, &builder)
      return [.scaled(try ONNXScaled(x, count: builder.shape(x).last ?? 1, call))]
    },
    ONNXOperator(["ArrayFeatureExtractor"], emit: emitExtractor),
    ONNXOperator(["Normalizer"], attributes: ["norm"], emit: emitNormalizer),
  ]

  private static func regressor(
    _ ensemble: ONNXTreeEnsemble, _ call: ONNXCall, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> [ONNXValue] {
    let scores = try addForest(ensemble, call, &builder)
    return [.tensor(try builder.apply(try ensemble.transform(at: call.location), scores, call))]
  }

  /// The forest over the operand's last axis.
  private static func addForest(
    _ ensemble: ONNXTreeEnsemble, _ call: ONNXCall, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    var ensemble = ensemble
    let x: NodeID
    if case .scaled(let scaled)? = call.operand(0), let nodes = scaled.unscaled(ensemble.nodes) {
      ensemble.nodes = nodes
      x = scaled.operand
    } else {
      x = try call.tensor(0, &builder)
    }
    guard builder.rank(x) == 1 else {
      throw call.failure("I409", "reads a tensor of shape \(builder.shape(x)), expected one axis of features")
    }
    let names = (0..<builder.shape(x)[0]).map { "f\($0)" }
    return try builder.add(.forest(try ensemble.forest(features: names, at: call.location)), [x], call)
  }

  /// The label and the scores of all classes.
  private static func emitClassifier(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    var labels = call.integers("classlabels_int64s").map(String.init)
    if labels.isEmpty { labels = call.strings("classlabels_strings") }
    let ensemble = try call.treeEnsemble(leaf: "class", outputCount: labels.count)
    let scores = try addForest(ensemble, call, &builder)
    let transform = try ensemble.transform(at: call.location)
    guard ensemble.isBinary else {
      let index = try builder.add(.reduce(.argmax), [scores], call, "argmax")
      return [
        .label(ONNXLabel(index: index, labels: labels)), .tensor(try builder.apply(transform, scores, call)),
      ]
    }
    // The score s becomes [1 − s, s] where it is a probability, else [−s, s]; the greater decides.
    let pair = try builder.pair(scores, sum: ensemble.hasProbabilities ? 1 : 0, call, "classes")
    let index = try builder.add(.reduce(.argmax), [pair], call, "argmax")
    var result = pair
    if case .logistic = transform {
      result = try builder.pair(try builder.apply(transform, scores, call), sum: 1, call, "probabilities")
    }
    return [.label(ONNXLabel(index: index, labels: labels)), .tensor(result)]
  }

  /// Picks elements of the last axis: columns by constants, or the label of an index.
  private static func emitExtractor(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if case .tensor(let index)? = call.operand(1) {
      switch call.operand(0) {
      case .texts(let labels): return [.label(ONNXLabel(index: index, labels: labels))]
      case .constant(let classes) where classes.integers != nil:
        return [
          .label(ONNXLabel(index: index, labels: (classes.integers ?? []).map(String.init)))
        ]
      default: throw call.failure("I408", "picks elements whose numbers depend on the inputs")
      }
    }
    let x = try call.tensor(0, &builder)
    guard let shape = builder.shape(x).last, let picked = try call.integers(1), !picked.isEmpty,
      picked.allSatisfy({ (0..<shape).contains($0) })
    else { throw call.failure("I409", "picks elements that do not exist") }
    return [.tensor(try builder.select(x, axis: builder.rank(x) - 1, picked, call, nil))]
  }

  /// x / Σ |x|, x / √Σ x² or x / max x.
  private static func emitNormalizer(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let norm = call.text("norm", default: "MAX")
    guard ["L1", "L2", "MAX"].contains(norm) else {
      throw call.failure("I408", "normalises by '\(norm)', expected MAX, L1 or L2")
    }
    let x = try call.tensor(0, &builder)
    let inverse: NodeID
    if norm == "MAX" {
      let greatest = try builder.add(.reduce(.maximum), [x], call, "greatest")
      inverse = try builder.add(.map(Map(.reciprocal)), [greatest], call, "reciprocal")
    } else {
      let isL1 = norm == "L1"
      let sizes = try builder.add(.map(Map(isL1 ? .abs : .square)), [x], call, isL1 ? "abs" : "square")
      let sum = try builder.add(.reduce(.sum), [sizes], call, "sum")
      inverse = try builder.add(
        .map(Map(isL1 ? .reciprocal : .rsqrt)), [sum], call, isL1 ? "reciprocal" : "rsqrt")
    }
    let spread = try builder.repeatLast(inverse, count: builder.shape(x).last ?? 1, call, "spread")
    return [.tensor(try builder.combine(.multiply, [x, spread], call))]
  }
}

/// The label that a classifier gives: the name of the class of an index.
struct ONNXLabel: Sendable {
  /// The node that computes the index.
  var index: NodeID
  var labels: [String]
}

extension ONNXCall {
  var location: Location { .object(file: context.file, path: origin.path) }
}

extension GraphBuilder {
  /// A lone x as [sum − x, x].
  fileprivate mutating func pair(_ x: NodeID, sum: Int64, _ call: ONNXCall, _ role: String)
    throws(CompilationFailed) -> NodeID
  {
    let linear = Linear(
      inputs: 1, outputs: 2, weights: Weights(raw: [-1, 1], exponent: 0, shape: [1, 1, 2]),
      bias: sum == 0 ? nil : Weights(raw: [sum, 0], exponent: 0, shape: [1, 2]))
    return try add(.linear(linear), [x], call, role)
  }
}
