import Foundation
import Graph
import Testing
import Verification

@testable import Proofs

/// yosys reads the same Verilog; its netlist, evaluated here cell by cell, gives what ours gives.
@Suite("A second reader", .enabled(if: Tool.find("yosys") != nil))
struct SecondReaderTests {
  @Test(arguments: [0, 1, 2]) func yosysReadsTheSame(number: Int) throws {
    let graph =
      try [
        SmallDesigns.network(.rndConv, .satSym), SmallDesigns.network(.trn, .wrap, seed: 4),
        SmallDesigns.functions(),
      ][number]
    let design = try #require(try ProvenDesign(graph, latency: number, seed: 9))
    let samples = design.samples(40).map { $0.flatMap { $0 } }
    var netlist = try Elaboration.netlist(design.files, design.interface)
    let module = try YosysModule(design.files, top: design.interface.module)
    var words: [Net] = []
    for port in design.interface.outputs {
      let bits = try #require(netlist.outputs[port.name])
      words.append(netlist.word(bits))
    }
    let values = netlist.evaluated(samples)
    for (s, sample) in samples.enumerated() {
      var inputs: [String: UInt128] = [:]
      var element = 0
      for port in design.interface.inputs {
        var place = 0
        for width in port.widths {
          let raw = UInt128(truncatingIfNeeded: sample[element]) & UInt128.ones(width)
          inputs[port.name, default: 0] |= raw << UInt128(place)
          place += width
          element += 1
        }
      }
      let outputs = try module.evaluate(inputs, outputs: design.interface.outputs.map(\.name))
      for (port, net) in zip(design.interface.outputs, words) {
        #expect(outputs[port.name] == values[net.index * samples.count + s], "sample \(s), port \(port.name)")
      }
    }
  }
}

/// A module as yosys writes it, evaluated with registers passed through.
private struct YosysModule {
  private struct Cell {
    var type: String
    var parameters: [String: String]
    var inputs: [String: [Bit]]
    var output: [Bit]
  }
  private enum Bit: Hashable {
    case constant(Bool)
    case wire(Int)
  }
  private struct Unknown: Error { var text: String }

  private var cells: [Cell] = []
  private var ports: [String: (isInput: Bool, bits: [Bit])] = [:]

  init(_ files: [VerilogFile], top: String) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("fpgaml-test-\(ProcessInfo.processInfo.globallyUniqueString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var names: [String] = []
    for file in files {
      let name = URL(fileURLWithPath: file.path).lastPathComponent
      try Data(file.text.utf8).write(to: folder.appendingPathComponent(name))
      names.append(name)
    }
    let script =
      "read_verilog \(names.joined(separator: " ")); hierarchy -top \(top); proc -norom; flatten; write_json out.json"
    let run = try Tool.run("yosys", ["-q", "-p", script], in: folder, timeLimit: 120)
    guard run.succeeded else { throw Unknown(text: run.standardError) }
    let data = try Data(contentsOf: folder.appendingPathComponent("out.json"))
    let root = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    let modules = root?["modules"] as? [String: Any]
    let module = try #require(modules?[top] as? [String: Any])
    for (name, port) in try #require(module["ports"] as? [String: [String: Any]]) {
      ports[name] = (port["direction"] as? String == "input", try Self.bits(port["bits"]))
    }
    for (_, cell) in try #require(module["cells"] as? [String: [String: Any]]) {
      let directions = try #require(cell["port_directions"] as? [String: String])
      var inputs: [String: [Bit]] = [:]
      var output: [Bit] = []
      for (name, bits) in try #require(cell["connections"] as? [String: Any]) {
        if directions[name] == "input" {
          inputs[name] = try Self.bits(bits)
        } else {
          output = try Self.bits(bits)
        }
      }
      cells.append(
        Cell(
          type: try #require(cell["type"] as? String),
          parameters: cell["parameters"] as? [String: String] ?? [:],
          inputs: inputs, output: output))
    }
  }

  private static func bits(_ value: Any?) throws -> [Bit] {
    try #require(value as? [Any]).map { bit in
      if let wire = bit as? Int { return .wire(wire) }
      return .constant(bit as? String == "1")
    }
  }

  /// The values of some output ports; the valid chain, which is not among them, has a past.
  func evaluate(_ inputs: [String: UInt128], outputs: [String]) throws -> [String: UInt128] {
    var values: [Int: Bool] = [:]
    for (name, port) in ports where port.isInput {
      for (index, bit) in port.bits.enumerated() {
        if case .wire(let wire) = bit { values[wire] = (inputs[name] ?? 0) >> UInt128(index) & 1 == 1 }
      }
    }
    var drivers: [Int: Int] = [:]
    for (index, cell) in cells.enumerated() {
      for case .wire(let wire) in cell.output { drivers[wire] = index }
    }
    var result: [String: UInt128] = [:]
    for name in outputs {
      let bits = try #require(ports[name]?.bits)
      for bit in bits { try settle(bit, drivers, &values) }
      result[name] = Self.number(bits, values)
    }
    return result
  }

  /// Works out a bit; the depth of these small designs is no matter.
  private func settle(_ bit: Bit, _ drivers: [Int: Int], _ values: inout [Int: Bool]) throws {
    guard case .wire(let wire) = bit, values[wire] == nil, let index = drivers[wire] else { return }
    let cell = cells[index]
    for (name, bits) in cell.inputs where name != "CLK" {
      for bit in bits { try settle(bit, drivers, &values) }
    }
    let result = try Self.result(cell, values)
    for (index, bit) in cell.output.enumerated() {
      if case .wire(let wire) = bit { values[wire] = result >> UInt128(index) & 1 == 1 }
    }
  }

  private static func number(_ bits: [Bit], _ values: [Int: Bool]) -> UInt128 {
    bits.enumerated().reduce(0) { sum, bit in
      switch bit.element {
      case .constant(let isSet): isSet ? sum | 1 << UInt128(bit.offset) : sum
      case .wire(let wire): values[wire] == true ? sum | 1 << UInt128(bit.offset) : sum
      }
    }
  }

  private static func result(_ cell: Cell, _ values: [Int: Bool]) throws -> UInt128 {
    func port(_ name: String) -> UInt128 { number(cell.inputs[name] ?? [], values) }
    /// An operand extended as its parameters say.
    func operand(_ name: String) -> UInt128 {
      let width = cell.inputs[name]?.count ?? 0
      let isSigned = cell.parameters["\(name)_SIGNED"]?.last == "1"
      let value = port(name)
      return isSigned && width > 0 && value >> UInt128(width - 1) & 1 == 1
        ? value | ~UInt128.ones(width) : value
    }
    let (a, b) = (operand("A"), operand("B"))
    switch cell.type {
    case "$add": return a &+ b
    case "$sub": return a &- b
    case "$neg": return 0 &- a
    case "$pos": return a
    case "$mul": return a &* b
    case "$and": return a & b
    case "$or": return a | b
    case "$xor": return a ^ b
    case "$not": return ~a
    case "$logic_not": return a == 0 ? 1 : 0
    case "$logic_and": return a != 0 && b != 0 ? 1 : 0
    case "$logic_or": return a != 0 || b != 0 ? 1 : 0
    case "$reduce_and": return port("A") == UInt128.ones(cell.inputs["A"]?.count ?? 0) ? 1 : 0
    case "$reduce_or", "$reduce_bool": return a == 0 ? 0 : 1
    case "$reduce_xor": return UInt128(port("A").nonzeroBitCount & 1)
    case "$eq": return a == b ? 1 : 0
    case "$ne": return a != b ? 1 : 0
    case "$lt": return a < b ? 1 : 0
    case "$le": return a <= b ? 1 : 0
    case "$gt": return a > b ? 1 : 0
    case "$ge": return a >= b ? 1 : 0
    case "$mux": return port("S") == 1 ? port("B") : port("A")
    case "$pmux":
      let width = cell.inputs["A"]?.count ?? 0
      let choices = port("S")
      if choices == 0 { return port("A") }
      let all = cell.inputs["B"] ?? []
      let start = choices.trailingZeroBitCount * width
      return number(Array(all[start..<(start + width)]), values)
    case "$dff", "$dffe": return port("D")
    default: throw Unknown(text: "cell \(cell.type)")
    }
  }
}
