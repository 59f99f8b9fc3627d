import Foundation
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

  @Test(arguments: models)
  func sameOutputs(_ model: RecordedModel) throws {
    for output in try model.differences() {
      #expect(output.error <= 1, "\(output.name) differs by \(output.error)")
    }
  }
}
