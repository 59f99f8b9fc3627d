import Circuit
import CircuitTestSupport
import Diagnostics
import FixedPoint
import Foundation
import Testing
import VerilogBackend

@testable import Verification

@Suite(.enabled(if: hasVerilator), .serialized) struct RTLVerifierTests {
  /// 40 circuits in one simulation each: every bit of every output, at every latency and with every kind of port.
  @Test(arguments: [
    (0, VerilogOptions()), (1, VerilogOptions()), (4, VerilogOptions(primitives: true)),
    (3, VerilogOptions(ports: .none)), (0, VerilogOptions(ports: .none, clockEnable: true)),
    (2, VerilogOptions(clockEnable: true, primitives: true)),
    (3, VerilogOptions(ports: .none, clockEnable: true)),
  ])
  func randomCircuitsAgree(latency: Int, options: VerilogOptions) throws {
    try check(Self.randomCircuits(count: 40, latency: latency), options: options, samples: 200)
  }

  /// Circuits that each occur three times, said to be made of instances: those that can be are modules.
  @Test(arguments: [
    (0, VerilogOptions()), (2, VerilogOptions(primitives: true)), (3, VerilogOptions(clockEnable: true)),
  ])
  func partsThatRepeatAgree(latency: Int, options: VerilogOptions) throws {
    var generator = RandomCircuit()
    generator.operations = 60
    var modules = 0
    for instances in 1...3 {
      generator.instances = instances
      let circuits = (0..<12).map { index in
        let seed = UInt64(instances * 1000 + index)
        return generator.make(seed: seed).pipelined(latency: latency, slack: 1, seed: seed)
      }
      let circuit = Circuit.joined(circuits + circuits + circuits, name: "repeated")
      let interface = ModuleInterface(circuit, options: options)
      modules += try VerilogBackend.emit(circuit, options: options).count {
        interface.part(in: $0.path) != nil
      }
      try check(circuit, options: options, samples: 100)
    }
    #expect(modules > 10)
  }

  @Test func wideCircuitsAgree() throws {
    var generator = RandomCircuit()
    generator.inputWidth = 60
    generator.maximumWidth = 115
    try check(Self.randomCircuits(generator, count: 30, latency: 2), samples: 100)
  }

  @Test func aCircuitWithoutInputsOrWithoutOutputBitsIsSimulated() throws {
    for (inputs, value) in [(0, 5), (1, 0)] as [(Int, Int128)] {
      var b = CircuitBuilder(name: "bench")
      let l = b.origin("l")
      let bit = Format(.bit, exponent: 0)
      _ = b.input("x", shape: [inputs], formats: Array(repeating: bit, count: inputs), origin: l)
      let constant = b.constant(value, origin: l)
      b.output("y", shape: [1], elements: [Port.Element(b[constant].format, value: constant)])
      try check(b.circuit.pipelined(latency: 2), samples: 20)
    }
  }

  private func check(
    _ circuit: Circuit, options: VerilogOptions = VerilogOptions(), samples: Int
  ) throws {
    #expect(circuit.verify().isEmpty)
    let result = try simulate(circuit, options: options, samples: samples)
    #expect(result.mismatches == 0, "\(String(describing: result.first))")
    #expect(result.first == nil)
    #expect(result.latencyCycles == circuit.latency)
    #expect(result.intervalCycles == 1)
    #expect(result.samples == samples)
    #expect(result.simulator.hasPrefix("Verilator "))
  }

  private static func randomCircuits(
    _ generator: RandomCircuit = RandomCircuit(), count: Int, latency: Int
  ) -> Circuit {
    let circuits = (0..<count).map { index in
      let seed = UInt64(latency * 1000 + index)
      return generator.make(seed: seed).pipelined(latency: latency, seed: seed)
    }
    return Circuit.joined(circuits, name: "random")
  }

  /// The command that the harness' first comment gives, as a user would type it in a build folder.
  @Test func theCommandInTheHarnessWorks() throws {
    let folder = try TemporaryFolder()
    let circuit = RandomCircuit().make(seed: 3, name: "net").pipelined(latency: 1)
    var random = SeededGenerator(seed: 1)
    let inputs = (0..<10).map { _ in circuit.randomInputs(using: &random) }
    let interface = ModuleInterface(circuit)
    let vectors = RTLTestbench.vectors(
      interface, inputs: Array(inputs.joined()), outputs: inputs.flatMap { circuit.evaluate($0) })
    let files =
      try VerilogBackend.emit(circuit) + RTLTestbench.files(for: interface)
      + [GeneratedFile(path: "testbench/vectors.txt", contents: vectors)]
    for file in files {
      let place = folder.url.appendingPathComponent(file.path)
      try FileManager.default.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(file.contents.utf8).write(to: place)
    }
    let harness = try #require(files.first { $0.path == "testbench/harness.cpp" }).contents
    let command = harness.split(separator: "\n").drop { !$0.hasPrefix("//   verilator") }.prefix(3)
      .map { $0.dropFirst(2) }
    let script =
      command.dropLast().joined(separator: " ") + " -MAKEFLAGS OPT_FAST=-O0 && " + (command.last ?? "")
    let result = try Tool.run(
      "sh", ["-c", script.replacingOccurrences(of: "NAME_bench", with: "net_bench")], in: folder.url,
      timeLimit: 300)
    #expect(result.succeeded, "\(result.standardError)")
    #expect(result.standardOutput.contains("\"mismatches\": 0, \"latency\": 1, \"interval\": 1}"))
  }
}
