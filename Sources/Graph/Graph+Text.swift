import FixedPoint

extension Graph: CustomStringConvertible {
  /// The graph for reading: one line for each node, operands by name.
  public var description: String { (["graph \(name) (\(framework))"] + lines).joined(separator: "\n") + "\n" }

  /// The lines of nodes and outputs; those of a scan's body stand behind it, further to the right.
  private var lines: [String] {
    var lines: [String] = []
    for node in nodes {
      let operands = node.operands.map { self[$0].name }.joined(separator: ", ")
      let type = node.type.map { " : \($0)" } ?? ""
      lines.append("  \(node.name) \(node.shape) = \(node.primitive)(\(operands))\(type)")
      if case .scan(let scan) = node.primitive { lines += scan.body.lines.map { "  " + $0 } }
    }
    for output in outputs { lines.append("  output \(output.name) = \(self[output.node].name)") }
    return lines
  }
}

extension TensorType: CustomStringConvertible {
  public var description: String {
    let types = formats.distinct.map(\.type)
    let text = types.count == 1 ? "\(types[0])" : "\(types.count) types within \(union)"
    return isUnscaled ? text : text + " scaled"
  }
}

extension Primitive: CustomStringConvertible {
  /// The operation with its parameters, without weights and tables.
  public var description: String {
    switch self {
    case .input: return "input"
    case .constant(let weights): return "constant\(weights.isExact ? "" : " real")"
    case .linear(let linear):
      let groups = linear.groups == 1 ? "" : "\(linear.groups) x "
      let accumulator = linear.accumulator.map { " accumulated in \($0)" } ?? ""
      return
        "linear \(groups)\(linear.inputs) -> \(linear.outputs)\(linear.bias == nil ? "" : " + bias")\(accumulator)"
    case .contract: return "contract"
    case .gather(let gather): return "gather \(gather.rows) rows of \(gather.columns)"
    case .combine(let kind): return kind.rawValue
    case .map(let map):
      switch map.form {
      case nil: return "map \(map.function)"
      case .rectifier: return "rectify"
      case .tables(let tables, _): return "table \(map.function) \(tables.map(\.entries.count))"
      case .pieces(let pieces, _): return "pieces \(map.function) \(pieces.map(\.segmentCount))"
      }
    case .quantize(.fixed(let types, let scales)):
      let text = types.distinct.count == 1 ? "\(types[0])" : "\(types.distinct.count) types"
      return "quantize \(text)\(scales.uniform == .one ? "" : " scaled")"
    case .quantize(.steps(let steps)): return "quantize to \(steps.levels.count) levels"
    case .reduce(let kind): return "reduce \(kind.rawValue)"
    case .rearrange(.reshape(let shape)): return "reshape \(shape)"
    case .rearrange(.view(let view)): return "view \(view.shape)"
    case .rearrange(.concatenate(let axis)): return "concatenate \(axis)"
    case .forest(let forest): return "forest of \(forest.trees.count) trees"
    case .scan(let scan): return "scan \(scan.body.name)"
    }
  }
}
