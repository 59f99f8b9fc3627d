import FixedPoint
import Graph

// Averages with a configuration's accumulator, as hls4ml 1.3 computes them (`nnet_pooling.h`, `avg`): each element is
// added into `accum`, each partial sum converted; the quotient keeps the fraction bits of `accum`, truncated toward zero.

extension Typer {
  /// The sum of an average in the accumulator that the policy gives it; nil where the sum is exact, or no average's.
  mutating func averagedSum(_ node: Node, _ id: NodeID) throws(WidthOverflow) -> NodeID? {
    let length = result[node.operands[0]].shape.last ?? 1
    guard isAveraged(id), let accumulator = averageAccumulator(node, node.operands[0], length) else {
      return nil
    }
    let ones = Weights(raw: Array(repeating: 1, count: length), exponent: 0, shape: [1, length, 1])
    var linear = Linear(inputs: length, outputs: 1, weights: ones)
    linear.accumulator = accumulator.type
    let sum = try add(
      .linear(linear), node.operands, "\(node.name)_accumulated", node, source: accumulator.source)
    return try add(.rearrange(.reshape(node.shape)), [sum], node.name, node)
  }

  /// The quotient of an average whose sum has an accumulator; nil for every other linear node.
  mutating func average(_ node: Node, _ id: NodeID) throws(WidthOverflow) -> NodeID? {
    guard isAverage(id), let sum = summed(id) else { return nil }
    let operand = typed[source[sum].operands[0].index]
    let length = result[operand].shape.last ?? 1
    guard let accumulator = averageAccumulator(node, operand, length) else { return nil }
    var decision = accumulator
    decision.type.rounding = .trnZero
    let quotient = try convert(append(node, .exact), to: decision, name: "\(node.name)_quotient")
    // The result is the layer's, whichever node of it reshapes the quotient.
    var layer = node
    layer.name = node.layer.name
    if policy.inference(node) != nil, policy.isAutomatic(.result, of: layer), policy.result(of: layer) == nil
    {
      let decision = TypePolicy.Decision(type: declaredType(operand), source: .configuration("auto"))
      return try convert(quotient, to: decision, name: "\(node.name)_result")
    }
    return try converted(quotient, layer, id)
  }

  /// The accumulator that the policy gives an average, or that hls4ml infers; nil where the sum is exact.
  private func averageAccumulator(_ node: Node, _ operand: NodeID, _ length: Int) -> TypePolicy.Decision? {
    if let said = policy.accumulator(of: node) { return said }
    guard policy.isAutomatic(.accumulator, of: node), let inference = policy.inference(node) else {
      return nil
    }
    if node.layer.kind.hasPrefix("Global") { return policy.standard(node) }
    return TypePolicy.Decision(
      type: inference.averageAccumulator(declaredType(operand), elements: length),
      source: .configuration("auto"))
  }

  /// The sum that an average multiplies by a factor.
  private func summed(_ id: NodeID) -> NodeID? {
    var operand = source[id].operands[0]
    if case .rearrange(.reshape) = source[operand].primitive { operand = source[operand].operands[0] }
    return operand
  }

  /// Whether a sum is read by nothing but the factors of an average in the same layer.
  private func isAveraged(_ id: NodeID) -> Bool {
    let readers = consumers[id.index].flatMap { reader in
      if case .rearrange(.reshape) = source[reader].primitive { consumers[reader.index] } else { [reader] }
    }
    return !readers.isEmpty && readers.allSatisfy { isAverage($0) }
  }

  /// Whether a node multiplies each sum of its own layer by a factor.
  private func isAverage(_ id: NodeID) -> Bool {
    let node = source[id]
    guard case .linear(let linear) = node.primitive, linear.inputs == 1, linear.outputs == 1,
      linear.bias == nil
    else { return false }
    var operand = source[node.operands[0]]
    if case .rearrange(.reshape) = operand.primitive { operand = source[operand.operands[0]] }
    guard case .reduce(.sum) = operand.primitive else { return false }
    return operand.layer == node.layer
  }
}
