import Circuit
import FixedPoint
import Testing

@testable import VerilogBackend

@Suite struct NameTests {
  @Test(arguments: [
    ("fc1", "fc1"), ("fc1/kernel:0", "fc1_kernel_0"), ("3d", "p3d"), ("reg", "reg_"), ("logic", "logic_"),
    ("class", "class_"), ("", "_"), ("größe", "gr__e"), ("a b", "a_b"), ("$x", "_x"), ("Reg", "Reg"),
  ])
  func charactersDigitsAndKeywords(name: String, expected: String) {
    #expect(VerilogName.sanitized(name) == expected)
  }

  private func circuit(inputs: [String], outputs: [String], name: String = "m") -> Circuit {
    var b = CircuitBuilder(name: name)
    let l = b.origin("l")
    let bit = Format(.bit, exponent: 0)
    let values = inputs.map { b.input($0, shape: [1], formats: [bit], origin: l)[0] }
    for output in outputs { b.output(output, shape: [1], elements: [Port.Element(bit, value: values[0])]) }
    var circuit = b.circuit
    circuit.latency = 0
    return circuit
  }

  @Test func controlPortsAndDuplicatesGetAnUnderscore() {
    let names = ["clk", "rst", "in_valid", "out_valid", "ce", "x", "x ", "wire"]
    let interface = ModuleInterface(circuit(inputs: names, outputs: ["x", "wire", "y"], name: "2 jets"))
    #expect(interface.name == "p2_jets")
    #expect(
      interface.inputs.map(\.name) == ["clk_", "rst_", "in_valid_", "out_valid_", "ce_", "x", "x_", "wire_"])
    #expect(interface.outputs.map(\.name) == ["x__", "wire__", "y"])
    #expect(interface.inputs.map(\.tensor) == names)
  }

  @Test func elementsArePackedRowMajorInTheirOwnWidths() {
    var b = CircuitBuilder(name: "m")
    let formats = [
      Format(Interval(-8, 7), exponent: -2), Format(.zero, exponent: 0), Format(Interval(0, 1), exponent: 3),
      Format(Interval(-1, 0), exponent: -9),
    ]
    _ = b.input("x", shape: [2, 2], formats: formats, origin: b.origin("l"))
    let port = ModuleInterface(b.circuit).inputs[0]
    #expect(port.bits == 6 && port.shape == [2, 2])
    #expect(port.elements.map(\.offset) == [0, 4, 4, 5])
    #expect(port.elements.map(\.width) == [4, 0, 1, 1])
    #expect(port.elements.map(\.fraction) == [2, 0, -3, 9])
    #expect(port.elements.map(\.signed) == [true, false, false, true])
  }

  /// Layers whose names become equal, or equal to a port's, keep their signals apart.
  @Test func signalNamesAreUnique() throws {
    var b = CircuitBuilder(name: "m")
    let byte = Format(Interval(0, 255), exponent: 0)
    let x = b.input("x", shape: [2], formats: [byte, byte], origin: b.origin("in"))
    let sums = try ["x", "a b", "a_b"].enumerated().map { index, layer in
      try b.sum([Term(x[0], shift: index), Term(x[1])], origin: b.origin(layer))
    }
    b.output("y", shape: [3], elements: sums.map { Port.Element(b[$0].format, value: $0) })
    var circuit = b.circuit
    circuit.latency = 0
    let text = try VerilogBackend.emit(circuit)[0].contents
    for name in ["x_2_e0_s0", "a_b_e0_s0", "a_b_2_e0_s0"] { #expect(text.contains(" \(name) = ")) }
  }

  @Test func aPureCircuitIsRefused() {
    var circuit = circuit(inputs: ["x"], outputs: ["y"])
    circuit.latency = nil
    let failure = #expect(throws: (any Error).self) { try VerilogBackend.emit(circuit) }
    #expect("\(failure.map { "\($0)" } ?? "")".contains("[E001]"))
  }
}
