extension Graph {
  /// Whether a node is a tensor times an inverse that its own layer computes: the end of a normalisation or of a division.
  public func isNormalized(_ id: NodeID) -> Bool {
    let node = self[id]
    guard case .combine(.multiply) = node.primitive, node.operands.count == 2 else { return false }
    return node.operands.contains { operand in
      let inverse = unrearranged(operand)
      guard self[inverse].layer == node.layer else { return false }
      return [.rsqrt, .reciprocal].contains(function(of: inverse))
    }
  }

  /// Whether a node is x less the mean that its own layer computes of x: the start of a normalisation.
  public func isCentred(_ id: NodeID) -> Bool {
    let node = self[id]
    guard case .combine(.subtract) = node.primitive, node.operands.count == 2 else { return false }
    let mean = unrearranged(node.operands[1])
    guard case .linear(let linear) = self[mean].primitive, linear.inputs == 1, linear.outputs == 1,
      self[mean].layer == node.layer
    else { return false }
    if case .reduce(.sum) = self[unrearranged(self[mean].operands[0])].primitive { return true }
    return false
  }
}
