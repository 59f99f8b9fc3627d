import FixedPoint
import Graph

/// Types that a search chose for tensors that nothing else decides.
public struct ChosenTypes: Hashable, Sendable {
  /// A tensor of a node.
  public struct Key: Hashable, Sendable {
    public var node: String
    public var role: TypePolicy.Role

    public init(node: String, role: TypePolicy.Role) {
      self.node = node
      self.role = role
    }
  }

  /// One type for each channel: of a result the last axis; of weights and biases groups times outputs.
  public private(set) var types: [Key: PerElement<FixedType>] = [:]

  public init() {}

  public subscript(key: Key) -> PerElement<FixedType>? {
    get { types[key] }
    set { types[key] = newValue }
  }

  func decision(_ role: TypePolicy.Role, of node: Node) -> TypePolicy.Decision? {
    guard let types = types[Key(node: node.name, role: role)] else { return nil }
    return TypePolicy.Decision(types.array, source: .calibration)
  }
}

extension TypePolicy.Decision {
  /// A type for each channel; equal ones are one type for the tensor.
  init(_ channels: [FixedType], source: TypeSource) {
    let isUniform = channels.dropFirst().allSatisfy { $0 == channels[0] }
    self.init(
      type: FixedType.covering(channels), source: source, channels: isUniform ? [] : channels)
  }

  /// The types of `count` elements in row-major order, whose last axis are the channels.
  func types(count: Int) -> PerElement<FixedType> {
    if channels.isEmpty { return PerElement(repeating: type, count: count) }
    return PerElement((0..<count).map { channels[$0 % channels.count] })
  }

  /// The type of one channel.
  func type(channel: Int) -> FixedType { channels.isEmpty ? type : channels[channel % channels.count] }

  /// The type, or the list of types, as a configuration spells it.
  var text: String {
    if channels.isEmpty { return "\(type)" }
    return "[" + channels.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
  }
}

extension FixedType {
  /// The narrowest type that holds all values of some types, with the modes of the first.
  static func covering(_ types: [FixedType]) -> FixedType {
    guard let first = types.first else { return FixedType(width: 1, integerBits: 1) }
    let isSigned = types.contains(where: \.isSigned)
    let exponent = types.map(\.exponent).min() ?? 0
    let integerBits = types.map { $0.integerBits + (isSigned && !$0.isSigned ? 1 : 0) }.max() ?? 0
    return FixedType(
      width: min(max(1, integerBits - exponent), maximumWidth), integerBits: integerBits, isSigned: isSigned,
      rounding: first.rounding, overflow: first.overflow)
  }

  /// The narrowest type of an exponent that holds a range of raw integers, with the modes of calibrated types.
  static func holding(_ range: ClosedRange<Int>, exponent: Int, rounding: Rounding = .rnd) -> FixedType {
    let interval = Interval(Int128(range.lowerBound), Int128(range.upperBound))
    let width = max(1, interval.width)
    return FixedType(
      width: width, integerBits: width + exponent, isSigned: interval.isSigned, rounding: rounding,
      overflow: .sat)
  }
}

extension ChosenTypes {
  /// What the types change in the float model.
  func changes(of graph: Graph) -> BatchInterpreter.Changes {
    var changes = BatchInterpreter.Changes()
    for (index, node) in graph.nodes.enumerated() {
      let role: TypePolicy.Role = node.primitive.isInput ? .input : .result
      if let types = self[Key(node: node.name, role: role)] {
        changes.results[index] = types.array.map { ChannelRounding($0) }
      }
      guard case .linear(let linear) = node.primitive else { continue }
      if let types = self[Key(node: node.name, role: .weight)] {
        let values = linear.weights.values
        changes.weights[index] = values.indices.map { i in
          let channel = i / (linear.inputs * linear.outputs) * linear.outputs + i % linear.outputs
          return types[channel].rounded(values[i])
        }
      }
      if let types = self[Key(node: node.name, role: .bias)], let bias = linear.bias {
        changes.biases[index] = bias.values.enumerated().map { types[$0].rounded($1) }
      }
    }
    return changes
  }
}

extension FixedType {
  /// The value that a number becomes in the type.
  fileprivate func rounded(_ value: Double) -> Double { convert(value).map { self.value($0) } ?? value }
}
