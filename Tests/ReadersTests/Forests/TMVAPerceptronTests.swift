import Diagnostics
import Foundation
import Graph
import Testing

@testable import Readers

/// Perceptrons of TMVA against ROOT's formulas, evaluated by `make_tmva_mlp.py`.
@Suite struct TMVAPerceptronTests {
  private static func read(_ name: String) throws -> ReadModel {
    try ForestReader.read(try Fixture.bytes("Forests/\(name).xml"), file: "\(name).xml", name: name)
  }

  @Test(
    "outputs are ROOT's",
    arguments: [
      // ROOT normalises in binary32, and approximates tanh.
      ("mlp_tanh", 1e-3), ("mlp_sigmoid_old", 1e-5), ("mlp_relu_classes", 1e-5),
      ("mlp_radial_regression", 1e-4),
      ("mlp_plain", 1e-12),
    ])
  func outputs(_ name: String, _ tolerance: Double) throws {
    let graph = try Self.read(name).graph
    let float = FloatInterpreter(graph)
    let text = String(decoding: try Fixture.bytes("Forests/\(name).csv"), as: UTF8.self)
    var values: [Double] = []
    for line in text.split(separator: "\n") {
      let row = line.split(separator: "|").map { $0.split(separator: " ").compactMap { Double($0) } }
      let ours = float.run([row[0]])[graph.outputs[0].node.index]
      #expect(ours.count == row[1].count)
      for (a, b) in zip(ours, row[1]) { #expect(abs(a - b) <= tolerance, "\(name): \(a) \(b)") }
      values += row[1]
    }
    #expect((values.max() ?? 0) - (values.min() ?? 0) > 0.1)
  }

  @Test func layersAndLogits() throws {
    let read = try Self.read("mlp_tanh")
    #expect(read.notices.map(\.code.description) == ["I507"])
    #expect(
      read.graph.nodes.map(\.name)
        == ["input", "normalize", "hidden1", "hidden1_tanh", "output", "output_sigmoid"])
    let logits = read.graph.selecting(.logits)
    #expect(logits[logits.outputs[0].node].name == "output")
  }

  @Test(
    "what does not fit is refused, where it stands",
    arguments: [
      (">sum<", ">sqsum<", "I503"), (">tanh<", ">gauss<", "I503"), (">CE<", ">X<", "I503"),
      ("Name=\"Normalize\"", "Name=\"PCA\"", "I503"), ("NLayers=\"3\"", "NLayers=\"4\"", "I502"),
      ("NNeurons=\"7\"", "NNeurons=\"8\"", "I502"), ("NSynapses=\"6\"", "NSynapses=\"5\"", "I502"),
      ("Input Type=\"Variable\" Label=\"eta\"", "Input Type=\"Variable\" Label=\"m/2\"", "I503"),
      ("value=\"Classification\"", "value=\"Multiclass\"", "I502"), ("MLP::", "LD::", "I503"),
    ])
  func refusals(_ old: String, _ new: String, _ code: String) throws {
    let text = String(decoding: try Fixture.bytes("Forests/mlp_tanh.xml"), as: UTF8.self)
    let range = try #require(text.range(of: old))
    let changed = text.replacingCharacters(in: range, with: new)
    let diagnostic = try #require(
      failure { _ = try ForestReader.read(Array(changed.utf8), file: "m.xml", name: "m") })
    #expect(diagnostic.code.description == code, "\(diagnostic)")
    #expect(diagnostic.location?.description.hasPrefix("m.xml:") == true)
  }
}
