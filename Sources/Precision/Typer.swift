import Diagnostics
import FixedPoint
import Foundation
import Functions
import Graph

/// Gives every tensor of a graph its exact numeric type.
///
/// The typed graph computes the same layers on integers: weights are integers, functions have a form, and a `quantize`
/// node stands wherever a type that was asked for rounds, saturates or wraps. Types proven by intervals never do.
public struct Typer {
  let source: Graph
  let policy: TypePolicy
  var result: Graph
  /// The typed node for each node of the source.
  var typed: [NodeID] = []
  /// Of a scan's body: the types of its inputs, which its operands decide.
  var inputTypes: [NodeID: TensorType] = [:]
  private(set) var consumers: [[NodeID]]
  /// By typed node: the type that hls4ml declares, where the node's own bits do not tell it.
  var declaredTypes: [NodeID: FixedType] = [:]
  /// By node of the source, batch normalisations that were merged into the layer before.
  var merged: Set<NodeID> = []
  /// Of functions and operands met before; a scan's body is typed several times.
  var fits = PiecewiseFits()
  var sink = DiagnosticSink()

  /// The typed graph, and notices about what was decided without being asked.
  ///
  /// - Throws: T010 where a number needs more bits than the compiler computes with, T011 for weights that are not finite.
  public static func type(
    _ graph: Graph, _ policy: TypePolicy
  ) throws(CompilationFailed) -> (graph: Graph, notices: [Diagnostic]) {
    var typer = Typer(graph, policy)
    try typer.visitAll()
    typer.result.outputs = graph.outputs.map { Graph.Output(name: $0.name, node: typer.typed[$0.node.index]) }
    typer.result = typer.result.withoutUnused()
    typer.noteDefaults()
    typer.noteUnusedEntries()
    try typer.sink.throwIfErrors()
    return (typer.result, typer.sink.diagnostics)
  }

  init(_ graph: Graph, _ policy: TypePolicy) {
    source = graph
    self.policy = policy
    result = Graph(name: graph.name, framework: graph.framework)
    consumers = Array(repeating: [], count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      for operand in node.operands { consumers[operand.index].append(NodeID(index)) }
    }
  }

  /// Types the nodes in order.
  mutating func visitAll() throws(CompilationFailed) {
    for index in source.nodes.indices { typed.append(try visit(NodeID(index))) }
  }

  mutating func visit(_ id: NodeID) throws(CompilationFailed) -> NodeID {
    var node = source[id]
    node.operands = node.operands.map { typed[$0.index] }
    do {
      switch node.primitive {
      case .input: return visitInput(node, id)
      case .linear(let linear):
        if let average = try average(node, id) { return average }
        return try visitLinear(node, linear, id)
      case .constant(let weights):
        node.primitive = .constant(quantized(weights, .weight, node))
        return try append(node, .exact)
      case .map(let map):
        checkTable(map, node)
        return try visitMap(node, map, id)
      case .quantize:
        let own = try append(node, .model)
        guard let decision = policy.layerChoice(.result, of: node) else { return own }
        return try convert(own, to: decision, name: "\(node.name)_result")
      case .forest(let forest): return try visitForest(node, forest, id)
      case .scan(let scan): return try visitScan(node, scan)
      case .contract: return try converted(append(node, .exact), node, id)
      case .gather(let gather): return try visitGather(node, gather, id)
      case .combine(let kind) where kind.isComparison: return try append(node, .exact)
      case .combine(let kind):
        if let operand = source.softmaxOperand(of: id) {
          return try softmax(node, of: typed[operand.index], id)
        }
        if let merge = try hls4mlMerge(node, kind, id) { return merge }
        if kind == .subtract, source.isCentred(id) { return try centred(append(node, .exact), node) }
        if source.isNormalized(id), let decision = policy.activation(of: node), !isQuantizedNext(id) {
          return try convert(append(node, .exact), to: decision, name: "\(node.name)_result")
        }
        return try converted(append(node, .exact), node, id)
      // The number of a class is no quantity that a type of values could round or wrap.
      case .reduce(.argmax): return try append(node, .exact)
      case .reduce:
        if let sum = try averagedSum(node, id) { return sum }
        return try converted(append(node, .exact), node, id)
      case .rearrange(let rearrangement):
        let view = try append(node, .exact)
        if case .concatenate = rearrangement { return try hls4mlConcatenation(view, node, id) }
        return view
      }
    } catch let failure as CompilationFailed {
      // Of a scan's body.
      throw failure
    } catch {
      throw CompilationFailed(
        "T010", "'\(node.name)' needs more than \(FixedType.maximumWidth) bits for an exact result",
        at: .layer(node.layer.name),
        notes: ["give it or the layers before it a type: a configuration entry, --precision or --inputs"])
    }
  }

  /// Adds a node with the type of its exact result.
  mutating func append(_ node: Node, _ source: TypeSource) throws(WidthOverflow) -> NodeID {
    var node = node
    node.type = try result.exactType(node)
    node.typeSource = source
    result.nodes.append(node)
    return NodeID(result.nodes.count - 1)
  }

  /// Converts a result into a type, by a node named after it.
  mutating func convert(
    _ operand: NodeID, to decision: TypePolicy.Decision, name: String
  ) throws(WidthOverflow) -> NodeID {
    let layer = result[operand].layer
    let shape = result[operand].shape
    checkChannels(decision, count: shape.last ?? 1, result[operand])
    let quantizer = Quantizer.fixed(decision.types(count: shape.elementCount))
    let node = Node(
      name: name, layer: layer, primitive: .quantize(quantizer), operands: [operand], shape: shape)
    return try append(node, decision.source)
  }

  /// Reports a list of types for a function with a table, which has entries of one type.
  private mutating func checkTable(_ map: Map, _ node: Node) {
    guard let decision = policy.result(of: node), !decision.channels.isEmpty, !map.isRectifier else { return }
    sink.error(
      "T034", "\(decision.source) lists types for the channels of a table, which has one type",
      at: .layer(node.layer.name))
  }

  /// Reports a list of types of the wrong length.
  private mutating func checkChannels(_ decision: TypePolicy.Decision, count: Int, _ node: Node) {
    if decision.channels.isEmpty || decision.channels.count == count { return }
    sink.error(
      "T034", "\(decision.source) lists \(decision.channels.count) types for \(count) channels",
      at: .layer(node.layer.name))
  }

  /// The result of a node in the type that the policy asks for, if any.
  mutating func converted(_ exact: NodeID, _ node: Node, _ id: NodeID) throws(WidthOverflow) -> NodeID {
    if node.isInner, policy.inference(node) != nil { return exact }
    // An entry for the layer's name comes before the model's quantizers.
    let isLeftToModel = policy.layerChoice(.result, of: node) == nil && isQuantizedNext(id)
    guard !isLeftToModel, let decision = policy.result(of: node) else { return exact }
    return try convert(exact, to: decision, name: "\(node.name)_result")
  }

  /// Whether the model itself quantizes the tensor wherever it is used.
  func isQuantizedNext(_ id: NodeID) -> Bool {
    !consumers[id.index].isEmpty
      && consumers[id.index].allSatisfy { if case .quantize = source[$0].primitive { true } else { false } }
      && !source.outputs.contains { $0.node == id }
  }
}

// MARK: - Inputs

extension Typer {
  /// An input takes the type of the model's quantizer behind it, so that hardware inputs are no wider than what is
  /// used of them; without one, what the policy says.
  private mutating func visitInput(_ node: Node, _ id: NodeID) -> NodeID {
    var node = node
    if let type = inputTypes[id] {
      node.type = type
      node.typeSource = .exact
    } else if policy.layerChoice(.input, of: node) == nil, let type = indexType(id) {
      node.inputTypes = PerElement(repeating: type, count: node.count)
      node.type = TensorType(PerElement(repeating: Format(type), count: node.count))
      node.typeSource = .exact
    } else if policy.layerChoice(.input, of: node) == nil, let types = soleQuantizer(id) {
      node.type = TensorType(types.map { Format($0) })
      node.inputTypes = types
      node.typeSource = .model
    } else if policy.choice(.input, of: node) == nil, let types = policy.calibration?.elementTypes[node.name]
    {
      node.type = TensorType(types.map { Format($0) })
      node.inputTypes = types
      node.typeSource = .calibration
    } else {
      let decision = policy.input(node)
      checkChannels(decision, count: node.shape.last ?? 1, node)
      let types = decision.types(count: node.count)
      node.inputTypes = types
      node.type = TensorType(types.map { Format($0) })
      node.typeSource = decision.source
    }
    result.nodes.append(node)
    return NodeID(result.nodes.count - 1)
  }

  /// The types of the one unscaled quantizer that reads a tensor, if every consumer is that quantizer.
  func soleQuantizer(_ id: NodeID) -> PerElement<FixedType>? {
    guard isQuantizedNext(id) else { return nil }
    let quantizers = consumers[id.index].map { source[$0].primitive }
    guard let first = quantizers.first, quantizers.allSatisfy({ $0 == first }),
      case .quantize(.fixed(let types, let scales)) = first, scales.uniform == .one
    else { return nil }
    return types
  }
}

// MARK: - Weights

extension Typer {
  private mutating func visitLinear(_ node: Node, _ linear: Linear, _ id: NodeID) throws(WidthOverflow)
    -> NodeID
  {
    if merged.contains(id) { return node.operands[0] }
    var node = node
    var linear = linear
    let isInferred = policy.inference(node) != nil
    if isInferred {
      linear = mergedNormalisation(linear, node, id)
      if let scaled = try hls4mlScaled(linear, node, id) { return scaled }
    }
    let model = linear
    linear.weights = quantized(linear.weights, .weight, node)
    linear.bias = linear.bias.map { quantized($0, .bias, node) }
    let accumulator = policy.accumulator(of: node)
    linear.accumulator = accumulator?.type
    node.primitive = .linear(linear)
    if isInferred, policy.isAutomatic(.result, of: node) {
      return try hls4mlLinear(node, model: model, accumulator?.source ?? .exact, id)
    }
    return try hls4mlCast(converted(append(node, accumulator?.source ?? .exact), node, id), node, id)
  }

  /// Weights as exact integers: their own, or converted into the type that the policy gives them.
  mutating func quantized(_ weights: Weights, _ role: TypePolicy.Role, _ node: Node) -> Weights {
    guard case .real(let values) = weights.storage else { return weights }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      sink.error(
        "T011", "a \(role.rawValue) of '\(node.name)' is \(values[index])", at: .layer(node.layer.name))
      return Weights(raw: Array(repeating: 0, count: values.count), exponent: 0, shape: weights.shape)
    }
    // The weights of a model with quantizers everywhere are what its quantizers made of them.
    if policy.isFullyQuantized, policy.layerChoice(role, of: node) == nil,
      let exact = Weights(exactly: values, shape: weights.shape)
    {
      return exact
    }
    var decision = policy.weights(role, values, of: node)
    if node.layer.kind == "PReLU", policy.inference(node) != nil {
      decision = TypePolicy.Decision(type: slopeType(node), source: .configuration("param"))
    }
    // hls4ml prints weights with as many decimals as the type has fraction bits, and its C++ reads them back.
    var printed = values
    if case .configuration = decision.source, !(policy.configuration?.asksForOwnTables(node) ?? false) {
      printed = values.map { $0.printed(decimals: decision.type.fractionBits) }
    }
    checkChannels(decision, count: weights.channels, node)
    var converter = RealConverter(decision.type)
    var raw: [Int64] = []
    raw.reserveCapacity(printed.count)
    for (i, value) in printed.enumerated() {
      let type = decision.type(channel: weights.channel(of: i))
      if type != converter.type { converter = RealConverter(type) }
      let shift = type.exponent - decision.type.exponent
      let integer = converter.convert(value)?.raw ?? 0
      guard (integer << shift) >> shift == integer, let stored = Int64(exactly: integer << shift) else {
        sink.error(
          "T013", "a \(role.rawValue) of '\(node.name)' needs more than 64 bits as \(decision.type)",
          at: .layer(node.layer.name),
          notes: ["give weights a narrower type: a configuration entry or --precision"])
        return Weights(raw: Array(repeating: 0, count: values.count), exponent: 0, shape: weights.shape)
      }
      raw.append(stored)
    }
    return Weights(raw: raw, exponent: decision.type.exponent, shape: weights.shape)
  }
}

// MARK: - Notices

extension Typer {
  /// One notice for all entries of a configuration that speak of layers that the model does not have.
  private mutating func noteUnusedEntries() {
    guard let configuration = policy.configuration else { return }
    var known: Set<String> = []
    for node in source.nodes {
      for name in [node.name, node.layer.name] {
        // What hls4ml puts behind a layer: its activation, even where that does nothing, and its factors.
        known.formUnion([name, "\(name)_linear", "\(name)_alpha"].map { $0.lowercased() })
      }
    }
    let unused = configuration.layerNames.keys.filter { !known.contains($0) }.sorted()
    if unused.isEmpty { return }
    sink.notice(
      "T033",
      "entries of the configuration without effect, since no layer has that name: "
        + unused.map { "LayerName.\($0)" }.joined(separator: ", "))
  }

  /// One notice for all that was typed without being asked.
  private mutating func noteDefaults() {
    guard policy.calibration == nil, result.hasDefaults else {
      return
    }
    if policy.isFullyQuantized {
      sink.notice(
        "T020",
        "no quantizer gives \(result.layersWithDefaults.map { "'\($0)'" }.joined(separator: ", ")) a type:"
          + " activations \(TypePolicy.defaultActivation)")
      return
    }
    sink.notice(
      "T020",
      "no types given: input \(TypePolicy.defaultInput), weights 8 bits, sums exact, activations \(TypePolicy.defaultActivation)",
      notes: ["--inputs FILE chooses types from calibration data; --precision or --config set them"])
  }
}

extension Weights {
  /// The columns of a matrix [groups, inputs, outputs], or the elements of biases [groups, outputs].
  fileprivate var channels: Int { shape.count == 3 ? shape[0] * shape[2] : count }

  fileprivate func channel(of element: Int) -> Int {
    shape.count == 3 ? element / (shape[1] * shape[2]) * shape[2] + element % shape[2] : element
  }
}

extension Map {
  /// Whether the function is computed exactly, without a table.
  var isRectifier: Bool {
    guard case .relu(let maximum, let negativeSlope, let threshold) = function else { return false }
    return Rectifier(maximum: maximum, negativeSlope: negativeSlope, threshold: threshold) != nil
  }
}

extension Graph {
  /// The layers whose nodes were typed without being asked.
  fileprivate var layersWithDefaults: [String] {
    var names: [String] = []
    for node in nodes where node.hasDefaults && !names.contains(node.layer.name) {
      names.append(node.layer.name)
    }
    return names
  }

  /// Whether a node was typed without being asked.
  fileprivate var hasDefaults: Bool { nodes.contains(where: \.hasDefaults) }
}

extension Node {
  /// Whether the node, or one of its scan's body, was typed without being asked.
  fileprivate var hasDefaults: Bool {
    if case .scan(let scan) = primitive, scan.body.hasDefaults { return true }
    return typeSource == .byDefault
  }
}

extension Rectifier {
  /// The rectifier with binary64 parameters taken exactly; nil where one is beyond the range of exact fractions.
  init?(maximum: Double?, negativeSlope: Double, threshold: Double) {
    guard let slope = Rational(exactly: negativeSlope), let corner = Rational(exactly: threshold) else {
      return nil
    }
    var top: Rational?
    if let maximum {
      guard let value = Rational(exactly: maximum) else { return nil }
      top = value
    }
    self.init(maximum: top, negativeSlope: slope, threshold: corner)
  }
}
