import AdderGraphs
import Circuit
import Diagnostics
import FixedPoint
import Graph

/// A typed graph as pure circuits: one for each node, and the whole.
public struct Lowered: Sendable {
  /// The whole model between its inputs and outputs.
  public var circuit: Circuit
  /// One function for each node that computes something, in order.
  public var functions: [NodeFunction]
}

/// One node as a circuit of its own: its input ports are the node's operands, its output port the node's tensor.
public struct NodeFunction: Sendable {
  public var node: NodeID
  public var circuit: Circuit
  /// Of a scan, whose circuit is one step: how it repeats.
  public var repetition: StepFunction?
}

/// What lowering may spend, and for which fabric.
public struct LoweringOptions: Hashable, Sendable {
  public var effort: SearchEffort
  public var target: AdderTarget
  public var linearForm: LinearForm
  public var depth: GraphDepth

  /// What constant matrices become.
  public enum LinearForm: Hashable, Sendable {
    /// Shared shift-and-add graphs, as hardware has them.
    case adderGraphs
    /// Sums of products with constants, found without search: for simulation.
    case products
  }

  public init(
    effort: SearchEffort = .balanced, target: AdderTarget = .lut6, linearForm: LinearForm = .adderGraphs,
    depth: GraphDepth = .free
  ) {
    self.effort = effort
    self.target = target
    self.linearForm = linearForm
    self.depth = depth
  }
}

/// How deep adder graphs may be: deeper ones are smaller.
public enum GraphDepth: Hashable, Sendable {
  /// As deep as pays.
  case free
  /// Each layer within a percentage, 100 or more, of the least time in which its sums can be made from when their
  /// operands arrive.
  case limited(percent: Int)
}

extension Graph {
  /// Lowers a typed graph to circuits.
  ///
  /// - Throws: T010 where a value inside a node needs more bits than the compiler computes with; P020 for a recurrent
  ///   layer that no part holds unrolled.
  public func lowered(_ options: LoweringOptions) throws(CompilationFailed) -> Lowered {
    try refuseLargeScans()
    var solutions = AdderGraphSolutions(options)
    var whole = NodeLowering(self, name: name, solutions: solutions, offsets: RoundingOffsets(self))
    var functions: [NodeFunction] = []
    for (index, node) in nodes.enumerated() {
      let id = NodeID(index)
      do {
        try whole.lower(id)
        solutions = whole.solutions
        if !node.primitive.isInput {
          functions.append(try function(of: id, &solutions))
        }
      } catch {
        throw CompilationFailed(
          "T010", "'\(node.name)' needs more than \(FixedType.maximumWidth) bits inside",
          at: .layer(node.layer.name))
      }
    }
    for output in outputs { whole.output(output.node, name: output.name) }
    return Lowered(circuit: whole.builder.circuit, functions: functions)
  }

  /// The circuit of one node, with its operands as input ports.
  private func function(of id: NodeID, _ solutions: inout AdderGraphSolutions) throws(WidthOverflow)
    -> NodeFunction
  {
    let node = self[id]
    if case .scan(let scan) = node.primitive {
      return NodeFunction(
        node: id, circuit: try step(scan, named: node.name, &solutions),
        repetition: StepFunction(steps: node.shape[0], sequences: scan.sequences))
    }
    var lowering = NodeLowering(self, name: node.name, solutions: solutions)
    for operand in node.operands where lowering.tensors[operand.index].isEmpty { lowering.input(operand) }
    try lowering.lower(id)
    lowering.output(id, name: node.name)
    return NodeFunction(node: id, circuit: lowering.builder.circuit)
  }
}

/// Lowers nodes of a graph into one circuit. There is one file for each primitive.
struct NodeLowering {
  let graph: Graph
  var builder: CircuitBuilder
  /// The values of each node's tensor, empty until it is lowered.
  var tensors: [[Value]]
  var solutions: AdderGraphSolutions
  /// By how much values differ from those of the graph, so that quantizers round by cutting bits off.
  let offsets: RoundingOffsets
  /// Whether linear maps are solved for the ranges of their operands' types, even where values are known better. Then
  /// equal maps with equal types have one solution, wherever they stand.
  var usesTypes = false
  /// Whether all of the graph is one instance of what repeats around it.
  var isInsideInstance = false
  var arrivals: ArrivalTimes

  init(_ graph: Graph, name: String, solutions: AdderGraphSolutions, offsets: RoundingOffsets = .none) {
    self.graph = graph
    self.solutions = solutions
    self.offsets = offsets
    arrivals = ArrivalTimes(target: solutions.options.target)
    builder = CircuitBuilder(name: name)
    tensors = Array(repeating: [], count: graph.nodes.count)
  }

  /// The exact type of a node's tensor.
  func type(_ id: NodeID) -> TensorType {
    guard let type = graph[id].type else { preconditionFailure("'\(graph[id].name)' has no type") }
    return type
  }

  /// Makes a node's tensor an input port.
  mutating func input(_ id: NodeID) {
    let node = graph[id]
    tensors[id.index] = builder.input(
      node.name, shape: node.shape, formats: type(id).formats.array, origin: builder.origin(node.layer.name))
  }

  /// Makes a node's tensor an output port, in the formats of its type.
  mutating func output(_ id: NodeID, name: String) {
    let elements = zip(type(id).formats.array, tensors[id.index]).map { Port.Element($0, value: $1) }
    builder.output(name, shape: graph[id].shape, elements: elements)
  }

  /// Computes a node's tensor from those of its operands.
  mutating func lower(_ id: NodeID) throws(WidthOverflow) {
    let node = graph[id]
    let origin = builder.origin(node.layer.name)
    let operands = node.operands.map {
      Tensor(values: tensors[$0.index], type: type($0), shape: graph[$0].shape)
    }
    let result: [Value]
    switch node.primitive {
    case .input:
      input(id)
      return
    case .constant(let weights): result = constant(weights, type(id), origin)
    case .linear(let linear): result = try lower(linear, operands[0], offsets: offsets[id], origin)
    case .contract: result = try contract(operands, type(id), origin)
    case .gather(let gather): result = try lower(gather, operands[0], name: node.name, origin)
    case .combine(let kind): result = try lower(kind, operands, type(id), origin)
    case .map(let map): result = try lower(map, operands[0], name: node.name, origin)
    case .quantize(let quantizer):
      result = try lower(quantizer, operands[0], offsets: offsets[node.operands[0]], origin)
    case .reduce(let kind): result = try lower(kind, operands[0], type(id), origin)
    case .rearrange(let rearrangement): result = try lower(rearrangement, operands, origin)
    case .forest(let forest): result = try lower(forest, operands[0], origin)
    case .scan(let scan): result = try lower(scan, operands, node.shape[0], origin)
    }
    defer { if !isInsideInstance { builder.instance = 0 } }
    if offsets[id] != nil {
      tensors[id.index] = result
      return
    }
    // Interval arithmetic on the operations is looser than the exact types of the graph.
    tensors[id.index] = zip(result, type(id).formats.array).map {
      joinInstance(of: $0)
      return builder.narrow($0, to: $1.range, origin: origin)
    }
  }

  /// What is made next is one of several alike, such as a kernel at one position.
  mutating func startInstance() {
    if !isInsideInstance { builder.instance = builder.newInstance() }
  }

  /// What is made next needs this value alone, and belongs where it was made.
  mutating func joinInstance(of value: Value) {
    if !isInsideInstance { builder.instance = builder[value].instance }
  }
}

/// An operand: its values with their exact type.
struct Tensor {
  var values: [Value]
  var type: TensorType
  var shape: [Int]
}
