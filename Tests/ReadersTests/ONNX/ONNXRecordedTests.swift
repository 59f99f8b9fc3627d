import Foundation
import ONNXProto
import Testing

@testable import Readers

/// Models that `Tests/Models/scripts/onnx_models.py` wrote, with onnxruntime's outputs: every operator in twenty random
/// forms, and networks as torch's exporters and scikit-learn's write them.
@Suite("Every operator against onnxruntime")
struct ONNXRecordedTests {
  static let models: [RecordedModel] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(RecordedModel.folder)/onnx")) ?? []
    return files.filter { $0.hasSuffix(".onnx") }.sorted().map { RecordedModel(file: "onnx/\($0)") }
  }()

  @Test func modelsArePresent() { #expect(Self.models.count >= 30) }

  /// Kinds whose forms are recorded elsewhere: with forests, and what gives no tensor.
  static let recordedElsewhere: Set<String> = [
    "TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor", "ZipMap",
  ]

  @Test func everyKindHasTwentyForms() throws {
    var counts: [String: Int] = [:]
    for model in Self.models {
      let graph = try Onnx_ModelProto(serializedBytes: InputFile.bytes(at: model.path)).graph
      for node in graph.node { counts[node.opType, default: 0] += 1 }
    }
    for kind in ONNXOperator.all.keys.sorted() where !Self.recordedElsewhere.contains(kind) {
      #expect(counts[kind, default: 0] >= 20, "\(kind)")
    }
  }

  @Test(arguments: models)
  func sameOutputs(_ model: RecordedModel) throws {
    for output in try model.differences() {
      #expect(output.error <= 1, "\(output.name) differs by \(output.error)")
    }
  }
}
