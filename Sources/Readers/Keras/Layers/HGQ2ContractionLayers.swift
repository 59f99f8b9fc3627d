import Diagnostics
import FixedPoint
import Functions
import Graph

// HGQ2's products of tensors (hgq.layers.ops, core.einsum_dense, attn, version 0.2).
extension LayerImporter {
  private static let attentionConfigurations = [
    "qkvo_iq_conf", "qkvo_kq_conf", "qkvo_bq_conf", "qkvo_oq_conf", "softmax_iq_conf", "softmax_exp_iq_conf",
    "softmax_exp_oq_conf", "softmax_inv_iq_conf", "softmax_inv_oq_conf", "softmax_oq_conf",
  ]

  static let hgq2ContractionLayers = [
    LayerImporter(["hgq>QEinsumDense"], attributes: hgq2Weights + einsumAttributes) {
      (call, builder) throws(CompilationFailed) in
      let layer = HGQ2Layer(call)
      let x = try layer.quantizedInput(&builder)
      let hasBias = call.attribute("bias_axes") != nil
      let weights = try call.weights(
        (hasBias ? ["kernel", "bias"] : ["kernel"]) + layer.bookkeeping, builder)
      return [try layer.einsumDense(x, weights, &builder)]
    },
    LayerImporter(
      ["hgq>QEinsumDenseBatchnorm"],
      attributes: hgq2Weights + einsumAttributes + ["normalize_axes", "epsilon", "center", "scale"],
      emit: emitQEinsumBatchnorm),
    LayerImporter(["hgq>QEinsum"], attributes: hgq2Attributes + ["iq_confs", "equation"]) {
      (call, builder) throws(CompilationFailed) in
      let layer = HGQ2Layer(call)
      let inputs = try layer.quantizedInputs(&builder)
      let value = try call.config.require("equation")
      guard
        let equation = EinsumEquation(try value.requireString(), ranks: inputs.map { builder.rank($0) + 1 })?
          .withoutSamples
      else { throw value.failure("I114", "the equation does not keep the samples apart") }
      return [try layer.quantizedOutput(try builder.einsum(equation, inputs, call), &builder)]
    },
    LayerImporter(["hgq>QDot"], attributes: hgq2Attributes + ["iq_confs", "axes", "normalize"]) {
      (call, builder) throws(CompilationFailed) in
      let layer = HGQ2Layer(call)
      let y = try builder.dot(try layer.quantizedInputs(&builder), call)
      return [try layer.quantizedOutput(y, &builder)]
    },
    LayerImporter(
      ["hgq>QAffinedUnaryFunctionLUT"],
      attributes: hgq2Attributes + ["activation", "allow_heterogeneous_table", "allow_heterogeneous_input"]
    ) { (call, builder) throws(CompilationFailed) in
      let layer = HGQ2Layer(call)
      let x = try layer.quantizedInput(&builder)
      let weights = try call.weights(["scale", "bias"] + layer.bookkeeping, builder)
      let channels = builder.shape(x).last ?? 1
      func spread(_ name: String) throws(CompilationFailed) -> Weights {
        let value = try weights.array(name, [1])[0]
        return Weights(real: Array(repeating: value, count: channels), shape: [channels])
      }
      let y = try builder.affine(x, scale: try spread("scale"), shift: try spread("bias"), call, "affine")
      let value = try call.config.require("activation")
      let z = try builder.activate(y, value, call, isLayer: true, dialect: .keras)
      return [try layer.quantizedOutput(z, &builder)]
    },
    LayerImporter(
      ["hgq>QMultiHeadAttention"],
      attributes: hgq2Attributes + attentionConfigurations + [
        "num_heads", "key_dim", "value_dim", "dropout", "use_bias", "use_gate", "output_shape",
        "attention_axes", "query_shape", "key_shape", "value_shape", "softmax_allow_heterogeneous_table",
        "stable_softmax", "fuse", "flash_attention",
      ], emit: emitQMultiHeadAttention),
  ]

  /// A batch normalisation behind an einsum layer, folded into its variables.
  private static func emitQEinsumBatchnorm(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let layer = HGQ2Layer(call)
    let x = try layer.quantizedInput(&builder)
    let hasScale = try call.bool("scale", default: true)
    let isCentred = try call.bool("center", default: true)
    // A bias that is not trained stands behind the variables that are.
    let names =
      ["kernel"] + (isCentred ? ["bias"] : []) + (hasScale ? ["gamma"] : []) + (isCentred ? [] : ["bias"])
      + layer.bookkeeping + ["moving_mean", "moving_variance"]
    var weights = try call.weights(names, builder)
    let equation = try call.config.require("equation").requireString()
    let biasAxes = try call.config.require("bias_axes")
    let axes = try (call.attribute("normalize_axes") ?? biasAxes).requireString()
    let kernelLabels = Array(equation.split(separator: ",").last?.split(separator: "-").first ?? "")
    guard var kernel = weights["kernel"], let mean = weights["moving_mean"],
      kernelLabels.count == kernel.shape.count,
      let variance = weights["moving_variance"], var bias = weights["bias"],
      bias.values.count == mean.values.count, axes == call.attribute("bias_axes")?.string
    else { throw call.failure("I114", "expected a bias for each axis that is normalised") }
    // HGQ2 0.2 adds Keras' 1e-7 and not the layer's own `epsilon`.
    let gamma = hasScale ? weights["gamma"]?.values ?? [] : Array(repeating: 1, count: mean.values.count)
    let scale = zip(gamma, variance.values).map { Float($0) / (Float($1) + 1e-7).squareRoot() }
    let scaled = kernelLabels.indices.filter { axes.contains(kernelLabels[$0]) }
    let spread = Array(0..<scale.count).broadcast(
      kernelLabels.indices.map { scaled.contains($0) ? kernel.shape[$0] : 1 }, to: kernel.shape)
    guard scale.count == scaled.reduce(1, { $0 * kernel.shape[$1] }) else {
      throw call.failure("I109", "the statistics do not fit the kernel of shape \(kernel.shape)")
    }
    kernel.values = kernel.values.enumerated().map { Double(Float($1) * scale[spread[$0]]) }
    bias.values = bias.values.enumerated().map { Double(Float($1) + -Float(mean.values[$0]) * scale[$0]) }
    weights["kernel"] = kernel
    weights["bias"] = bias
    return [try layer.einsumDense(x, weights, &builder)]
  }

  private static func emitQMultiHeadAttention(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let layer = HGQ2Layer(call)
    let inputs = try call.attentionInputs()
    guard inputs.allSatisfy({ builder.rank($0) == 2 }), call.attribute("use_gate")?.bool != true else {
      throw call.failure("I116", "expected sequences of vectors, without a gate")
    }
    let attention = QuantizedAttention(layer, usesBias: try call.bool("use_bias", default: true))
    let heads = try call.count("num_heads")
    let keySize = try call.count("key_dim")
    let valueSize = try call.count("value_dim", default: keySize)
    let source = inputs.count > 2 ? inputs[2] : inputs[1]
    let query = try attention.project(inputs[0], "query", [heads, keySize], &builder)
    let key = try attention.project(source, "key", [heads, keySize], &builder)
    let value = try attention.project(inputs[1], "value", [heads, valueSize], &builder)
    // Labels: head 0, query 1, key 2, size 3.
    let scores = try builder.contract(
      query, [1, 0, 3], with: key, [2, 0, 3], result: [0, 1, 2], call, "scores")
    builder.sink.notice(
      "I255", "layer '\(call.name)': the 1e-7 that HGQ2 adds before a reciprocal is left out",
      at: call.location)
    let softmax = try layer.softmax(
      scores, axes: [2], &builder, part: ["_softmax"], configuration: "softmax_",
      scaler: 1 / Double(keySize).squareRoot(), isStable: try call.bool("stable_softmax", default: true))
    let probabilities = try attention.quantizer(
      "softmax_oq_conf", ["_softmax", "oq", "quantizer"], softmax, builder
    )
    .apply(softmax, &builder, "softmax_oq")
    let attended = try builder.contract(
      probabilities, [0, 1, 2], with: value, [2, 0, 3], result: [1, 0, 3], call, "attended")
    var outputs = builder.shape(inputs[0])[1]
    if let shape = call.attribute("output_shape") {
      guard let count = shape.int ?? (shape.array?.count == 1 ? shape[0]?.int : nil), count > 0 else {
        throw shape.failure("I114", "expected one axis")
      }
      outputs = count
    }
    let y = try attention.join(attended, outputs, &builder)
    return [try layer.quantizedOutput(y, &builder)]
  }
}

/// The dense layers around HGQ2's attention, with their quantizers.
private struct QuantizedAttention {
  let layer: HGQ2Layer
  let usesBias: Bool
  private var call: LayerCall { layer.call }

  init(_ layer: HGQ2Layer, usesBias: Bool) {
    self.layer = layer
    self.usesBias = usesBias
  }

  func quantizer(_ configuration: String, _ part: [String], _ x: NodeID, _ builder: GraphBuilder)
    throws(CompilationFailed) -> HGQ2Quantizer
  {
    try HGQ2Quantizer(try call.config.require(configuration), part, shape: builder.shape(x), call, builder)
  }

  /// The layer in which the file keeps the quantizer of a projection's operand: fused projections share one, which is
  /// stored with the first of them in alphabetical order.
  private func inputOwner(_ name: String) -> String {
    switch call.attribute("fuse")?.string {
    case "qkv": "key_dense"
    case "kv" where name != "query": "key_dense"
    default: "\(name)_dense"
    }
  }

  private func linear(
    _ x: NodeID, _ name: String, _ kernelShape: [Int], inputs: Int, hasBias: Bool, _ builder: GraphBuilder
  ) throws(CompilationFailed) -> Linear {
    let names = (hasBias ? ["kernel", "bias"] : ["kernel"]) + layer.bookkeeping
    let weights = try call.weights(names, part: ["\(name)_dense"], builder)
    func converted(_ variable: String, _ quantizer: String, _ shape: [Int]) throws(CompilationFailed)
      -> Weights
    {
      let values = try weights.array(variable, shape)
      let quantizer = try HGQ2Quantizer(
        try call.config.require("qkvo_\(quantizer)_conf"), ["\(name)_dense", quantizer, "quantizer"],
        shape: shape,
        call, builder)
      return try quantizer.convert(LayerVariable(name: variable, values: values, shape: shape))
    }
    let kernel = try converted("kernel", "kq", kernelShape)
    let outputs = kernel.count / inputs
    var bias: Weights?
    if hasBias {
      bias = try converted("bias", "bq", Array(kernelShape.dropFirst(name == "output" ? 2 : 1)))
    }
    return Linear(
      inputs: inputs, outputs: outputs, weights: kernel.reshaped([1, inputs, outputs]),
      bias: bias?.reshaped([1, outputs]))
  }

  func project(_ x: NodeID, _ name: String, _ extents: [Int], _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> NodeID
  {
    var operand = x
    if try call.bool("enable_iq", default: true) {
      let part = [inputOwner(name), "iq", "quantizer"]
      operand = try quantizer("qkvo_iq_conf", part, x, builder).apply(x, &builder, "\(name)_iq")
    }
    let inputs = builder.shape(x).last ?? 1
    let linear = try linear(
      operand, name, [inputs] + extents, inputs: inputs, hasBias: usesBias && name != "key", builder)
    let product = try builder.add(.linear(linear), [operand], call, name)
    let y = try builder.reshape(product, builder.shape(x).dropLast() + extents, call, "\(name)_split")
    return try quantizer("qkvo_oq_conf", ["\(name)_dense", "oq", "quantizer"], y, builder).apply(
      y, &builder, "\(name)_oq")
  }

  /// The projection of all heads together.
  func join(_ x: NodeID, _ outputs: Int, _ builder: inout GraphBuilder) throws(CompilationFailed) -> NodeID {
    let operand = try quantizer("qkvo_iq_conf", ["output_dense", "iq", "quantizer"], x, builder).apply(
      x, &builder, "output_iq")
    let shape = builder.shape(x)
    let heads = Array(shape.suffix(2))
    let linear = try linear(
      operand, "output", heads + [outputs], inputs: heads.elementCount, hasBias: usesBias, builder)
    let flat = try builder.reshape(operand, shape.dropLast(2) + [heads.elementCount], call, "flat")
    return try builder.add(.linear(linear), [flat], call)
  }
}

extension HGQ2Layer {
  /// An einsum layer, its activation and the quantizer of its results.
  func einsumDense(_ x: NodeID, _ weights: [String: WeightArray], _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> NodeID
  {
    let reader = builder
    let y = try builder.einsumDense(x, call, weights) { (variable) throws(CompilationFailed) in
      try quantizer(variable.name == "kernel" ? "kq" : "bq", shape: variable.shape, reader).convert(variable)
    }
    return try quantizedOutput(try builder.activate(y, call), &builder)
  }
}
