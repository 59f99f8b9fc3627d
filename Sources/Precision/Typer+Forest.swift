import Diagnostics
import FixedPoint
import Graph

extension Typer {
  /// A forest's thresholds are exact on the grid of its features, and so are its sums; what needs a type is its leaves.
  mutating func visitForest(_ node: Node, _ forest: Forest, _ id: NodeID) throws(WidthOverflow) -> NodeID {
    var node = node
    if let operand = result[node.operands[0]].type, !operand.isUnscaled {
      sink.error(
        "T500", "the features of '\(node.name)' have scales that are not powers of two",
        at: .layer(node.layer.name), notes: ["give the features a fixed-point type"])
    }
    let (types, source) = policy.leaves(of: forest, node)
    node.primitive = .forest(forest.quantized(types))
    return try converted(append(node, source), node, id)
  }
}

extension TypePolicy {
  /// The width up to which leaves that are binary fractions are kept as they are.
  static let exactLeafWidth = 16

  /// The type of each score's leaves: what a configuration or `--precision` says; else the leaves as they are, if they
  /// are binary fractions of few bits; else a step from calibration; else the narrowest 8 bits that cover them.
  func leaves(of forest: Forest, _ node: Node) -> ([FixedType], TypeSource) {
    if case .type(let decision)? = choice(.weight, of: node) {
      return (Array(repeating: decision.type, count: forest.outputs.count), decision.source)
    }
    if let types = forest.exactTypes(width: TypePolicy.exactLeafWidth) { return (types, .exact) }
    let range = calibration?.ranges[node.name]
    let types = forest.outputs.indices.map { score in
      let values = forest.contributions(toScore: score)
      guard let range else { return TypePolicy.covering(values, width: 8) }
      let span = range.upperBound - range.lowerBound
      return TypePolicy.leafType(values, trees: forest.treeCount(ofScore: score), span: span)
    }
    return (types, range == nil ? .byDefault : .calibration)
  }

  /// The type with the coarsest step whose rounding, independent from tree to tree, moves a score by less than 1/256 of
  /// the span of scores seen (root mean square: a step times √(trees / 12)).
  static func leafType(_ values: [Double], trees: Int, span: Double) -> FixedType {
    let step = span / 256 * (12 / Double(max(1, trees))).squareRoot()
    var width = 2
    var type = covering(values, width: width)
    while width < 24, Double(sign: .plus, exponent: type.exponent, significand: 1) > step {
      width += 1
      type = covering(values, width: width)
    }
    return type
  }
}
