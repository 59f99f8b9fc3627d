import Diagnostics
import FixedPoint
import Graph

extension LayerImporter {
  static let coreLayers = [
    LayerImporter(["InputLayer"], attributes: ["batch_shape", "input_tensor"], emit: emitInput),
    LayerImporter(["Dense"], attributes: ["units", "use_bias", "activation"], emit: emitDense),
    LayerImporter(
      ["BinaryDense"], attributes: ["units", "use_bias", "activation", "H"], emit: emitBinaryDense),
    LayerImporter(
      ["TernaryDense"], attributes: ["units", "use_bias", "activation", "H"], emit: emitTernaryDense),
    LayerImporter(
      [
        "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise",
        "GaussianDropout",
        "AlphaDropout", "ActivityRegularization", "Identity", "HGQ>PDropout", "HGQ>Signature",
      ],
      attributes: [
        "rate", "noise_shape", "stddev", "l1", "l2", "data_format", "keep_negative", "bits", "int_bits",
      ],
      emit: emitNothing),
  ]

  private static func emitInput(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let keys = ["batch_shape", "batch_input_shape", "build_input_shape"]
    guard let value = keys.lazy.compactMap({ call.attribute($0) }).first else {
      throw call.failure("I103", "no input shape is given")
    }
    var shape: [Int] = []
    for extent in try value.requireArray().dropFirst() {
      guard let number = extent.int, number > 0 else {
        throw extent.failure(
          "I103", "axis \(shape.count + 1) of input '\(call.name)' has no fixed length",
          notes: ["give every axis but the batch a length, then save the model again"])
      }
      shape.append(number)
    }
    if shape.isEmpty { throw value.failure("I103", "input '\(call.name)' has no axis behind the batch") }
    return [try builder.add(.input(shape: shape), [], call)]
  }

  /// Layers that do nothing outside of training.
  private static func emitNothing(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    [try call.input()]
  }

  private static func emitDense(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    try emitDense(call, &builder) { (variable) throws(CompilationFailed) in
      Weights(real: variable.values, shape: variable.shape)
    }
  }

  private static func emitBinaryDense(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    try emitDense(call, &builder, try stepped(call) { weight in weight >= 0 ? 1 : -1 })
  }

  private static func emitTernaryDense(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    try emitDense(call, &builder, try stepped(call) { weight in weight > 0.5 ? 1 : weight < -0.5 ? -1 : 0 })
  }

  private static func emitDense(_ call: LayerCall, _ builder: inout GraphBuilder, _ convert: WeightConversion)
    throws(CompilationFailed) -> [NodeID]
  {
    let units = try call.count("units")
    let inputs = builder.shape(try call.input()).last ?? 1
    let usesBias = try call.bool("use_bias", default: true)
    let weights = try call.weights(usesBias ? ["kernel", "bias"] : ["kernel"], builder)
    let kernel = try weights.array("kernel", [inputs, units])
    let bias = usesBias ? try weights.array("bias", [units]) : nil
    return [try builder.dense(kernel, bias, call, convert, dialect: .keras)]
  }

  /// The kernel of the custom dense layers of hls4ml's example models, stored as trained and used as H ·
  /// step(w / H).
  private static func stepped(_ call: LayerCall, _ step: @escaping (Float) -> Int64)
    throws(CompilationFailed) -> WeightConversion
  {
    let height = Float(try call.double("H", default: 1))
    guard height > 0, let scale = Rational(exactly: Double(height)) else {
      throw call.failure("I114", "'H' is \(height), expected a number above 0")
    }
    return { variable in
      if variable.name != "kernel" { return Weights(real: variable.values, shape: variable.shape) }
      return Weights(
        raw: variable.values.map { step(Float($0) / height) }, exponent: 0, shape: variable.shape,
        scales: PerElement(repeating: scale, count: variable.values.count))
    }
  }
}
