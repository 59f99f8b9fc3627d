import Diagnostics
import FixedPoint
import Foundation
import Graph
import GraphTestSupport
import Planning
import Precision
import Testing

@testable import Driver
@testable import Verification

/// Models at the edge of what a model is: they work, bit for bit, or are refused with a reason.
@Suite("Absurd models")
struct AbsurdModelTests {
  /// A typed graph with the layers that `body` adds to an input of these types.
  private static func graph(
    _ types: [FixedType], _ body: (inout Graph, NodeID) throws -> [NodeID]
  ) rethrows -> Graph {
    var graph = Graph(name: "absurd", framework: "none")
    let x = Tiny.input(&graph, types.first ?? FixedType(width: 1, integerBits: 1), count: types.count)
    graph[x].inputTypes = PerElement(types)
    graph[x].type = TensorType(PerElement(types.map { Format($0) }))
    graph.outputs = try body(&graph, x).enumerated().map { Graph.Output(name: "y\($0)", node: $1) }
    return graph
  }

  private static func dense(
    _ graph: inout Graph, _ x: NodeID, _ weights: [Int64], exponent: Int = -2, bias: [Int64] = [],
    name: String = "fc"
  ) throws -> NodeID {
    let (inputs, outputs) = (graph[x].count, weights.count / graph[x].count)
    let linear = Linear(
      inputs: inputs, outputs: outputs,
      weights: Weights(raw: weights, exponent: exponent, shape: [1, inputs, outputs]),
      bias: bias.isEmpty ? nil : Weights(raw: bias, exponent: exponent, shape: [1, outputs]))
    return try Tiny.add(&graph, .linear(linear), [x], name)
  }

  private static func quantize(
    _ graph: inout Graph, _ x: NodeID, _ types: [FixedType], name: String = "q"
  ) throws -> NodeID {
    try Tiny.add(&graph, .quantize(.fixed(PerElement(types))), [x], name)
  }

  private static let six = FixedType(width: 6, integerBits: 3)
  private static let none = FixedType(width: 0, integerBits: 0)

  /// What works.
  private static func sound() throws -> [(name: String, graph: Graph)] {
    [
      ("one neuron", try graph([six]) { [try dense(&$0, $1, [3], bias: [-1])] }),
      ("weights of zero", try graph([six, six]) { [try dense(&$0, $1, [0, 0, 0, 0])] }),
      ("constant outputs", try graph([six, six]) { [try dense(&$0, $1, [0, 0, 0, 0], bias: [5, -9])] }),
      ("unused inputs", try graph([six, six, six]) { [try dense(&$0, $1, [0, 7, 0])] }),
      ("an input that is an output", graph([six, six]) { [$1] }),
      (
        "an output twice",
        try graph([six]) {
          let y = try dense(&$0, $1, [3])
          return [y, y]
        }
      ),
      ("inputs without bits", try graph([none, six, none]) { [try dense(&$0, $1, [1, 2, 3])] }),
      ("no input bits at all", try graph([none]) { [try dense(&$0, $1, [5], bias: [2])] }),
      (
        "outputs without bits",
        try graph([six, six]) { [try quantize(&$0, $1, [none, FixedType(width: 3, integerBits: 2)])] }
      ),
      (
        "a layer without bits between two",
        try graph([six, six]) {
          let inner = try quantize(&$0, $1, [none, none])
          return [try dense(&$0, inner, [1, 2], bias: [3])]
        }
      ),
      ("huge weights", try graph([six]) { [try dense(&$0, $1, [1 << 40, -(1 << 40) + 1], exponent: 60)] }),
      ("tiny weights", try graph([six]) { [try dense(&$0, $1, [1, -3], exponent: -100)] }),
      (
        "all binary points outside of the number",
        try graph([FixedType(width: 3, integerBits: 40), FixedType(width: 3, integerBits: -37)]) {
          [
            try quantize(
              &$0, $1, [FixedType(width: 2, integerBits: 39), FixedType(width: 9, integerBits: -33)])
          ]
        }
      ),
    ]
  }

  @Test(
    "what works gives the same bits in the simulator, C++ and Verilog",
    .enabled(if: Tool.find("verilator") != nil && APTypes.folder != nil, "the tools are not installed"))
  func verified() throws {
    let folder = try TemporaryFolder()
    let graph = Graph.joined(try Self.sound().map(\.graph), name: "absurd")
    let build = try Tiny.build(graph, into: folder.url, name: "absurd")
    var request = VerificationRequest()
    request.samples = 50
    let verdict = try VerifyRequest(folder: build, verification: request).run()
    #expect(verdict.passed, "\(verdict.problems)")
    #expect(verdict.rtl != nil && verdict.hls != nil)
  }

  @Test("each is a build of its own, and is predicted", .enabled(if: CommandLineTool.url != nil))
  func commands() throws {
    for (name, graph) in try Self.sound() {
      let folder = try TemporaryFolder()
      let build = try Tiny.build(graph, into: folder.url, name: "build").url.path
      let inputs = folder.url.appendingPathComponent("x.csv")
      let line = Array(repeating: "0.25", count: graph[graph.inputs[0]].count).joined(separator: ",")
      try Data("\(line)\n\(line)\n".utf8).write(to: inputs)
      let outputs = folder.url.appendingPathComponent("y.npz").path
      #expect(
        try CommandLineTool.run(["predict", build, "--inputs", inputs.path, "-o", outputs]) == 0, "\(name)")
      #expect(try CommandLineTool.run(["report", build, "--json"]) == 0, "\(name)")
      #expect(try CommandLineTool.run(["diff", build, build]) == 0, "\(name)")
    }
  }

  @Test("more operations than can be unrolled are refused before anything is done with them")
  func size() throws {
    let count = 1 << 12
    let weights = Array(repeating: Int64(1), count: count * 257)
    let graph = try Self.graph(Array(repeating: Self.six, count: count)) {
      [try Self.dense(&$0, $1, weights)]
    }
    let infeasible = #expect(throws: Infeasible.self) { try graph.requireCompilableSize() }
    #expect(infeasible?.failure.diagnostics.first?.code == "P005")
    #expect(infeasible?.failure.status == .infeasible)
    #expect(infeasible?.critical == ["fc (\(weights.count) operations)"])
  }

  @Test("more bits than the compiler computes with are refused with the layer")
  func width() {
    var graph = FloatModels.dense()
    for index in graph.nodes.indices {
      guard case .linear(var linear) = graph.nodes[index].primitive else { continue }
      let values = (0..<linear.weights.count).map { $0 % 2 == 0 ? 1e30 : 1e-30 }
      linear.weights = Weights(real: values, shape: linear.weights.shape)
      graph.nodes[index].primitive = .linear(linear)
    }
    let policy = TypePolicy(precision: FixedType(width: 110, integerBits: 60))
    let failure = #expect(throws: CompilationFailed.self) { try Typer.type(graph, policy) }
    #expect(failure?.diagnostics.first?.code == "T010")
    #expect(failure?.diagnostics.first?.location == .layer("fc1"))
  }

  @Test("the class that --output argmax gives is never rounded or wrapped, whatever --precision says")
  func argmax() throws {
    let source = FloatModels.dense().selecting(.argmax)
    for type in [FixedType(width: 2, integerBits: 1), FixedType(width: 8, integerBits: 6)] {
      let typed = try Typer.type(source, TypePolicy(precision: type)).graph
      let output = try #require(typed[typed.outputs[0].node].type)
      #expect(output.formats[0].range == Interval(0, 2) && output.formats[0].exponent == 0, "\(type)")
    }
  }
}
