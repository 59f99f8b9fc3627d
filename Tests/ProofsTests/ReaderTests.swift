import Circuit
import CircuitTestSupport
import Testing
import VerilogBackend

@testable import Proofs

@Suite("Reading Verilog back")
struct ReaderTests {
  /// The netlist computes what the circuit does, for every operation that the printer knows.
  @Test(arguments: 0..<40) func randomCircuits(seed: UInt64) throws {
    var generator = RandomCircuit()
    if seed % 4 == 3 {
      generator.inputWidth = 60
      generator.maximumWidth = 115
    }
    let options = VerilogOptions(primitives: seed % 2 == 1)
    let circuit = generator.make(seed: seed).pipelined(latency: Int(seed % 4), seed: seed)
    let files = try VerilogBackend.emit(circuit, options: options).filter { $0.path.hasSuffix(".v") }
      .map { VerilogFile(path: $0.path, text: $0.contents) }
    let interface = DesignInterface(circuit, options)
    let netlist = try Elaboration.netlist(files, interface)
    let timing = TimingProof(netlist, interface)
    #expect(timing.failures.isEmpty, "\(timing.failures)")
    var random = SeededGenerator(seed: seed)
    let samples = (0..<40).map { _ in circuit.randomInputs(using: &random) }
    var words = netlist
    var outputs: [(net: Net?, width: Int)] = []
    for port in interface.outputs {
      var offset = 0
      for width in port.widths {
        let bits = words.outputs[port.name]?.slice(low: offset, count: width)
        outputs.append((width == 0 ? nil : bits.map { words.word($0) }, width))
        offset += width
      }
    }
    let values = words.evaluated(samples)
    for (s, sample) in samples.enumerated() {
      let expected = circuit.evaluate(sample)
      #expect(expected.count == outputs.count)
      for (value, output) in zip(expected, outputs) {
        guard let net = output.net else { continue }
        let got = values[net.index * samples.count + s]
        #expect(
          got == UInt128(truncatingIfNeeded: value) & UInt128.ones(output.width), "seed \(seed), sample \(s)")
      }
    }
  }

  struct Text: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var body: String
    var place: String
    var message: String
  }

  static let texts = [
    Text(
      testDescription: "an initial block", body: "initial y = 0;", place: "2:11", message: "is missing here"),
    Text(
      testDescription: "a negative edge", body: "reg q;\nalways @(negedge clk) q <= x[0];", place: "3:10",
      message: "posedge"),
    Text(
      testDescription: "signed shift", body: "assign y = x >>> 1;", place: "2:14", message: "is missing here"),
    Text(
      testDescription: "bits beyond", body: "assign y = x[9:6];", place: "2:12",
      message: "bit 9 of a signal of 8 bits"),
    Text(
      testDescription: "driven twice", body: "assign y = x[3:0];\nassign y[1] = x[0];", place: "3:8",
      message: "driven twice"),
    Text(
      testDescription: "not driven", body: "assign y[2:0] = x[2:0];", place: "1:8", message: "nothing drives"),
    Text(
      testDescription: "an unknown value", body: "assign y = 4'dx;", place: "2:12", message: "unknown value"),
    Text(
      testDescription: "an unknown module", body: "foo f (.a(x));", place: "2:1", message: "no module 'foo'"),
    Text(
      testDescription: "too wide a number", body: "assign y = 4'd16;", place: "2:12",
      message: "more than its 4 bits"),
    Text(
      testDescription: "two clocks", body: "reg [3:0] q;\nalways @(posedge x) q <= x[3:0];\nassign y = q;",
      place: "3:21", message: "clock"),
  ]

  @Test(arguments: texts) func isRefusedWithItsPlace(text: Text) throws {
    let source =
      "module m(input wire clk, input wire [7:0] x, output wire [3:0] y);\n\(text.body)\nendmodule\n"
    let files = [VerilogFile(path: "m.v", text: source)]
    let interface = DesignInterface(
      module: "m", inputs: [.init(name: "x", widths: [8])], outputs: [.init(name: "y", widths: [4])],
      latency: 0,
      hasValid: false, hasEnable: false)
    let error = #expect(throws: VerilogError.self) { try Elaboration.netlist(files, interface) }
    let description = error?.failure(in: files).description ?? ""
    #expect(description.hasPrefix("m.v:\(text.place): "), "\(description)")
    #expect(description.contains(text.message), "\(description)")
  }
}
