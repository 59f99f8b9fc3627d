import Diagnostics

/// A function of TensorFlow that a functional model of Keras 2 calls on tensors (`TFOpLambda`, `SlicingOpLambda`), as the
/// function of `keras.ops` or the layer that computes the same.
struct TensorFlowFunction: Sendable {
  /// The kind whose importer reads the call.
  let kind: String
  /// The names of the arguments that are attributes there, by the attribute's name.
  var arguments: [String: String] = [:]
  /// The arguments that are operands there, whether tensors or numbers.
  var operands: Set<String> = []

  /// The function that an entry of a list of layers calls; nil where it calls none, or none that is known.
  init?(_ kind: String, _ config: JSONValue) {
    guard ["TFOpLambda", "SlicingOpLambda"].contains(kind), let name = config["function"]?.string,
      let function = Self.known[name.hasPrefix("compat.v1.") ? String(name.dropFirst(10)) : name]
    else { return nil }
    self = function
  }

  private init(_ kind: String, _ arguments: [String: String] = [:], operands: Set<String> = []) {
    self.kind = kind
    self.arguments = arguments
    self.operands = operands
  }

  /// By the name of the function below `tf.`.
  static let known: [String: TensorFlowFunction] = {
    var result: [String: TensorFlowFunction] = [:]
    for (names, kind) in [
      (["__operators__.add", "math.add"], "Add"), (["math.subtract"], "Subtract"),
      (["math.multiply"], "Multiply"), (["math.truediv", "math.divide"], "TrueDivide"),
      (["math.maximum"], "Maximum"), (["math.minimum"], "Minimum"), (["math.pow"], "Power"),
      (["math.greater"], "Greater"), (["math.greater_equal"], "GreaterEqual"), (["math.less"], "Less"),
      (["math.less_equal"], "LessEqual"),
    ] {
      for name in names { result[name] = TensorFlowFunction(kind, operands: ["y"]) }
    }
    for (names, kind) in [
      (["math.add_n"], "Add"), (["math.negative"], "Negative"), (["math.abs"], "Abs"), (["math.exp"], "Exp"),
      (["math.log"], "Log"), (["math.sqrt"], "Sqrt"), (["math.rsqrt"], "Rsqrt"), (["math.erf"], "Erf"),
      (["math.reciprocal"], "Reciprocal"), (["math.sign"], "Sign"), (["math.square"], "Square"),
      (["math.tanh", "nn.tanh"], "Tanh"), (["math.sigmoid", "nn.sigmoid"], "Sigmoid"), (["nn.relu"], "Relu"),
      (["nn.relu6"], "Relu6"), (["math.softplus", "nn.softplus"], "Softplus"), (["nn.softsign"], "Softsign"),
      (["nn.selu"], "Selu"), (["nn.elu"], "Elu"), (["identity"], "Cast"),
    ] {
      for name in names { result[name] = TensorFlowFunction(kind) }
    }
    let reductions = [("sum", "Sum"), ("mean", "Mean"), ("max", "Max"), ("min", "Min"), ("variance", "Var")]
    for (name, kind) in reductions + [("std", "Std")] {
      result["math.reduce_\(name)"] = TensorFlowFunction(kind, ["axis": "axis", "keepdims": "keepdims"])
    }
    for (name, kind) in [("concat", "Concatenate"), ("stack", "Stack"), ("expand_dims", "ExpandDims")]
      + [("squeeze", "Squeeze"), ("nn.softmax", "ops>Softmax"), ("math.softmax", "ops>Softmax")]
    {
      result[name] = TensorFlowFunction(kind, ["axis": "axis"])
    }
    result["nn.leaky_relu"] = TensorFlowFunction("LeakyRelu", ["negative_slope": "alpha"])
    result["clip_by_value"] = TensorFlowFunction(
      "Clip", ["x_min": "clip_value_min", "x_max": "clip_value_max"])
    result["transpose"] = TensorFlowFunction("Transpose", ["axes": "perm"])
    result["reshape"] = TensorFlowFunction("ops>Reshape", ["newshape": "shape"])
    result["pad"] = TensorFlowFunction(
      "Pad", ["pad_width": "paddings", "mode": "mode", "constant_values": "constant_values"])
    result["linalg.matmul"] = TensorFlowFunction(
      "Matmul", ["transpose_a": "transpose_a", "transpose_b": "transpose_b"], operands: ["b"])
    result["__operators__.getitem"] = TensorFlowFunction("GetItem", operands: ["slice_spec"])
    return result
  }()
}

extension KerasNetwork.Call {
  /// Makes operands of the arguments by name that are operands of a function.
  mutating func takeOperands(of function: TensorFlowFunction) {
    for (name, value) in keywords where function.operands.contains(name) {
      arguments.append(.literal(value))
      argumentNames.append(name)
    }
    keywords.removeAll { function.operands.contains($0.name) || $0.name == "name" }
  }
}
