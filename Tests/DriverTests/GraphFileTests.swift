import Diagnostics
import FixedPoint
import Foundation
import Functions
import Graph
import GraphTestSupport
import Testing

@testable import Driver

@Suite("graph.json as a model")
struct GraphFileTests {
  @Test("the graph of a build compiles to the same files", arguments: 0..<7)
  func roundTrip(number: Int) throws {
    let folder = try TemporaryFolder()
    let graph = RandomGraph.compilable(7, from: 1)[number]
    let first = try Tiny.build(graph, into: folder.url, name: "a")
    let again = folder.url.appendingPathComponent("b")
    var request = CompileRequest(
      model: ModelRequest(path: first.url.appendingPathComponent("graph.json").path))
    request.verification.scope = nil
    _ = try Compilation(request).build(into: again.path)
    #expect(TemporaryFolder.contents(of: first.url) == TemporaryFolder.contents(of: again))
  }

  /// Every way in which a small edit makes a graph.json wrong.
  @Test(
    "a damaged graph is refused",
    arguments: [
      ("\"shape\":[2]", "\"shape\":[3]"), ("\"shape\":[2]", "\"shape\":[-2]"),
      ("\"shape\":[2]", "\"shape\":[4611686018427387904,4611686018427387904]"),
      ("\"raw\":[1,2,3,4]", "\"raw\":[1,2,3]"), ("\"raw\":[1,2,3,4]", "\"raw\":[1,2,3,5]"),
      ("\"width\":6", "\"width\":7"), ("\"width\":6", "\"width\":-1"), ("\"width\":5", "\"width\":4000"),
      ("\"operands\":[0]", "\"operands\":[1]"), ("\"operands\":[0]", "\"operands\":[-1]"),
      ("\"count\":2", "\"count\":3"), ("\"nodes\"", "\"edges\""),
    ])
  func damage(from: String, to: String) throws {
    let folder = try TemporaryFolder()
    let text = try Tiny.dense(weights: [1, 2, 3, 4], inputs: 2).encoded()
    try #require(text.contains(from), "the fixture has no \(from)")
    let file = folder.url.appendingPathComponent("graph.json")
    try Data(text.replacingOccurrences(of: from, with: to).utf8).write(to: file)
    #expect(throws: CompilationFailed.self) { try ModelRequest(path: file.path).load() }
  }

  @Test("options that would change types are refused")
  func options() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("graph.json")
    try Data(Tiny.dense(weights: [1, 2], inputs: 2).encoded().utf8).write(to: file)
    let type = FixedType(width: 8, integerBits: 3)
    for request in [
      ModelRequest(path: file.path, precision: type), ModelRequest(path: file.path, configuration: "c.yml"),
      ModelRequest(path: file.path, output: .argmax),
    ] {
      let failure = #expect(throws: CompilationFailed.self) { try request.load() }
      #expect(failure?.diagnostics.first?.code == "C100")
    }
  }

  @Test("absurd models compile to what the simulator says, or are refused with a reason")
  func absurd() throws {
    let folder = try TemporaryFolder()
    for (name, graph) in try AbsurdModels.all() {
      do {
        let build = try Tiny.build(graph, into: folder.url, name: name)
        let circuit = try Compilation(
          CompileRequest(model: ModelRequest(path: build.url.appendingPathComponent("graph.json").path))
        ).plan.circuit
        #expect(circuit.verify().isEmpty, "\(name)")
      } catch let failure as CompilationFailed {
        #expect(failure.status != .internalError, "\(name): \(failure)")
        #expect(failure.diagnostics.allSatisfy { !$0.message.isEmpty }, "\(name)")
      }
    }
  }

  @Test(
    "absurd models agree with their Verilog and C++",
    .enabled(if: ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] != nil))
  func absurdVerified() throws {
    let folder = try TemporaryFolder()
    for (name, graph) in try AbsurdModels.all() {
      let file = folder.url.appendingPathComponent("\(name).json")
      try Data(graph.encoded().utf8).write(to: file)
      var request = CompileRequest(model: ModelRequest(path: file.path))
      request.verification.samples = 50
      do {
        let report = try Compilation(request).build(into: folder.url.appendingPathComponent(name).path)
        #expect(report.verdict?.problems.isEmpty == true, "\(name): \(report.verdict?.summary ?? "")")
      } catch let failure as CompilationFailed {
        #expect(failure.status == .badInput, "\(name): \(failure)")
      }
    }
  }
}

/// Models that nobody trains and that somebody compiles.
enum AbsurdModels {
  static func all() throws -> [(String, Graph)] {
    let wide = FixedType(width: 6, integerBits: 3)
    let nothing = FixedType(width: 0, integerBits: 0)
    var models: [(String, Graph)] = [
      ("one_neuron", try Tiny.dense(weights: [3], inputs: 1)),
      ("one_bit", try Tiny.dense(weights: [1], inputs: 1, type: FixedType(width: 1, integerBits: 1))),
      ("zero_weights", try Tiny.dense(weights: [0, 0, 0, 0], inputs: 2)),
      ("some_constant_outputs", try Tiny.dense(weights: [1, 0, 2, 0], inputs: 2, result: nil)),
      ("unused_inputs", try Tiny.dense(weights: [0, 0, 5, 1, 0, 0], inputs: 3)),
      ("zero_width_inputs", try Tiny.dense(weights: [1, 2], inputs: 2, type: nothing)),
      ("zero_width_results", try Tiny.dense(weights: [1, 2], inputs: 2, result: nothing)),
      ("module", try Tiny.dense(weights: [1, 2], inputs: 2)),
    ]
    var through = Graph(name: "wire", framework: "none")
    through.outputs = [Graph.Output(name: "y", node: Tiny.input(&through, wide, count: 3))]
    models.append(("wire", through))
    var same = Graph(name: "same", framework: "none")
    let x = Tiny.input(&same, wide, count: 2)
    let zero = try Tiny.add(&same, .combine(.subtract), [x, x], "zero")
    same.outputs = [Graph.Output(name: "y", node: zero), Graph.Output(name: "y", node: zero)]
    models.append(("one_node_two_outputs", same))
    var two = Graph(name: "two", framework: "none")
    _ = Tiny.input(&two, wide, count: 2, name: "never_read")
    let read = Tiny.input(&two, wide, count: 2, name: "clk")
    let sum = try Tiny.add(&two, .reduce(.sum), [read], "always")
    two.outputs = [Graph.Output(name: "rst", node: sum)]
    models.append(("unused_input_tensor", two))
    var constant = Graph(name: "constant", framework: "none")
    let weights = Weights(raw: [3, -4], exponent: -1, shape: [2])
    constant.outputs = [
      Graph.Output(name: "y", node: try Tiny.add(&constant, .constant(weights), [], "c"))
    ]
    models.append(("no_input", constant))
    return models
  }
}
