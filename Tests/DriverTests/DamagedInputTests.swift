import Foundation
import CircuitTestSupport
import Testing
import Verification

@testable import Driver
@testable import Readers

/// Damaged files of every kind that the command line reads: it ends with a located message and status 2, or takes what is
/// still sound; nothing is written where it fails, nothing crashes, nothing takes longer than 20 s of CPU.
@Suite("Damaged input", .enabled(if: CommandLineTool.url != nil, "the fpgaml binary is not beside the tests"))
struct DamagedInputTests {
  static let models = packageRoot.appendingPathComponent("Tests/Models").path
  static let count = ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] == "1" ? 200 : 5

  /// A file that is damaged, and the command that reads it.
  struct Case: Sendable, CustomTestStringConvertible {
    var file: String
    /// The damaged copy is `%`.
    var arguments: [String]
    var testDescription: String { file }
  }

  static let cases: [Case] = [
    Case(file: "trained/hgq1_jets.h5", arguments: ["compile", "%"]),
    Case(file: "keras3/operators.keras", arguments: ["compile", "%"]),
    Case(file: "onnx/sklearn_mlp_three.onnx", arguments: ["compile", "%"]),
    Case(file: "onnx/torch_transformer_first_dynamo20.onnx", arguments: ["inspect", "%"]),
    Case(file: "onnx/exact_qonnx.onnx", arguments: ["inspect", "%", "--precision", "fixed<8,4>"]),
    Case(file: "keras3/nested.h5", arguments: ["inspect", "%", "--precision", "fixed<8,4>"]),
    Case(file: "trained/qkeras_3layer.h5", arguments: ["inspect", "%", "--precision", "fixed<8,4>"]),
    Case(file: "keras3/hgq2_named.h5", arguments: ["inspect", "%", "--precision", "fixed<8,4>"]),
    Case(
      file: "trained/dense_3layer_batch_norm.json",
      arguments: ["inspect", "%", "--weights", "\(models)/trained/dense_3layer_batch_norm_weights.h5"]),
    Case(
      file: "trained/dense_3layer_batch_norm_weights.h5",
      arguments: ["inspect", "\(models)/trained/dense_3layer_batch_norm.json", "--weights", "%"]),
    Case(
      file: "hls4ml/activations.yml",
      arguments: ["inspect", "\(models)/hls4ml/activations.h5", "--config", "%"]),
    Case(
      file: "trained/hgq1_jets.golden.h5",
      arguments: ["predict", "\(models)/trained/hgq1_jets.h5", "--inputs", "%"]),
    Case(file: "inputs.npy", arguments: ["predict", "\(models)/trained/hgq1_jets.h5", "--inputs", "%"]),
    Case(file: "inputs.csv", arguments: ["predict", "\(models)/trained/hgq1_jets.h5", "--inputs", "%"]),
    Case(file: "inputs.dat", arguments: ["predict", "\(models)/trained/hgq1_jets.h5", "--inputs", "%"]),
    Case(file: "inputs.npz", arguments: ["predict", "\(models)/trained/hgq1_jets.h5", "--inputs", "%"]),
  ]

  /// The sound file: recorded, or sixteen features of four samples in the format of its name.
  private func original(_ name: String) throws -> [UInt8] {
    guard name.hasPrefix("inputs") else { return try InputFile.bytes(at: "\(Self.models)/\(name)") }
    let folder = try TemporaryFolder()
    let values = (0..<64).map { Double($0 % 23) / 8 - 1 }
    let path = folder.url.appendingPathComponent(name).path
    try Vectors(arrays: [NamedArray(name: "input", shape: [4, 16], values: values)]).write(to: path)
    return try InputFile.bytes(at: path)
  }

  @Test(arguments: cases)
  func damaged(_ test: Case) throws {
    let original = try original(test.file)
    let folder = try TemporaryFolder()
    let name = URL(fileURLWithPath: test.file).lastPathComponent
    let file = folder.url.appendingPathComponent(name)
    let target = folder.url.appendingPathComponent(test.arguments[0] == "predict" ? "out.npy" : "out")
    var arguments = test.arguments.map { $0 == "%" ? file.path : $0 }
    if test.arguments[0] != "inspect" { arguments += ["-o", target.path] }
    if test.arguments[0] == "compile" { arguments += ["--no-verify", "--effort", "fast"] }
    var refused = 0
    for seed in 0..<UInt64(Self.count) {
      try Data(DamagedBytes.copy(of: original, seed: seed)).write(to: file)
      try? FileManager.default.removeItem(at: target)
      let result = try CommandLineTool.limited(arguments)
      let (status, message) = (result.status, result.standardError)
      #expect([0, 2, 3].contains(status), "seed \(seed): status \(status), \(message.suffix(300))")
      if status == 0 { continue }
      refused += 1
      #expect(!FileManager.default.fileExists(atPath: target.path), "seed \(seed) left something")
      if status == 2 { #expect(message.contains("error: ") && message.contains("["), "\(message)") }
    }
    #expect(refused > 0)
  }
}

/// Copies of a file, truncated, with flipped bits, or with parts overwritten or moved.
enum DamagedBytes {
  static func copy(of original: [UInt8], seed: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed &* 7919 &+ 1)
    var bytes = original
    switch seed % 4 {
    case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
    case 1:
      for _ in 0..<Int.random(in: 1...20, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
      }
    case 2:
      // Words that are read as lengths, offsets, NaN or infinity; text where text stands.
      let words = ["NaN", "-1e999", "99999999999", "{", "]", "\"\"", "null", "\u{0}\u{0}\u{f0}\u{7f}"]
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let word = Array((words.randomElement(using: &random) ?? "").utf8)
        let at = Int.random(in: 0...max(0, bytes.count - word.count), using: &random)
        bytes.replaceSubrange(at..<min(at + word.count, bytes.count), with: word)
      }
    default:
      let length = Int.random(in: 1...max(1, bytes.count / 8), using: &random)
      let from = Int.random(in: 0...bytes.count - length, using: &random)
      let to = Int.random(in: 0...bytes.count - length, using: &random)
      bytes.replaceSubrange(to..<to + length, with: original[from..<from + length])
    }
    return bytes
  }
}
