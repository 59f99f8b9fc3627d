import FixedPoint
import Functions
import Graph

/// Where a written configuration puts types that several layers share.
public enum ConfigurationGranularity: String, CaseIterable, Hashable, Sendable { case model, type, name }

/// The types that a policy gives a model, as a configuration in hls4ml's keys that `Configuration.read` reads back.
///
/// Read back, it gives a float model the same types, at every granularity: layers whose types differ from those of
/// their class or of the model have entries of their own. Tensors that the model itself quantizes are left to it.
public struct ConfigurationWriter {
  private let name: String
  private let usesOwnTables: Bool
  private var entries: [Entry] = []

  /// One tensor of one node.
  private struct Entry {
    var node: Node
    var tensor: String
    /// A type, or `auto`.
    var type: String
    var source: String
  }

  public init(_ graph: Graph, _ policy: TypePolicy) {
    name = graph.name
    // A configuration that was read may ask for hls4ml's tables.
    usesOwnTables = policy.configuration == nil
    addEntries(graph, policy)
  }

  /// The entries of a graph's nodes but those of which softmaxes are made.
  ///
  /// - Parameter states: nodes whose type is written as that of a state.
  private mutating func addEntries(_ graph: Graph, _ policy: TypePolicy, states: Set<NodeID> = []) {
    let typer = Typer(graph, policy)
    let inner = ConfigurationWriter.insideSoftmax(graph)
    for (index, node) in graph.nodes.enumerated() where !inner.contains(index) {
      addEntries(node, NodeID(index), typer, isState: states.contains(NodeID(index)))
    }
  }

  /// The entries of a scan's body, and of the states that it carries.
  private mutating func addEntries(_ scan: Scan, _ node: Node, _ typer: Typer) {
    // The first state bears the layer's name; its node may have a type of its own.
    addEntries(scan.body, typer.policy, states: Set(scan.nextStates.dropFirst()))
    for number in scan.nextStates.indices {
      let state = typer.stateType(number, of: scan, node)
      guard state.source != .model, case .fixed(let types, _) = state.quantizer, let type = types.uniform
      else { continue }
      entries.append(
        Entry(node: state.node, tensor: "result", type: "\(type)", source: state.source.description))
    }
  }

  private mutating func addEntries(_ node: Node, _ id: NodeID, _ typer: Typer, isState: Bool) {
    let policy = typer.policy
    func add(_ tensor: String, _ decision: TypePolicy.Decision?) {
      entries.append(
        Entry(
          node: node, tensor: tensor, type: decision?.text ?? "auto",
          source: decision?.source.description ?? "exact"))
    }
    func weights(_ weights: Weights, _ role: TypePolicy.Role) {
      guard case .real(let values) = weights.storage else { return }
      let isScale = role == .weight && node.layer.kind.hasSuffix("BatchNormalization")
      add(isScale ? "scale" : role.rawValue, policy.weights(role, values, of: node))
    }
    func result(_ decision: TypePolicy.Decision?) {
      if !isState && !typer.isQuantizedNext(id) { add("result", decision) }
    }
    switch node.primitive {
    case .input:
      if typer.soleQuantizer(id) == nil { add("result", policy.input(node)) }
    case .constant(let values): weights(values, .weight)
    case .linear(let linear):
      weights(linear.weights, .weight)
      if let bias = linear.bias { weights(bias, .bias) }
      add("accum", policy.accumulator(of: node))
      result(policy.result(of: node))
    // Inverse roots and reciprocals of wide operands have a form without a type to ask for.
    case .map(let map) where [.rsqrt, .sqrt, .reciprocal].contains(map.function): break
    case .map(let map):
      if case .relu(let maximum, let slope, let threshold) = map.function,
        let rectifier = Rectifier(maximum: maximum, negativeSlope: slope, threshold: threshold),
        let type = typer.slopeType(rectifier, node, id)
      {
        add("weight", type)
      }
      if typer.quantizerBehind(id) == nil { result(policy.activation(of: node)) }
    // What comparisons find is exact, whatever a configuration says.
    case .combine(let kind) where kind.isComparison: break
    case .reduce(.argmax): break
    case .combine:
      let isActivation = typer.source.softmaxOperand(of: id) != nil || typer.source.isNormalized(id)
      result(isActivation ? policy.activation(of: node) : policy.result(of: node))
    case .contract, .reduce, .forest: result(policy.result(of: node))
    case .gather(let gather): weights(gather.table, .weight)
    case .scan(let scan): addEntries(scan, node, typer)
    case .quantize, .rearrange: break
    }
  }

  /// Nodes of which softmaxes are made, which have no types of their own.
  public static func insideSoftmax(_ graph: Graph) -> Set<Int> {
    var inner: Set<Int> = []
    for index in graph.nodes.indices {
      guard let operand = graph.softmaxOperand(of: NodeID(index)) else { continue }
      var open = graph.nodes[index].operands
      while let next = open.popLast() {
        if next == operand || !inner.insert(next.index).inserted { continue }
        open += graph[next].operands
      }
    }
    return inner
  }
}

extension ConfigurationWriter {
  public func text(_ granularity: ConfigurationGranularity) -> String {
    var lines = [
      "# The types of '\(name)'. Read back by: fpgaml compile MODEL --config FILE",
      "# auto: the exact type; weights that no entry names get the narrowest 8 bits that cover them.",
      "HLSConfig:",
      "  Model:",
    ]
    if usesOwnTables { lines.append("    Implementation: fpgaml  # correctly rounded tables, not hls4ml's") }
    lines += ["    Precision:", "      default: auto"]
    var rest = entries
    if granularity == .model {
      for tensor in ["result", "weight", "bias", "accum"] {
        let group = entries.filter { $0.tensor == tensor }
        guard let type = ConfigurationWriter.mostFrequent(group) else { continue }
        lines.append("      \(tensor): \(type)")
      }
      rest = differing(from: ["result", "weight", "bias", "accum"]) { _ in "" }
    } else if granularity == .type {
      lines.append("  LayerType:")
      for kind in ConfigurationWriter.unique(entries.map(\.node.layer.kind)) {
        lines += ["    \(quoted(kind)):", "      Precision:"]
        for tensor in ConfigurationWriter.unique(
          entries.filter { $0.node.layer.kind == kind }.map(\.tensor))
        {
          let group = entries.filter { $0.node.layer.kind == kind && $0.tensor == tensor }
          lines.append("        \(tensor): \(ConfigurationWriter.mostFrequent(group) ?? "auto")")
        }
      }
      rest = differing(from: nil) { $0.node.layer.kind }
    }
    if !rest.isEmpty { lines.append("  LayerName:") }
    for name in ConfigurationWriter.unique(rest.map(\.node.name)) {
      let own = rest.filter { $0.node.name == name }
      guard let node = own.first?.node else { continue }
      lines += ["    \(quoted(name)):  # \(node.layer.kind), shape \(node.shape)", "      Precision:"]
      lines += own.map { "        \($0.tensor): \($0.type)  # \($0.source)" }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The entries whose type is not the most frequent of their group, or that have no group.
  private func differing(from tensors: [String]?, _ group: (Entry) -> String) -> [Entry] {
    var types: [String: String] = [:]
    for entry in entries {
      let key = "\(group(entry)) \(entry.tensor)"
      if types[key] == nil {
        types[key] = ConfigurationWriter.mostFrequent(
          entries.filter { group($0) == group(entry) && $0.tensor == entry.tensor })
      }
    }
    return entries.filter {
      tensors?.contains($0.tensor) == false || types["\(group($0)) \($0.tensor)"] != $0.type
    }
  }

  /// Of equally frequent types the first; nil where all are lists, which only a layer's own entry can have.
  private static func mostFrequent(_ entries: [Entry]) -> String? {
    let entries = entries.filter { !$0.type.hasPrefix("[") }
    var counts: [String: Int] = [:]
    for entry in entries { counts[entry.type, default: 0] += 1 }
    let most = counts.values.max()
    return entries.first { counts[$0.type] == most }?.type
  }

  private static func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  /// A YAML key in double quotes, whatever the layer is called.
  private func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar -> String in
      switch scalar {
      case "\"", "\\": return "\\\(scalar)"
      case let control where control.value < 0x20:
        return "\\x" + (control.value < 16 ? "0" : "") + String(control.value, radix: 16)
      default: return String(scalar)
      }
    }
    return "\"\(escaped.joined())\""
  }
}
