import Driver
import Foundation
import Testing

@testable import Readers

/// Models with an hls4ml configuration, of every granularity, and what hls4ml's own emulation gave with it.
@Suite("hls4ml's bits with hls4ml's configuration")
struct HLS4MLCompatibilityTests {
  static let models = ExamplesTests.package.appendingPathComponent("../shared/models")
    .standardizedFileURL.path

  /// An output that `manifest.json` records: the model, and the dataset, whose name tells the configuration's.
  struct Recording: Hashable, Sendable, CustomTestStringConvertible {
    var model: String
    var dataset = "hls4ml_output"
    var testDescription: String { "\(model) \(dataset)" }

    var folder: String { String(model.prefix(upTo: model.lastIndex(of: "/") ?? model.endIndex)) }
    /// Several recordings of one model differ by a suffix such as `_logits`.
    var suffix: String { String(dataset.dropFirst("hls4ml_output".count)) }

    func output() throws -> RecordedOutput {
      let folder = "\(HLS4MLCompatibilityTests.models)/\(folder)"
      let request = ModelRequest(
        path: "\(HLS4MLCompatibilityTests.models)/\(model)",
        configuration: "\(folder)/hls4ml_config\(suffix).yml", output: suffix == "_logits" ? .logits : .model)
      return try RecordedOutput(
        PredictionRequest(model: request, samples: "\(folder)/golden.h5", isFloat: false, trace: []),
        dataset: dataset)
    }
  }

  static let exact =
    [
      "hgq1/hgq1_digits_cnn/hgq1_digits_cnn.h5", "hgq1/hgq1_jets/hgq1_jets.h5",
      "hgq2/hgq2_bn_residual/hgq2_bn_residual.keras", "hgq2/hgq2_digits_cnn/hgq2_digits_cnn.keras",
      "hgq2/hgq2_jets/hgq2_jets.keras", "keras2/conv1d/conv1d.json",
      "keras2/conv2d_digits/conv2d_digits.json", "keras2/dense_1layer/dense_1layer.json",
      "keras2/dense_3layer/dense_3layer.json", "keras2/dense_3layer_batch_norm/dense_3layer_batch_norm.json",
      "keras2/dense_3layer_binary/dense_3layer_binary.json",
      "keras2/dense_3layer_ternary/dense_3layer_ternary.json", "keras2/gru/gru.h5",
      "keras2/jettagger_like_conv2d_bn/jettagger_like_conv2d_bn.json", "keras2/lstm/lstm.h5",
      "keras3/cnn_depthwise/cnn_depthwise.keras", "keras3/dense_bn_dropout/dense_bn_dropout.keras",
      "keras3/gru/gru.keras", "keras3/lstm/lstm.keras", "keras3/residual_branches/residual_branches.keras",
      "qkeras/qkeras_3layer/qkeras_3layer.h5", "qkeras/qkeras_auto_po2_bn/qkeras_auto_po2_bn.h5",
      "qkeras/qkeras_digits_cnn/qkeras_digits_cnn.h5",
      "qkeras/qkeras_digits_ternary_binary/qkeras_digits_ternary_binary.h5",
      "qonnx/qonnx_mlp_6bit/qonnx_mlp_6bit.onnx",
    ].map { Recording(model: $0) } + [
      Recording(model: "keras2/dense_3layer/dense_3layer.json", dataset: "hls4ml_output_name"),
      Recording(model: "qkeras/qkeras_3layer/qkeras_3layer.h5", dataset: "hls4ml_output_logits"),
      Recording(model: "qkeras/qkeras_auto_po2_bn/qkeras_auto_po2_bn.h5", dataset: "hls4ml_output_logits"),
      Recording(model: "qkeras/qkeras_digits_cnn/qkeras_digits_cnn.h5", dataset: "hls4ml_output_logits"),
      Recording(
        model: "qkeras/qkeras_digits_ternary_binary/qkeras_digits_ternary_binary.h5",
        dataset: "hls4ml_output_logits"),
    ]

  /// The reason stands in `docs/compatibility.md`.
  static let different = Recording(model: "qonnx/qonnx_mlp_bipolar/qonnx_mlp_bipolar.onnx")

  /// What `Tests/Models/scripts/hls4ml_models.py` recorded: inferred types, merged normalisations, factors of quantizers,
  /// every activation, merge and pooling, and the four softmaxes. hls4ml hands its results over in binary32.
  @Test(arguments: [
    "activations", "merges", "merges_maximum", "pooling", "pooling_type", "quantized", "scaled",
    "softmax_latency", "softmax_stable", "softmax_legacy", "softmax_argmax",
  ])
  func automaticTypes(_ name: String) throws {
    let path = ExamplesTests.package.appendingPathComponent("Tests/Models/hls4ml/\(name)").path
    let request = PredictionRequest(
      model: ModelRequest(path: "\(path).h5", configuration: "\(path).yml"), samples: "\(path).golden.h5",
      isFloat: false, trace: [])
    let golden = try HDF5File(path: "\(path).golden.h5").root
    let arrays = try request.run().vectors.arrays
    for (number, array) in arrays.enumerated() {
      let suffix = arrays.count == 1 ? "" : "_\(number)"
      let expected = try golden.requireDataset("hls4ml_output\(suffix)").doubles().map(Float.init)
      #expect(array.values.map(Float.init) == expected, "output \(number)")
      #expect(Set(expected).count > 1)
    }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: models)), arguments: exact)
  func sameBits(_ recording: Recording) throws {
    let output = try recording.output()
    #expect(output.found == output.expected)
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: models)))
  func differentBits() throws {
    let output = try Self.different.output()
    #expect(zip(output.found, output.expected).filter { $0 != $1 }.count == 358)
    #expect(output.expected.count == 640)
  }

  @Test(
    "every recording of hls4ml's is in one of the two lists",
    .enabled(if: FileManager.default.fileExists(atPath: models)))
  func completeness() throws {
    var recorded: Set<String> = []
    for entry in try JSONDocument(path: "\(Self.models)/manifest.json").root.require("models").requireArray()
    {
      for dataset in entry["hls4ml"]?.object?.map(\.key) ?? [] {
        recorded.insert("\(try entry.requireString("path")) \(dataset)")
      }
    }
    #expect(recorded == Set((Self.exact + [Self.different]).map { "\($0.folder) \($0.dataset)" }))
    #expect(recorded.count > 30)
  }

  /// Without a configuration too, models trained quantized give their framework's bits.
  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: models)),
    arguments: [
      ("qkeras/qkeras_3layer/qkeras_3layer.h5", "logits"),
      ("qkeras/qkeras_digits_ternary_binary/qkeras_digits_ternary_binary.h5", "logits"),
      ("hgq1/hgq1_jets/hgq1_jets.h5", "output"), ("hgq2/hgq2_jets/hgq2_jets.keras", "output"),
      ("hgq2/hgq2_bn_residual/hgq2_bn_residual.keras", "output"),
    ])
  func frameworkBits(_ model: String, dataset: String) throws {
    let folder = "\(Self.models)/\(model.prefix(upTo: model.lastIndex(of: "/") ?? model.endIndex))"
    let request = PredictionRequest(
      model: ModelRequest(
        path: "\(Self.models)/\(model)", output: dataset == "logits" ? .logits : .model),
      samples: "\(folder)/golden.h5", isFloat: false, trace: [])
    let output = try RecordedOutput(request, dataset: dataset)
    #expect(output.found == output.expected)
  }
}
