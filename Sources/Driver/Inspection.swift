import Diagnostics
import FixedPoint
import Foundation
import Graph

/// `inspect`: what a model holds and what types it gets, layer by layer.
public struct Inspection: Sendable {
  public var model: TypedModel

  public init(_ model: TypedModel) { self.model = model }

  public var json: JSONOutput {
    [
      "name": .string(model.graph.name), "framework": .string(model.graph.framework),
      "sha256": model.sha256.map { .string($0) } ?? .null, "parameters": .integer(model.parameters),
      "layers": .array(layers(of: model.graph)),
      "outputs": .array(
        model.graph.outputs.map { ["name": .string($0.name), "node": .string(model.graph[$0.node].name)] }),
      "notices": .array(model.notices.map { .string($0.message) }),
    ]
  }

  private func layers(of graph: Graph) -> [JSONOutput] {
    zip(graph.nodes, FrameworkExactness.all(in: graph)).map { layer($0, $1) }
  }

  private func layer(_ node: Node, _ exactness: FrameworkExactness) -> JSONOutput {
    var step: [JSONOutput] = []
    if case .scan(let scan) = node.primitive { step = layers(of: scan.body) }
    return [
      "name": .string(node.name), "layer": .string(node.layer.name), "class": .string(node.layer.kind),
      "kind": .string(node.primitive.kind), "form": node.functionForm.map { .string($0) } ?? .null,
      "error_bound_steps": node.errorBound.map { .number($0) } ?? .null,
      "shape": .array(node.shape.map { .integer($0) }),
      "weights": node.weightType.map { .string($0) } ?? .null,
      "type": node.type.map { .string(String(describing: $0.union)) } ?? .null,
      "distinct_types": .integer(node.type?.formats.distinct.count ?? 0),
      "source": .string(node.typeSource?.description ?? "none"),
      "framework_exact": .bool(exactness.isExact),
      "reason": exactness.reason.map { .string($0) } ?? .null, "step": .array(step),
    ]
  }

  /// A table for the terminal.
  public var text: String {
    var table = TextTable([
      "layer", "class", "computes", "shape", "weights", "type", "source", "framework exact",
    ])
    add(model.graph, to: &table, indent: "")
    var lines = [
      "\(model.graph.name) (\(model.graph.framework)), \(model.parameters) parameters", table.text,
    ]
    if model.graph.hasFinalActivation {
      lines.append(
        "cuts need no softmax or sigmoid: --output logits gives its operand, --output argmax the class")
    }
    return lines.joined(separator: "\n")
  }

  /// A row for each node; the step of a recurrent layer stands behind it.
  private func add(_ graph: Graph, to table: inout TextTable, indent: String) {
    for (node, exactness) in zip(graph.nodes, FrameworkExactness.all(in: graph)) {
      table.add([
        indent + node.name, node.layer.kind, node.primitive.kind,
        node.shape.map(String.init).joined(separator: "x"),
        node.weightType ?? "", node.type.map { String(describing: $0.union) } ?? "",
        node.typeSource?.description ?? "", exactness.isExact ? "yes" : "no: \(exactness.reason ?? "")",
      ])
      if case .scan(let scan) = node.primitive { add(scan.body, to: &table, indent: indent + "  ") }
    }
  }
}

extension Node {
  /// How a function is computed, and how far from its values where that is not the rounding alone.
  fileprivate var functionForm: String? {
    guard case .map(let map) = primitive else { return nil }
    let form: String
    switch map.form {
    case nil, .rectifier: return nil
    case .tables(let tables, _): form = "table of \(tables.map(\.entries.count).max() ?? 0)"
    case .pieces(let pieces, _): form = "\(pieces.map(\.segmentCount).max() ?? 0) straight pieces"
    }
    guard let bound = map.errorBound else { return form }
    return "\(form), error <= \(String(format: "%.2f", (bound * 100).rounded(.up) / 100)) steps"
  }

  fileprivate var errorBound: Double? { if case .map(let map) = primitive { map.errorBound } else { nil } }

  /// The type that covers the weights, for reports.
  var weightType: String? {
    guard case .linear(let linear) = primitive else { return nil }
    guard case .exact(let raw, let exponent, let scales) = linear.weights.storage else { return "real" }
    let range = Interval(Int128(raw.min() ?? 0), Int128(raw.max() ?? 0))
    let type = Format(range, exponent: exponent).type
    return scales.uniform == .one ? "\(type)" : "\(type) scaled"
  }
}

/// Whether the integers of a node equal what the framework computes in binary32, and if not, why.
struct FrameworkExactness {
  var reason: String?
  var isExact: Bool { reason == nil }

  /// One for each node of a typed graph: a node is exact if it and all before it are.
  static func all(in graph: Graph) -> [FrameworkExactness] {
    var result: [FrameworkExactness] = []
    for node in graph.nodes {
      let inexact = node.operands.first { !result[$0.index].isExact }
      let inherited = inexact.map { "its operand '\(graph[$0].name)' is not" }
      result.append(FrameworkExactness(reason: ownReason(node, graph) ?? inherited))
    }
    return result
  }

  private static func ownReason(_ node: Node, _ graph: Graph) -> String? {
    switch node.typeSource {
    case .model, .exact: break
    case let source?: return node.primitive.isInput ? nil : "its type comes from \(source)"
    case nil: return "it has no type"
    }
    switch node.primitive {
    case .scan(let scan):
      let body = zip(scan.body.nodes, all(in: scan.body)).first { !$1.isExact }
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
}

extension Interval {
  /// Bits of the largest magnitude.
  fileprivate var magnitudeBits: Int { Interval(0, max(upper.magnitude, lower.magnitude).int128).width }
}

extension UInt128 {
  fileprivate var int128: Int128 { Int128(self) }
}
