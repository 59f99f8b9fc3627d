import FixedPoint
import Functions
import Graph

extension GraphBuilder {
  /// The exact type of a tensor as far as the model's own quantizers and exact constants tell it; nil where a type is
  /// left to the user.
  func exactType(of node: NodeID) -> TensorType? {
    var known: [NodeID: TensorType?] = [:]
    return exactType(of: node, &known)
  }

  private func exactType(of id: NodeID, _ known: inout [NodeID: TensorType?]) -> TensorType? {
    if let type = known[id] { return type }
    let node = graph[id]
    // A quantizer's range holds whatever it reads.
    if case .quantize(.fixed(let types, let scales)) = node.primitive {
      let type = TensorType(
        PerElement((0..<types.count).map { Format(types[$0]) }), scales: scales.uniform == .one ? nil : scales
      )
      known[id] = refined(type, node, &known)
      return known[id] ?? nil
    }
    known[id] = computed(node, &known)
    return known[id] ?? nil
  }

  /// The type of a quantizer's results, narrower where its operand's type is known.
  private func refined(_ type: TensorType, _ node: Node, _ known: inout [NodeID: TensorType?]) -> TensorType {
    computed(node, &known) ?? type
  }

  private func computed(_ node: Node, _ known: inout [NodeID: TensorType?]) -> TensorType? {
    var node = node
    switch node.primitive {
    case .input, .forest, .scan: return nil
    case .constant(let weights): if !weights.isExact { return nil }
    case .linear(let linear): if !linear.weights.isExact || !(linear.bias?.isExact ?? true) { return nil }
    case .map(let map):
      guard case .relu(let maximum, let negativeSlope, let threshold) = map.function,
        let slope = Rational(exactly: negativeSlope), let corner = Rational(exactly: threshold)
      else { return nil }
      let rectifier = Rectifier(
        maximum: maximum.flatMap { Rational(exactly: $0) }, negativeSlope: slope, threshold: corner)
      node.primitive = .map(Map(map.function, form: .rectifier(rectifier)))
    case .gather: return nil
    case .contract, .combine, .quantize, .reduce, .rearrange: break
    }
    var operands = Graph(name: "", framework: "")
    for (i, operand) in node.operands.enumerated() {
      guard let type = exactType(of: operand, &known) else { return nil }
      var typed = graph[operand]
      typed.type = type
      operands.nodes.append(typed)
      node.operands[i] = NodeID(i)
    }
    return try? operands.exactType(node)
  }
}
