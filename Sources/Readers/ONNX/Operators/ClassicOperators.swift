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
    ONNXOperator(
      ["SVMRegressor"],
      attributes: [
        "coefficients", "kernel_params", "kernel_type", "n_supports", "one_class", "post_transform", "rho",
        "support_vectors",
      ], emit: emitVectorMachine),
    // 1 above the threshold, else 0.
    ONNXOperator(["Binarizer"], attributes: ["threshold"]) { (call, builder) throws(CompilationFailed) in
      let threshold = try call.float("threshold", default: 0)
      if let folded = try call.folded({ $0[0] > threshold ? 1 : 0 }) { return [folded] }
      let x = try call.tensor(0, &builder)
      let limit = try builder.constant(threshold, shape: builder.shape(x), call, "threshold")
      return [.tensor(try builder.add(.combine(.less), [limit, x], call))]
    },
    ONNXOperator(
      ["Imputer"],
      attributes: [
        "imputed_value_floats", "imputed_value_int64s", "replaced_value_float", "replaced_value_int64",
      ], emit: emitImputer),
    // Its operands one behind the other.
    ONNXOperator(["FeatureVectorizer"], attributes: ["inputdimensions"]) {
      (call, builder) throws(CompilationFailed) in
      var parts: [NodeID] = []
      for index in call.operands.indices { parts.append(try call.tensor(index, &builder)) }
      guard let rank = parts.first.map({ builder.rank($0) }), parts.allSatisfy({ builder.rank($0) == rank }),
        call.ints("inputdimensions").map({ $0 == parts.map { builder.shape($0).last ?? 0 } }) ?? true
      else { throw call.failure("I409", "'inputdimensions' do not fit") }
      if parts.count == 1 { return [.tensor(parts[0])] }
      return [.tensor(try builder.add(.rearrange(.concatenate(axis: rank - 1)), parts, call))]
    },
  ]

  /// A number in place of another one, which is mostly the mark of what is missing, and that no input is.
  private static func emitImputer(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let replaced = call.attributes["replaced_value_float"].map { Double($0.f) }
    let integer = call.attributes["replaced_value_int64"].map { Double($0.i) }
    guard let value = replaced ?? integer, !value.isNaN else { return [try call.firstOperand] }
    let x = try call.tensor(0, &builder)
    let shape = builder.shape(x)
    var values = call.attributes["imputed_value_floats"]?.floats.map(Double.init) ?? []
    if values.isEmpty { values = call.attributes["imputed_value_int64s"]?.ints.map(Double.init) ?? [] }
    guard let channels = shape.last, values.count == 1 || values.count == channels,
      values.allSatisfy(\.isFinite), value.isFinite
    else { throw call.failure("I409", "has \(values.count) numbers for \(shape.last ?? 0) features") }
    let mark = try builder.constant(value, shape: shape, call, "replaced")
    let isMissing = try builder.add(.combine(.equal), [x, mark], call, "is_missing")
    let all = (0..<shape.elementCount).map { values[values.count == 1 ? 0 : $0 % channels] }
    let imputed = try builder.add(.constant(.coefficients(all, shape: shape)), [], call, "imputed")
    return [.tensor(try builder.add(.combine(.select), [isMissing, imputed, x], call))]
  }

  /// Σ coefficient · kernel(x, support vector) + ρ.
  private static func emitVectorMachine(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.tensor(0, &builder)
    let features = builder.shape(x).last ?? 1
    if call.flag("one_class") { throw call.failure("I408", "'one_class' gives signs") }
    let coefficients = try call.finiteNumbers("coefficients")
    let vectors = try call.finiteNumbers("support_vectors")
    let rho = try call.finiteNumbers("rho").first ?? 0
    let kernel = call.text("kernel_type", default: "LINEAR")
    let count = call.int("n_supports", default: 0)
    func scores(_ x: NodeID, _ weights: [Double]) throws(CompilationFailed) -> NodeID {
      let linear = Linear(
        inputs: weights.count, outputs: 1, weights: Weights(real: weights, shape: [1, weights.count, 1]),
        bias: Weights(real: [rho], shape: [1, 1]))
      return try builder.add(.linear(linear), [x], call, "scores")
    }
    guard coefficients.count == (count == 0 ? features : count), vectors.count == count * features else {
      throw call.failure("I409", "\(vectors.count) numbers do not make \(count) support vectors")
    }
    if count == 0 || kernel == "LINEAR" {
      // The sum of weighted vectors is one vector.
      let merged = (0..<features).map { f in
        count == 0
          ? coefficients[f] : (0..<count).reduce(0) { $0 + coefficients[$1] * vectors[$1 * features + f] }
      }
      return [.tensor(try transform(try scores(x, merged), call, &builder))]
    }
    let kernels = try kernelValues(
      kernel, x, Weights(real: vectors, shape: [count, features]), call, &builder)
    return [.tensor(try transform(try scores(kernels, coefficients), call, &builder))]
  }

  /// A kernel of the operand and each of some vectors.
  private static func kernelValues(
    _ kernel: String, _ x: NodeID, _ vectors: Weights, _ call: ONNXCall, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    let parameters = try call.finiteNumbers("kernel_params")
    guard parameters.count == 3 else {
      throw call.failure("I408", "'kernel_params' has \(parameters.count) numbers")
    }
    let count = vectors.shape[0]
    let features = vectors.shape[1]
    func filled(_ value: Double) -> Weights {
      .coefficients(value, channels: count)
    }
    if kernel == "RBF" {
      let outer = Array(builder.shape(x).dropLast())
      let row = try builder.reshape(x, outer + [1, features], call, "row")
      let spread = try builder.broadcast(row, to: outer + [count, features], call, "rows")
      let points = try builder.add(.constant(vectors), [], call, "vectors")
      let difference = try builder.combine(.subtract, [spread, points], call, "difference")
      let square = try builder.add(.combine(.multiply), [difference, difference], call, "square")
      let distance = try builder.add(.reduce(.sum), [square], call, "distance")
      let exponent = try builder.affine(distance, scale: filled(-parameters[0]), call, "exponent")
      return try builder.add(.map(Map(.exp)), [exponent], call, "kernel")
    }
    let linear = Linear(
      inputs: features, outputs: count,
      weights: vectors.transposed([1, 0]).reshaped([1, features, count]))
    let products = try builder.add(.linear(linear), [x], call, "products")
    let moved = try builder.affine(
      products, scale: filled(parameters[0]), shift: filled(parameters[1]), call, "moved")
    switch kernel {
    case "POLY": return try builder.power(moved, parameters[2], call)
    case "SIGMOID": return try builder.add(.map(Map(.tanh)), [moved], call, "kernel")
    default: throw call.failure("I408", "'kernel_type' is '\(kernel)'")
    }
  }

  private static func linear(_ call: ONNXCall, _ builder: inout GraphBuilder, outputs: Int)
    throws(CompilationFailed) -> NodeID
  {
    let x = try call.tensor(0, &builder)
    let inputs = builder.shape(x).last ?? 1
    let matrix = try call.finiteNumbers("coefficients")
    guard (1...1 << 16).contains(outputs), matrix.count == inputs * outputs else {
      throw call.failure("I409", "\(matrix.count) coefficients do not fit \(inputs) features")
    }
    let bias = try call.numbers("intercepts", outputs, fallback: 0)
    let weights = Weights.coefficients(matrix, shape: [outputs, inputs]).transposed([1, 0])
    let linear = Linear(
      inputs: inputs, outputs: outputs, weights: weights.reshaped([1, inputs, outputs]),
      bias: .coefficients(bias, shape: [1, outputs]))
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
  /// The numbers of an attribute, none where it is left out.
  fileprivate func finiteNumbers(_ name: String) throws(CompilationFailed) -> [Double] {
    let values = attributes[name].map { $0.floats.map(Double.init) } ?? []
    guard values.allSatisfy(\.isFinite) else {
      throw failure("I408", "'\(name)' has numbers that are not finite")
    }
    return values
  }

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
