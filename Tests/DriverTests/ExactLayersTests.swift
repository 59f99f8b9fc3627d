import Foundation
import Testing

/// Layers that add and multiply only, on numbers for which binary32 is exact: the integers of the typed graph are the
/// framework's outputs, bit for bit (`Tests/Models/scripts/keras_models.py`, `exact`, and `keras_kinds.py`).
@Suite("Fixed point equals the framework where that is exact")
struct ExactLayersTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Models").path

  static let models: [String] =
    ["keras3/exact"]
    + ["keras2", "keras3"].flatMap { generation -> [String] in
      let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(generation)")) ?? []
      return files.filter { $0.hasPrefix("kinds_exact") && $0.hasSuffix(".keras") }.sorted()
        .map { "\(generation)/\($0.dropLast(6))" }
    }

  @Test func modelsArePresent() { #expect(Self.models.count >= 6) }

  // Eighths times eighths, up to four of them: every number of the models lies on the grid.
  @Test(arguments: models)
  func everyKind(_ name: String) throws {
    try ExactModel(stem: "\(Self.folder)/\(name)", ending: "keras", width: 28).check()
  }

  /// Inputs may be declared far wider than their data: the variance of these is about 1, of a type that reaches to 2048.
  @Test func normalizationsOfWideInputs() throws {
    let model = try ExactModel(
      stem: "\(Self.folder)/keras3/normalizations", ending: "keras", width: 32, integerBits: 12)
    try model.check(tolerance: 0.02)
  }
}
