import Circuit
import CircuitTestSupport
import Foundation
import Testing
import VerilogBackend

@testable import Verification

/// A second simulator, which knows unknown values: an output that depends on a register nobody wrote is x.
@Suite(.enabled(if: Tool.find("iverilog") != nil)) struct IcarusTests {
  @Test(arguments: [(0, false), (3, false), (2, true)]) func randomCircuitsAgree(
    latency: Int, primitives: Bool
  ) throws {
    let circuits = (0..<10).map { index in
      let seed = UInt64(9000 + latency * 100 + index)
      return RandomCircuit().make(seed: seed).pipelined(latency: latency, seed: seed)
    }
    let circuit = Circuit.joined(circuits, name: "random")
    let options = VerilogOptions(primitives: primitives)
    var random = SeededGenerator(seed: 4)
    let samples = (0..<50).map { _ in circuit.randomInputs(using: &random) }
    let folder = try TemporaryFolder()
    let files =
      try VerilogBackend.emit(circuit, options: options)
      + RTLTestbench.files(for: ModuleInterface(circuit, options: options))
    for file in files where file.path.hasSuffix(".v") {
      let name = file.path.split(separator: "/").joined(separator: "_")
      try Data(file.contents.utf8).write(to: folder.url.appendingPathComponent(name))
    }
    let bench = testModule(circuit, samples: samples, latency: latency)
    try Data(bench.utf8).write(to: folder.url.appendingPathComponent("test.v"))
    let build = try Tool.run(
      "sh", ["-c", "iverilog -g2005 -s test -o test *.v"], in: folder.url, timeLimit: 60)
    #expect(build.succeeded, "\(build.standardError)")
    let run = try Tool.run("vvp", ["-n", "test"], in: folder.url, timeLimit: 60)
    #expect(run.standardOutput == "compared \(samples.count)\n")
  }

  /// Sends the samples one a cycle after a reset; prints each wrong output, and how many were compared.
  private func testModule(_ circuit: Circuit, samples: [[Int128]], latency: Int) -> String {
    let interface = ModuleInterface(circuit)
    let inputs = PortPacker(interface.inputs)
    let outputs = PortPacker(interface.outputs)
    let rows = samples.enumerated().map { index, sample in
      "    in[\(index)] = \(inputs.bits)'h\(inputs.hex(sample, sample: 0)); "
        + "out[\(index)] = \(outputs.bits)'h\(outputs.hex(circuit.evaluate(sample), sample: 0));"
    }
    return """
      module test;
        reg clk, rst, in_valid;
        reg [\(inputs.bits - 1):0] in [0:\(samples.count - 1)];
        reg [\(outputs.bits - 1):0] out [0:\(samples.count - 1)];
        reg [\(inputs.bits - 1):0] x;
        wire [\(outputs.bits - 1):0] y;
        wire out_valid;
        integer i, n;
        random_bench dut (.clk(clk), .rst(rst), .ce(1'b1), .in_valid(in_valid), .in_bits(x), .out_valid(out_valid),
          .out_bits(y));
        initial begin
      \(rows.joined(separator: "\n"))
          n = 0; clk = 0; rst = 1; in_valid = 0; #1 clk = 1; #1 clk = 0; rst = 0;
          for (i = 0; i < \(samples.count + latency); i = i + 1) begin
            in_valid = i < \(samples.count);
            x = in_valid ? in[i] : \(inputs.bits)'d0;
            #1;
            if (out_valid !== (i >= \(latency))) $display("valid %b at %0d", out_valid, i);
            if (out_valid === 1'b1) begin
              n = n + 1;
              if (y !== out[i - \(latency)]) $display("sample %0d: %h instead of %h", i - \(latency), y, out[i - \(latency)]);
            end
            clk = 1; #1 clk = 0;
          end
          $display("compared %0d", n);
          $finish;
        end
      endmodule

      """
  }
}
