import Diagnostics
import Graph

extension LayerImporter {
  static let wrapperLayers = [
    LayerImporter(
      ["Bidirectional", "QBidirectional"], attributes: ["layer", "backward_layer", "merge_mode"],
      emit: emitBidirectional),
    LayerImporter(["TimeDistributed"], attributes: ["layer"], emit: emitTimeDistributed),
  ]

  /// The wrapped layer, whose attributes are checked like those of any other.
  private static func inner(
    _ value: JSONValue, _ call: LayerCall, _ address: WeightAddress, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> (layer: KerasLayer, importer: LayerImporter) {
    let kind = try KerasLayer.kind(of: value)
    let config = try value.require("config")
    let name = config["name"]?.string ?? KerasLayer.snakeCase(kind)
    guard let importer = all[kind] else {
      throw value.failure("I117", "layer '\(call.name)' wraps a '\(kind)', which is not supported")
    }
    let layer = KerasLayer(name: "\(call.layer.name)/\(name)", kind: kind, config: config, address: address)
    importer.check(layer, &builder.sink)
    return (layer, importer)
  }

  // MARK: Bidirectional

  private static func emitBidirectional(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let value = try call.config.require("layer")
    let backward = call.attribute("backward_layer") ?? value
    let isMirrored = call.attribute("backward_layer") == nil
    let inputs = try call.inputs()
    guard inputs.count % 2 == 1 else {
      throw call.failure("I113", "expected a sequence and initial states for both directions")
    }
    let states = inputs.dropFirst()
    let half = states.count / 2
    let first = try direction(value, "forward", inputs.prefix(1) + states.prefix(half), call, nil, &builder)
    let second = try direction(
      backward, "backward", inputs.prefix(1) + states.dropFirst(half), call, isMirrored, &builder)
    var reversed = second.results[0]
    if second.returnsSequences {
      reversed = try builder.reversed(reversed, call, "backward_reversed")
    }
    let merged = try merge(first.results[0], reversed, call, &builder)
    return merged + first.results.dropFirst() + second.results.dropFirst()
  }

  /// One direction of a bidirectional layer.
  ///
  /// - Parameter flips: whether the layer is the other one with its direction turned round; nil for the first.
  private static func direction(
    _ value: JSONValue, _ role: String, _ operands: ArraySlice<NodeID>, _ call: LayerCall, _ flips: Bool?,
    _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> (results: [NodeID], returnsSequences: Bool) {
    let kind = try KerasLayer.kind(of: value)
    let own = try value.require("config")["name"]?.string ?? KerasLayer.snakeCase(kind)
    // Keras 2 puts the direction before the name when it saves the variables, Keras 3 has it in the name.
    let name = builder.generation == 2 ? "\(role)_\(own)" : own
    let address = call.layer.address.component("\(role)_layer", name: name)
    let (layer, importer) = try inner(value, call, address, &builder)
    guard recurrentLayers.contains(where: { $0.kinds == importer.kinds }) else {
      throw value.failure("I114", "layer '\(call.name)' wraps a '\(kind)', expected a recurrent layer")
    }
    let directed = KerasLayer(
      name: "\(call.layer.name)/\(role)", kind: layer.kind, config: layer.config, address: address)
    var inner = LayerCall(layer: directed, name: "\(call.name)_\(role)", operands: operands.map { .node($0) })
    inner.isFlipped = flips == true
    let returnsSequences = try inner.bool("return_sequences", default: false)
    return (try importer.emit(inner, &builder), returnsSequences)
  }

  private static func merge(
    _ forward: NodeID, _ backward: NodeID, _ call: LayerCall, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> [NodeID] {
    let operands = [forward, backward]
    guard let mode = call.attribute("merge_mode") else { return operands }
    switch try mode.requireString() {
    case "concat":
      let axis = builder.rank(forward) - 1
      return [try builder.add(.rearrange(.concatenate(axis: axis)), operands, call)]
    case "sum": return [try builder.add(.combine(.add), operands, call)]
    case "mul": return [try builder.add(.combine(.multiply), operands, call)]
    case "ave":
      let sum = try builder.add(.combine(.add), operands, call, "sum")
      return [try builder.scale(sum, by: 0.5, call)]
    case let other:
      throw mode.failure("I114", "'merge_mode' is '\(other)', expected concat, sum, mul, ave or null")
    }
  }

  // MARK: TimeDistributed

  /// Layers that do with every position of a longer tensor what they do with one.
  private static let positionwise: Set<String> = [
    "Dense", "QDense", "Activation", "QActivation", "ReLU", "LeakyReLU", "ELU", "Dropout", "Identity",
  ]

  private static func emitTimeDistributed(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let value = try call.config.require("layer")
    let x = try call.input()
    guard builder.rank(x) > 1 else {
      throw call.failure("I113", "expected a sequence of tensors, found the shape \(builder.shape(x))")
    }
    let kind = try KerasLayer.kind(of: value)
    let isNetwork = KerasNetwork.isModel(kind)
    if positionwise.contains(kind) {
      let (layer, importer) = try inner(value, call, call.layer.address.component("layer"), &builder)
      let named = KerasLayer(
        name: call.layer.name, kind: layer.kind, config: layer.config, address: layer.address)
      return try importer.emit(LayerCall(layer: named, name: call.name, operands: [.node(x)]), &builder)
    }
    return [
      try builder.scan([x], initial: [], names: ["x"], call, nil) {
        (builder: inout GraphBuilder, slices: [NodeID], _: [NodeID]) throws(CompilationFailed) in
        let made =
          try isNetwork
          ? emitNetwork(value, slices, call, &builder)
          : emitLayer(value, slices, call, &builder)
        guard made.count == 1, let result = made[0] else {
          // What went wrong inside is reported already.
          if builder.sink.hasErrors { throw CompilationFailed([]) }
          throw call.failure("I114", "wraps a layer with \(made.count) results, expected one")
        }
        return (result, [])
      }
    ]
  }

  private static func emitLayer(
    _ value: JSONValue, _ slices: [NodeID], _ call: LayerCall, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> [NodeID?] {
    let (layer, importer) = try inner(value, call, call.layer.address.component("layer"), &builder)
    let inner = LayerCall(layer: layer, name: "\(call.name)_layer", operands: slices.map { .node($0) })
    return try importer.emit(inner, &builder)
  }

  private static func emitNetwork(
    _ value: JSONValue, _ slices: [NodeID], _ call: LayerCall, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> [NodeID?] {
    let name = try value.require("config")["name"]?.string ?? "layer"
    let network = try KerasNetwork(
      value, prefix: "\(call.layer.name)/", address: call.layer.address.component("layer", name: name))
    let reader = KerasReader(architecture: value, weights: builder.weights, version: nil)
    reader.check(network, &builder.sink)
    if builder.sink.hasErrors { throw CompilationFailed([]) }
    return reader.emit(network, inputs: slices, &builder)
  }
}
