import Functions

/// What leaves the chip (`--output`).
public enum OutputSelection: String, CaseIterable, Hashable, Sendable {
  /// The model's own outputs.
  case model
  /// The operand of the final softmax or sigmoid, in its exact type; other outputs as they are.
  case logits
  /// The index of the greatest element, of equal ones the lowest, along the last axis.
  case argmax
}

extension Graph {
  /// The graph that ends where the selection says, without what no output needs.
  public func selecting(_ selection: OutputSelection) -> Graph {
    var graph = self
    if selection != .model {
      for (i, output) in outputs.enumerated() {
        graph.outputs[i].node =
          softmaxOperand(of: output.node) ?? sigmoidOperand(of: output.node) ?? output.node
      }
    }
    if selection == .argmax {
      for (i, output) in graph.outputs.enumerated() {
        let layer = graph[output.node].layer
        graph.outputs[i].node = graph.add(
          .reduce(.argmax), [output.node], name: "\(graph[output.node].name)_argmax", layer: layer)
      }
    }
    return graph.withoutUnused()
  }

  /// Whether `--output logits` differs from the model's own output.
  public var hasFinalActivation: Bool {
    outputs.contains { softmaxOperand(of: $0.node) != nil || sigmoidOperand(of: $0.node) != nil }
  }

  private func sigmoidOperand(of id: NodeID) -> NodeID? {
    if case .map(let map) = self[id].primitive, map.function == .sigmoid { return self[id].operands[0] }
    return nil
  }

  /// The operand x of a softmax: exp(x − max x) · (1 / Σ exp(x − max x)), or the same without the maximum. Nil where the
  /// node is not the product of one.
  public func softmaxOperand(of id: NodeID) -> NodeID? {
    guard case .combine(.multiply) = self[id].primitive, self[id].operands.count == 2 else { return nil }
    for (first, second) in [(0, 1), (1, 0)] {
      let exponential = self[id].operands[first]
      guard function(of: exponential) == .exp else { continue }
      let reciprocal = unrearranged(self[id].operands[second])
      guard function(of: reciprocal) == .reciprocal else { continue }
      let total = unrearranged(self[reciprocal].operands[0])
      guard case .reduce(.sum) = self[total].primitive,
        unrearranged(self[total].operands[0]) == unrearranged(exponential)
      else { continue }
      let operand = self[exponential].operands[0]
      if case .combine(.subtract) = self[operand].primitive,
        case .reduce(.maximum) = self[unrearranged(self[operand].operands[1])].primitive
      {
        return self[operand].operands[0]
      }
      return operand
    }
    return nil
  }

  private func function(of id: NodeID) -> Function? {
    if case .map(let map) = self[id].primitive { map.function } else { nil }
  }

  /// The first node upward that is more than wiring of one operand.
  private func unrearranged(_ id: NodeID) -> NodeID {
    var id = id
    while case .rearrange = self[id].primitive, self[id].operands.count == 1 { id = self[id].operands[0] }
    return id
  }

  /// The graph without nodes that no output needs; inputs stay, used or not.
  public func withoutUnused() -> Graph {
    var isUsed = nodes.map(\.primitive.isInput)
    for output in outputs { isUsed[output.node.index] = true }
    for (index, node) in nodes.enumerated().reversed() where isUsed[index] {
      for operand in node.operands { isUsed[operand.index] = true }
    }
    var graph = self
    graph.nodes = []
    var renamed: [NodeID] = []
    for (index, node) in nodes.enumerated() {
      renamed.append(NodeID(graph.nodes.count))
      guard isUsed[index] else { continue }
      var node = node
      node.operands = node.operands.map { renamed[$0.index] }
      graph.nodes.append(node)
    }
    graph.outputs = outputs.map { Output(name: $0.name, node: renamed[$0.node.index]) }
    return graph
  }
}
