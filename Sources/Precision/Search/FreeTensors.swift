import FixedPoint
import Functions
import Graph

/// The tensors of a graph whose types nothing decides, with what every choice of a type costs and how much noise it
/// makes.
struct FreeTensors: Sendable {
  /// Results, by channel of the last axis.
  struct Results: Sendable {
    var node: Int
    /// One for each group of channels that shares a type: all, or each alone.
    var groups: [Group<ResultOption>]
    var channels: Int
    /// The group of a channel.
    func group(_ channel: Int) -> Int { groups.count == 1 ? 0 : channel }
  }

  /// Weights of a linear node, a group for each output channel.
  struct Matrix: Sendable {
    var node: Int
    var groups: [Group<WeightOption>]
    /// For each group of the linear node and each of its inputs: the free result that it reads, and its channel.
    var sources: [(result: Int, channel: Int)?]
    /// Positions at which the matrix stands in hardware.
    var positions: Int
    /// Columns of weights for each group of the linear node.
    var outputs: Int
    var hasFreeBias: Bool

    /// The first of the sources that an output channel reads.
    func firstSource(_ channel: Int) -> Int {
      channel / outputs * (sources.count / (groups.count / outputs))
    }
  }

  /// Elements of one type, and the types that it may have, from the coarsest.
  struct Group<Option: Sendable>: Sendable {
    var options: [Option]
  }

  struct ResultOption: Sendable {
    var type: FixedType
    /// The distortion of the outputs.
    var noise: Double
  }

  struct WeightOption: Sendable {
    var type: FixedType
    var noise: Double
    /// Signed digits of each weight, by input.
    var digits: [UInt8]
  }

  var results: [Results] = []
  var matrices: [Matrix] = []
  /// Elements of a result's channel, by result.
  var elements: [Int] = []

  var isEmpty: Bool { results.isEmpty && matrices.isEmpty }
}

/// Which tensors are free, before anything is known of their values.
struct FreeTensorFinder {
  let graph: Graph
  let policy: TypePolicy
  private let typer: Typer
  private let isInsideSoftmax: Set<Int>

  init(_ graph: Graph, _ policy: TypePolicy) {
    self.graph = graph
    self.policy = policy
    typer = Typer(graph, policy)
    isInsideSoftmax = ConfigurationWriter.insideSoftmax(graph)
  }

  func isFreeResult(_ index: Int) -> Bool {
    let node = graph.nodes[index]
    let id = NodeID(index)
    if isInsideSoftmax.contains(index) || typer.isQuantizedNext(id) { return false }
    if node.primitive.isInput {
      return policy.choice(.input, of: node) == nil && policy.calibration?.elementTypes[node.name] == nil
    }
    if policy.isFullyQuantized || policy.choice(.result, of: node) != nil { return false }
    switch node.primitive {
    case .map: return true
    // Sums are exact; only where another matrix follows are they worth shortening.
    case .linear: return isMultiplied(id)
    default: return false
    }
  }

  /// Whether a type for each channel costs nothing: a table would be needed for each.
  func hasOneType(_ index: Int) -> Bool {
    switch graph.nodes[index].primitive {
    case .map(let map): !map.isRectifier
    case .input: true
    default: false
    }
  }

  func areFreeWeights(_ weights: Weights, _ role: TypePolicy.Role, _ index: Int) -> Bool {
    !weights.isExact && !policy.isFullyQuantized && policy.choice(role, of: graph.nodes[index]) == nil
  }

  private func isMultiplied(_ id: NodeID) -> Bool {
    typer.consumers[id.index].contains { consumer in
      switch graph[consumer].primitive {
      case .linear, .combine(.multiply): !isInsideSoftmax.contains(consumer.index)
      case .rearrange: isMultiplied(consumer)
      default: false
      }
    }
  }
}
