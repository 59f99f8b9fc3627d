import Circuit
import CircuitTestSupport
import FixedPoint
import Graph
import GraphTestSupport
import Testing
import VerilogBackend

@testable import Proofs

@Suite("Proofs of what the compiler makes")
struct ProverTests {
  static let options = [
    VerilogOptions(), VerilogOptions(clockEnable: true, primitives: true), VerilogOptions(ports: .none),
  ]

  @Test("every rounding and overflow is proved", arguments: Rounding.allCases, Overflow.allCases)
  func networks(rounding: Rounding, overflow: Overflow) throws {
    let graph = try SmallDesigns.network(rounding, overflow)
    let design = try #require(
      try ProvenDesign(graph, options: Self.options[Int(rounding.rawValue.utf8.count) % 3]))
    let result = try design.prove()
    #expect(result.passed, "\(result.problems)")
    #expect(result.proved == result.nodes.map(\.name), "\(result.nodes)")
  }

  @Test("tables, products, maxima and sums are proved", arguments: 0..<3)
  func functions(latency: Int) throws {
    let design = try #require(
      try ProvenDesign(SmallDesigns.functions(), latency: latency, options: Self.options[latency]))
    let result = try design.prove()
    #expect(result.passed, "\(result.problems)")
    #expect(result.proved == result.nodes.map(\.name), "\(result.nodes)")
  }

  /// Rectifiers whose low bits the Verilog does not compute. In the samples, the low bits of `relu[8]` are what `q[9]` and
  /// others are, which are refuted for it, and `q[8]` is what `q[0]` and others are, more than are tried. Whatever reads
  /// `relu[8]` is proved, but from its operands: that says nothing about the signal that was refuted.
  @Test("signals that have an element's bits in the samples by chance are no error")
  func chance() throws {
    var graph = Graph(name: "chance", framework: "none")
    let x = SmallDesigns.input(&graph, FixedType(width: 8, integerBits: 8, isSigned: false), count: 3)
    let rows: [(Int64, Int64, Int64, bias: Int64)] =
      (1...7).map { (1, 1, 0, -100 - $0) } + [(1, 1, -1, -100), (1, 1, 0, -100)]
      + (0..<4).map { (0, 1, 0, -100 - $0) }
    var linear = Linear(
      inputs: 3, outputs: rows.count,
      weights: Weights(
        raw: rows.map(\.0) + rows.map(\.1) + rows.map(\.2), exponent: 0, shape: [1, 3, rows.count]))
    linear.bias = Weights(raw: rows.map(\.bias), exponent: 0, shape: [1, rows.count])
    let fc = try SmallDesigns.add(&graph, .linear(linear), [x], "fc")
    let zero = Rectifier(maximum: nil, negativeSlope: Rational(0), threshold: Rational(0))
    let relu = try SmallDesigns.add(
      &graph, .map(Map(.relu(maximum: nil, negativeSlope: 0, threshold: 0), form: .rectifier(zero))), [fc],
      "relu")
    let type = FixedType(width: 4, integerBits: 9, isSigned: false, overflow: .sat)
    let q = try SmallDesigns.quantize(&graph, relu, type, "q")
    graph.outputs = [Graph.Output(name: "y", node: q)]
    let design = try #require(try ProvenDesign(graph, latency: 0))
    let samples: [[Int128]] = [
      [12, 104, 0], [84, 104, 1], [140, 104, 0], [5, 136, 1], [77, 136, 0], [181, 136, 1], [6, 168, 0],
      [70, 168, 1],
      [7, 200, 0], [79, 200, 1], [8, 232, 0], [72, 232, 1],
    ]
    let result = try Prover.prove(design.files, graph, design.interface, samples: samples.map { [$0] })
    #expect(result.passed, "\(result.problems)")
  }

  /// Random graphs hold scans, which are not proved, and what reads them; none may be called wrong.
  @Test("random graphs: no false alarm, and more nodes proved than not", arguments: 0..<8)
  func randomGraphs(block: UInt64) throws {
    var (proved, nodes) = (0, 0)
    for seed in (block * 12)..<(block * 12 + 12) {
      guard let graph = try? RandomGraph.make(seed: seed),
        let design = try ProvenDesign(
          graph, latency: Int(seed % 3), seed: seed, options: Self.options[Int(seed % 3)])
      else { continue }
      let result = try design.prove()
      #expect(result.passed, "seed \(seed): \(result.problems)")
      proved += result.proved.count
      nodes += result.nodes.count
    }
    #expect(2 * proved > nodes, "\(proved) of \(nodes)")
  }
}

@Suite("Proofs of broken Verilog")
struct BrokenVerilogTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var from: String
    var to: String
    var code: String
    var node: String?
    var message: String
    var options = VerilogOptions()
  }

  static let cases = [
    Case(
      testDescription: "a register too few", from: "_s2 <= relu_e0_s1", to: "_s2 <= relu_e0_s0", code: "V031",
      message: "registers"),
    Case(
      testDescription: "early valid", from: "= valid[1]", to: "= valid[0]", code: "V031", message: "chain"),
    Case(
      testDescription: "no reset", from: "if (rst) valid <= 2'd0;\n    else", to: "", code: "V030",
      message: "depends on itself"),
    Case(
      testDescription: "reset to one", from: "valid <= 2'd0", to: "valid <= 2'd1", code: "V031",
      message: "cleared"),
    Case(
      testDescription: "valid without enable", from: "else if (ce) valid", to: "else valid", code: "V031",
      message: "condition", options: VerilogOptions(clockEnable: true)),
    Case(
      testDescription: "a loop", from: "wire [5:0] x_e0_s0 = x[5:0];", to: "wire [5:0] x_e0_s0 = x_e0_s0;",
      code: "V030", message: "depends on itself"),
    Case(
      testDescription: "a division", from: " = x[5:0];", to: " = x[5:0] / 6'd2;", code: "V030",
      message: "division"),
    Case(
      testDescription: "an undeclared name", from: " = x[5:0];", to: " = z[5:0];", code: "V030",
      message: "not declared"),
  ]

  /// A small network with a stage boundary after the rectifier.
  private func design(_ options: VerilogOptions) throws -> ProvenDesign {
    try #require(try ProvenDesign(SmallDesigns.network(.rnd, .sat), seed: 3, options: options))
  }

  @Test(arguments: cases) func isNamed(test: Case) throws {
    let design = try design(test.options)
    var files = design.files
    let text = files[0].text
    // The register's name depends on the schedule.
    let from = text.contains(test.from) ? test.from : Self.register(in: text, like: test.from)
    let to = from == test.from ? test.to : from.replacingOccurrences(of: "_s1;", with: "_s0;")
    try #require(text.contains(from), "\(text)")
    files[0].text = text.replacingOccurrences(of: from, with: to)
    let problems: [String]
    do {
      let result = try design.prove(files)
      #expect(!result.passed)
      problems = result.problems.map(\.description)
    } catch {
      problems = ["\(error)"]
    }
    #expect(problems.contains { $0.contains(test.code) && $0.contains(test.message) }, "\(problems)")
    // A place, or the port.
    #expect(problems.allSatisfy { $0.hasPrefix("rtl/net") || $0.contains("'out_valid'") }, "\(problems)")
  }

  /// A register at stage 2 of a signal that exists at stage 0 and 1.
  private static func register(in text: String, like: String) -> String {
    for line in text.split(separator: "\n") {
      let trimmed = line.trimmingPrefix { $0 == " " }
      if trimmed.contains("_s2 <= "), trimmed.hasSuffix("_s1;") {
        let stem = trimmed.split(separator: " ")[0].dropLast(3)
        if text.contains(" \(stem)_s0 ") || text.contains(" \(stem)_s0;") { return String(trimmed) }
      }
    }
    return like
  }

  @Test("a wrong constant is refuted at its node, though no sample shows it")
  func rareDifference() throws {
    // Saturation one step too late: seen at a single value of the sum.
    var graph = Graph(name: "net", framework: "none")
    let x = SmallDesigns.input(&graph, FixedType(width: 16, integerBits: 8), count: 1)
    let type = FixedType(width: 6, integerBits: 6, isSigned: false, rounding: .trn, overflow: .sat)
    let q = try SmallDesigns.quantize(&graph, x, type, "q")
    graph.outputs = [Graph.Output(name: "y", node: q)]
    let design = try #require(try ProvenDesign(graph))
    #expect(try design.prove().passed)
    let text = design.files[0].text
    let wrong = text.replacingOccurrences(of: "6'd63", with: "6'd62")
    try #require(wrong != text, "\(text)")
    let result = try design.prove([VerilogFile(path: "rtl/net.v", text: wrong)])
    #expect(result.failures.contains { $0.node == "q" && $0.kind == .value }, "\(result)")
    #expect(result.proved.isEmpty)
  }

  @Test("a wrong look-up table in the adders of cells is refuted, with values")
  func wrongCell() throws {
    let design = try #require(
      try ProvenDesign(SmallDesigns.network(.trn, .sat), options: VerilogOptions(primitives: true)))
    var files = design.files
    try #require(files.count == 2)
    files[1].text = files[1].text.replacingOccurrences(
      of: "64'h69966996E8E8E8E8", with: "64'h69966996E8E8E8EA"
    )
    .replacingOccurrences(of: "64'h966996698E8E8E8E", with: "64'h966996698E8E8E8C")
    let failure = #expect(throws: (any Error).self) { try design.prove(files) }
    #expect("\(failure.map { "\($0)" } ?? "")".contains("V033"))
  }

  @Test("a wrong weight is found and its node named")
  func wrongWeight() throws {
    var design = try #require(try ProvenDesign(SmallDesigns.network(.rnd, .sat)))
    // Two weights of one sum change places, which leaves all ranges as they are.
    let index = try #require(design.graph.nodes.firstIndex { $0.name == "fc1" })
    guard case .linear(var linear) = design.graph.nodes[index].primitive,
      case .exact(var raw, let exponent, _) = linear.weights.storage
    else {
      Issue.record("fc1 is no linear node of integers")
      return
    }
    try #require(raw[0] != raw[4])
    raw.swapAt(0, 4)
    linear.weights = Weights(raw: raw, exponent: exponent, shape: linear.weights.shape)
    design.graph.nodes[index].primitive = .linear(linear)
    let result = try design.prove()
    #expect(!result.passed)
    #expect(result.failures.first?.node == "fc1", "\(result.problems)")
  }
}
