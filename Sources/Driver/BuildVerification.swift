import Circuit
import Diagnostics
import FixedPoint
import Foundation
import Graph
import HLSBackend
import Verification
import VerilogBackend

/// Compares the generated code of a build with the reference simulator.
struct BuildVerification {
  var graph: Graph
  var interface: ModuleInterface
  /// The files as they lie, or will lie, in the build folder.
  var sources: [GeneratedFile]
  var request: VerificationRequest

  /// Runs the user's samples, corner cases and random ones through everything in scope.
  ///
  /// - Throws: exit status 4 for a missing tool, other errors of tools; mismatches are in the verdict.
  func run(_ samples: InputSamples?) throws(CompilationFailed) -> Verdict {
    let formats = graph.inputs.map { graph[$0].type?.formats.array ?? [] }
    let stimuli = Stimuli(formats: formats, count: request.samples, seed: request.seed)
    let inputs = (samples?.converted(for: graph).raw ?? []) + stimuli.samples
    let simulator = try ReferenceSimulator.checked(graph)
    var expected: [Int128] = []
    for sample in inputs {
      let values = try simulator.checkedRun(sample)
      for output in graph.outputs { expected += values[output.node.index] }
    }
    let raw = inputs.flatMap { $0.flatMap { $0 } }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("fpgaml-verify-\(ProcessInfo.processInfo.globallyUniqueString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var verdict = Verdict(samples: inputs.count, seed: request.seed, promisedLatency: interface.latency)
    if request.scope == .all || request.scope == .rtl {
      verdict.rtl = try RTLVerifier(
        interface: interface, sources: sources, workFolder: folder.appendingPathComponent("rtl")
      ).verify(inputs: raw, expected: expected, seed: request.seed)
    }
    if request.scope == .all || request.scope == .hls {
      verdict.hls = try HLSVerifier(
        name: graph.name, inputElements: formats.reduce(0) { $0 + $1.count },
        outputs: graph.outputs.map { HLSVerifier.Output(name: $0.name, elements: graph[$0.node].count) },
        sources: sources, workFolder: folder.appendingPathComponent("hls"), types: request.hlsTypes
      ).verify(inputs: raw, expected: expected) { tensors(simulator, inputs[$0]) }
    }
    return verdict
  }

  /// The tensors of all computed nodes for one sample.
  private func tensors(_ simulator: ReferenceSimulator, _ sample: [[Int128]]) -> [HLSVerifier.Expectation] {
    guard let values = try? simulator.run(sample) else { return [] }
    return graph.nodes.indices.filter { !graph.nodes[$0].primitive.isInput }.map { index in
      let node = graph.nodes[index]
      let tensor = HLSTensor(name: node.name, shape: node.shape, formats: node.type?.formats.array ?? [])
      return HLSVerifier.Expectation(tensor, values: values[index])
    }
  }
}

extension Graph {
  /// A circuit with the model's ports and nothing between them, from which port layouts follow.
  func ports(latency: Int) -> Circuit {
    var builder = CircuitBuilder(name: name)
    for id in inputs {
      _ = builder.input(
        self[id].name, shape: self[id].shape, formats: self[id].type?.formats.array ?? [],
        origin: builder.origin(self[id].layer.name))
    }
    for output in outputs {
      let node = self[output.node]
      let elements = (node.type?.formats.array ?? []).map { Port.Element($0, value: Value(0)) }
      builder.output(output.name, shape: node.shape, elements: elements)
    }
    builder.setLatency(latency)
    return builder.circuit
  }
}
