import Diagnostics
import FixedPoint
import Graph
import Testing

@testable import Precision
@testable import Readers

@Suite("Recurrent layers against the framework")
struct KerasRecurrentTests {
  static let models =
    ["keras2", "keras3"].flatMap { generation in
      ["recurrent.keras", "bidirectional.keras", "distributed.keras", "recurrent_named.h5"].map {
        RecordedModel(file: "\(generation)/\($0)")
      }
    } + [
      RecordedModel(file: "keras2/qrecurrent.keras", inexact: []),
      RecordedModel(file: "keras3/hgq2_recurrent.keras", inexact: []),
    ]

  @Test(arguments: models)
  func sameOutputs(_ model: RecordedModel) throws {
    for output in try model.differences() {
      #expect(output.error <= 1, "\(output.name) differs")
      if model.inexact != nil { #expect(output.isEqual, "\(output.name) is not exact") }
    }
  }

  /// Models whose every value is quantized: the integers are the framework's numbers.
  @Test(arguments: ["keras2/qrecurrent.keras", "keras3/hgq2_recurrent.keras"])
  func sameIntegers(_ file: String) throws {
    let model = RecordedModel(file: file)
    let read = try ModelReader.read(model.path)
    var policy = TypePolicy()
    policy.isFullyQuantized = true
    let graph = try Typer.type(read.graph, policy).graph
    let simulator = try ReferenceSimulator(graph)
    let golden = try HDF5File(path: model.path.replacing(".keras", with: ".golden.h5")).root
    let expected = try golden.requireDataset("outputs").doubles()
    let x = try golden.requireDataset("input_0").doubles()
    let samples = try golden.requireDataset("outputs").shape[0]
    let input = graph[graph.inputs[0]]
    for sample in 0..<samples {
      let raw = try (0..<input.count).map { i -> Int128 in
        let value = x[sample * input.count + i]
        return try #require(input.inputTypes?[i].convert(value))
      }
      let values = try simulator.run([raw])
      var start = sample * expected.count / samples
      for output in graph.outputs {
        let type = try #require(graph[output.node].type)
        for (i, raw) in values[output.node.index].enumerated() {
          #expect(type.value(raw, element: i) == expected[start + i], "\(output.name)[\(i)]")
        }
        start += graph[output.node].count
      }
    }
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var code: String
    var layer: String
    var operand = "[null, 4, 3]"
    var testDescription: String { "\(code) \(layer)" }
  }

  private static func lstm(_ attributes: String) -> String {
    TestModel.layer(
      "LSTM", "y", #""units": 2, "activation": "tanh", "recurrent_activation": "sigmoid""# + attributes)
  }

  private static func wrapped(_ kind: String, _ inner: String, _ rest: String = "") -> String {
    TestModel.layer(kind, "y", #""layer": \#(inner)\#(rest)"#)
  }

  static let refusals = [
    Refusal(code: "I114", layer: lstm(#", "stateful": true"#)),
    Refusal(code: "I114", layer: lstm(#", "time_major": true"#)),
    Refusal(code: "I111", layer: lstm(#", "surprise": 3"#)),
    Refusal(code: "I113", layer: lstm(""), operand: "[null, 3]"),
    Refusal(code: "I108", layer: lstm("")),
    Refusal(code: "I117", layer: wrapped("TimeDistributed", TestModel.layer("Unheard"))),
    Refusal(
      code: "I113", layer: wrapped("TimeDistributed", TestModel.layer("Dense", "d", #""units": 2"#)),
      operand: "[null, 3]"),
    Refusal(code: "I114", layer: wrapped("Bidirectional", TestModel.layer("Dense", "d", #""units": 2"#))),
    Refusal(
      code: "I111", layer: wrapped("Bidirectional", lstm(#", "surprise": 3"#), #", "merge_mode": "sum""#)),
  ]

  @Test(arguments: refusals)
  func refuses(_ refusal: Refusal) {
    let model = TestModel.sequential([refusal.layer], input: refusal.operand)
    let errors = TestModel.diagnostics(model).filter { $0.severity == .error }
    #expect(errors.contains { $0.code.description == refusal.code && $0.location != nil }, "\(errors)")
  }

  @Test func refusesWeightsOfAnotherShape() throws {
    let weights = try TestModel.weights([
      (
        "y",
        [
          ("lstm_cell/kernel:0", [3, 8]), ("lstm_cell/recurrent_kernel:0", [2, 9]), ("lstm_cell/bias:0", [8]),
        ]
      )
    ])
    let model = TestModel.sequential([Self.lstm(#", "use_bias": true"#)], input: "[null, 4, 3]")
    #expect(TestModel.diagnostics(model, weights: weights).map(\.code.description) == ["I109"])
  }
}
