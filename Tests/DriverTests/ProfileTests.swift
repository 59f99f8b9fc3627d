import Diagnostics
import FixedPoint
import Foundation
import Graph
import Precision
import Readers
import Testing

@testable import Driver

@Suite("profile")
struct ProfileTests {
  /// y = 2x, with x in a saturating type up to 3.75 and y in one up to 3.5.
  private func model() throws -> TypedModel {
    var source = Graph(name: "tiny", framework: "none")
    let layer = Layer(name: "fc", kind: "Dense", path: "test")
    let x = source.add(
      .input(shape: [1]), name: "x", layer: Layer(name: "x", kind: "InputLayer", path: "test"))
    let matrix = Weights(raw: [2], exponent: 0, shape: [1, 1, 1])
    let y = source.add(.linear(Linear(inputs: 1, outputs: 1, weights: matrix)), [x], name: "fc", layer: layer)
    source.outputs = [Graph.Output(name: "y", node: y)]
    var typed = Graph(name: "tiny", framework: "none")
    let input = Tiny.input(&typed, FixedType(width: 5, integerBits: 3, overflow: .sat), count: 1)
    let product = try Tiny.add(&typed, source[y].primitive, [input], "fc")
    let result = FixedType(width: 4, integerBits: 3, rounding: .rnd, overflow: .sat)
    let converted = try Tiny.add(
      &typed, .quantize(.fixed(PerElement(repeating: result, count: 1))), [product], "fc_result")
    typed.outputs = [Graph.Output(name: "y", node: converted)]
    return TypedModel(
      source: source, graph: typed, sha256: nil, parameters: 1, samples: nil, policy: TypePolicy(),
      notices: [])
  }

  @Test("ranges of both models, overflows of inputs and of results, the greatest error")
  func ranges() throws {
    let samples = InputSamples(values: [0, 1, 1.75, -4, 3.75, 4, 100].map { [[$0]] })
    let profile = try Profile(model(), samples)
    #expect(profile.samples == 7)
    let (x, product, result) = (profile.tensors[0], profile.tensors[1], profile.tensors[2])
    #expect(x.float == -4...100 && x.typed == -4...3.75)
    // 4 and 100 are beyond 3.75; -4 is the type's end.
    #expect(x.converted == 7 && x.overflowed == 2 && x.maximumError == 96.25)
    #expect(product.float == -8...200 && product.typed == -8...7.5)
    #expect(product.converted == 0 && product.overflowed == 0)
    // -8, and three times 7.5, are beyond -4...3.5, and so is 3.5 nothing.
    #expect(result.float == -8...200 && result.typed == -4...3.5)
    #expect(result.converted == 7 && result.overflowed == 4)
    #expect(profile.hasOverflow)
    #expect(profile.text.contains("4 of 7") && profile.text.contains("overflows in 'x', 'fc_result'"))
    #expect(profile.json.text().contains("\"overflowed\": 4"))
  }

  @Test("no overflow is said, too; a graph.json has no float model")
  func others() throws {
    let model = try model()
    let profile = try Profile(model, InputSamples(values: [[[0.25]], [[-0.5]]]))
    #expect(!profile.hasOverflow)
    #expect(profile.text.contains("no value of 2 samples overflowed"))
    var typed = model
    typed.source = model.graph
    let failure = #expect(throws: CompilationFailed.self) {
      try Profile(typed, InputSamples(values: [[[0]]]))
    }
    #expect(failure?.diagnostics.first?.code == "C024")
  }
}
