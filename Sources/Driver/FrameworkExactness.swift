import FixedPoint
import Functions
import Graph

/// Whether the integers of a node equal what the framework computes in binary32, and if not, why.
struct FrameworkExactness {
  var reason: String?
  var isExact: Bool { reason == nil }

  /// One for each node of a typed graph: a node is exact if it and all before it are.
  ///
  /// - Parameter source: the graph as the framework means it, which tells where weights were rounded.
  static func all(in graph: Graph, of source: Graph?) -> [FrameworkExactness] {
    let originals = Dictionary(
      (source?.nodes ?? []).map { ($0.name, $0.primitive) }, uniquingKeysWith: { first, _ in first })
    var result: [FrameworkExactness] = []
    for node in graph.nodes {
      let inexact = node.operands.first { !result[$0.index].isExact }
      let inherited = inexact.map { "its operand '\(graph[$0].name)' is not" }
      let own = ownReason(node, graph, source) ?? rounding(node, originals[node.name])
      result.append(FrameworkExactness(reason: own ?? inherited))
    }
    return result
  }

  private static func ownReason(_ node: Node, _ graph: Graph, _ source: Graph?) -> String? {
    switch node.typeSource {
    case .model, .exact: break
    case let source?: return node.primitive.isInput ? nil : "its type comes from \(source)"
    case nil: return "it has no type"
    }
    switch node.primitive {
    case .scan(let scan):
      let body = zip(scan.body.nodes, all(in: scan.body, of: source?.body(of: node))).first { !$1.isExact }
      return body.map { "in its step '\($0.name)': \($1.reason ?? "")" }
    case .linear, .contract, .combine, .reduce, .forest:
      // A binary32 sum is exact in any order while all partial sums fit 24 bits.
      let width = node.type?.formats.distinct.map(\.range.magnitudeBits).max() ?? 0
      if width > 24 { return "a float32 sum spans \(width) bits" }
      return node.type?.isUnscaled == true ? nil : "its scale is not a power of two"
    case .map(let map):
      switch map.form {
      case nil, .rectifier: return nil
      case .tables, .pieces: return "the framework's \(map.function) is not correctly rounded"
      }
    default: return nil
    }
  }

  /// What typing made of the node's own numbers.
  private static func rounding(_ node: Node, _ original: Primitive?) -> String? {
    switch (node.primitive, original) {
    case (.linear(let typed), .linear(let model)):
      if typed.weights.values != model.weights.values { return "its weights are rounded" }
      return typed.bias?.values != model.bias?.values ? "its bias is rounded" : nil
    case (.constant(let typed), .constant(let model)):
      return typed.values != model.values ? "its values are rounded" : nil
    case (.gather(let typed), .gather(let model)):
      return typed.table.values != model.table.values ? "its table is rounded" : nil
    case (.map(let typed), _):
      guard case .rectifier(let rectifier) = typed.form,
        case .relu(_, let slope, let threshold) = typed.function
      else { return nil }
      let isSame =
        rectifier.negativeSlope == Rational(exactly: slope)
        && rectifier.threshold == Rational(exactly: threshold)
      return isSame ? nil : "its slope or threshold is rounded"
    default: return nil
    }
  }
}

extension Graph {
  /// The body of the scan of that name.
  func body(of node: Node) -> Graph? {
    for other in nodes where other.name == node.name {
      if case .scan(let scan) = other.primitive { return scan.body }
    }
    return nil
  }
}

extension Interval {
  /// Bits of the largest magnitude.
  fileprivate var magnitudeBits: Int { Interval(0, max(upper.magnitude, lower.magnitude).int128).width }
}

extension UInt128 {
  fileprivate var int128: Int128 { Int128(self) }
}
