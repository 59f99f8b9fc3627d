import Circuit
import CircuitTestSupport
import Diagnostics
import FixedPoint
import Foundation
import Testing

@testable import HLSBackend

@Suite struct HLSPrinting {
  /// What is printed for small designs, file by file. FPGAML_UPDATE_GOLDEN=1 rewrites the files, and fails.
  @Test(arguments: Designs.all) func golden(design: HLSDesign) throws {
    let files = try HLSBackend.emit(design)
    let printed = files.filter { !["hls/fpgaml_w.h", "testbench/hls_harness.h"].contains($0.path) }
      .map { "==== \($0.path)\n\($0.contents)" }.joined()
    let name = "\(HLSBackend.topName(of: design.name)).txt"
    if ProcessInfo.processInfo.environment["FPGAML_UPDATE_GOLDEN"] != nil {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Golden")
      try Data(printed.utf8).write(to: folder.appendingPathComponent(name))
      Issue.record("golden file '\(name)' was rewritten")
    } else {
      let golden = Bundle.module.bundleURL.appendingPathComponent("Golden").appendingPathComponent(name)
      #expect(try String(contentsOf: golden, encoding: .utf8) == printed)
    }
  }

  @Test func identifiers() {
    let expected = [
      "fc1": "fc1", "a/b:0": "a_b_0", "3x": "p3x", "": "p", "int": "int_", "π": "_", "w": "w_",
      "main": "main_",
    ]
    for (name, identifier) in expected { #expect(CPPNames.identifier(name) == identifier) }
    var names = CPPNames()
    #expect(["a b", "a_b", "a_b_", "a?b"].map { names.unique($0) } == ["a_b", "a_b_", "a_b__", "a_b___"])
  }

  @Test(arguments: [
    (Int128(-2_147_483_648), "-2147483648"), (2_147_483_648, "2147483648LL"),
    (Int128(Int64.min), "(-9223372036854775807LL - 1)"), (Int128(Int64.max), "9223372036854775807LL"),
    (Int128(1) << 64 + 3, "fpgaml::constant<66>(1, 3ULL)"),
    (-(Int128(1) << 64) - 1, "fpgaml::constant<66>(-2, 18446744073709551615ULL)"),
  ])
  func literals(value: Int128, text: String) { #expect(CPPInteger.literal(value) == text) }

  @Test func arrayTypeHoldsEveryElement() throws {
    let formats: [Format] = [.fixed(6, 2), .ufixed(3, 2), Format(.zero, exponent: -90), .ufixed(8, 9)]
    let tensor = HLSTensor(name: "x", shape: [4], formats: formats)
    let type = try tensor.arrayType()
    #expect(type == FixedType(width: 14, integerBits: 10))
    #expect(tensor.shifts == [0, 3, 0, 5])
    let zeros = HLSTensor(name: "x", shape: [1], formats: [Format(.zero, exponent: 3)])
    #expect(try zeros.arrayType() == FixedType(width: 1, integerBits: 1, isSigned: false))
  }
}

@Suite struct HLSErrors {
  private func code(_ design: HLSDesign) -> DiagnosticCode? {
    do throws(CompilationFailed) {
      _ = try HLSBackend.emit(design)
      return nil
    } catch {
      return error.diagnostics.first?.code
    }
  }

  @Test func elementsWithoutCommonType() {
    var design = Designs.dense()
    design.inputs.append(
      HLSTensor(name: "far", shape: [2], formats: [.fixed(8, 4), .fixed(8, 140)]))
    #expect(code(design) == "E101")
  }

  @Test func tensorsThatDoNotFit() {
    #expect(code(Designs.dense()) == nil)
    var unknown = Designs.dense()
    unknown.nodes[1].arguments = ["fc2"]
    #expect(code(unknown) == "E102")
    var reordered = Designs.dense()
    reordered.nodes.reverse()
    #expect(code(reordered) == "E102")
    var twice = Designs.dense()
    twice.nodes[1].results = ["fc1"]
    #expect(code(twice) == "E102")
    var other = Designs.dense()
    other.inputs[0].formats[1] = .fixed(9, 3)
    #expect(code(other) == "E102")
    var wider = Designs.dense()
    wider.inputs[0].formats[1] = .fixed(9, 4)
    #expect(code(wider) == "E102")
    var output = Designs.dense()
    output.outputs[0].tensor = "softmax"
    #expect(code(output) == "E102")
    var unbound = Designs.dense()
    unbound.nodes[0].arguments = []
    #expect(code(unbound) == "E102")
  }

  @Test func timedCircuit() {
    var design = Designs.dense()
    design.nodes[0].circuit = design.nodes[0].circuit.pipelined(latency: 2)
    #expect(code(design) == "E103")
  }

  @Test func entriesBeyond64Bits() {
    var design = Designs.activation()
    design.nodes[0].circuit.tables[0].entries[5] = Int128(1) << 63
    let lookup = design.nodes[0].circuit.outputs[0].elements[0].value
    let range = Interval(0, Int128(1) << 63)
    design.nodes[0].circuit[lookup].format.range = range
    design.nodes[0].circuit.outputs[0].elements[0].format.range = range
    #expect(code(design) == "E104")
  }

  @Test func brokenCircuit() {
    var design = Designs.dense()
    design.nodes[0].circuit.outputs[0].elements[0].value = Value(99)
    #expect(code(design) == "E060")
  }
}
