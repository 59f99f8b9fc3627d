import Functions

/// What leaves the chip (`--output`); where nothing is asked for, the model's own outputs, but of a forest its scores.
public enum OutputSelection: String, CaseIterable, Hashable, Sendable {
  /// The model's own outputs; of a forest, the probability or whatever its framework makes of the scores.
  case model
  /// The operand of the final softmax or sigmoid, in its exact type; the scores of a forest; other outputs as they are.
  case logits
  /// The index of the greatest element, of equal ones the lowest, along the last axis. Where a sigmoid gives the
  /// probability of the second of two classes, 1 if its operand is above 0, else 0.
  case argmax
}

extension Graph {
  /// The graph that ends where the selection says, without what no output needs.
  public func selecting(_ selection: OutputSelection?) -> Graph {
    var graph = self
    for (i, output) in outputs.enumerated() {
      switch selection {
      case .model: break
      case nil: graph.outputs[i].node = forestScores(of: output.node) ?? output.node
      case .logits: graph.outputs[i].node = logits(of: output.node) ?? output.node
      case .argmax: graph.outputs[i].node = graph.addArgmax(of: output.node)
      }
    }
    return graph.withoutUnused()
  }

  /// Whether `--output logits` differs from the model's own output.
  public var hasFinalActivation: Bool { outputs.contains { logits(of: $0.node) != nil } }

  /// The outputs that are functions of a forest's scores, which leave the chip instead where nothing else is asked for.
  public var outputsOfForests: [Output] { outputs.filter { forestScores(of: $0.node) != nil } }

  /// The outputs of a single number from which `--output argmax` has no class to choose.
  public var outputsWithoutClasses: [Output] {
    outputs.filter { output in
      if case .reduce(.argmax) = self[output.node].primitive { return false }
      return self[output.node].shape.last == 1 && !isProbability(output.node)
    }
  }

  private func logits(of id: NodeID) -> NodeID? {
    forestScores(of: id) ?? softmaxOperand(of: id) ?? sigmoidOperand(of: id)
  }

  /// Whether a node has one number that a sigmoid makes, so that the sign of its operand decides.
  private func isProbability(_ id: NodeID) -> Bool {
    guard self[id].shape.last == 1 else { return false }
    let function = function(of: unrearranged(id))
    return function == .sigmoid || (function == .tanh && forestScores(of: id) != nil)
  }

  private mutating func addArgmax(of id: NodeID) -> NodeID {
    if case .reduce(.argmax) = self[id].primitive { return id }
    var scores = logits(of: id) ?? id
    let layer = self[scores].layer
    let name = self[scores].name
    // Both probabilities of two classes, or one of them: the lone score stands against 0.
    if self[scores].shape.last == 1, isProbability(id) || self[id].shape.last == 2 {
      let against = Weights(raw: [0, 1], exponent: 0, shape: [1, 1, 2])
      scores = add(
        .linear(Linear(inputs: 1, outputs: 2, weights: against)), [scores], name: "\(name)_classes",
        layer: layer)
    }
    return add(.reduce(.argmax), [scores], name: "\(name)_argmax", layer: layer)
  }

  /// The scores of the forest that a node is a monotone function of, or the softmax, or of two classes both
  /// probabilities; nil for the scores themselves and for all that is more than a last function of them.
  private func forestScores(of id: NodeID) -> NodeID? {
    let last = unrearranged(unscaled(id))
    var scores: NodeID?
    if let operand = softmaxOperand(of: last) {
      scores = operand
    } else if let function = function(of: last), [.sigmoid, .tanh, .exp].contains(function) {
      scores = self[last].operands[0]
    }
    guard let scores else { return nil }
    let forest = unrearranged(unscaled(unrearranged(scores)))
    if case .forest = self[forest].primitive { return forest }
    return nil
  }

  /// The operand of a map that treats each element by itself, or copies it (p to [1 − p, p]); else the node.
  private func unscaled(_ id: NodeID) -> NodeID {
    if case .linear(let linear) = self[id].primitive, linear.inputs == 1 { self[id].operands[0] } else { id }
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

  func function(of id: NodeID) -> Function? {
    if case .map(let map) = self[id].primitive { map.function } else { nil }
  }

  /// The first node upward that is more than wiring of one operand.
  func unrearranged(_ id: NodeID) -> NodeID {
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
