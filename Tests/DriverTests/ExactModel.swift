import FixedPoint
import Graph
import Testing

@testable import Driver
@testable import Readers

/// A recorded model in fixed point beside the framework's outputs.
struct ExactModel {
  let graph: Graph
  private let golden: Vectors

  /// - Parameters:
  ///   - stem: the path of the model and of its golden values, without what follows the first dot.
  ///   - width: of inputs and weights: enough for the model's numbers, and little enough for the products of several.
  ///   - integerBits: half of the width and two where they are not given.
  init(stem: String, ending: String, width: Int = 44, integerBits: Int? = nil) throws {
    var request = ModelRequest(path: "\(stem).\(ending)")
    request.precision = FixedType(
      width: width, integerBits: integerBits ?? width / 2 + 2, rounding: .trn, overflow: .wrap)
    graph = try request.load().graph
    golden = try Vectors(path: "\(stem).golden.h5")
  }

  /// The integers of the typed graph stand for the framework's outputs, bit for bit: of a model whose numbers all lie on a
  /// grid on which binary32 is exact.
  func check() throws {
    try compare { name, got, expected in #expect(got == expected, "\(name)") }
  }

  /// The typed graph's outputs are close to the framework's, by the largest number of each.
  func check(tolerance: Double) throws {
    try compare { name, got, expected in
      let most = expected.map(\.magnitude).max() ?? 0
      let error = zip(got, expected).map { ($0 - $1).magnitude }.max() ?? 0
      #expect(error <= tolerance * max(1, most), "\(name) differs by \(error)")
    }
  }

  private func compare(_ body: (_ name: String, _ got: [Double], _ expected: [Double]) -> Void) throws {
    let simulator = try ReferenceSimulator(graph)
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
        body(output.name, got, Array(expected.values[position..<(position + got.count)]))
        position += got.count
      }
    }
  }
}
