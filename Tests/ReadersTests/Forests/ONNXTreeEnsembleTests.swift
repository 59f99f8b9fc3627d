import Diagnostics
import Foundation
import Graph
import ONNXProto
import Testing

@testable import Readers

/// Tree ensembles as the exporters write them (`make_onnx.py`), against ONNX Runtime's outputs; the later rows have
/// features exactly on thresholds.
@Suite struct ONNXTreeEnsembleTests {
  static let classifiers = [
    "gb_2_zipmap", "gb_3_zipmap", "gb_2_raw", "hist_2", "rf_2", "rf_strings", "tree_3", "scaled_2", "xgb_2",
    "xgb_3", "lgbm_2", "lgbm_3", "lgbm_rf",
  ]
  static let others = [
    "hist_reg", "extra_reg", "rf_reg_2", "xgb_poisson", "lgbm_reg", "v5", "v5_double",
  ]

  private static func read(_ name: String) throws -> ReadModel {
    let file = "\(name).onnx"
    return try ONNXReader.read(try Fixture.bytes("Forests/onnx/\(file)"), file: file, name: name)
  }

  /// Features, outputs, and of classifiers the index of the label.
  private static func rows(_ name: String) throws -> [[[Double]]] {
    let text = String(decoding: try Fixture.bytes("Forests/onnx/\(name).csv"), as: UTF8.self)
    return text.split(separator: "\n").map { line in
      line.split(separator: "|").map { $0.split(separator: " ").compactMap { Double($0) } }
    }
  }

  @Test("outputs are the runtime's", arguments: classifiers + others)
  func outputs(_ name: String) throws {
    let graph = try Self.read(name).graph.selecting(.model)
    let float = FloatInterpreter(graph)
    #expect(graph.outputs.count == 1)
    for row in try Self.rows(name) {
      let ours = float.run([row[0]])[graph.outputs[0].node.index]
      #expect(ours.count == row[1].count)
      // The runtime's exponential is binary32.
      for (a, b) in zip(ours, row[1]) { #expect(abs(a - b) <= 3e-7 * max(1, abs(b)), "\(name) \(row[0])") }
    }
  }

  /// Where operators of version 5 ask for 1, which the specification calls SOFTMAX, the runtime computes 2, LOGISTIC.
  @Test("the functions of version 5 are the specification's")
  func softmaxOfVersion5() throws {
    let graph = try Self.read("v5_softmax").graph.selecting(.model)
    let float = FloatInterpreter(graph)
    for row in try Self.rows("v5") {
      let powers = row[1].map { Foundation.exp($0) }
      let ours = float.run([row[0]])[graph.outputs[0].node.index]
      #expect(ours.count == 2)
      for (a, b) in zip(ours, powers) { #expect(abs(a - b / powers.reduce(0, +)) <= 3e-7, "\(row[0])") }
    }
  }

  @Test("the greatest score is the label", arguments: classifiers)
  func labels(_ name: String) throws {
    let read = try Self.read(name)
    #expect(read.notices.map(\.code.description) == ["I414"])
    let graph = read.graph.selecting(.argmax)
    let float = FloatInterpreter(graph)
    for row in try Self.rows(name) {
      #expect(float.run([row[0]])[graph.outputs[0].node.index] == row[2], "\(name) \(row[0])")
    }
  }

  @Test("where nothing is asked for, the scores before a last function leave")
  func scoresByDefault() throws {
    for (name, isScore) in [
      ("gb_2_zipmap", true), ("gb_3_zipmap", true), ("xgb_poisson", true), ("v5_softmax", true),
      ("gb_2_raw", false), ("rf_2", false), ("lgbm_reg", true), ("lgbm_rf", false),
    ] {
      let graph = try Self.read(name).graph.selecting(nil)
      let output = graph[graph.outputs[0].node].primitive
      if case .forest = output { #expect(isScore, "\(name)") } else { #expect(!isScore, "\(name)") }
    }
  }

  @Test(
    "shared models", .enabled(if: Shared.isPresent, "needs the shared models"),
    arguments: [
      "sklearn_gbr", "sklearn_gbc_binary", "sklearn_gbc_multi", "sklearn_rf_multi", "xgb_onnxmltools",
      "lgbm_onnxmltools",
    ])
  func sharedModels(_ name: String) throws {
    let golden = try SharedForestTests.Golden(name)
    let path = SharedForestTests.Golden.folder(name) + name + ".onnx"
    let graph = try ModelReader.read(path).graph.selecting(.model)
    let float = FloatInterpreter(graph)
    for (sample, output) in zip(golden.samples, golden.outputs) {
      let prediction = float.run([sample])[graph.outputs[0].node.index]
      #expect(prediction.count == output.count)
      // The runtime summed the trees in two halves, one for each thread that it had.
      for (ours, theirs) in zip(prediction, output) { #expect(abs(ours - theirs) <= 3e-7) }
    }
  }

  @Test("a label alone becomes an index")
  func labelAlone() throws {
    var model = try Onnx_ModelProto(serializedBytes: try Fixture.bytes("Forests/onnx/rf_strings.onnx"))
    model.graph.output.removeLast()
    let read = try ONNXReader.read(try model.serializedBytes(), file: "m.onnx", name: "m")
    #expect(read.notices.map(\.code.description) == ["I414"])
    let graph = read.graph.selecting(.argmax)
    let float = FloatInterpreter(graph)
    for row in try Self.rows("rf_strings") {
      #expect(float.run([row[0]])[graph.outputs[0].node.index] == row[2])
    }
  }

  @Test("what does not fit is refused, where it stands")
  func refusals() throws {
    func code(
      _ name: String, _ attribute: String, _ change: (inout Onnx_AttributeProto) -> Void
    ) throws -> String? {
      var model = try Onnx_ModelProto(serializedBytes: try Fixture.bytes("Forests/onnx/\(name).onnx"))
      let node = try #require(model.graph.node.firstIndex { $0.opType.hasPrefix("TreeEnsemble") })
      var index = model.graph.node[node].attribute.firstIndex { $0.name == attribute }
      if index == nil {
        // One that the exporter left at its default.
        var added = Onnx_AttributeProto()
        added.name = attribute
        added.type = .string
        model.graph.node[node].attribute.append(added)
        index = model.graph.node[node].attribute.count - 1
      }
      change(&model.graph.node[node].attribute[try #require(index)])
      let bytes: [UInt8] = try model.serializedBytes()
      let diagnostic = failure { _ = try ONNXReader.read(bytes, file: "m.onnx", name: "m") }
      if let diagnostic { #expect(diagnostic.location?.description == "m.onnx: graph.node[\(node)]") }
      return diagnostic?.code.description
    }
    #expect(try code("extra_reg", "nodes_values") { _ in } == nil)
    #expect(try code("extra_reg", "nodes_values") { $0.floats.removeLast() } == "I502")
    #expect(try code("extra_reg", "target_ids") { $0.ints.removeLast() } == "I502")
    #expect(try code("extra_reg", "target_ids") { $0.ints[0] = 1 } == "I502")
    #expect(try code("extra_reg", "target_nodeids") { $0.ints[0] = 99 } == "I502")
    #expect(try code("extra_reg", "nodes_nodeids") { $0.ints[1] = 0 } == "I502")
    #expect(try code("extra_reg", "nodes_truenodeids") { $0.ints[0] = 0 } == "I501")
    #expect(try code("extra_reg", "nodes_falsenodeids") { $0.ints[0] = 77 } == "I501")
    #expect(try code("extra_reg", "nodes_featureids") { $0.ints[0] = 5 } == "I501")
    #expect(
      try code("extra_reg", "nodes_modes") { $0.strings[0] = Array("BRANCH_MEMBER".utf8).data } == "I503")
    #expect(try code("extra_reg", "aggregate_function") { $0.s = Array("MIN".utf8).data } == "I503")
    #expect(try code("extra_reg", "post_transform") { $0.s = Array("X".utf8).data } == "I502")
    #expect(try code("gb_3_zipmap", "base_values") { $0.floats = [1, 2] } == "I502")
    #expect(try code("v5", "tree_roots") { $0.ints[0] = 9 } == "I501")
    #expect(try code("v5", "nodes_truenodeids") { $0.ints[0] = 0 } == "I501")
    #expect(try code("v5", "nodes_falsenodeids") { $0.ints[1] = 50 } == "I501")
    #expect(try code("v5", "aggregate_function") { $0.i = 2 } == "I503")
    #expect(try code("v5", "post_transform") { $0.i = 7 } == "I502")
    #expect(try code("v5", "leaf_targetids") { $0.ints[0] = 2 } == "I502")
    #expect(try code("v5", "nodes_trueleafs") { $0.ints.removeLast() } == "I502")
  }
}

extension [UInt8] {
  fileprivate var data: Data { Data(self) }
}
