import Foundation
import Testing

/// Layers that add and multiply only, on numbers for which binary32 is exact: the integers of the typed graph are the
/// framework's outputs, bit for bit (`Tests/Models/scripts/keras_models.py`, `exact`).
@Suite("Fixed point equals the framework where that is exact")
struct ExactLayersTests {
  @Test func everyKind() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Models/keras3").path
    // Eighths times eighths, a few times over: every number of the model lies on the grid.
    let model = try ExactModel(stem: "\(folder)/exact", ending: "keras")
    #expect(model.graph.outputs.count == 300)
    try model.check()
  }
}
