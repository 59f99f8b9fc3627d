import Circuit
import TestbenchSources
import VerilogBackend

/// The files of a design's test bench, and its test vectors.
public enum RTLTestbench {
  /// `testbench/`: the harness, the same for every design, and the wrapper that gives any module the same ports.
  public static func files(for interface: ModuleInterface) -> [GeneratedFile] {
    let generic = TestbenchSources.files.filter { $0.name != "primitives.v" || interface.options.primitives }
    return generic.map { GeneratedFile(path: "testbench/\($0.name)", contents: $0.contents) } + [
      GeneratedFile(path: "testbench/bench.h", contents: header(interface)),
      GeneratedFile(path: "testbench/bench.v", contents: wrapper(interface)),
    ]
  }

  /// The test vectors as the harness reads them: packed ports, in hexadecimal.
  ///
  /// - Parameters:
  ///   - inputs: Raw integers, sample after sample, of all elements of all input ports.
  ///   - outputs: The same for the output ports; as many samples.
  public static func vectors(_ interface: ModuleInterface, inputs: [Int128], outputs: [Int128]) -> String {
    let inputPacker = PortPacker(interface.inputs)
    let outputPacker = PortPacker(interface.outputs)
    let samples = inputPacker.sampleCount(inputs) ?? outputPacker.sampleCount(outputs) ?? 0
    var text = "\(samples) \(inputPacker.bits) \(outputPacker.bits)\n"
    for sample in 0..<samples {
      text += "\(inputPacker.hex(inputs, sample: sample)) \(outputPacker.hex(outputs, sample: sample))\n"
    }
    return text
  }

  /// The wrapper's module.
  static func moduleName(_ interface: ModuleInterface) -> String { "\(interface.name)_bench" }

  private static func header(_ interface: ModuleInterface) -> String {
    """
    // The promises of \(interface.name), for the harness.
    #define BENCH_INPUT_BITS \(PortPacker(interface.inputs).bits)
    #define BENCH_OUTPUT_BITS \(PortPacker(interface.outputs).bits)
    #define BENCH_LATENCY \(interface.latency)
    #define BENCH_HAS_VALID \(interface.options.ports == .valid ? 1 : 0)
    #define BENCH_HAS_ENABLE \(interface.options.clockEnable ? 1 : 0)

    """
  }

  /// A module with the same ports for every design: all inputs side by side, all outputs side by side.
  private static func wrapper(_ interface: ModuleInterface) -> String {
    let hasValid = interface.options.ports == .valid
    var connections = [".clk(clk)"]
    if hasValid { connections += [".rst(rst)", ".in_valid(in_valid)", ".out_valid(out_valid)"] }
    if interface.options.clockEnable { connections.append(".ce(ce)") }
    for (bus, ports) in [("in_bits", interface.inputs), ("out_bits", interface.outputs)] {
      var offset = 0
      for port in ports where port.bits > 0 {
        connections.append(".\(port.name)(\(bus)[\(offset + port.bits - 1):\(offset)])")
        offset += port.bits
      }
    }
    let outputBits = PortPacker(interface.outputs).bits
    return """
      // Gives \(interface.name) the ports that the harness drives.
      `default_nettype none
      module \(moduleName(interface)) (
        input wire clk,
        input wire rst,
        input wire ce,
        input wire in_valid,
        input wire [\(max(PortPacker(interface.inputs).bits, 1) - 1):0] in_bits,
        output wire out_valid,
        output wire [\(max(outputBits, 1) - 1):0] out_bits
      );
        \(interface.name) dut (
          \(connections.joined(separator: ",\n    "))
        );\(hasValid ? "" : "\n  assign out_valid = 1'b0;")\(outputBits > 0 ? "" : "\n  assign out_bits = 1'b0;")
      endmodule
      `default_nettype wire

      """
  }
}

/// Puts the elements of several ports side by side, the first port lowest, as `bench.v` does.
struct PortPacker {
  private let elements: [PortLayout.Element]
  let bits: Int

  init(_ ports: [PortLayout]) {
    var elements: [PortLayout.Element] = []
    var bits = 0
    for port in ports {
      for var element in port.elements {
        element.offset += bits
        elements.append(element)
      }
      bits += port.bits
    }
    self.elements = elements
    self.bits = bits
  }

  /// The samples in a flat array, or nil where samples have no elements.
  func sampleCount(_ values: [Int128]) -> Int? { elements.isEmpty ? nil : values.count / elements.count }

  /// One sample's packed bits in hexadecimal.
  func hex(_ values: [Int128], sample: Int) -> String {
    var words = [UInt64](repeating: 0, count: (bits + 63) / 64 + 3)
    for (index, element) in elements.enumerated() where element.width > 0 {
      let value = values[sample * elements.count + index]
      let raw = UInt128(truncatingIfNeeded: value) & (UInt128.max >> UInt128(128 - element.width))
      let word = element.offset / 64
      let shift = element.offset % 64
      let low = raw << UInt128(shift)
      words[word] |= UInt64(truncatingIfNeeded: low)
      words[word + 1] |= UInt64(truncatingIfNeeded: low >> 64)
      if shift > 0 { words[word + 2] |= UInt64(truncatingIfNeeded: raw >> UInt128(128 - shift)) }
    }
    var text = ""
    for word in words[..<max((bits + 63) / 64, 1)].reversed() {
      let digits = String(word, radix: 16)
      text += String(repeating: "0", count: 16 - digits.count) + digits
    }
    return text
  }

  /// The raw integers in packed bits, given as hexadecimal.
  func unpack(_ hex: String) -> [Int128] {
    let digits = Array(hex.utf8.reversed())
    func bit(_ index: Int) -> Bool {
      guard index / 4 < digits.count, let digit = Character(UnicodeScalar(digits[index / 4])).hexDigitValue
      else {
        return false
      }
      return digit >> (index % 4) & 1 == 1
    }
    return elements.map { element in
      var raw: Int128 = 0
      for index in 0..<element.width where bit(element.offset + index) { raw |= Int128(1) << Int128(index) }
      let isNegative = element.signed && element.width > 0 && bit(element.offset + element.width - 1)
      return isNegative ? raw - (Int128(1) << Int128(element.width)) : raw
    }
  }
}
