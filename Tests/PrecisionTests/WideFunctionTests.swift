import FixedPoint
import Foundation
import Functions
import Graph
import Lowering
import Testing

@testable import Precision

/// One function between a wide input and a result type.
struct WideFunction: Sendable, CustomTestStringConvertible {
  var function: Function
  var input: FixedType
  var result: FixedType
  var testDescription: String { "\(function) of \(input) to \(result)" }

  /// The graph with its types.
  func typed() throws -> Graph {
    var graph = Graph(name: "m", framework: "test")
    let layer = Layer(name: "f", kind: "Activation", path: "f")
    let x = graph.add(.input(shape: [1]), name: "x", layer: Layer(name: "x", kind: "Input", path: "x"))
    let y = graph.add(.map(Map(function)), [x], name: "f", layer: layer)
    graph.outputs = [Graph.Output(name: "y", node: y)]
    var configuration = Configuration()
    configuration.layerNames["x"] = Configuration.Scope(types: ["result": input])
    configuration.layerNames["f"] = Configuration.Scope(types: ["result": result], implementation: "fpgaml")
    return try Typer.type(graph, TypePolicy(configuration: configuration)).graph
  }

  /// The function's value in steps of the result, as far as the type reaches.
  func reference(_ raw: Int128) -> Double {
    let value = function.value(input.value(raw))
    let steps = value * Double(sign: .plus, exponent: -result.exponent, significand: 1)
    let range = result.reachableRange
    return min(max(steps, Double(range.lower)), Double(range.upper))
  }
}

@Suite("Functions of wide operands")
struct WideFunctionTests {
  static let isLong = ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] == "1"

  static func signed(_ width: Int, _ integerBits: Int) -> FixedType {
    FixedType(width: width, integerBits: integerBits, rounding: .rnd, overflow: .sat)
  }

  static let smooth: [Function] = [
    .sigmoid, .tanh, .softplus, .softsign, .selu, .silu, .mish, .erf, .logSigmoid, .hardSilu,
    .elu(alpha: 0.7),
    .celu(alpha: 1.5), .gelu(approximate: false), .gelu(approximate: true),
    .hardSigmoid(slope: 0.2, offset: 0.5), .hardTanh, .squareplus(b: 4), .softShrink(threshold: 0.5),
    .tanhShrink, .sparsePlus, .abs,
  ]

  static var cases: [WideFunction] {
    smooth.flatMap { function in
      [(16, 6), (14, 4)].map { width, integerBits in
        WideFunction(
          function: function, input: signed(width, integerBits), result: signed(16, 6))
      }
    } + [
      WideFunction(function: .tanh, input: signed(13, 3), result: FixedType(width: 12, integerBits: 1)),
      WideFunction(function: .exp, input: signed(16, 4), result: signed(18, 8)),
      WideFunction(
        function: .sqrt, input: FixedType(width: 16, integerBits: 6, isSigned: false), result: signed(16, 6)),
      WideFunction(
        function: .reciprocal, input: FixedType(width: 14, integerBits: 7, isSigned: false),
        result: signed(16, 8)),
    ]
  }

  /// The proven bound holds at every value of the operand (every 61st in the short form), and says something.
  @Test(arguments: cases)
  func errorBound(_ test: WideFunction) throws {
    let graph = try test.typed()
    let map = try #require(
      graph.nodes.compactMap { if case .map(let map) = $0.primitive { map } else { nil } }.first)
    let bound = map.errorBound ?? (test.result.rounding == .rnd ? 0.5 : 1)
    #expect(bound <= 1.3, "\(bound)")
    let simulator = try ReferenceSimulator(graph)
    let circuit = try graph.lowered(LoweringOptions(effort: .fast)).circuit
    let range = test.input.rawRange
    var largest = 0.0
    for raw in stride(from: range.lower, through: range.upper, by: Self.isLong ? 1 : 61) {
      let values = try simulator.run([[raw]])
      let result = values[graph.outputs[0].node.index][0]
      let value = test.function.value(test.input.value(raw))
      if value.isFinite { largest = max(largest, abs(Double(result) - test.reference(raw))) }
      #expect(circuit.evaluate([raw]) == [result])
    }
    #expect(largest <= bound + 1e-9, "\(largest) of \(bound)")
    // A bound far above what is found would prove little.
    #expect(bound - largest < 0.75, "\(largest) of \(bound)")
  }

  @Test("accumulators wider than any table")
  func accumulators() throws {
    for function in [Function.sigmoid, .silu, .softplus] {
      let test = WideFunction(
        function: function, input: Self.signed(27, 12), result: Self.signed(16, 6))
      let graph = try test.typed()
      let bounds = graph.nodes.compactMap { node -> Double? in
        if case .map(let map) = node.primitive { map.errorBound } else { nil }
      }
      // Functions that follow a line above 0 are rounded once more where the line is added.
      let bound = try #require(bounds.first) + (function == .sigmoid ? 0 : 0.5)
      #expect(bounds.count == 1 && bound <= 1.5, "\(function): \(bound)")
      let simulator = try ReferenceSimulator(graph)
      let range = test.input.rawRange
      for raw in stride(from: range.lower, through: range.upper, by: Self.isLong ? 1009 : 100_003) {
        let result = try simulator.run([[raw]])[graph.outputs[0].node.index][0]
        #expect(abs(Double(result) - test.reference(raw)) <= bound + 1e-9, "\(function) of \(raw)")
      }
    }
  }

  @Test("narrow operands keep correctly rounded tables")
  func narrow() throws {
    let test = WideFunction(function: .tanh, input: Self.signed(12, 4), result: Self.signed(16, 6))
    for node in try test.typed().nodes {
      guard case .map(let map) = node.primitive else { continue }
      #expect(map.errorBound == nil)
      guard case .tables(let tables, _)? = map.form else {
        Issue.record("no table")
        continue
      }
      #expect(tables.map(\.entries.count) == [1 << 12])
    }
  }
}
