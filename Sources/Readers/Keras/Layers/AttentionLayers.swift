import Diagnostics
import FixedPoint
import Functions
import Graph

extension LayerImporter {
  static let attentionLayers = [
    LayerImporter(
      ["MultiHeadAttention"],
      attributes: [
        "num_heads", "key_dim", "value_dim", "dropout", "use_bias", "output_shape", "attention_axes",
        "query_shape", "key_shape", "value_shape", "flash_attention",
      ], callArguments: ["use_causal_mask", "attention_mask"], emit: emitMultiHeadAttention),
    LayerImporter(
      ["GroupQueryAttention", "GroupedQueryAttention"],
      attributes: [
        "head_dim", "num_query_heads", "num_key_value_heads", "dropout", "use_bias", "flash_attention",
      ], callArguments: ["use_causal_mask"], emit: emitGroupedAttention),
    LayerImporter(
      ["Attention", "AdditiveAttention"], attributes: ["use_scale", "score_mode", "dropout", "causal"],
      callArguments: ["use_causal_mask"], emit: emitAttention),
  ]

  private static func isCausal(_ call: LayerCall) -> Bool {
    call.keywords.contains { $0.name == "use_causal_mask" && $0.value.bool == true }
  }

  private static func emitMultiHeadAttention(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let (inputs, mask) = try call.maskedAttentionInputs()
    if call.attribute("attention_axes") != nil, builder.rank(inputs[0]) != 2 {
      throw call.failure("I114", "'attention_axes' are supported for sequences of vectors only")
    }
    guard inputs.allSatisfy({ builder.rank($0) == 2 }) else {
      throw call.failure("I116", "expected sequences of vectors")
    }
    let heads = try call.count("num_heads")
    let keySize = try call.count("key_dim")
    let valueSize = try call.count("value_dim", default: keySize)
    let projections = AttentionProjections(
      call, usesBias: try call.bool("use_bias", default: true), prefix: builder.generation < 3 ? "_" : "")
    let query = try projections.project(inputs[0], "query", [heads, keySize], &builder)
    let value = try projections.project(inputs[1], "value", [heads, valueSize], &builder)
    let key = try projections.project(
      inputs.count > 2 ? inputs[2] : inputs[1], "key", [heads, keySize], &builder)
    var form = AttentionForm(scale: 1 / Double(keySize).squareRoot())
    form.isCausal = isCausal(call)
    form.visible = mask
    func byHead(_ x: NodeID, _ name: String) throws(CompilationFailed) -> NodeID {
      try builder.transpose(x, [1, 0, 2], call, "\(name)_heads")
    }
    let attended = try builder.attend(
      try byHead(query, "query"), try byHead(key, "key"), try byHead(value, "value"), form, call, "attended")
    let joined = try builder.transpose(attended, [1, 0, 2], call, "joined")
    var outputs = [builder.shape(inputs[0])[1]]
    if let shape = call.attribute("output_shape") {
      outputs = try shape.array == nil ? [shape.requireInt()] : shape.requireInts()
    }
    return [try projections.join(joined, outputs, &builder)]
  }

  private static func emitGroupedAttention(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let inputs = try call.attentionInputs()
    guard inputs.allSatisfy({ builder.rank($0) == 2 }) else {
      throw call.failure("I116", "expected sequences of vectors")
    }
    let size = try call.count("head_dim")
    let heads = try call.count("num_query_heads")
    let groups = try call.count("num_key_value_heads")
    guard heads % groups == 0 else { throw call.failure("I114", "\(groups) do not divide \(heads) heads") }
    let projections = AttentionProjections(
      call, usesBias: try call.bool("use_bias", default: true), prefix: "_")
    let query = try projections.project(inputs[0], "query", [heads, size], &builder)
    let value = try projections.project(inputs[1], "value", [groups, size], &builder)
    let key = try projections.project(
      inputs.count > 2 ? inputs[2] : inputs[1], "key", [groups, size], &builder)
    var form = AttentionForm(scale: 1 / Double(size).squareRoot())
    form.isCausal = isCausal(call)
    func byHead(_ x: NodeID, _ name: String) throws(CompilationFailed) -> NodeID {
      let moved = try builder.transpose(x, [1, 0, 2], call, "\(name)_heads")
      return try builder.repeated(
        moved, axis: 0, count: heads / builder.shape(moved)[0], call, "\(name)_repeated")
    }
    let attended = try builder.attend(
      try byHead(query, "query"), try byHead(key, "key"), try byHead(value, "value"), form, call, "attended")
    let joined = try builder.transpose(attended, [1, 0, 2], call, "joined")
    return [try projections.join(joined, [builder.shape(inputs[0])[1]], &builder)]
  }

  /// Attention without projections: query, value and perhaps key.
  private static func emitAttention(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let inputs = try call.attentionInputs()
    guard inputs.allSatisfy({ builder.rank($0) == 2 }) else {
      throw call.failure("I116", "expected sequences of vectors")
    }
    let key = inputs.count > 2 ? inputs[2] : inputs[1]
    let size = builder.shape(inputs[0])[1]
    let usesScale = try call.bool("use_scale", default: call.layer.kind == "AdditiveAttention")
    var form = AttentionForm()
    form.isCausal = try call.bool("causal", default: false)
    if isCausal(call) { form.isCausal = true }
    let scores: NodeID
    if call.layer.kind == "AdditiveAttention" {
      let weights =
        try usesScale
        ? call.weights(["scale"], builder).array("scale", [size]) : Array(repeating: 1, count: size)
      scores = try builder.additiveScores(inputs[0], key, scale: 1, weights: weights, call)
    } else if try call.choice("score_mode", ["dot", "concat"]) == "concat" {
      let names = (usesScale ? ["scale"] : []) + ["concat_score_weight"]
      let weights = try call.weights(names, builder)
      let weight = try weights.array("concat_score_weight", [])
      scores = try builder.additiveScores(
        inputs[0], key, scale: usesScale ? try weights.array("scale", []).first ?? 1 : 1,
        weights: Array(repeating: weight.first ?? 1, count: size), call)
    } else {
      if usesScale { form.scale = try call.weights(["scale"], builder).array("scale", []).first ?? 1 }
      return [try builder.attend(inputs[0], key, inputs[1], form, call, nil)]
    }
    return [try builder.attend(scores: scores, inputs[1], form, call, nil)]
  }
}

/// The dense layers around an attention.
struct AttentionProjections {
  let call: LayerCall
  let usesBias: Bool
  /// What stands before the names of the inner layers in archives.
  let prefix: String

  init(_ call: LayerCall, usesBias: Bool, prefix: String = "") {
    self.call = call
    self.usesBias = usesBias
    self.prefix = prefix
  }

  private func variables(_ name: String, _ builder: GraphBuilder) throws(CompilationFailed) -> [String:
    WeightArray]
  {
    let names = usesBias ? ["kernel", "bias"] : ["kernel"]
    // Archives call the layers by their attributes; trees of groups by their names.
    let attribute = prefix + (name == "attention_output" ? "output_dense" : "\(name)_dense")
    return try call.weights(names, sublayer: (attribute, name), builder)
  }

  /// One projection into heads: […, T, D] becomes […, T, heads, size].
  func project(_ x: NodeID, _ name: String, _ extents: [Int], _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> NodeID
  {
    let weights = try variables(name, builder)
    let inputs = builder.shape(x).last ?? 1
    let outputs = extents.elementCount
    let kernel = try weights.array("kernel", [inputs] + extents)
    let bias = usesBias ? try weights.array("bias", extents) : nil
    let linear = Linear(
      inputs: inputs, outputs: outputs, weights: Weights(real: kernel, shape: [1, inputs, outputs]),
      bias: bias.map { Weights(real: $0, shape: [1, outputs]) })
    let y = try builder.add(.linear(linear), [x], call, name)
    return try builder.reshape(y, builder.shape(x).dropLast() + extents, call, "\(name)_split")
  }

  /// The projection of all heads together: […, T, heads, size] becomes […, T, outputs…].
  func join(_ x: NodeID, _ outputs: [Int], _ builder: inout GraphBuilder) throws(CompilationFailed) -> NodeID
  {
    let weights = try variables("attention_output", builder)
    let shape = builder.shape(x)
    let heads = Array(shape.suffix(2))
    let count = outputs.elementCount
    let kernel = try weights.array("kernel", heads + outputs)
    let bias = usesBias ? try weights.array("bias", outputs) : nil
    let linear = Linear(
      inputs: heads.elementCount, outputs: count,
      weights: Weights(real: kernel, shape: [1, heads.elementCount, count]),
      bias: bias.map { Weights(real: $0, shape: [1, count]) })
    let flat = try builder.reshape(x, shape.dropLast(2) + [heads.elementCount], call, "flat")
    let y = try builder.add(.linear(linear), [flat], call, outputs.count == 1 ? nil : "output")
    return try builder.reshape(y, shape.dropLast(2) + outputs, call)
  }
}

extension GraphBuilder {
  /// Every index of an axis several times in a row.
  mutating func repeated(_ x: NodeID, axis: Int, count: Int, _ call: some LayerSite, _ role: String?)
    throws(CompilationFailed) -> NodeID
  {
    if count == 1 { return x }
    let shape = shape(x)
    let split = shape[...axis] + [count] + shape[(axis + 1)...]
    let strides = shape.indices.map { a in
      split.indices.map { d in d == (a <= axis ? a : a + 1) ? 1 : 0 }
    }
    let view = AffineView(
      shape: Array(split), offsets: Array(repeating: 0, count: shape.count), strides: strides)
    let spread = try add(.rearrange(.view(view)), [x], call, role.map { "\($0)_spread" } ?? "spread")
    var target = shape
    let (extent, overflow) = shape[axis].multipliedReportingOverflow(by: count)
    if overflow { throw call.failure("I115", "a tensor of that size can't be built") }
    target[axis] = extent
    return try reshape(spread, target, call, role)
  }
}

extension LayerCall {
  /// Query, value and perhaps key, by position or by name.
  ///
  /// - Throws: I113 for another number of operands, I118 for a tensor given by another name, such as a mask.
  func attentionInputs() throws(CompilationFailed) -> [NodeID] {
    let (inputs, mask) = try maskedAttentionInputs()
    if mask != nil {
      throw failure("I118", "is called with the tensor 'attention_mask', which is not supported")
    }
    return inputs
  }

  /// The same, and the tensor that says which positions are seen.
  func maskedAttentionInputs() throws(CompilationFailed) -> (inputs: [NodeID], mask: NodeID?) {
    let order = ["query", "value", "key", "attention_mask"]
    var result: [NodeID?] = [nil, nil, nil, nil]
    for (position, x) in try inputs().enumerated() {
      let name = operandNames.indices.contains(position) ? operandNames[position] : nil
      guard let slot = name.map({ order.firstIndex(of: $0) }) ?? position, slot < 3 || name != nil else {
        throw failure("I118", "is called with the tensor '\(name ?? "mask")', which is not supported")
      }
      result[slot] = x
    }
    guard let query = result[0] else { throw failure("I113", "expected a query") }
    return ([query, result[1] ?? query] + (result[2].map { [$0] } ?? []), result[3])
  }
}
