import Functions
import Graph

/// A smooth measure of how far outputs have moved, by which noise in different tensors is compared: a share of the
/// squared difference that changes decisions, or of the outputs' variance.
struct Distortion: Sendable {
  /// The nodes that are looked at: outputs without their last softmax, sigmoid or argmax.
  private let nodes: [Int]
  private let rows: [Row]

  /// Values that are compared together, with the weight of their squared difference.
  private struct Row: Sendable {
    var node: Int
    var first: Int
    /// The second of two elements whose difference decides; nil for a value of its own.
    var second: Int?
    var weight: Double
  }

  init(_ graph: Graph, _ target: AccuracyTarget, base: BatchInterpreter.Values) {
    nodes = graph.outputs.map { Distortion.score(of: $0.node, in: graph).index }
    let isDecision = target.measure != .error
    var rows: [Row] = []
    for node in nodes {
      let classes = graph.nodes[node].shape.last ?? 1
      let values = base[node]
      rows +=
        isDecision && (classes > 1 || target.measure == .argmax)
        ? Distortion.decisions(values, classes, node) : Distortion.deviations(values, node)
    }
    self.rows = rows
  }

  /// Each row's two greatest elements: what moves their difference by much of it changes the decision.
  private static func decisions(_ values: [Double], _ classes: Int, _ node: Int) -> [Row] {
    var rows: [(first: Int, second: Int?, margin: Double)] = []
    for start in stride(from: 0, to: values.count, by: classes) {
      let order = (start..<(start + classes)).sorted { (values[$1], $0) < (values[$0], $1) }
      let second = classes > 1 ? order[1] : nil
      rows.append((order[0], second, abs(values[order[0]] - (second.map { values[$0] } ?? 0))))
    }
    let margins = rows.map(\.margin).sorted()
    let typical = margins.isEmpty ? 1 : margins[margins.count / 2]
    // Below a quarter of the typical margin all decisions are equally easily lost.
    let floor = typical > 0 ? typical * typical / 16 : 1
    return rows.map {
      Row(
        node: node, first: $0.first, second: $0.second,
        weight: 1 / (($0.margin * $0.margin + floor) * Double(rows.count)))
    }
  }

  private static func deviations(_ values: [Double], _ node: Int) -> [Row] {
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    var power = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    if power == 0 { power = values.reduce(0) { $0 + $1 * $1 } }
    return values.indices.map {
      Row(node: node, first: $0, second: nil, weight: 1 / (power > 0 ? power : Double(values.count)))
    }
  }

  /// How far the values of the first `samples` samples are from others, as a mean over these samples.
  func callAsFunction(
    _ base: BatchInterpreter.Values, _ other: BatchInterpreter.Values, samples: Int, of total: Int
  ) -> Double {
    var sum = 0.0
    for row in rows {
      let (a, b) = (base[row.node], other[row.node])
      // The other values may be those of the first samples only.
      if max(row.first, row.second ?? 0) >= b.count { continue }
      var difference = b[row.first] - a[row.first]
      if let second = row.second { difference -= b[second] - a[second] }
      sum += row.weight * difference * difference
    }
    return sum * Double(total) / Double(max(1, samples))
  }

  /// The scores that an output's activation makes probabilities or an index of.
  static func score(of id: NodeID, in graph: Graph) -> NodeID {
    if let operand = graph.softmaxOperand(of: id) { return operand }
    switch graph[id].primitive {
    case .map(let map) where map.function == .sigmoid: return graph[id].operands[0]
    case .reduce(.argmax): return graph[id].operands[0]
    default: return id
    }
  }
}
