import Circuit
import Diagnostics
import FixedPoint
import Graph
import Proofs
import Verification
import VerilogBackend

/// Proves the Verilog of a build against its graph.
struct BuildProof {
  var graph: Graph
  var interface: ModuleInterface
  /// The files as they lie, or will lie, in the build folder; those in `rtl/` are read.
  var sources: [GeneratedFile]

  /// Signals are looked for with so many samples.
  private static let samples = 96

  /// - Parameter first: a sample that signals are looked for with, too.
  /// - Throws: V030 for Verilog that is not of the form that is read, V033 for cells that do not add up.
  func run(seed: UInt64 = 1, including first: [[Int128]]? = nil) throws(CompilationFailed) -> ProofResult {
    let files = sources.filter { $0.path.hasPrefix("rtl/") && $0.path.hasSuffix(".v") }
      .map { VerilogFile(path: $0.path, text: $0.contents) }
    let design = DesignInterface(
      module: interface.name, inputs: interface.inputs.map(port), outputs: interface.outputs.map(port),
      latency: interface.latency, hasValid: interface.options.ports == .valid,
      hasEnable: interface.options.clockEnable)
    let formats = graph.inputs.map { graph[$0].type?.formats.array ?? [] }
    let stimuli = Stimuli(formats: formats, count: BuildProof.samples, seed: seed).samples
    // The first corner cases, then random samples.
    let samples = (first.map { [$0] } ?? []) + stimuli.prefix(5) + stimuli.suffix(BuildProof.samples - 5)
    return try Prover.prove(files, graph, design, samples: samples)
  }

  private func port(_ layout: PortLayout) -> DesignInterface.Port {
    DesignInterface.Port(name: layout.name, widths: layout.elements.map(\.width))
  }
}

/// `prove`: the proofs of a build folder, as its files are now.
public struct ProveRequest: Sendable {
  public var folder: BuildFolder
  /// Of the samples that signals are looked for with.
  public var seed: UInt64

  public init(folder: BuildFolder, seed: UInt64 = 1) {
    self.folder = folder
    self.seed = seed
  }

  /// - Throws: C010 and C011 for what is not a build; V030 and V033 for Verilog that cannot be proved.
  public func run() throws(CompilationFailed) -> ProofResult {
    let graph = try folder.graph()
    let report = try folder.report()
    let interface = ModuleInterface(graph.ports(latency: report.latency), options: report.verilog)
    return try BuildProof(graph: graph, interface: interface, sources: try folder.sources()).run(seed: seed)
  }
}

extension ProofResult {
  /// What `prove --json` prints, and report.json keeps.
  public var json: JSONOutput {
    [
      "verdict": passed ? "pass" : "fail", "registers": isTimingProved ? "proved" : "failed",
      "adders": .integer(adders), "samples": .integer(samples),
      "nodes": .array(
        nodes.map { node in
          [
            "name": .string(node.name), "verdict": .string(node.verdict.word),
            "reason": node.reason.map { .string($0) } ?? .null,
          ]
        }),
      "problems": .array(problems.map { .string($0.message) }),
    ]
  }

  /// The verdict of every node for the terminal.
  public var text: String {
    var table = TextTable(["node", "verdict", ""])
    for node in nodes {
      let samples = node.verdict == .simulated(samples: samples) ? " (\(samples))" : ""
      table.add([node.name, node.verdict.word + samples, node.reason ?? ""])
    }
    return table.text + "\nregisters " + (isTimingProved ? "proved" : "failed") + "; " + summary
  }

  /// `12 of 13 nodes proved`.
  var summary: String { "\(proved.count) of \(nodes.count) nodes proved" }
}

extension ProofResult.Verdict {
  var word: String {
    switch self {
    case .proved: "proved"
    case .simulated: "simulated"
    case .failed: "failed"
    }
  }
}
