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
  var progress = StageProgress.silent

  /// Runs the user's samples, corner cases and random ones through everything in scope.
  ///
  /// - Throws: exit status 4 for a missing tool, other errors of tools; mismatches are in the verdict.
  func run(_ samples: InputSamples?) throws(CompilationFailed) -> Verdict {
    let formats = graph.inputs.map { graph[$0].type?.formats.array ?? [] }
    let stimuli = Stimuli(formats: formats, count: request.samples, seed: request.seed)
    let inputs = (samples?.converted(for: graph).raw ?? []) + stimuli.samples
    progress("simulating \(inputs.count) samples")
    let simulator = try ReferenceSimulator.checked(graph)
    let raw = inputs.flatMap { $0.flatMap { $0 } }
    let expected = try OutputSimulation(graph, samples: inputs.count).outputs(
      raw, samples: inputs.count, threads: ProcessInfo.processInfo.activeProcessorCount)
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("fpgaml-verify-\(ProcessInfo.processInfo.globallyUniqueString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var verdict = Verdict(samples: inputs.count, seed: request.seed, promisedLatency: interface.latency)
    if request.scope == .all || request.scope == .rtl {
      progress("proving the RTL")
      let proof = BuildProof(graph: graph, interface: interface, sources: sources)
      do throws(CompilationFailed) {
        verdict.proof = try proof.run(seed: request.seed)
      } catch {
        verdict.unproved = error.diagnostics
      }
      progress("simulating the RTL")
      verdict.rtl = try RTLVerifier(
        interface: interface, sources: sources, workFolder: folder.appendingPathComponent("rtl")
      ).verify(inputs: raw, expected: expected, seed: request.seed)
      if let first = verdict.rtl?.first, first.kind == .value, let sample = first.sample {
        // With the sample that shows it, the proof names the first node that no signal carries.
        let result = try? proof.run(seed: request.seed, including: inputs[sample])
        verdict.rtl?.first?.node = result?.failures.first { $0.kind == .value }?.node
      }
    }
    if request.scope == .all || request.scope == .hls {
      progress("verifying the HLS C++")
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
