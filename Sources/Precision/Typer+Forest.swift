import Diagnostics
import FixedPoint
import Foundation
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
    if source == .calibration, let choice = policy.calibration?.leaves[node.name] {
      noteLeaves(choice, node)
    }
    node.primitive = .forest(forest.quantized(types))
    return try converted(append(node, source), node, id)
  }

  /// What rounding the leaves cost on the samples.
  private mutating func noteLeaves(_ choice: LeafChoice, _ node: Node) {
    func percent(_ x: Double) -> String { String(format: "%.2f%%", 100 * x) }
    let types = Set(choice.types.map(String.init(describing:))).sorted().joined(separator: ", ")
    var message =
      "leaves of '\(node.name)' are \(types): on \(choice.samples) samples the scores' error is"
      + " \(percent(choice.scoreError)) of their deviation"
    if choice.types.count > 1 {
      message += ", the greatest score is the same in \(percent(choice.agreement))"
    }
    sink.notice(
      "T502", message, at: .layer(node.layer.name),
      notes: ["the target is 1% and 99.9%; --config or --precision give leaves a type"])
  }
}

extension TypePolicy {
  /// The width up to which leaves that are binary fractions are kept as they are.
  static let exactLeafWidth = 16

  /// The type of each score's leaves: what a configuration or `--precision` says; else the leaves as they are, if they
  /// are binary fractions of few bits; else the narrowest that keep the scores of calibration data (`LeafTarget`); else
  /// the narrowest 8 bits that cover them.
  func leaves(of forest: Forest, _ node: Node) -> ([FixedType], TypeSource) {
    if case .type(let decision)? = choice(.weight, of: node) {
      return (Array(repeating: decision.type, count: forest.outputs.count), decision.source)
    }
    if let types = forest.exactTypes(width: TypePolicy.exactLeafWidth) { return (types, .exact) }
    if let choice = calibration?.leaves[node.name] { return (choice.types, .calibration) }
    let types = forest.outputs.indices.map {
      TypePolicy.covering(forest.contributions(toScore: $0), width: 8)
    }
    return (types, .byDefault)
  }
}
