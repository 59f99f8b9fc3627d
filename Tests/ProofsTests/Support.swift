import Circuit
import CircuitTestSupport
import FixedPoint
import Graph
import GraphTestSupport
import Lowering
import Verification
import VerilogBackend

@testable import Proofs

/// A graph with the Verilog that was made of it.
struct ProvenDesign {
  var graph: Graph
  var circuit: Circuit
  var options: VerilogOptions
  var files: [VerilogFile]

  var interface: DesignInterface { DesignInterface(circuit, options) }

  /// Nil for graphs that cannot be lowered.
  init?(
    _ graph: Graph, latency: Int = 2, slack: Int = 2, seed: UInt64 = 0,
    options: VerilogOptions = VerilogOptions()
  ) throws {
    guard let lowered = try? graph.lowered(LoweringOptions(effort: .fast)) else { return nil }
    self.graph = graph
    self.options = options
    circuit = lowered.circuit.optimized().pipelined(latency: latency, slack: slack, seed: seed)
    files = try VerilogBackend.emit(circuit, options: options).filter { $0.path.hasSuffix(".v") }
      .map { VerilogFile(path: $0.path, text: $0.contents) }
  }

  func samples(_ count: Int, seed: UInt64 = 1) -> [[[Int128]]] {
    let formats = graph.inputs.map { graph[$0].type?.formats.array ?? [] }
    return Stimuli(formats: formats, count: count, seed: seed).samples
  }

  func prove(_ files: [VerilogFile]? = nil) throws -> ProofResult {
    try Prover.prove(
      files ?? self.files, graph, interface, samples: Array(samples(60).suffix(80)),
      maximumNodes: 1 << 16)
  }
}

extension DesignInterface {
  /// What the printer promises of a circuit's module.
  init(_ circuit: Circuit, _ options: VerilogOptions) {
    let module = ModuleInterface(circuit, options: options)
    func port(_ layout: PortLayout) -> Port {
      Port(name: layout.name, widths: layout.elements.map(\.width))
    }
    self.init(
      module: module.name, inputs: module.inputs.map(port), outputs: module.outputs.map(port),
      latency: module.latency, hasValid: options.ports == .valid, hasEnable: options.clockEnable)
  }
}

/// Small typed graphs with something of everything in them.
enum SmallDesigns {
  static let layer = Layer(name: "fc", kind: "Dense", path: "test")

  static func add(
    _ graph: inout Graph, _ primitive: Primitive, _ operands: [NodeID], _ name: String
  ) throws -> NodeID {
    let id = graph.add(primitive, operands, name: name, layer: Layer(name: name, kind: "test", path: ""))
    graph[id].type = try graph.exactType(graph[id])
    graph[id].typeSource = .exact
    return id
  }

  static func input(_ graph: inout Graph, _ type: FixedType, count: Int, rows: Int = 1) -> NodeID {
    let shape = rows == 1 ? [count] : [rows, count]
    let count = rows * count
    let id = graph.add(.input(shape: shape), name: "x", layer: Layer(name: "x", kind: "test", path: ""))
    graph[id].inputTypes = PerElement(repeating: type, count: count)
    graph[id].type = TensorType(PerElement(repeating: Format(type), count: count))
    graph[id].typeSource = .option
    return id
  }

  static func dense(
    _ graph: inout Graph, _ operand: NodeID, outputs: Int, random: inout SeededGenerator, name: String
  ) throws -> NodeID {
    let inputs = graph[operand].shape.last ?? 1
    let raw = (0..<(inputs * outputs)).map { _ in Int64.random(in: -31...31, using: &random) }
    var linear = Linear(
      inputs: inputs, outputs: outputs, weights: Weights(raw: raw, exponent: -4, shape: [1, inputs, outputs]))
    linear.bias = Weights(
      raw: (0..<outputs).map { _ in Int64.random(in: -20...20, using: &random) }, exponent: -3,
      shape: [1, outputs])
    return try add(&graph, .linear(linear), [operand], name)
  }

  static func quantize(_ graph: inout Graph, _ operand: NodeID, _ type: FixedType, _ name: String) throws
    -> NodeID
  {
    try add(
      &graph, .quantize(.fixed(PerElement(repeating: type, count: graph[operand].count))), [operand], name)
  }

  /// Two dense layers with a rectifier and roundings of the given kind between them, and an argmax beside the output.
  static func network(
    _ rounding: Rounding, _ overflow: Overflow, inputs: Int = 4, width: Int = 6, seed: UInt64 = 1
  ) throws -> Graph {
    var random = SeededGenerator(seed: seed)
    var graph = Graph(name: "net", framework: "none")
    let x = input(&graph, FixedType(width: width, integerBits: 3), count: inputs)
    let fc1 = try dense(&graph, x, outputs: 4, random: &random, name: "fc1")
    let relu = try add(
      &graph,
      .map(
        Map(
          .relu(maximum: nil, negativeSlope: 0, threshold: 0),
          form: .rectifier(Rectifier(maximum: nil, negativeSlope: Rational(0), threshold: Rational(0))))),
      [fc1], "relu")
    let narrow = FixedType(width: 6, integerBits: 2, isSigned: false, rounding: rounding, overflow: overflow)
    let q = try quantize(&graph, relu, narrow, "q")
    let fc2 = try dense(&graph, q, outputs: 3, random: &random, name: "fc2")
    let result = try quantize(
      &graph, fc2, FixedType(width: 8, integerBits: 5, rounding: rounding, overflow: overflow), "result")
    let best = try add(&graph, .reduce(.argmax), [result], "best")
    graph.outputs = [Graph.Output(name: "y", node: result), Graph.Output(name: "class", node: best)]
    return graph
  }

  /// A rectified layer at three positions, which is a module with three instances.
  static func positions(seed: UInt64 = 1) throws -> Graph {
    var random = SeededGenerator(seed: seed)
    var graph = Graph(name: "positions", framework: "none")
    let x = input(&graph, FixedType(width: 6, integerBits: 3), count: 3, rows: 3)
    let kernel = try dense(&graph, x, outputs: 4, random: &random, name: "kernel")
    let type = FixedType(width: 6, integerBits: 2, isSigned: false, rounding: .rnd, overflow: .sat)
    let q = try quantize(&graph, kernel, type, "q")
    let best = try add(&graph, .reduce(.maximum), [q], "best")
    graph.outputs = [Graph.Output(name: "y", node: best)]
    return graph
  }

  /// A table, a product, a maximum and a sum.
  static func functions(seed: UInt64 = 1) throws -> Graph {
    var random = SeededGenerator(seed: seed)
    var graph = Graph(name: "functions", framework: "none")
    let x = input(&graph, FixedType(width: 6, integerBits: 2), count: 4)
    let entries = (0..<64).map { _ in Int64.random(in: -60...60, using: &random) }
    let table = FunctionTable(first: -32, entries: entries, exponent: -4)
    let t = try add(
      &graph, .map(Map(.tanh, form: .tables([table], tableOfElement: PerElement(repeating: 0, count: 4)))),
      [x], "t")
    let product = try add(&graph, .combine(.multiply), [t, x], "product")
    let greater = try add(&graph, .combine(.maximum), [t, x], "greater")
    let sum = try add(&graph, .combine(.add), [product, greater], "sum")
    let type = FixedType(width: 7, integerBits: 4, rounding: .rndConv, overflow: .satSym)
    let q = try quantize(&graph, sum, type, "q")
    let total = try add(&graph, .reduce(.sum), [q], "total")
    let top = try add(&graph, .reduce(.maximum), [q], "top")
    graph.outputs = [Graph.Output(name: "total", node: total), Graph.Output(name: "top", node: top)]
    return graph
  }
}
