import FixedPoint
import Foundation
import Graph
import Testing

@testable import Driver
@testable import Readers

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
    var request = ModelRequest(path: "\(Self.folder)/\(name).onnx")
    // Every number of the models lies on this grid, or is a quantizer's.
    request.precision = FixedType(width: 44, integerBits: 24, rounding: .trn, overflow: .wrap)
    let graph = try request.load().graph
    let simulator = try ReferenceSimulator(graph)
    let golden = try Vectors(path: "\(Self.folder)/\(name).golden.h5")
    let expected = try #require(golden["outputs"])
    let size = graph.outputs.reduce(0) { $0 + graph[$1.node].count }
    try #require(size == expected.elementsPerSample)
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
