import Foundation
import Testing

/// Operators that add, multiply, compare and move only, on numbers for which binary32 is exact: the integers of the typed
/// graph are onnxruntime's outputs, bit for bit (`Tests/Models/scripts/onnx_exact.py`).
@Suite("Fixed point equals onnxruntime where that is exact")
struct ExactOperatorsTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Models/onnx").path

  static let models: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.filter { $0.hasPrefix("exact_") && $0.hasSuffix(".onnx") }.map { String($0.dropLast(5)) }
      .sorted()
  }()

  @Test func modelsArePresent() { #expect(Self.models.count >= 16) }

  @Test(arguments: models)
  func sameIntegers(_ name: String) throws {
    // Every number of the models lies on the grid, or is a quantizer's.
    try ExactModel(stem: "\(Self.folder)/\(name)", ending: "onnx").check()
  }
}
