import Diagnostics
import Graph

/// Reads Keras models: an architecture with its weights becomes a graph.
struct KerasReader {
  /// The model, `{"class_name": …, "config": …}`.
  let architecture: JSONValue
  /// Nil where an architecture came without weights.
  let weights: KerasWeights?
  /// The version that wrote the file, such as `2.14.0`, where it is given.
  let version: String?

  /// The graph of the model, and what a user should know about it.
  ///
  /// - Throws: everything that can't be read, at once.
  func read(name: String) throws(CompilationFailed) -> ReadModel {
    let network = try KerasNetwork(architecture)
    let generation = version.flatMap { $0.split(separator: ".").first }.flatMap { Int($0) } ?? 2
    let package = network.quantizationPackage.map { "\($0) on " } ?? ""
    let framework = package + (version.map { "keras \($0)" } ?? "keras")
    var builder = GraphBuilder(
      name: name, framework: framework, generation: max(2, min(generation, 3)), weights: weights)
    check(network, &builder.sink)
    let results = emit(network, inputs: nil, &builder)
    let producers = network.outputs.map { network.members[$0.member].name }
    for (result, producer) in zip(results, producers) {
      if let result { builder.addOutput(result, name: producer) }
    }
    try builder.sink.throwIfErrors()
    guard builder.graph.outputs.count == network.outputs.count else {
      throw architecture.failure("I101", "an output of the model is not computed")
    }
    // HGQ's quantizers leave no tensor without a type.
    return ReadModel(
      graph: builder.graph, notices: builder.sink.diagnostics,
      isFullyQuantized: builder.graph.framework.hasPrefix("HGQ"))
  }

  /// Reports every layer and attribute that is not supported.
  func check(_ network: KerasNetwork, _ sink: inout DiagnosticSink) {
    for member in network.members {
      switch member {
      case .network(let inner): check(inner, &sink)
      case .layer(let layer):
        if let importer = LayerImporter.all[layer.kind] {
          importer.check(layer, &sink)
        } else {
          let reason = LayerImporter.refusals[layer.kind].map { ": \($0)" } ?? ""
          sink.error(
            "I117", "layer '\(layer.name)' has the kind '\(layer.kind)', which is not supported\(reason)",
            at: layer.location)
        }
      }
    }
  }

  /// Emits a model's layers; nil stands for results that could not be made, whose reason is in the sink.
  ///
  /// - Parameters:
  ///   - inputs: the operands of a nested model; nil for the outermost one, whose inputs are the graph's.
  func emit(_ network: KerasNetwork, inputs: [NodeID?]?, _ builder: inout GraphBuilder) -> [NodeID?] {
    var results: [KerasNetwork.Tensor: NodeID] = [:]
    if let inputs {
      for (tensor, node) in zip(network.inputs, inputs) { results[tensor] = node }
    } else {
      // The graph's inputs stand in the model's order, not in that of its layers.
      for tensor in network.inputs {
        guard case .layer(let layer) = network.members[tensor.member] else { continue }
        results[tensor] = emit(layer, node: 0, operands: [], &builder).first ?? nil
      }
    }
    for call in network.calls {
      let tensor = KerasNetwork.Tensor(member: call.member, node: call.node, result: 0)
      if results[tensor] != nil || network.inputs.contains(tensor) { continue }
      guard let operands = operands(of: call, network, results) else { continue }
      let made: [NodeID?]
      switch network.members[call.member] {
      case .network(let inner): made = emit(call, inner, operands, &builder)
      case .layer(let layer):
        checkKeywords(call, layer, &builder.sink)
        made = emit(
          layer, node: call.node, operands: operands, names: call.argumentNames, keywords: call.keywords,
          &builder)
      }
      for (i, node) in made.enumerated() {
        results[KerasNetwork.Tensor(member: call.member, node: call.node, result: i)] = node
      }
    }
    return network.outputs.map { results[$0] }
  }

  /// The operands of a call, or nil where one could not be made.
  private func operands(
    of call: KerasNetwork.Call, _ network: KerasNetwork, _ results: [KerasNetwork.Tensor: NodeID]
  ) -> [LayerCall.Operand]? {
    var operands: [LayerCall.Operand] = []
    for argument in call.arguments {
      switch argument {
      case .literal(let value): operands.append(.literal(value))
      case .tensor(let tensor):
        guard let node = results[tensor] else { return nil }
        operands.append(.node(node))
      }
    }
    return operands
  }

  /// Emits a nested model.
  private func emit(
    _ call: KerasNetwork.Call, _ inner: KerasNetwork, _ operands: [LayerCall.Operand],
    _ builder: inout GraphBuilder
  ) -> [NodeID?] {
    var inputs: [NodeID?] = []
    for case .node(let node) in operands { inputs.append(node) }
    guard inputs.count == inner.inputs.count else {
      builder.sink.error(
        "I113",
        "model '\(inner.name)' is called with \(inputs.count) operands, expected \(inner.inputs.count)",
        at: architecture.location)
      return []
    }
    return emit(inner, inputs: inputs, &builder)
  }

  /// Emits one call of a layer.
  private func emit(
    _ layer: KerasLayer, node: Int, operands: [LayerCall.Operand], names: [String?] = [],
    keywords: [(name: String, value: JSONValue)] = [], _ builder: inout GraphBuilder
  ) -> [NodeID?] {
    guard let importer = LayerImporter.all[layer.kind] else { return [] }
    let name = node == 0 ? layer.name : "\(layer.name)_call\(node + 1)"
    let call = LayerCall(
      layer: layer, name: name, operands: operands, operandNames: names, keywords: keywords)
    do throws(CompilationFailed) {
      if call.attribute("data_format")?.string == "channels_first" {
        return try builder.turned(call, importer.emit)
      }
      return try importer.emit(call, &builder)
    } catch {
      error.diagnostics.forEach { builder.sink.report($0) }
      return []
    }
  }

  /// Reports arguments by name that would change what a layer computes (I118).
  ///
  /// - Returns: whether the call can be made in spite of them: not where a mask would be taken for an operand.
  private func checkKeywords(_ call: KerasNetwork.Call, _ layer: KerasLayer, _ sink: inout DiagnosticSink)
    -> Bool
  {
    let known = (LayerImporter.all[layer.kind]?.callArguments ?? [])
      .union(layer.function?.arguments.values.map { $0 } ?? [])
    func report(_ name: String, at location: Location) {
      sink.error(
        "I118", "layer '\(layer.name)' (\(layer.kind)) is called with '\(name)', which is not supported",
        at: location)
    }
    for (name, value) in call.keywords where !value.saysNothing && !known.contains(name) {
      report(name, at: value.location)
    }
    let isMasked = call.argumentNames.contains("mask") && !known.contains("mask")
    if isMasked { report("mask", at: layer.location) }
    return !isMasked
  }
}

extension GraphBuilder {
  /// A layer over tensors with channels before positions, as one over tensors with channels last.
  fileprivate mutating func turned(_ call: LayerCall, _ emit: LayerImporter.Emit) throws(CompilationFailed)
    -> [NodeID]
  {
    var operands: [LayerCall.Operand] = []
    for operand in call.operands {
      guard case .node(let x) = operand, rank(x) > 1 else {
        operands.append(operand)
        continue
      }
      operands.append(.node(try transpose(x, Array(1..<rank(x)) + [0], call, "channels_last")))
    }
    let rank = try call.inputs().map { self.rank($0) }.max() ?? 0
    var turned = LayerCall(
      layer: call.layer, name: call.name, operands: operands, operandNames: call.operandNames,
      keywords: call.keywords)
    turned.isTurned = true
    var results: [NodeID] = []
    for y in try emit(turned, &self) {
      // A layer that leaves no positions leaves nothing to turn back.
      if self.rank(y) < max(rank, 2) {
        results.append(y)
      } else {
        results.append(
          try transpose(y, [self.rank(y) - 1] + Array(0..<(self.rank(y) - 1)), call, "channels_first"))
      }
    }
    return results
  }
}

extension KerasNetwork {
  /// The package that quantizes every tensor it means to, where the model is made with one: `HGQ` or `HGQ2`.
  fileprivate var quantizationPackage: String? {
    for member in members {
      switch member {
      case .layer(let layer) where layer.kind.hasPrefix("hgq>"): return "HGQ2"
      case .layer(let layer) where layer.kind.hasPrefix("HGQ>"): return "HGQ"
      case .layer: continue
      case .network(let inner): if let package = inner.quantizationPackage { return package }
      }
    }
    return nil
  }
}
