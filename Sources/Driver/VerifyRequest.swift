import Circuit
import Diagnostics
import Foundation
import Graph
import Readers
import VerilogBackend

/// `verify`: the verification of a build folder, as its files are now.
public struct VerifyRequest: Sendable {
  public var folder: BuildFolder
  /// `--inputs`: samples to verify with, beside corner cases and random ones.
  public var inputs: String?
  public var verification: VerificationRequest
  public var progress = StageProgress.silent

  public init(folder: BuildFolder, inputs: String? = nil, verification: VerificationRequest) {
    self.folder = folder
    self.inputs = inputs
    self.verification = verification
  }

  /// Verifies, and writes the verdict into the build's report.
  ///
  /// - Throws: C010 and C011 for what is not a build; exit status 4 for a missing tool.
  public func run() throws(CompilationFailed) -> Verdict {
    let graph = try folder.graph()
    let report = try folder.report()
    let interface = ModuleInterface(graph.ports(latency: report.latency), options: report.verilog)
    let samples = try inputs.map { path throws(CompilationFailed) in try InputSamples.read(path, for: graph) }
    let verdict = try BuildVerification(
      graph: graph, interface: interface, sources: try folder.sources(), request: verification,
      progress: progress
    ).run(samples)
    try folder.replaceVerification(verdict.json)
    return verdict
  }
}
