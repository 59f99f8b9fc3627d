import Diagnostics
import Graph
import Testing

@testable import Readers

/// Tree ensembles of ONNX files (their attributes as JSON, written by `make_onnx.py`) against ONNX Runtime's outputs.
@Suite struct ONNXTreeEnsembleTests {
  private func ensemble(_ name: String) throws -> ONNXTreeEnsemble {
    let root = try JSONDocument(try Fixture.bytes("Forests/onnx_\(name).json"), file: name).root
    let isClassifier = try root.requireString("op") == "TreeEnsembleClassifier"
    let leaf = isClassifier ? "class" : "target"
    var nodes = ONNXTreeEnsemble.Nodes()
    nodes.trees = try root.requireInts("nodes_treeids")
    nodes.numbers = try root.requireInts("nodes_nodeids")
    nodes.features = try root.requireInts("nodes_featureids")
    nodes.modes = try root.requireStrings("nodes_modes")
    nodes.values = try root.requireDoubles("nodes_values")
    nodes.whenTrue = try root.requireInts("nodes_truenodeids")
    nodes.whenFalse = try root.requireInts("nodes_falsenodeids")
    nodes.missingIsTrue = try root.requireInts("nodes_missing_value_tracks_true")
    return ONNXTreeEnsemble(
      nodes: nodes,
      leaves: .init(
        trees: try root.requireInts("\(leaf)_treeids"), numbers: try root.requireInts("\(leaf)_nodeids"),
        targets: try root.requireInts("\(leaf)_ids"), weights: try root.requireDoubles("\(leaf)_weights")),
      outputCount: isClassifier
        ? try root.requireInts("classlabels_int64s").count : try root.requireInt("n_targets"),
      isClassifier: isClassifier,
      baseValues: root["base_values"] == nil ? [] : try root.requireDoubles("base_values"),
      postTransform: try root.requireString("post_transform"))
  }

  @Test(
    .enabled(if: Shared.isPresent, "needs the shared models"),
    arguments: [
      "sklearn_gbr", "sklearn_gbc_binary", "sklearn_gbc_multi", "sklearn_rf_multi", "xgb_onnxmltools",
      "lgbm_onnxmltools",
    ])
  func predictionsAreTheRuntimes(_ name: String) throws {
    let golden = try SharedForestTests.Golden(name)
    let ensemble = try ensemble(name)
    let features = golden.samples[0].indices.map { "f\($0)" }
    let forest = try ensemble.forest(features: features, at: .file(name))
    for (sample, output) in zip(golden.samples, golden.outputs) {
      let prediction = try #require(forest.prediction(forest.scores(sample)))
      // Of two classes the score is the second's. The runtime's exponential is binary32, and it summed the trees in
      // two halves, one for each thread that it had.
      let expected = prediction.count == 1 ? [try #require(output.last)] : output
      #expect(prediction.count == expected.count)
      for (ours, theirs) in zip(prediction, expected) { #expect(abs(ours - theirs) <= 3e-7) }
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    func code(_ change: (inout ONNXTreeEnsemble) -> Void) throws -> String? {
      var ensemble = try ensemble("sklearn_gbr")
      change(&ensemble)
      do throws(CompilationFailed) {
        _ = try ensemble.forest(features: (0..<10).map { "f\($0)" }, at: .file("m.onnx"))
        return nil
      } catch {
        #expect(error.diagnostics[0].location != nil)
        return error.diagnostics[0].code.description
      }
    }
    #expect(try code { _ in } == nil)
    #expect(try code { $0.nodes.values.removeLast() } == "I502")
    #expect(try code { $0.leaves.targets.removeLast() } == "I502")
    #expect(try code { $0.leaves.targets[0] = 1 } == "I502")
    #expect(try code { $0.leaves.numbers[0] = 99 } == "I502")
    #expect(try code { $0.nodes.numbers[1] = 0 } == "I502")
    #expect(try code { $0.nodes.whenTrue[0] = 0 } == "I501")
    #expect(try code { $0.nodes.whenFalse[0] = 77 } == "I501")
    #expect(try code { $0.nodes.features[0] = 10 } == "I501")
    #expect(try code { $0.nodes.modes[0] = "BRANCH_MEMBER" } == "I503")
    #expect(try code { $0.aggregation = "MIN" } == "I503")
    #expect(try code { $0.postTransform = "X" } == "I502")
    #expect(try code { $0.baseValues = [1, 2, 3] } == "I502")
  }
}
