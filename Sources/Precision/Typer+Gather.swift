import FixedPoint
import Graph

extension Typer {
  /// A table's rows are typed as weights; what picks them becomes an integer: the whole part, at least 0.
  mutating func visitGather(_ node: Node, _ gather: Gather, _ id: NodeID) throws(WidthOverflow) -> NodeID {
    var node = node
    var gather = gather
    gather.table = quantized(gather.table, .weight, node)
    node.primitive = .gather(gather)
    if let operand = result[node.operands[0]].type, !gather.covers(operand) {
      var type = gather.indexType
      type.overflow = .sat
      let quantizer = Quantizer.fixed(PerElement(repeating: type, count: operand.count))
      node.operands = [try add(.quantize(quantizer), node.operands, "\(node.name)_index", node)]
    }
    return try converted(append(node, .exact), node, id)
  }

  /// The type of an input that picks rows of tables and does nothing else.
  func indexType(_ id: NodeID) -> FixedType? {
    var types: [FixedType] = []
    for consumer in consumers[id.index] {
      guard case .gather(let gather) = source[consumer].primitive else { return nil }
      types.append(gather.indexType)
    }
    guard var type = types.max(by: { $0.width < $1.width }) else { return nil }
    type.overflow = .sat
    return type
  }
}
