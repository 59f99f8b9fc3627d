import Diagnostics
import FixedPoint
import Functions
import Graph
import ONNXProto

// The operators of ai.onnx.ml that scikit-learn's exporter puts around networks and linear models.
extension ONNXOperator {
  static let classicOperators = [
    ONNXOperator(
      ["LinearRegressor"], attributes: ["coefficients", "intercepts", "targets", "post_transform"]
    ) {
      (call, builder) throws(CompilationFailed) in
      let y = try linear(call, &builder, outputs: call.int("targets", default: 1))
      return [.tensor(try transform(y, call, &builder))]
    },
    ONNXOperator(
      ["LinearClassifier"],
      attributes: [
        "coefficients", "intercepts", "classlabels_ints", "classlabels_strings", "multi_class",
        "post_transform",
      ], emit: emitLinearClassifier),
  ]

  private static func linear(_ call: ONNXCall, _ builder: inout GraphBuilder, outputs: Int)
    throws(CompilationFailed) -> NodeID
  {
    let x = try call.tensor(0, &builder)
    let inputs = builder.shape(x).last ?? 1
    let matrix = call.attributes["coefficients"].map { $0.floats.map(Double.init) } ?? []
    guard (1...1 << 16).contains(outputs), matrix.count == inputs * outputs else {
      throw call.failure("I409", "\(matrix.count) coefficients do not fit \(inputs) features")
    }
    let bias = try call.numbers("intercepts", outputs, fallback: 0)
    let weights = Weights(real: matrix, shape: [outputs, inputs]).transposed([1, 0])
    let linear = Linear(
      inputs: inputs, outputs: outputs, weights: weights.reshaped([1, inputs, outputs]),
      bias: Weights(real: bias, shape: [1, outputs]))
    return try builder.add(.linear(linear), [x], call, "scores")
  }

  private static func transform(_ y: NodeID, _ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> NodeID
  {
    switch call.text("post_transform", default: "NONE") {
    case "NONE": return y
    case "LOGISTIC": return try builder.add(.map(Map(.sigmoid)), [y], call)
    case "SOFTMAX": return try builder.softmax(y, axis: builder.rank(y) - 1, call)
    default:
      throw call.failure("I408", "'post_transform' is '\(call.text("post_transform", default: ""))'")
    }
  }

  /// The label and the scores of a linear classifier, as onnxruntime computes them.
  private static func emitLinearClassifier(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    var labels = call.attributes["classlabels_ints"]?.ints.map(String.init) ?? []
    if labels.isEmpty {
      labels =
        call.attributes["classlabels_strings"]?.strings.map { String(decoding: $0, as: UTF8.self) } ?? []
    }
    guard labels.count >= 2 else { throw call.failure("I408", "has \(labels.count) labels") }
    let scores = try linear(call, &builder, outputs: labels.count)
    let probabilities = try transform(scores, call, &builder)
    let index = try builder.add(.reduce(.argmax), [scores], call, "index")
    return [.label(ONNXLabel(index: index, labels: labels)), .tensor(probabilities)]
  }
}

extension ONNXCall {
  /// Numbers of an attribute, one for all or one for each of some channels.
  fileprivate func numbers(_ name: String, _ count: Int, fallback: Double) throws(CompilationFailed)
    -> [Double]
  {
    let values = attributes[name].map { $0.floats.map(Double.init) } ?? []
    if values.isEmpty { return Array(repeating: fallback, count: count) }
    if values.count == 1 { return Array(repeating: values[0], count: count) }
    guard values.count == count, values.allSatisfy(\.isFinite) else {
      throw failure("I409", "'\(name)' has \(values.count) numbers for \(count) channels")
    }
    return values
  }
}
