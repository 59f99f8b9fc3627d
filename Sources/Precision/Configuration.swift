import Diagnostics
import FixedPoint
import Graph

/// The types and table settings that an hls4ml configuration asks for, by its own keys (`HLSConfig`: `Model`,
/// `LayerType`, `LayerName`; `Precision`, `TableSize`, `Implementation`).
public struct Configuration: Hashable, Sendable {
  public var model = Scope()
  /// By class name in lower case: keys match without regard to case.
  public var layerTypes: [String: Scope] = [:]
  /// By layer name in lower case.
  public var layerNames: [String: Scope] = [:]
  /// `ClockPeriod`, in nanoseconds as written.
  public var clockPeriod: String?
  /// `Part` or `XilinxPart`.
  public var part: String?

  /// What one entry says about the tensors of a layer.
  public struct Scope: Hashable, Sendable {
    /// By tensor name in lower case (`result`, `weight`, `accum`, `exp_table`); `default` for those not named.
    /// Nil stands for `auto`.
    public var types: [String: FixedType?] = [:]
    /// By tensor name: a type for each channel, where a list of types is given; `types` then covers them.
    public var channelTypes: [String: [FixedType]] = [:]
    public var tableSize: Int?
    public var implementation: String?
  }

  /// A type with the path of the entry that said so.
  public struct Entry: Hashable, Sendable {
    /// Nil for `auto`: the exact type.
    public var type: FixedType?
    public var key: String
    public var isForLayerName: Bool
    /// A type for each channel, where a list is given.
    public var channels: [FixedType] = []
  }

  public init() {}

  /// What is said about a tensor of a node: by its own name or its layer's, by its layer's class, or for the model.
  ///
  /// - Parameter tensor: hls4ml's name of the tensor, such as `result`, `weight`, `scale` or `exp_table`.
  public func entry(_ tensor: String, of node: Node) -> Entry? {
    for name in [node.name, node.layer.name] {
      // A layer's own entry speaks of its fused activation only where that has no name of its own.
      if name != node.name, tensor == "result", node.name != node.layer.name { continue }
      if let scope = layerNames[name.lowercased()], let type = scope.type(tensor) {
        return Entry(
          type: type, key: "LayerName.\(name).Precision.\(tensor)", isForLayerName: true,
          channels: scope.channelTypes[tensor] ?? [])
      }
    }
    let kind = layerType(node)
    if let type = layerTypes[kind.lowercased()]?.type(tensor) {
      return Entry(type: type, key: "LayerType.\(kind).Precision.\(tensor)", isForLayerName: false)
    }
    // Tables and their operands have types of their own, which the model's default does not reach.
    guard Configuration.defaulted.contains(tensor), let type = model.type(tensor)
    else {
      return nil
    }
    return Entry(type: type, key: "Model.Precision.\(tensor)", isForLayerName: false)
  }

  /// The tensors that the model's default reaches.
  private static let defaulted: Set<String> = [
    "result", "weight", "scale", "bias", "accum", "recurrent_weight", "recurrent_bias",
  ]

  func entry(_ role: TypePolicy.Role, of node: Node) -> Entry? {
    switch role {
    case .input: return entry("result", of: node)
    case .weight where node.layer.kind.hasSuffix("BatchNormalization"):
      return entry("scale", of: node) ?? entry("weight", of: node)
    case .weight, .bias, .result, .accumulator: return entry(role.rawValue, of: node)
    }
  }

  /// A setting of a layer that is not a type, looked up in the same order.
  public func setting<Value>(_ setting: KeyPath<Scope, Value?>, of node: Node) -> Value? {
    layerNames[node.name.lowercased()]?[keyPath: setting]
      ?? layerNames[node.layer.name.lowercased()]?[keyPath: setting]
      ?? layerTypes[layerType(node).lowercased()]?[keyPath: setting] ?? model[keyPath: setting]
  }

  /// What `LayerType` calls a node: hls4ml's name for what it computes; the framework's class in a configuration that
  /// fpgaml wrote.
  private func layerType(_ node: Node) -> String {
    model.implementation == "fpgaml" ? node.layer.kind : node.hls4mlClass
  }
}

extension Configuration {
  /// Whether `Implementation: fpgaml` asks for fpgaml's own, correctly rounded tables instead of hls4ml's.
  func asksForOwnTables(_ node: Node) -> Bool { setting(\.implementation, of: node) == "fpgaml" }
}

extension Configuration.Scope {
  /// The type of a tensor; `.some(nil)` for `auto`, nil where nothing is said.
  func type(_ tensor: String) -> FixedType?? { types[tensor] ?? types["default"] }
}
