import Driver
import Foundation
import Testing

@testable import Readers

/// Models with an hls4ml configuration, of every granularity, and what hls4ml's own emulation gave with it.
@Suite("hls4ml's bits with hls4ml's configuration")
struct HLS4MLCompatibilityTests {
  static let models = ExamplesTests.package.appendingPathComponent("../shared/models")
    .standardizedFileURL.path

  /// `docs/compatibility.md` lists the others, with the reason.
  static let exact = [
    "keras2/dense_1layer/dense_1layer.json", "keras2/dense_3layer/dense_3layer.json",
    "keras2/dense_3layer_batch_norm/dense_3layer_batch_norm.json",
    "keras2/dense_3layer_binary/dense_3layer_binary.json",
    "keras2/dense_3layer_ternary/dense_3layer_ternary.json", "keras3/dense_bn_dropout/dense_bn_dropout.keras",
    "keras3/residual_branches/residual_branches.keras", "keras3/cnn_depthwise/cnn_depthwise.keras",
    "hgq1/hgq1_jets/hgq1_jets.h5", "hgq2/hgq2_jets/hgq2_jets.keras",
    "hgq2/hgq2_bn_residual/hgq2_bn_residual.keras", "keras2/lstm/lstm.h5", "keras2/gru/gru.h5",
    "keras3/lstm/lstm.keras", "keras3/gru/gru.keras",
    // Types left to `auto`.
    "qkeras/qkeras_3layer/qkeras_3layer.h5", "qkeras/qkeras_auto_po2_bn/qkeras_auto_po2_bn.h5",
    "qkeras/qkeras_digits_ternary_binary/qkeras_digits_ternary_binary.h5",
  ]

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
  func sameBits(_ model: String) throws {
    let folder = "\(Self.models)/\(model.prefix(upTo: model.lastIndex(of: "/") ?? model.endIndex))"
    let request = PredictionRequest(
      model: ModelRequest(path: "\(Self.models)/\(model)", configuration: "\(folder)/hls4ml_config.yml"),
      samples: "\(folder)/golden.h5", isFloat: false, trace: [])
    let output = try RecordedOutput(request, dataset: "hls4ml_output")
    #expect(output.found == output.expected)
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
