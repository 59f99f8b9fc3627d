import Diagnostics
import FixedPoint
import Foundation
import Graph
import Lowering
import Precision
import Readers
import Testing

/// The shared models from file to circuit, on their recorded samples.
@Suite("Shared forests", .enabled(if: SharedForest.isPresent, "needs the shared models"))
struct SharedForestTests {
  @Test("circuit, simulator and typed forest agree", arguments: SharedForest.all)
  func threeMeanings(_ model: SharedForest) throws {
    let samples = try model.samples()
    let source = try model.graph()
    let calibrated = TypePolicy(calibration: Calibration(source, samples: samples.map { [$0] }))
    for policy in [TypePolicy(), calibrated] {
      let graph = try Typer.type(source, policy).graph
      let simulator = try ReferenceSimulator(graph)
      let circuit = try graph.lowered(LoweringOptions()).circuit
      let types = try #require(graph[graph.inputs[0]].inputTypes)
      for sample in samples {
        let raw = sample.enumerated().map { types[$0].convert($1) ?? 0 }
        let expected = try simulator.run([raw])[graph.outputs[0].node.index]
        #expect(circuit.evaluate(raw) == expected)
      }
    }
  }

  /// Thresholds between the steps of the inputs, leaves of 8 fractional bits: every sum of the framework is exact.
  @Test("representable features and leaves give the framework's own scores")
  func fixedGridIsTheFrameworks() throws {
    let model = SharedForest(name: "xgb_fixed_grid", ending: ".json")
    let source = try model.graph()
    let precision = FixedType(width: 16, integerBits: 8)
    let graph = try Typer.type(source, TypePolicy(configuration: nil, precision: precision)).graph
    let margins = try model.dataset("margin")
    let simulator = try ReferenceSimulator(graph)
    let type = try #require(graph[graph.outputs[0].node].type)
    for (sample, margin) in zip(try model.samples(), margins) {
      let raw = sample.map { precision.convert($0) ?? 0 }
      let score = try simulator.run([raw])[graph.outputs[0].node.index][0]
      #expect(type.value(score, element: 0) == margin[0])
    }
  }

  @Test("calibrated leaves and features stay close to the float model", arguments: SharedForest.all)
  func calibrationKeepsScores(_ model: SharedForest) throws {
    let samples = try model.samples()
    let source = try model.graph()
    let policy = TypePolicy(calibration: Calibration(source, samples: samples.map { [$0] }))
    let graph = try Typer.type(source, policy).graph
    let simulator = try ReferenceSimulator(graph)
    let float = FloatInterpreter(source)
    let types = try #require(graph[graph.inputs[0]].inputTypes)
    let output = graph.outputs[0].node.index
    let type = try #require(graph.nodes[output].type)
    var squares = 0.0
    var values: [Double] = []
    for sample in samples {
      let raw = sample.enumerated().map { types[$0].convert($1) ?? 0 }
      let ours = try simulator.run([raw])[output].enumerated().map { type.value($1, element: $0) }
      let theirs = float.run([sample])[source.outputs[0].node.index]
      for (a, b) in zip(ours, theirs) { squares += (a - b) * (a - b) }
      values += theirs
    }
    let span = (values.max() ?? 0) - (values.min() ?? 0)
    #expect((squares / Double(values.count)).squareRoot() < span / 100)
  }
}

/// A forest beside the package, with its recorded samples.
struct SharedForest: CustomTestStringConvertible {
  var name: String
  var ending: String
  var testDescription: String { name + ending }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/models/trees")
    .path

  static var isPresent: Bool { FileManager.default.fileExists(atPath: folder) }

  static let all =
    ["xgb_binary", "xgb_multi", "xgb_reg", "xgb_fixed_grid"].map { SharedForest(name: $0, ending: ".ubj") }
    + ["lgbm_binary", "lgbm_multi", "lgbm_reg"].map { SharedForest(name: $0, ending: ".txt") }
    + ["tmva_bdtg", "tmva_adaboost"].map { SharedForest(name: $0, ending: ".weights.xml") }

  func graph() throws -> Graph { try ModelReader.read("\(Self.folder)/\(name)/\(name)\(ending)").graph }

  func samples() throws -> [[Double]] { try dataset("input") }

  func dataset(_ name: String) throws -> [[Double]] {
    let dataset = try HDF5File(path: "\(Self.folder)/\(self.name)/golden.h5").root.requireDataset(name)
    let values = try dataset.doubles()
    let width = dataset.shape.dropFirst().reduce(1, *)
    return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<($0 + width)]) }
  }
}
