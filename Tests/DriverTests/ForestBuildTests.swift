import Driver
import Foundation
import Graph
import Planning
import Readers
import Testing

/// Forests from their files to firmware: simulator, HLS C++ and Verilog on the recorded samples.
@Suite("Forests from a file to verified firmware", .serialized)
struct ForestBuildTests {
  private static let shared = packageRoot.deletingLastPathComponent().appendingPathComponent(
    "shared/models/trees"
  ).path
  private static var isLong: Bool { ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] == "1" }

  /// Every forest of the shared models, by the file's name in its folder.
  private static let all = [
    "xgb_binary.json", "xgb_multi.ubj", "xgb_reg.json", "xgb_fixed_grid.ubj", "lgbm_binary.txt",
    "lgbm_multi.txt",
    "lgbm_reg.txt", "sklearn_gbc_binary.onnx", "sklearn_gbc_multi.onnx", "sklearn_gbr.onnx",
    "sklearn_rf_multi.onnx", "xgb_onnxmltools.onnx", "lgbm_onnxmltools.onnx", "tmva_bdtg.weights.xml",
    "tmva_adaboost.weights.xml",
  ]
  private static let few = ["xgb_fixed_grid.ubj", "sklearn_gbc_binary.onnx"]

  private static func folder(_ file: String) -> String {
    "\(shared)/\(file.prefix { $0 != "." })"
  }

  @Test(
    "three paths, zero differences",
    .enabled(if: FileManager.default.fileExists(atPath: shared), "needs the shared models"),
    arguments: isLong ? all : few)
  func threePaths(_ file: String) throws {
    let target = try TemporaryFolder()
    let folder = Self.folder(file)
    var request = CompileRequest(
      model: ModelRequest(path: "\(folder)/\(file)", inputs: "\(folder)/golden.h5"))
    request.plan.effort = .fast
    request.plan.latency = try TimeSpan(parsing: "50ns", option: "--latency")
    request.verification.samples = 100
    let report = try Compilation(request).build(into: target.url.appendingPathComponent("build").path)
    let verdict = try #require(report.verdict)
    #expect(verdict.passed)
    // The recorded samples, corner cases and random ones.
    #expect(verdict.samples >= 256 + 100)
    #expect(verdict.rtl?.mismatches == 0 && verdict.hls?.mismatches == 0)
  }

  private func codes(_ request: ModelRequest) throws -> [String] {
    try request.load().notices.map(\.code.description)
  }

  private func predict(_ path: String, _ output: OutputSelection?, isFloat: Bool = true) throws -> [Double] {
    try PredictionRequest(
      model: ModelRequest(path: path, output: output), samples: "\(Self.shared)/xgb_binary/golden.h5",
      isFloat: isFloat, trace: []
    ).run().vectors.arrays[0].values
  }

  @Test(
    "a score, a probability, a class",
    .enabled(if: FileManager.default.fileExists(atPath: shared), "needs the shared models"))
  func outputs() throws {
    let path = "\(Self.shared)/xgb_binary/xgb_binary.json"
    let vectors = try Vectors(path: "\(Self.shared)/xgb_binary/golden.h5")
    let margins = try #require(vectors["margin"]).values
    #expect(try predict(path, nil) == margins)
    #expect(try predict(path, .logits) == margins)
    for (probability, margin) in zip(try predict(path, .model), margins) {
      #expect(abs(probability - 1 / (1 + exp(-margin))) < 1e-12)
    }
    #expect(try predict(path, .argmax) == margins.map { $0 > 0 ? 1 : 0 })
    #expect(try codes(ModelRequest(path: path)).contains("T501"))
    #expect(try !codes(ModelRequest(path: path, output: .logits)).contains("T501"))
    let regression = ModelRequest(path: "\(Self.shared)/xgb_reg/xgb_reg.json", output: .argmax)
    #expect(throws: (any Error).self) { try regression.load() }
  }

  @Test(
    "integers of the probability are those of the table of a sigmoid",
    .enabled(if: FileManager.default.fileExists(atPath: shared), "needs the shared models"))
  func probabilities() throws {
    let path = "\(Self.shared)/tmva_bdtg/tmva_bdtg.weights.xml"
    let float = try predict(path, .model)
    let integer = try predict(path, .model, isFloat: false)
    #expect(float.count == integer.count)
    // Default types: 8 bits of leaves, a step of 2^-10 of the result.
    for (a, b) in zip(float, integer) { #expect(abs(a - b) < 0.15) }
    #expect(Set(integer).count > 10)
  }

  @Test(
    "calibrated leaves say what they cost",
    .enabled(if: FileManager.default.fileExists(atPath: shared), "needs the shared models"))
  func leaves() throws {
    let folder = "\(Self.shared)/lgbm_multi"
    let model = ModelRequest(path: "\(folder)/lgbm_multi.txt", inputs: "\(folder)/golden.h5")
    let notices = try model.load().notices
    let notice = try #require(notices.first { $0.code.description == "T502" })
    #expect(notice.message.contains("greatest score is the same in 100.00%"))
  }
}
