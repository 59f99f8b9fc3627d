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
      "layers": .array(layers(of: model.graph, model.source)),
      "outputs": .array(
        model.graph.outputs.map { ["name": .string($0.name), "node": .string(model.graph[$0.node].name)] }),
      "notices": .array(model.notices.map { .string($0.message) }),
    ]
  }

  private func layers(of graph: Graph, _ source: Graph?) -> [JSONOutput] {
    zip(graph.nodes, FrameworkExactness.all(in: graph, of: source)).map { layer($0, $1, source) }
  }

  private func layer(_ node: Node, _ exactness: FrameworkExactness, _ source: Graph?) -> JSONOutput {
    var step: [JSONOutput] = []
    if case .scan(let scan) = node.primitive { step = layers(of: scan.body, source?.body(of: node)) }
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
    add(model.graph, model.source, to: &table, indent: "")
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
  private func add(_ graph: Graph, _ source: Graph?, to table: inout TextTable, indent: String) {
    for (node, exactness) in zip(graph.nodes, FrameworkExactness.all(in: graph, of: source)) {
      table.add([
        indent + node.name, node.layer.kind, node.primitive.kind,
        node.shape.map(String.init).joined(separator: "x"),
        node.weightType ?? "", node.type.map { String(describing: $0.union) } ?? "",
        node.typeSource?.description ?? "", exactness.isExact ? "yes" : "no: \(exactness.reason ?? "")",
      ])
      if case .scan(let scan) = node.primitive {
        add(scan.body, source?.body(of: node), to: &table, indent: indent + "  ")
      }
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
