import Circuit
import CircuitTestSupport
import Foundation
import Testing
import VerilogBackend

@testable import Verification

/// Whether the simulator is there; tests that need it are skipped visibly where it is not.
let hasVerilator = Tool.find("verilator") != nil && Tool.find("g++") != nil

/// A folder that is removed with its owner.
final class TemporaryFolder: Sendable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("fpgaml-test-\(ProcessInfo.processInfo.globallyUniqueString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}

/// Prints a timed circuit, simulates it on random samples and compares with the circuit's own meaning.
///
/// - Parameter mutate: Breaks the RTL, to see that it is noticed.
func simulate(
  _ circuit: Circuit, options: VerilogOptions = VerilogOptions(), samples: Int = 100, seed: UInt64 = 1,
  mutate: (String) throws -> String = { $0 }
) throws -> RTLResult {
  var random = SeededGenerator(seed: seed)
  let inputs = (0..<samples).map { _ in circuit.randomInputs(using: &random) }
  var files = try VerilogBackend.emit(circuit, options: options)
  files[0].contents = try mutate(files[0].contents)
  let folder = try TemporaryFolder()
  let verifier = RTLVerifier(
    interface: ModuleInterface(circuit, options: options), sources: files, workFolder: folder.url)
  return try verifier.verify(
    inputs: Array(inputs.joined()), expected: inputs.flatMap { circuit.evaluate($0) }, seed: seed)
}
