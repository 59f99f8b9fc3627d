import Diagnostics
import FixedPoint
import Foundation
import Graph
import Lowering
import Readers
import Testing

@testable import Precision

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
    let calibration = Calibration(source, samples: samples.map { [$0] })
    let forest = try #require(source.nodes.first { if case .forest = $0.primitive { true } else { false } })
    let choice = try #require(calibration.leaves[forest.name])
    #expect(choice.scoreError <= LeafTarget().scoreError && choice.agreement >= LeafTarget().agreement)
    let graph = try Typer.type(source, TypePolicy(calibration: calibration)).graph
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

  @Test("leaves take the coarsest step that meets the target")
  func coarsestStep() throws {
    let model = SharedForest(name: "xgb_multi", ending: ".ubj")
    let source = try model.graph()
    guard case .forest(let forest)? = source.nodes.last?.primitive else {
      Issue.record("the last node is no forest")
      return
    }
    let calibration = LeafCalibration(forest, rows: try model.samples())
    func exponent(_ error: Double, _ agreement: Double) throws -> Int {
      var target = LeafTarget()
      (target.scoreError, target.agreement) = (error, agreement)
      let choice = try #require(calibration.choice(target))
      #expect(choice.scoreError <= error && choice.agreement >= agreement)
      #expect(Set(choice.types.map(\.exponent)).count == 1)
      return choice.types[0].exponent
    }
    let steps = try [exponent(1, 0), exponent(0.1, 0), exponent(0.01, 0), exponent(0.001, 0)]
    // A tenth of the error takes three to four bits.
    #expect(zip(steps, steps.dropFirst()).allSatisfy { (2...5).contains($0 - $1) })
    #expect(try exponent(0.1, 1) <= steps[1])
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
    + [
      "sklearn_gbc_binary", "sklearn_gbc_multi", "sklearn_gbr", "sklearn_rf_multi", "xgb_onnxmltools",
      "lgbm_onnxmltools",
    ].map { SharedForest(name: $0, ending: ".onnx") }

  /// The scores, where nothing else is asked for.
  func graph() throws -> Graph {
    try ModelReader.read("\(Self.folder)/\(name)/\(name)\(ending)").graph.selecting(nil)
  }

  func samples() throws -> [[Double]] { try dataset("input") }

  func dataset(_ name: String) throws -> [[Double]] {
    let dataset = try HDF5File(path: "\(Self.folder)/\(self.name)/golden.h5").root.requireDataset(name)
    let values = try dataset.doubles()
    let width = dataset.shape.dropFirst().reduce(1, *)
    return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<($0 + width)]) }
  }
}
