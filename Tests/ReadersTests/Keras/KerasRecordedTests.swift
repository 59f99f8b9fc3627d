import Diagnostics
import Foundation
import Graph
import Testing

@testable import Readers

/// A model with many outputs that `Tests/Models/scripts/keras_models.py` wrote, beside what the framework
/// computed.
struct RecordedModel: Sendable, CustomTestStringConvertible {
  var file: String
  /// Outputs that binary64 gives only up to rounding; of an exact model all others are equal bit for bit.
  var inexact: Set<String>?
  var testDescription: String { file }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Models").path

  var path: String { "\(RecordedModel.folder)/\(file)" }

  /// The largest difference of each output in units of 1e-5 · max(1, largest value), by name.
  func differences() throws -> [(name: String, error: Double, isEqual: Bool)] {
    let graph = try ModelReader.read(path).graph
    #expect(graph.verify().isEmpty)
    let golden = try HDF5File(
      path: "\(path.prefix(upTo: path.lastIndex(of: ".") ?? path.endIndex)).golden.h5"
    ).root
    let expected = try golden.requireDataset("outputs")
    let samples = expected.shape[0]
    let numbers = try expected.doubles()
    var inputs: [[Double]] = []
    for i in graph.inputs.indices { inputs.append(try golden.requireDataset("input_\(i)").doubles()) }
    let interpreter = FloatInterpreter(graph)
    let width = numbers.count / samples
    #expect(graph.outputs.reduce(0) { $0 + graph[$1.node].count } == width)
    var result = graph.outputs.map { (name: $0.name, error: 0.0, isEqual: true) }
    for sample in 0..<samples {
      let values = interpreter.run(
        inputs.map { x in
          let size = x.count / samples
          return Array(x[(sample * size)..<((sample + 1) * size)])
        })
      var start = sample * width
      for (o, output) in graph.outputs.enumerated() {
        let y = values[output.node.index]
        let reference = numbers[start..<min(start + y.count, numbers.count)]
        let scale = 1e-5 * max(1, reference.map(abs).max() ?? 1)
        for (a, b) in zip(y, reference) {
          result[o].error = max(result[o].error, abs(a - b) / scale)
          if a != b { result[o].isEqual = false }
        }
        start += y.count
      }
    }
    return result
  }
}

@Suite("Every layer against the framework")
struct KerasRecordedTests {
  static let models =
    [
      "keras2/activations.h5", "keras2/merges.h5", "keras2/convolutions.h5", "keras2/shapes.h5",
      "keras2/nested.h5", "keras2/random_activations.json", "keras2/random_slopes.h5",
      "keras3/activations.keras", "keras3/merges.keras", "keras3/convolutions.keras", "keras3/shapes.keras",
      "keras3/nested.keras", "keras3/nested.h5", "keras3/operators.keras", "keras3/operators.h5",
      "keras3/random_activations.keras", "keras3/random_slopes.keras",
      "keras2/contractions.h5", "keras2/normalizations.h5", "keras2/attentions.h5", "keras2/transposed.h5",
      "keras2/resampling.h5", "keras2/tensorflow_functions.h5", "keras3/contractions.keras",
      "keras3/normalizations.keras",
      "keras3/attentions.keras", "keras3/transposed.keras", "keras3/resampling.keras",
      "keras3/channels_first.keras", "keras3/functions.keras", "keras3/gated.keras",
    ].map { RecordedModel(file: $0) } + [
      RecordedModel(file: "keras2/qlayers.h5", inexact: ["qbn", "qd_ternary"]),
      RecordedModel(file: "keras3/hgq2.keras", inexact: ["gap", "softmax"]),
      RecordedModel(file: "keras3/hgq2_named.h5", inexact: []),
      RecordedModel(file: "keras2/qfolded.h5", inexact: []),
      RecordedModel(file: "keras3/exact.keras", inexact: []),
      RecordedModel(
        file: "keras3/hgq2_products.keras", inexact: Set((0..<20).map { "heads_\($0)" })),
    ]

  @Test(arguments: models)
  func sameOutputs(_ model: RecordedModel) throws {
    for output in try model.differences() {
      #expect(output.error <= 1, "\(output.name) differs")
      if let inexact = model.inexact {
        #expect(output.isEqual || inexact.contains(output.name), "\(output.name) is not exact")
      }
    }
  }
}

@Suite("QKeras quantizers against QKeras")
struct QKerasQuantizerTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var quantizer: JSONValue
    var shape: [Int]
    var input: [Double]
    var output: [Double]
    var testDescription: String { quantizer.string ?? "" }
  }

  static func cases(_ key: String) -> [Case] {
    guard
      let document = try? JSONDocument(path: "\(RecordedModel.folder)/keras2/quantizers.json"),
      let cases = document.root[key]?.array
    else { return [] }
    return cases.compactMap { entry in
      guard let quantizer = entry["quantizer"], let input = try? entry.requireDoubles("input"),
        let output = try? entry.requireDoubles("output")
      else { return nil }
      let shape = (try? entry.requireInts("shape")) ?? [input.count]
      return Case(quantizer: quantizer, shape: shape, input: input, output: output)
    }
  }

  @Test func casesAreThere() {
    #expect(Self.cases("activations").count > 50)
    #expect(Self.cases("kernels").count > 80)
  }

  /// The nodes of an activation compute what QKeras computes: bit for bit, where the factor is a power of
  /// two. Others lose bits in QKeras itself, which returns x + (q − x) in float32.
  @Test(arguments: cases("activations"))
  func activations(_ test: Case) throws {
    var builder = GraphBuilder(name: "test", framework: "keras", generation: 2, weights: nil)
    let layer = KerasLayer(name: "x", kind: "QActivation", config: test.quantizer, address: WeightAddress())
    let call = LayerCall(layer: layer, name: "q", operands: [])
    let x = try builder.add(.input(shape: test.shape), [], LayerCall(layer: layer, name: "x", operands: []))
    let y = try builder.quantize(x, QKerasQuantizer(test.quantizer), call, role: nil)
    let inputs = test.input.map { Double(Float($0)) }
    let result = FloatInterpreter(builder.graph).run([inputs])[y.index]
    let isRounded = ["0.7)", "1.3)", "0.75)"].contains { test.testDescription.contains("alpha=\($0)") }
    for (i, value) in result.enumerated() {
      let tolerance = isRounded ? Float(abs(test.input[i]) + abs(test.output[i])) * 0x1p-23 : 0
      #expect(abs(Float(value) - Float(test.output[i])) <= tolerance, "of \(test.input[i])")
    }
  }

  /// Quantized kernels are QKeras's; fitted factors, whose sums have no defined order, to the last bit of
  /// float32.
  @Test(arguments: cases("kernels"))
  func kernels(_ test: Case) throws {
    let quantizer = try QKerasQuantizer(test.quantizer)
    let inputs = test.input.map { Double(Float($0)) }
    let weights = try quantizer.weights(inputs, shape: test.shape)
    #expect(weights.isExact)
    let isFitted = test.testDescription.contains("'auto'")
    for (value, expected) in zip(weights.values, test.output) {
      let tolerance = isFitted ? Float(abs(expected)) * 0x1p-22 : 0
      #expect(abs(Float(value) - Float(expected)) <= tolerance)
    }
  }
}
