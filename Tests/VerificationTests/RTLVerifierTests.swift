import Circuit
import CircuitTestSupport
import Diagnostics
import FixedPoint
import Foundation
import Testing
import VerilogBackend

@testable import Verification

@Suite(.enabled(if: hasVerilator), .serialized) struct RTLVerifierTests {
  /// 60 circuits in one simulation each: every bit of every output, at every latency and with every kind of port.
  @Test(arguments: [
    (0, VerilogOptions()), (1, VerilogOptions()), (4, VerilogOptions()),
    (3, VerilogOptions(ports: .none)), (0, VerilogOptions(ports: .none)),
    (2, VerilogOptions(clockEnable: true, primitives: true)),
    (3, VerilogOptions(ports: .none, clockEnable: true)),
  ])
  func randomCircuitsAgree(latency: Int, options: VerilogOptions) throws {
    var generator = RandomCircuit()
    generator.operations = 30
    generator.outputs = 6
    let circuits = (0..<60).map { index in
      let seed = UInt64(latency * 1000 + index)
      return generator.make(seed: seed).pipelined(latency: latency, seed: seed)
    }
    let joined = Circuit.joined(circuits, name: "random")
    #expect(joined.verify().isEmpty)
    let result = try simulate(joined, options: options, samples: 300)
    #expect(result.mismatches == 0, "\(String(describing: result.first))")
    #expect(result.first == nil)
    #expect(result.latencyCycles == latency)
    #expect(result.intervalCycles == 1)
    #expect(result.samples == 300)
    #expect(result.simulator.hasPrefix("Verilator "))
  }
}
