import Circuit
import CircuitTestSupport
import Diagnostics
import FixedPoint
import Foundation
import Graph
import GraphTestSupport
import HLSBackend
import Lowering
import Testing
import VerilogBackend

@testable import Driver
@testable import Verification

/// Random graphs three ways: the reference simulator, the compiled C++ and the Verilated RTL give the same integers; so
/// does the fast simulator. Many graphs are one design, so that the tools run seldom.
@Suite(
  "Random graphs, three ways", .serialized,
  .enabled(if: Tool.find("verilator") != nil && APTypes.folder != nil, "the tools are not installed"))
struct RandomGraphTests {
  private static let isLong = ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] != nil
  /// Graphs in one design, and designs: 300 graphs, in a long test 1,000.
  private static let graphs: UInt64 = 100
  private static let designs: UInt64 = isLong ? 10 : 3
  /// Another seed for long tests finds other graphs: FPGAML_SEED.
  private static let seed =
    ProcessInfo.processInfo.environment["FPGAML_SEED"].flatMap { UInt64($0) } ?? 1

  @Test("every bit agrees", arguments: 0..<designs)
  func agree(design: UInt64) throws {
    let graphs = RandomGraph.compilable(
      Int(Self.graphs), from: Self.seed &* 1_000_000 &+ design &* 10_000, nodes: 3)
    let problems = try Design(graphs, latency: Int(design) % 4).problems()
    for problem in problems { Issue.record("\(problem)") }
  }

  @Test("an error in the RTL is found and shrunk to a few operations")
  func shrinking() throws {
    var design = try Design(RandomGraph.compilable(12, from: 7, nodes: 3), latency: 1)
    design.breaksSubtractions = true
    let problem = try #require(try design.problems().first)
    #expect(problem.text.contains("sum"))
    #expect(problem.circuit.operations.count <= 6, "\(problem)")
  }
}

/// What differs, and the smallest circuit in which it does.
private struct Problem: CustomStringConvertible {
  var message: String
  var circuit: Circuit
  var text: String { circuit.text }
  var description: String { "\(message)\n\(text)" }
}

/// Random graphs as one design.
private struct Design {
  var graphs: [Graph]
  var joined: Graph
  var latency: Int
  /// Prints subtractions as additions, to see what becomes of it.
  var breaksSubtractions = false

  init(_ graphs: [Graph], latency: Int) throws {
    self.graphs = graphs
    self.latency = latency
    joined = Graph.joined(graphs, name: "random")
  }

  func problems() throws -> [Problem] {
    let lowered = try joined.lowered(LoweringOptions(effort: .fast))
    let timed = lowered.circuit.optimized().pipelined(latency: latency, seed: 1)
    let verilog = try rtl(timed)
    let files = verilog + (try HLSBackend.emit(hls(lowered)))
    var request = VerificationRequest()
    (request.samples, request.seed) = (100, 3)
    let verdict = try BuildVerification(
      graph: joined, interface: ModuleInterface(timed), sources: files, request: request
    ).run(nil)
    // The samples of the verdict are too few for the fast simulator.
    let fast = try fastSimulatorDiffers()
    return try verdict.problems.map { try problem($0.message, port: port(verdict)) }
      + fast.map { try problem("the fast simulator differs", port: "g\($0)_output") }
  }

  private func rtl(_ circuit: Circuit) throws -> [GeneratedFile] {
    var files = try VerilogBackend.emit(circuit)
    if breaksSubtractions {
      files[0].contents = files[0].contents.replacingOccurrences(of: " - ", with: " + ")
    }
    return files
  }

  private func hls(_ lowered: Lowered) -> HLSDesign {
    HLSDesign(
      name: joined.name, interval: 1, latency: nil,
      inputs: joined.inputs.map { id in
        HLSTensor(
          name: joined[id].name, shape: joined[id].shape, formats: joined[id].type?.formats.array ?? [])
      },
      nodes: lowered.functions.map { HLSNode($0, in: joined) },
      outputs: joined.outputs.map { HLSOutput(name: $0.name, tensor: joined[$0.node].name) })
  }

  /// The output that was wrong first.
  private func port(_ verdict: Verdict) -> String {
    verdict.rtl?.first?.element?.port ?? verdict.hls?.first?.port ?? "g0_output"
  }

  /// The graphs for which the fast simulator gives other integers than the reference simulator.
  private func fastSimulatorDiffers() throws -> [Int] {
    try graphs.indices.filter { index in
      let graph = graphs[index]
      let samples = (0..<50).map { RandomGraph.sample(graph, seed: UInt64($0)) }
      let reference = try ReferenceSimulator(graph)
      let expected = try samples.flatMap { sample in
        let values = try reference.run(sample)
        return graph.outputs.flatMap { values[$0.node.index] }
      }
      let inputs = samples.flatMap { $0.flatMap { $0 } }
      return BatchSimulator(try graph.simulationCircuit()).run(inputs, samples: 50, threads: 1) != expected
    }
  }

  /// Shrinks the graph that an output port belongs to, as far as its circuit alone shows the error in the RTL.
  private func problem(_ message: String, port: String) throws -> Problem {
    let number = Int(port.dropFirst().prefix { $0 != "_" }) ?? 0
    let circuit = try graphs[number].lowered(LoweringOptions(effort: .fast)).circuit.optimized()
    guard rtlDiffers(circuit) else {
      return Problem(message: "\(message)\n\(graphs[number])", circuit: circuit)
    }
    return Problem(message: message, circuit: circuit.shrunk(tries: 25, while: rtlDiffers))
  }

  private func rtlDiffers(_ circuit: Circuit) -> Bool {
    var random = SeededGenerator(seed: 1)
    let samples = (0..<50).map { _ in circuit.randomInputs(using: &random) }
    // A narrowed range may not hold any more where operations were cut apart.
    guard samples.allSatisfy({ circuit.firstRangeViolation($0) == nil }) else { return false }
    let timed = circuit.pipelined(latency: latency, seed: 1)
    guard let files = try? rtl(timed), let folder = try? TemporaryFolder() else { return false }
    let result = try? RTLVerifier(
      interface: ModuleInterface(timed), sources: files, workFolder: folder.url
    ).verify(inputs: samples.flatMap { $0 }, expected: samples.flatMap { timed.evaluate($0) })
    return (result?.mismatches ?? 0) > 0
  }
}
