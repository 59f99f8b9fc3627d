import FixedPoint
import Functions
import Graph
import Precision
import Testing

@testable import Driver

@Suite("Whether integers are the framework's numbers")
struct FrameworkExactnessTests {
  /// A dense layer on two inputs, and a leaky rectifier; the reasons by name, "" where a node is exact.
  private func reasons(
    weights: [Double], bias: [Double] = [0.5], slope: Double = 0.25, _ policy: TypePolicy
  ) throws -> [String: String] {
    var graph = Graph(name: "m", framework: "none")
    func layer(_ name: String) -> Layer { Layer(name: name, kind: "Dense", path: name) }
    let x = graph.add(.input(shape: [2]), name: "x", layer: layer("x"))
    let linear = Linear(
      groups: 1, inputs: 2, outputs: 1, weights: Weights(real: weights, shape: [1, 2, 1]),
      bias: Weights(real: bias, shape: [1, 1]))
    let y = graph.add(.linear(linear), [x], name: "fc", layer: layer("fc"))
    let leaky = Map(.relu(maximum: nil, negativeSlope: slope, threshold: 0))
    let z = graph.add(.map(leaky), [y], name: "leaky", layer: layer("leaky"))
    graph.outputs = [Graph.Output(name: "z", node: z)]
    let typed = try Typer.type(graph, policy).graph
    return Dictionary(
      uniqueKeysWithValues: zip(typed.nodes, FrameworkExactness.all(in: typed, of: graph)).map {
        ($0.name, $1.reason ?? "")
      })
  }

  private let exact: TypePolicy = {
    var policy = TypePolicy()
    policy.isFullyQuantized = true
    return policy
  }()

  @Test func numbersThatFit() throws {
    #expect(try reasons(weights: [0.5, -0.75], exact) == ["x": "", "fc": "", "leaky": ""])
    let byDefault = try reasons(weights: [0.5, -0.75], TypePolicy())
    #expect(byDefault["fc"] == "" && byDefault["leaky"] == "")
    #expect(byDefault["leaky_result"] == "its type comes from default")
  }

  @Test func numbersThatAreRounded() throws {
    let precision = TypePolicy(precision: FixedType(width: 8, integerBits: 2))
    #expect(try reasons(weights: [0.3, -0.75], precision)["fc"] == "its weights are rounded")
    #expect(try reasons(weights: [0.5, -0.75], bias: [0.3], precision)["fc"] == "its bias is rounded")
    #expect(
      try reasons(weights: [0.5, -0.75], slope: 0.3, precision)["leaky"] == "its type comes from --precision")
    #expect(try reasons(weights: [0.5, 1], precision)["leaky"] == "its operand 'fc_result' is not")
  }

  @Test func sumsBeyondBinary32() throws {
    #expect(try reasons(weights: [0.5, 0x1p-20], exact)["fc"] == "a float32 sum spans 35 bits")
  }

  /// A slope that is no binary fraction is a weight where the result is converted, and exact where it is not.
  @Test func slopes() throws {
    for (policy, width) in [(TypePolicy(), 8), (exact, 53)] {
      var graph = Graph(name: "m", framework: "none")
      let layer = Layer(name: "leaky", kind: "LeakyReLU", path: "leaky")
      let x = graph.add(.input(shape: [2]), name: "x", layer: layer)
      let leaky = Map(.relu(maximum: nil, negativeSlope: 0.3, threshold: 0))
      graph.outputs = [
        Graph.Output(name: "y", node: graph.add(.map(leaky), [x], name: "leaky", layer: layer))
      ]
      let typed = try Typer.type(graph, policy).graph
      guard case .map(let map) = typed.nodes[1].primitive, case .rectifier(let rectifier) = map.form else {
        Issue.record("no rectifier")
        continue
      }
      let slope = rectifier.negativeSlope
      #expect(slope.numerator < 1 << width && slope.numerator >= 1 << (width - 2))
      #expect(abs(slope.doubleValue - 0.3) < 0x1p-9)
    }
  }
}
