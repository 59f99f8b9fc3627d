import FixedPoint
import Foundation
import Graph
import Testing

@testable import Driver
@testable import Readers

/// Layers that add and multiply only, on numbers for which binary32 is exact: the integers of the typed graph are the
/// framework's outputs, bit for bit (`Tests/Models/scripts/keras_models.py`, `exact`).
@Suite("Fixed point equals the framework where that is exact")
struct ExactLayersTests {
  @Test func everyKind() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Models/keras3").path
    var request = ModelRequest(path: "\(folder)/exact.keras")
    // Eighths times eighths, a few times over: every number of the model lies on this grid.
    request.precision = FixedType(width: 44, integerBits: 24, rounding: .trn, overflow: .wrap)
    let graph = try request.load().graph
    let simulator = try ReferenceSimulator(graph)
    let golden = try Vectors(path: "\(folder)/exact.golden.h5")
    let expected = try #require(golden["outputs"])
    #expect(graph.outputs.count == 300)
    for sample in 0..<expected.samples {
      var inputs: [[Int128]] = []
      for (number, id) in graph.inputs.enumerated() {
        let array = try #require(golden["input_\(number)"])
        let size = array.elementsPerSample
        let types = try #require(graph[id].inputTypes)
        inputs.append((0..<size).map { types[$0].convert(array.values[sample * size + $0]) ?? 0 })
      }
      let values = try simulator.run(inputs)
      var position = sample * expected.elementsPerSample
      for output in graph.outputs {
        let type = try #require(graph[output.node].type)
        let got = values[output.node.index].enumerated().map { type.value($1, element: $0) }
        #expect(got == Array(expected.values[position..<(position + got.count)]), "\(output.name)")
        position += got.count
      }
    }
  }
}
