import Diagnostics
import FixedPoint
import Foundation
import Graph
import Precision
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@testable import Driver

@Suite("profile")
struct ProfileTests {
  private func model(_ graph: Graph, _ yaml: String? = nil, samples: Int = 60) throws -> TypedModel {
    let values = FloatModels.samples(graph, samples)
    var policy = TypePolicy(calibration: Calibration(graph, samples: values))
    if let yaml { policy.configuration = try Configuration.read(yaml: yaml, file: "c.yml").configuration }
    return TypedModel(
      source: graph, graph: try Typer.type(graph, policy).graph, parameters: 0,
      samples: InputSamples(values: values), policy: policy, notices: [])
  }

  @Test("a coarse type is named as the first deviation, and nothing before it")
  func firstDeviating() throws {
    let fine =
      "Model: {Implementation: fpgaml, Precision: {default: auto, weight: 'fixed<20,3,RND,SAT>', bias: 'fixed<20,9,RND,SAT>'}}\n"
    let none = try Profile(model(FloatModels.dense(), fine), threshold: 0.05)
    #expect(none.firstDeviating == nil)
    #expect(none.text.contains("no layer deviates by more than 5 %"))
    let coarse = fine + "LayerName: {fc2_relu: {Precision: {result: 'ufixed<3,3,TRN,SAT>'}}}\n"
    let profile = try Profile(model(FloatModels.dense(), coarse), threshold: 0.05)
    #expect(profile.firstDeviating?.name == "fc2_relu")
    #expect(profile.text.contains("first deviating layer: 'fc2_relu'"))
    #expect(profile.layers.map(\.name) == ["x", "fc1", "fc1_relu", "fc2", "fc2_relu", "output"])
    #expect(profile.layers.prefix(4).allSatisfy { $0.relativeError < 0.01 })
  }

  @Test("errors, ranges and what is lost are those of the values")
  func statistics() throws {
    var graph = Graph(name: "identity", framework: "none")
    let x = graph.add(.input(shape: [2]), name: "x", layer: FloatModels.layer("x", "InputLayer"))
    graph.outputs = [Graph.Output(name: "y", node: x)]
    let yaml = "LayerName: {x: {Precision: {result: 'fixed<4,3,RND,SAT>'}}}"
    var model = try model(graph, yaml)
    // In halves from −4 to 3.5: 8 is beyond, 1/5 becomes 0, 1/2 is held, 0 is 0.
    model.samples = InputSamples(values: [[[8, 0.2]], [[0.5, 0]]])
    let profile = try Profile(model, threshold: 0.05)
    let layer = profile.layers[0]
    #expect((layer.count, layer.overflowing, layer.underflowing, layer.zeros) == (4, 1, 1, 1))
    #expect(layer.range == 0...8 && layer.maximumError == 4.5)
    #expect(abs(layer.meanError - 4.7 / 4) < 1e-12)
    #expect(layer.histogram.values.reduce(0) { $0 + $1.all } == 3)
    #expect(layer.histogram[3]?.overflowing == 1 && layer.histogram[-3]?.underflowing == 1)
  }

  @Test("the plot is well-formed, and draws every layer and what is lost")
  func plot() throws {
    let coarse = "LayerName: {\"fc2_relu\": {Precision: {result: 'ufixed<2,0,TRN,SAT>'}}}\n"
    for graph in [FloatModels.dense(), FloatModels.convolution(), FloatModels.regression()] {
      let profile = try Profile(model(graph, coarse), threshold: 0.05)
      let svg = profile.svg
      let parser = XMLParser(data: Data(svg.utf8))
      #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
      for layer in profile.layers { #expect(svg.contains(">\(layer.name)</text>")) }
      if graph.name == "dense" { #expect(svg.contains("beyond: ") && svg.contains("become 0: ")) }
      #expect(svg == profile.svg)
    }
  }

  @Test("needs samples and a float model; the threshold is a share")
  func errors() throws {
    var typed = try model(FloatModels.dense())
    typed.samples = nil
    let missing = try #require(throws: CompilationFailed.self) { try Profile(typed, threshold: 0.05) }
    #expect(missing.diagnostics[0].code == "C131")
    #expect(try Profile.threshold(parsing: "5%") == 0.05)
    #expect(try Profile.threshold(parsing: "0.01") == 0.01)
    for text in ["", "x", "-1", "nan%"] {
      #expect(throws: CompilationFailed.self) { try Profile.threshold(parsing: text) }
    }
  }

  @Test("the command line writes a configuration and a plot, and gives what they say")
  func commandLine() throws {
    let folder = try TemporaryFolder()
    func path(_ name: String) -> String { folder.url.appendingPathComponent(name).path }
    try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
    let model = packageRoot.appendingPathComponent("examples/models/jet_tagger_float.h5").path
    let lines = FloatModels.samples(FloatModels.inputOf16, 4).map {
      $0[0].map { "\($0)" }.joined(separator: " ")
    }
    try (lines.joined(separator: "\n") + "\n").write(toFile: path("x.dat"), atomically: true, encoding: .utf8)
    try "nan \(Array(repeating: "0", count: 15).joined(separator: " "))\n".write(
      toFile: path("nan.dat"), atomically: true, encoding: .utf8)
    #expect(
      try CommandLineTool.run(["profile", model, "--inputs", path("x.dat"), "--svg", path("x.svg"), "--json"])
        == 0)
    #expect(FileManager.default.fileExists(atPath: path("x.svg")))
    #expect(try CommandLineTool.run(["profile", model, "--inputs", path("nan.dat")]) == 2)
    #expect(try CommandLineTool.run(["profile", model]) == 2)
    #expect(try CommandLineTool.run(["inspect", model, "--target", "auto"]) == 2)
    #expect(
      try CommandLineTool.run(["profile", model, "--inputs", path("x.dat"), "--target", "error=1e-12"]) == 3)
  }
}

extension FloatModels {
  /// Nothing but an input of 16 features.
  fileprivate static var inputOf16: Graph {
    var graph = Graph(name: "x", framework: "none")
    let x = graph.add(.input(shape: [16]), name: "x", layer: layer("x", "InputLayer"))
    graph.outputs = [Graph.Output(name: "y", node: x)]
    return graph
  }
}
