import Diagnostics
import FixedPoint
import Foundation
import Graph
import Lowering
import Planning
import Precision
import Readers
import Testing

@testable import Driver

@Suite("Recurrent layers from a file to verified firmware", .serialized)
struct RecurrentTests {
  private static let models = packageRoot.appendingPathComponent("Tests/Models")

  @Test("simulator, Verilog and C++ agree", arguments: ["keras2/recurrent_named.h5"])
  func threeWays(_ model: String) throws {
    let folder = try TemporaryFolder()
    var request = CompileRequest(model: ModelRequest(path: Self.models.appendingPathComponent(model).path))
    request.plan.effort = .fast
    request.model.precision = try FixedType(parsing: "fixed<8,3,RND,SAT>")
    (request.verification.samples, request.verification.seed) = (40, 3)
    let verdict = try #require(
      try Compilation(request).build(into: folder.url.appendingPathComponent("net").path).verdict)
    #expect(verdict.passed, "\(verdict.problems)")
    #expect(verdict.rtl?.mismatches == 0 && verdict.hls?.mismatches == 0)
  }

  @Test("every configuration of every layer has types that hold its values, and survives graph.json")
  func types() throws {
    for model in ["keras3/recurrent.keras", "keras3/bidirectional.keras", "keras3/distributed.keras"] {
      let read = try ModelReader.read(Self.models.appendingPathComponent(model).path)
      let typed = try Typer.type(read.graph, TypePolicy(precision: FixedType(parsing: "fixed<10,4>"))).graph
      #expect(typed.verify().isEmpty && typed.verifyTypes().isEmpty, "\(model)")
      let again = try Graph.decoded(Data(typed.encoded().utf8), file: "graph.json")
      #expect(again == typed)
      let simulator = try ReferenceSimulator(typed)
      let types = typed.nodes.map { $0.type?.formats.array ?? [] }
      for extreme in [true, false] {
        let inputs = typed.inputs.map { id in
          types[id.index].map { extreme ? $0.range.upper : $0.range.lower }
        }
        for (values, formats) in zip(try simulator.run(inputs), types) {
          #expect(zip(values, formats).allSatisfy { $1.range.contains($0) }, "\(model)")
        }
      }
    }
  }

  /// A running sum of its input, which starts at `initial`.
  private func sum(steps: Int, initial: Double, width: Int = 1) -> Graph {
    let layer = Layer(name: "sum", kind: "LSTM", path: "")
    var body = Graph(name: "step", framework: "none")
    let x = body.add(.input(shape: [width]), name: "sum_x", layer: layer)
    let before = body.add(.input(shape: [width]), name: "sum_before", layer: layer)
    let ones = Weights(
      raw: (0..<(width * width)).map { _ in 1 }, exponent: 0, shape: [1, width, width])
    let spread = body.add(
      .linear(Linear(inputs: width, outputs: width, weights: ones)), [before], name: "sum_kept", layer: layer)
    let next = body.add(.combine(.add), [x, spread], name: "sum_next", layer: layer)
    body.outputs = [Graph.Output(name: "y", node: next), Graph.Output(name: "next", node: next)]
    var graph = Graph(name: "sums", framework: "none")
    let input = graph.add(.input(shape: [steps, width]), name: "x", layer: layer)
    let start = graph.add(
      .constant(Weights(real: Array(repeating: initial, count: width), shape: [width])), name: "start",
      layer: layer)
    let scan = graph.add(
      .scan(Scan(body: body, sequences: 1)), [input, start], name: "sum_steps", layer: layer)
    graph.outputs = [Graph.Output(name: "y", node: scan)]
    return graph
  }

  @Test("a state saturates in its declared type, and starts inside it")
  func states() throws {
    var policy = TypePolicy(precision: try FixedType(parsing: "fixed<6,6>"))
    var configuration = Configuration()
    configuration.model.implementation = "fpgaml"
    var scope = configuration.model
    scope.types["result"] = try FixedType(parsing: "fixed<5,5,RND,SAT>")
    configuration.layerNames["sum"] = scope
    policy.configuration = configuration
    let graph = try Typer.type(sum(steps: 4, initial: 40), policy).graph
    #expect(graph.verify().isEmpty && graph.verifyTypes().isEmpty)
    // The constant itself is -24 in fixed<6,6>, which the state holds as -16.
    let values = try ReferenceSimulator(graph).run([[1, 2, 30, -31]])
    #expect(values[graph.outputs[0].node.index] == [-15, -13, 15, -16])
    #expect(graph[graph.outputs[0].node].typeSource == .configuration("LayerName.sum.Precision.result"))
  }

  @Test("what no part holds unrolled is refused with its layer and size")
  func tooLarge() throws {
    let graph = try Typer.type(
      sum(steps: 1000, initial: 0, width: 40), TypePolicy(precision: FixedType(parsing: "fixed<6,6>"))
    ).graph
    do {
      _ = try graph.lowered(LoweringOptions())
      Issue.record("not refused")
    } catch {
      #expect(error.status == .infeasible && error.diagnostics.map(\.code) == ["P020"])
      #expect(error.description.contains("'sum'") && error.description.contains("1000 steps of 1600"))
    }
  }
}
