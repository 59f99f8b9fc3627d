import Diagnostics
import Driver
import Foundation
import Testing

@testable import Readers

/// Every feed-forward model of the developers' set, through the whole compiler.
@Suite("The dense family", .serialized)
struct DenseFamilyTests {
  static let models = HLS4MLCompatibilityTests.models
  static let isLong = ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] == "1"

  /// A model with the dataset that its framework gives exactly, if there is one.
  struct Entry: Sendable, CustomTestStringConvertible {
    var file: String
    var exact: String?
    var testDescription: String { file }

    var folder: String {
      "\(DenseFamilyTests.models)/\(file.prefix(upTo: file.lastIndex(of: "/") ?? file.endIndex))"
    }
    var request: ModelRequest {
      ModelRequest(
        path: "\(DenseFamilyTests.models)/\(file)", output: exact == "logits" ? .logits : .model)
    }
  }

  static let small = [
    Entry(file: "hgq1/hgq1_jets/hgq1_jets.h5", exact: "output"),
    Entry(file: "keras2/dense_1layer/dense_1layer.json"),
  ]
  static let entries =
    small + [
      Entry(file: "qkeras/qkeras_3layer/qkeras_3layer.h5", exact: "logits"),
      Entry(file: "keras2/dense_3layer/dense_3layer.json"),
      Entry(file: "keras2/dense_3layer_75pruned/dense_3layer_75pruned.json"),
      Entry(file: "keras2/dense_3layer_batch_norm/dense_3layer_batch_norm.json"),
      Entry(file: "keras2/dense_3layer_binary/dense_3layer_binary.json"),
      Entry(file: "keras2/dense_3layer_full_optimizer/dense_3layer_full_optimizer.h5"),
      Entry(file: "keras2/dense_3layer_ternary/dense_3layer_ternary.json"),
      Entry(file: "keras3/dense_bn_dropout/dense_bn_dropout.keras"),
      Entry(file: "qkeras/qkeras_auto_po2_bn/qkeras_auto_po2_bn.h5"),
      Entry(
        file: "qkeras/qkeras_digits_ternary_binary/qkeras_digits_ternary_binary.h5", exact: "logits"),
      Entry(file: "hgq2/hgq2_jets/hgq2_jets.keras", exact: "output"),
      Entry(file: "hgq2/hgq2_bn_residual/hgq2_bn_residual.keras", exact: "output"),
      Entry(file: "keras3/residual_branches/residual_branches.keras"),
    ]

  /// The long form verifies every model of the family three ways; the short one compiles the smallest.
  @Test(
    "compiles and verifies; exact models equal their framework on every sample",
    .enabled(if: FileManager.default.fileExists(atPath: models)), arguments: isLong ? entries : [small[0]])
  func verified(_ entry: Entry) throws {
    var request = CompileRequest(model: entry.request)
    request.model.inputs = "\(entry.folder)/golden.h5"
    request.plan.effort = .fast
    request.verification.scope = Self.isLong ? .all : nil
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("fpgaml-test-\(ProcessInfo.processInfo.globallyUniqueString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let start = Date()
    let report = try Compilation(request).build(into: folder.path)
    if Self.isLong {
      let verdict = try #require(report.verdict)
      #expect(verdict.passed && verdict.hls?.mismatches == 0 && verdict.rtl?.mismatches == 0)
      print("\(entry.file): \(verdict.samples) samples, \(Int(Date().timeIntervalSince(start))) s")
    }
    if let dataset = entry.exact {
      let prediction = PredictionRequest(
        model: entry.request, samples: "\(entry.folder)/golden.h5", isFloat: false, trace: [])
      let output = try RecordedOutput(prediction, dataset: dataset)
      #expect(output.found == output.expected)
    }
  }
}
