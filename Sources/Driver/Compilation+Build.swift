import Circuit
import Diagnostics
import Graph
import Verification
import VerilogBackend

/// The program at a level of the compiler, for reading (`--emit`).
public enum Emission: String, CaseIterable, Sendable {
  case graph, plan, circuit
}

extension Compilation {
  public func text(_ emission: Emission) -> String {
    switch emission {
    case .graph: model.graph.description
    case .plan: plan.text
    case .circuit: plan.circuit.text
    }
  }

  /// Prints the design, verifies what was printed, and writes the build folder.
  ///
  /// A build that fails its verification is written too, with the verdict in its report: it shows what went wrong.
  public func build(into folder: String) throws(CompilationFailed) -> Report {
    let target = BuildFolder(folder)
    try target.checkReplaceable()
    request.progress("printing")
    var files = try self.files()
    var verdict: Verdict?
    if request.verification.scope != nil {
      let interface = ModuleInterface(plan.circuit, options: request.verilog)
      verdict = try BuildVerification(
        graph: model.graph, interface: interface, sources: files, request: request.verification,
        progress: request.progress
      ).run(model.samples)
    }
    var report = Report(self, verdict: verdict)
    if let samples = model.samples, !model.source.isTyped { report.accuracy = try Accuracy(model, samples) }
    files.append(GeneratedFile(path: "report.json", contents: report.json.text() + "\n"))
    try target.write(files)
    return report
  }
}
