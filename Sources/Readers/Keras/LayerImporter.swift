import Diagnostics
import Graph

/// How layers of one kind become nodes of the graph.
///
/// An importer names every attribute of the layer's configuration that it understands; `LayerImporter.check`
/// reports all others, so that nothing that matters is ever passed over in silence.
struct LayerImporter: Sendable {
  typealias Emit = @Sendable (LayerCall, inout GraphBuilder) throws(CompilationFailed) -> [NodeID]

  /// The classes that the importer reads.
  let kinds: [String]
  let attributes: Set<String>
  /// The arguments of a call, other than tensors, that the importer understands.
  let callArguments: Set<String>
  /// Adds the nodes of one call of a layer and returns the tensors that leave it.
  let emit: Emit

  init(
    _ kinds: [String], attributes: [String] = [], callArguments: [String] = [], emit: @escaping Emit
  ) {
    self.kinds = kinds
    self.attributes = Set(attributes)
    self.callArguments = Set(callArguments)
    self.emit = emit
  }
}

extension LayerImporter {
  /// The importers in the groups in which the table of support names them.
  static let groups: [(title: String, importers: [LayerImporter])] = [
    (
      "Keras layers",
      [
        coreLayers, shapeLayers, activationLayers, normalizationLayers, layerNormalizationLayers, mergeLayers,
        convolutionLayers, transposedConvolutionLayers, poolingLayers, resamplingLayers, contractionLayers,
        attentionLayers,
      ].flatMap { $0 }
    ), ("Recurrent layers and wrappers", recurrentLayers + wrapperLayers),
    ("Functions of keras.ops", operatorLayers), ("QKeras layers", qkerasLayers),
    ("HGQ layers", hgq1Layers), ("HGQ2 layers", hgq2Layers + hgq2ContractionLayers),
  ]

  /// Every importer, by the kind that it reads.
  static let all: [String: LayerImporter] = {
    var table: [String: LayerImporter] = [:]
    for importer in groups.flatMap(\.importers) {
      for kind in importer.kinds {
        precondition(table.updateValue(importer, forKey: kind) == nil, "two importers of '\(kind)'")
      }
    }
    return table
  }()

  /// Why a kind that users have met is not read, where there is more to say than that.
  static let refusals: [String: String] = [
    "Lambda": "it holds Python code, which is never executed",
    "TFOpLambda": "it calls a function of TensorFlow that is not known",
    "Masking": "it makes later layers skip time steps, which fixed-latency hardware can't",
    "QAdaptiveActivation": "its quantizer changes with the data",
    "HGQ>UnaryLUT": "it holds a table instead of a function",
  ]

  /// Attributes that act in training only, or that name what the file says elsewhere.
  private static let trainingOnly: Set<String> = [
    "name", "trainable", "batch_input_shape", "build_input_shape", "dtype", "seed", "momentum",
    "kernel_range",
    "bias_range", "depthwise_range", "pointwise_range", "gamma_range", "beta_range", "renorm_clipping",
    "renorm_momentum",
    "synchronized", "fused", "autocast", "sparse", "ragged", "optional", "registered_name", "module",
  ]

  /// Endings of the names of such attributes.
  private static let trainingOnlyEndings = ["_initializer", "_regularizer", "_constraint"]

  /// Attributes that every version of Keras writes and that must have no value.
  private static let mustBeEmpty: Set<String> = [
    "quantization_config", "lora_rank", "lora_alpha", "use_gate", "sliding_window", "renorm",
    "virtual_batch_size", "adjustment",
  ]

  /// Reports the attributes of a layer that the importer does not understand: with a value that says nothing
  /// (null, false, empty, zero) as a notice I110, with another as an error I111.
  func check(_ layer: KerasLayer, _ sink: inout DiagnosticSink) {
    guard let config = layer.config.object else { return }
    for (name, value) in config {
      if attributes.contains(name) || Self.trainingOnly.contains(name) { continue }
      if name == "function", layer.function != nil { continue }
      if Self.trainingOnlyEndings.contains(where: name.hasSuffix) { continue }
      let saysNothing = value.saysNothing
      if saysNothing && Self.mustBeEmpty.contains(name) { continue }
      if saysNothing {
        sink.notice(
          "I110",
          "attribute '\(name)' of layer '\(layer.name)' (\(layer.kind)) is not known and has no value",
          at: value.location)
      } else {
        sink.error(
          "I111", "attribute '\(name)' of layer '\(layer.name)' (\(layer.kind)) is not supported",
          at: value.location, notes: ["remove it, or report it with the model's configuration"])
      }
    }
    checkType(layer, config, &sink)
  }

  /// Reports a data type that makes the framework compute otherwise than in float32 (I112).
  private func checkType(_ layer: KerasLayer, _ config: JSONObject, _ sink: inout DiagnosticSink) {
    guard layer.kind != "InputLayer", let value = config["dtype"], !value.isNull else { return }
    let policy = value.string ?? value["config"]?["name"]?.string ?? "unknown"
    if ["float32", "float64"].contains(policy) { return }
    if ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"].contains(policy) {
      sink.warning(
        "I112", "layer '\(layer.name)' computes in \(policy) in Keras; here it is exact", at: value.location,
        notes: ["expect differences from Keras beyond \(policy)'s precision"])
    } else {
      sink.error("I111", "layer '\(layer.name)' has the data type '\(policy)'", at: value.location)
    }
  }
}

extension JSONValue {
  /// Whether the value is null, false, zero or empty.
  var saysNothing: Bool {
    switch kind {
    case .null: true
    case .boolean: bool == false
    case .integer, .number: double == 0
    case .string: string?.isEmpty == true
    case .array: array?.isEmpty == true
    case .object: object?.count == 0
    }
  }
}
