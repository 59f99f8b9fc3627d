import Graph
import Testing

@testable import Readers

/// Our software evaluation against the frameworks' own predictions.
@Suite struct ForestPredictionTests {
  @Test(arguments: ForestFixture.all)
  func scoresAreTheFrameworksBits(_ fixture: ForestFixture) throws {
    for model in try fixture.models() {
      for (row, sample) in try fixture.samples().enumerated() {
        #expect(model.forest.scores(sample.features) == sample.scores, "\(fixture.name) row \(row)")
      }
    }
  }

  @Test(arguments: ForestFixture.all)
  func predictionsFollowFromScores(_ fixture: ForestFixture) throws {
    for model in try fixture.models() {
      let graph = try model.read(name: fixture.name, file: fixture.name).graph
      let float = FloatInterpreter(graph)
      for sample in try fixture.samples() {
        let prediction = float.run([sample.features])[graph.outputs[0].node.index]
        #expect(prediction.count == sample.predictions.count)
        for (ours, theirs) in zip(prediction, sample.predictions) {
          // The framework's exponential is binary32 for XGBoost.
          #expect(abs(ours - theirs) <= 4e-7 * max(1, abs(theirs)))
        }
      }
    }
  }
}

/// The shared models against their frameworks' recorded outputs.
@Suite(.enabled(if: Shared.isPresent, "needs the shared models"))
struct SharedForestTests {
  struct Golden {
    var samples: [[Double]]
    var margins: [[Double]]?
    var outputs: [[Double]]

    init(_ name: String) throws {
      let root = try HDF5File(path: Self.folder(name) + "golden.h5").root
      func rows(_ dataset: HDF5Dataset) throws -> [[Double]] {
        let values = try dataset.doubles()
        let width = dataset.shape.dropFirst().reduce(1, *)
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
      }
      samples = try rows(root.requireDataset("input"))
      margins = try root.dataset("margin").map(rows)
      outputs = try rows(root.requireDataset("output"))
    }

    static func folder(_ name: String) -> String { Shared.models.path + "/trees/\(name)/" }

    static func forest(_ name: String, _ ending: String) throws -> Forest {
      let path = folder(name) + name + ending
      return try ForestReader.model(try InputFile.bytes(at: path), file: path).forest
    }
  }

  @Test(arguments: [
    ("xgb_binary", ".json"), ("xgb_binary", ".ubj"), ("xgb_multi", ".json"), ("xgb_multi", ".ubj"),
    ("xgb_reg", ".json"), ("xgb_reg", ".ubj"), ("xgb_fixed_grid", ".json"), ("xgb_fixed_grid", ".ubj"),
    ("lgbm_binary", ".txt"), ("lgbm_multi", ".txt"), ("lgbm_reg", ".txt"),
  ])
  func scoresAreTheFrameworksBits(_ name: String, _ ending: String) throws {
    let forest = try Golden.forest(name, ending)
    let golden = try Golden(name)
    let margins = try #require(golden.margins)
    #expect(!margins.isEmpty)
    // Recorded in binary32; the fixtures have LightGBM's binary64.
    for (sample, margin) in zip(golden.samples, margins) {
      #expect(forest.scores(sample).map { Double(Float($0)) } == margin)
    }
  }

  /// These two files have responses of more than binary32's precision, which ROOT rounds away and the recorded
  /// evaluator does not.
  @Test(arguments: ["tmva_bdtg", "tmva_adaboost"])
  func tmvaScoresDifferByTheRoundingOfResponses(_ name: String) throws {
    let path = Golden.folder(name) + name + ".weights.xml"
    let graph = try ModelReader.read(path).graph
    let float = FloatInterpreter(graph)
    let golden = try Golden(name)
    for (sample, output) in zip(golden.samples, golden.outputs) {
      let prediction = float.run([sample])[graph.outputs[0].node.index]
      #expect(abs(prediction[0] - output[0]) < 1e-6)
    }
  }
}
