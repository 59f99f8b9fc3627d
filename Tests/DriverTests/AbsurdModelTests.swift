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
  @Test(
    "what works gives the same bits in the simulator, C++ and Verilog",
    .enabled(if: Tool.find("verilator") != nil && APTypes.folder != nil, "the tools are not installed"))
  func verified() throws {
    let folder = try TemporaryFolder()
    let graph = Graph.joined(try AbsurdModels.all().map(\.graph), name: "absurd")
    let build = try Tiny.build(graph, into: folder.url, name: "absurd")
    var request = VerificationRequest()
    request.samples = 50
    let verdict = try VerifyRequest(folder: build, verification: request).run()
    #expect(verdict.passed, "\(verdict.problems)")
    #expect(verdict.rtl != nil && verdict.hls != nil)
  }

  @Test(
    "so does each as a design of its own, with its own names",
    .enabled(if: ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] != nil))
  func verifiedAlone() throws {
    let folder = try TemporaryFolder()
    for (name, graph) in try AbsurdModels.all() {
      let file = folder.url.appendingPathComponent("\(name).json")
      try Data(graph.encoded().utf8).write(to: file)
      var request = CompileRequest(model: ModelRequest(path: file.path))
      request.verification.samples = 50
      let report = try Compilation(request).build(into: folder.url.appendingPathComponent(name).path)
      #expect(report.verdict?.problems.isEmpty == true, "\(name): \(report.verdict?.summary ?? "")")
    }
  }

  @Test("each is a build of its own, and is predicted", .enabled(if: CommandLineTool.url != nil))
  func commands() throws {
    for (name, graph) in try AbsurdModels.all() {
      let folder = try TemporaryFolder()
      let build = try Tiny.build(graph, into: folder.url, name: name).url.path
      let circuit = try Compilation(CompileRequest(model: ModelRequest(path: "\(build)/graph.json"))).plan
        .circuit
      #expect(circuit.verify().isEmpty, "\(name)")
      if graph.inputs.count == 1 {
        let inputs = folder.url.appendingPathComponent("x.csv").path
        let line = Array(repeating: "0.25", count: graph[graph.inputs[0]].count).joined(separator: ",")
        try Data("\(line)\n\(line)\n".utf8).write(to: URL(fileURLWithPath: inputs))
        let outputs = folder.url.appendingPathComponent("y.npz").path
        let status = try CommandLineTool.run(["predict", build, "--inputs", inputs, "-o", outputs])
        #expect(status == 0, "\(name)")
      }
      #expect(try CommandLineTool.run(["report", build, "--json"]) == 0, "\(name)")
      #expect(try CommandLineTool.run(["diff", build, build]) == 0, "\(name)")
    }
  }

  @Test("more operations than can be unrolled are refused before anything is done with them")
  func size() throws {
    let count = 1 << 12
    let weights = Array(repeating: Int64(1), count: count * 257)
    let graph = try Tiny.dense(weights: weights, inputs: count, result: nil)
    let infeasible = #expect(throws: Infeasible.self) { try graph.requireCompilableSize() }
    #expect(infeasible?.failure.diagnostics.first?.code == "P005")
    #expect(infeasible?.failure.status == .infeasible)
    #expect(infeasible?.critical == ["fc (\(weights.count) operations)"])
  }

  /// Dense layers of one neuron, one behind the other.
  private static func chain(_ weights: [Double]) -> Graph {
    var graph = Graph(name: "chain", framework: "none")
    var x = graph.add(.input(shape: [1]), name: "x", layer: FloatModels.layer("x", "InputLayer"))
    for (number, weight) in weights.enumerated() {
      let linear = Linear(inputs: 1, outputs: 1, weights: Weights(real: [weight], shape: [1, 1, 1]))
      let name = "fc\(number)"
      x = graph.add(.linear(linear), [x], name: name, layer: FloatModels.layer(name, "Dense"))
    }
    graph.outputs = [Graph.Output(name: "y", node: x)]
    return graph
  }

  @Test("more bits than the compiler computes with are refused with the layer")
  func width() throws {
    let deep = Self.chain(Array(repeating: 0.7, count: 40))
    let sums = #expect(throws: CompilationFailed.self) { try Typer.type(deep, TypePolicy()) }
    #expect(sums?.diagnostics.first?.code == "T010")
    guard case .layer(let name)? = sums?.diagnostics.first?.location else {
      Issue.record("no layer is named")
      return
    }
    #expect(name.hasPrefix("fc"))
    // Weights are kept in 64 bits.
    let policy = TypePolicy(precision: FixedType(width: 110, integerBits: 10))
    let weights = #expect(throws: CompilationFailed.self) { try Typer.type(Self.chain([0.25, 0.7]), policy) }
    #expect(weights?.diagnostics.map(\.code) == ["T013", "T013"])
    #expect(weights?.diagnostics.first?.location == .layer("fc0"))
    _ = try Typer.type(Self.chain([0.25, 0]), TypePolicy(precision: FixedType(width: 66, integerBits: 4)))
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
