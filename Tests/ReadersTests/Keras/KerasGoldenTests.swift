import Diagnostics
import Graph
import Testing

@testable import Readers

/// A model file with the values that the framework gave for recorded inputs.
struct GoldenModel: Sendable, CustomTestStringConvertible {
  /// Path below the folder of models, and that of the file of golden values beside it.
  var file: String
  var dataset = "output"
  /// Whether binary64 arithmetic gives the framework's numbers exactly.
  var isExact = false
  var testDescription: String { "\(file) \(dataset)" }

  /// Reads the model, runs it on every sample, and compares with the values in `golden`.
  func check(in root: String, golden: String) throws {
    let model = try ModelReader.read("\(root)/\(file)")
    #expect(model.graph.verify().isEmpty)
    let graph = dataset == "logits" ? model.graph.selecting(.logits) : model.graph
    let golden = try HDF5File(path: golden).root
    let inputs = try golden.requireDataset("input").doubles()
    let expected = try golden.requireDataset(dataset).doubles()
    let count = try golden.requireDataset("input").shape[0]
    let interpreter = FloatInterpreter(graph)
    let size = inputs.count / count
    let tolerance = isExact ? 0 : 1e-5 * max(1, expected.map(abs).max() ?? 1)
    var worst = 0.0
    for sample in 0..<count {
      let values = interpreter.run([Array(inputs[(sample * size)..<((sample + 1) * size)])])
      let output = values[graph.outputs[0].node.index]
      let width = expected.count / count
      #expect(output.count == width)
      for (i, value) in output.enumerated() { worst = max(worst, abs(value - expected[sample * width + i])) }
    }
    #expect(worst <= tolerance, "largest difference \(worst)")
  }
}

@Suite("Golden values of the framework")
struct KerasGoldenTests {
  static let shared: [GoldenModel] = [
    GoldenModel(file: "keras2/dense_1layer/dense_1layer.json"),
    GoldenModel(file: "keras2/dense_3layer/dense_3layer.json"),
    GoldenModel(file: "keras2/dense_3layer_75pruned/dense_3layer_75pruned.json"),
    GoldenModel(file: "keras2/dense_3layer_batch_norm/dense_3layer_batch_norm.json"),
    GoldenModel(file: "keras2/dense_3layer_binary/dense_3layer_binary.json"),
    GoldenModel(file: "keras2/dense_3layer_full_optimizer/dense_3layer_full_optimizer.h5"),
    GoldenModel(file: "keras2/dense_3layer_ternary/dense_3layer_ternary.json"),
    GoldenModel(file: "keras2/lstm/lstm.h5"), GoldenModel(file: "keras2/gru/gru.h5"),
    GoldenModel(file: "keras3/lstm/lstm.keras"), GoldenModel(file: "keras3/gru/gru.keras"),
    GoldenModel(file: "keras2/conv1d/conv1d.h5"),
    GoldenModel(file: "keras2/conv1d/conv1d.json"),
    GoldenModel(file: "keras2/conv2d_digits/conv2d_digits.h5"),
    GoldenModel(file: "keras2/jettagger_like_conv2d_bn/jettagger_like_conv2d_bn.json"),
    GoldenModel(file: "keras3/dense_bn_dropout/dense_bn_dropout.keras"),
    GoldenModel(file: "keras3/dense_bn_dropout/dense_bn_dropout.h5"),
    GoldenModel(file: "keras3/residual_branches/residual_branches.keras"),
    GoldenModel(file: "keras3/cnn_depthwise/cnn_depthwise.keras"),
    GoldenModel(file: "keras3/cnn_depthwise/cnn_depthwise.h5"),
    GoldenModel(file: "qkeras/qkeras_3layer/qkeras_3layer.h5", dataset: "logits", isExact: true),
    GoldenModel(file: "qkeras/qkeras_3layer/qkeras_3layer.json", dataset: "logits", isExact: true),
    GoldenModel(file: "qkeras/qkeras_3layer/qkeras_3layer.h5"),
    GoldenModel(file: "qkeras/qkeras_auto_po2_bn/qkeras_auto_po2_bn.h5", dataset: "logits"),
    GoldenModel(file: "qkeras/qkeras_auto_po2_bn/qkeras_auto_po2_bn.json", dataset: "logits"),
    GoldenModel(file: "qkeras/qkeras_digits_cnn/qkeras_digits_cnn.h5", dataset: "logits", isExact: true),
    GoldenModel(
      file: "qkeras/qkeras_digits_ternary_binary/qkeras_digits_ternary_binary.h5", dataset: "logits",
      isExact: true),
    GoldenModel(file: "hgq1/hgq1_jets/hgq1_jets.h5", isExact: true),
    GoldenModel(file: "hgq1/hgq1_digits_cnn/hgq1_digits_cnn.h5", isExact: true),
    GoldenModel(file: "hgq2/hgq2_jets/hgq2_jets.keras", isExact: true),
    GoldenModel(file: "hgq2/hgq2_bn_residual/hgq2_bn_residual.keras", isExact: true),
    GoldenModel(file: "hgq2/hgq2_digits_cnn/hgq2_digits_cnn.keras", isExact: true),
    GoldenModel(file: "hgq1/hgq1_jets/hgq1_jets_hgq.h5"),
    GoldenModel(file: "hgq1/hgq1_digits_cnn/hgq1_digits_cnn_hgq.h5"),
  ]

  @Test("models beside the package", .enabled(if: Shared.isPresent), arguments: shared)
  func sharedModels(_ model: GoldenModel) throws {
    let folder = model.file.split(separator: "/").dropLast().joined(separator: "/")
    try model.check(in: Shared.models.path, golden: "\(Shared.models.path)/\(folder)/golden.h5")
  }

  static let committed = [
    GoldenModel(file: "trained/qkeras_3layer.h5", dataset: "logits", isExact: true),
    GoldenModel(file: "trained/hgq1_jets.h5", isExact: true),
    GoldenModel(file: "trained/dense_3layer_batch_norm.json"),
  ]

  @Test("trained models of the repository", arguments: committed)
  func committedModels(_ model: GoldenModel) throws {
    let stem = model.file.prefix(upTo: model.file.lastIndex(of: ".") ?? model.file.endIndex)
    try model.check(in: RecordedModel.folder, golden: "\(RecordedModel.folder)/\(stem).golden.h5")
  }
}
