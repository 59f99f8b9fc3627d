import Graph
import Planning

extension Graph {
  /// What a fully unrolled design may have. A million products take a machine of today some minutes and gigabytes.
  static let maximumOperations = 1 << 20

  /// - Throws: `Infeasible` for a model whose layers are too many operations to have hardware of their own each.
  func requireCompilableSize() throws {
    var sizes: [String: Int] = [:]
    for node in nodes {
      sizes[node.layer.name, default: 0] += node.unrolledSize(operands: node.operands.map { self[$0] })
    }
    let total = sizes.values.reduce(0, +)
    guard total > Graph.maximumOperations else { return }
    let largest = sizes.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
    throw Infeasible(
      reason: .size(operations: total, limit: Graph.maximumOperations),
      critical: largest.filter { $0.value > 0 }.prefix(5).map { "\($0.key) (\($0.value) operations)" },
      hint: "`predict` simulates the model bit for bit; a smaller or more sparse model can be compiled")
  }
}

extension Node {
  /// Products, and elements of everything that is no wiring.
  fileprivate func unrolledSize(operands: [Node]) -> Int {
    switch primitive {
    case .input, .constant, .rearrange: return 0
    case .linear(let linear):
      let values = linear.weights.values
      let nonzero = values.reduce(0) { $0 + ($1 == 0 ? 0 : 1) }
      return nonzero * (operands[0].count / max(linear.groups * linear.inputs, 1))
    case .contract: return count * (operands[0].shape.last ?? 1)
    case .reduce: return operands[0].count
    case .combine: return count * (operands.count - 1)
    case .map, .quantize, .gather: return count
    case .scan(let scan):
      let step = scan.body.nodes.reduce(0) { sum, node in
        sum + node.unrolledSize(operands: node.operands.map { scan.body[$0] })
      }
      return step * shape[0]
    // Splits that paths imply are dropped and subtrees shared: trees grow with what is left.
    case .forest: return 0
    }
  }
}
