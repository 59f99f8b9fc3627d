import Diagnostics
import Graph
import Testing

@testable import Readers

/// Damaged files: whatever a reader makes of them, it ends with a forest that can be evaluated, or with an error that
/// says where.
@Suite struct ForestMutationTests {
  @Test(arguments: [
    "xgb_dart_multi.ubj", "xgb_reg_missing.ubj", "xgb_dart.json", "xgb_rf_multi.json",
    "lgbm_zero_missing.txt",
    "lgbm_rf.txt", "tmva_grad.xml", "tmva_adaboost.xml", "mlp_radial_regression.xml", "mlp_sigmoid_old.xml",
    "onnx/rf_strings.onnx", "onnx/xgb_2.onnx", "onnx/scaled_2.onnx", "onnx/lgbm_rf.onnx",
    "onnx/v5_softmax.onnx",
  ])
  func damagedFilesAreReadOrRefusedWithALocation(_ file: String) throws {
    let original = try ForestFixture.bytes(file)
    var random = SplitMix(seed: file.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    var refused = 0
    for _ in 0..<200 {
      let damaged = Self.damage(original, &random)
      do throws(CompilationFailed) {
        let isONNX = file.hasSuffix(".onnx")
        let graph =
          try isONNX
          ? ONNXReader.read(damaged, file: file, name: "m").graph
          : ForestReader.read(damaged, file: file, name: "m").graph
        #expect(graph.isWellFormed)
        let inputs = graph.inputs.map { (0..<graph[$0].count).map { Double($0 % 5) - 2 } }
        if graph.nodes.allSatisfy({ $0.count < 1000 }) { _ = FloatInterpreter(graph).run(inputs) }
      } catch {
        refused += 1
        #expect(!error.diagnostics.isEmpty)
        for diagnostic in error.diagnostics {
          #expect(diagnostic.location != nil, "\(diagnostic)")
          #expect(diagnostic.severity == .error)
        }
      }
    }
    #expect(refused > 0)
  }

  /// One to three changes: bytes replaced, dropped, doubled or moved, digits changed, the end cut off.
  static func damage(_ original: [UInt8], _ random: inout SplitMix) -> [UInt8] {
    var bytes = original
    for _ in 0...Int.random(in: 0...2, using: &random) where !bytes.isEmpty {
      let at = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(bytes.count, at + Int.random(in: 1...64, using: &random))
      switch Int.random(in: 0..<7, using: &random) {
      case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
      case 2: bytes.removeSubrange(at..<end)
      case 3: bytes.insert(contentsOf: bytes[at..<end], at: at)
      case 4: bytes.removeSubrange(at...)
      case 5: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0..<bytes.count, using: &random))
      default:
        if let digit = bytes[at...].firstIndex(where: { (48...57).contains($0) }) {
          bytes[digit] = UInt8.random(in: 45...57, using: &random)
        }
      }
    }
    return bytes
  }
}
