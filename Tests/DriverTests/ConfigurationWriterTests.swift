import Diagnostics
import FixedPoint
import Foundation
import Functions
import Graph
import Precision
import Testing

@testable import Driver

@Suite("config")
struct ConfigurationWriterTests {
  /// Dense with relu, batch normalisation, leaky relu, dense with sigmoid, dense with softmax, as the Keras reader makes them.
  private func model() -> Graph {
    var graph = Graph(name: "float", framework: "none")
    var generator = SystemlessGenerator(state: 5)
    func layer(_ name: String, _ kind: String) -> Layer { Layer(name: name, kind: kind, path: name) }
    func weights(_ shape: [Int]) -> Weights {
      Weights(
        real: (0..<shape.elementCount).map { _ in Double.random(in: -1.5...1.5, using: &generator) },
        shape: shape)
    }
    func dense(_ x: NodeID, _ inputs: Int, _ outputs: Int, _ layer: Layer, groups: Int = 1) -> NodeID {
      graph.add(
        .linear(
          Linear(
            groups: groups, inputs: inputs, outputs: outputs, weights: weights([groups, inputs, outputs]),
            bias: weights([groups, outputs]))), [x], name: layer.name, layer: layer)
    }
    var x = graph.add(.input(shape: [4]), name: "input 1", layer: layer("input 1", "InputLayer"))
    x = dense(x, 4, 3, layer("fc: \"1\"", "Dense"))
    x = graph.add(
      .map(Map(.relu(maximum: nil, negativeSlope: 0, threshold: 0))), [x], name: "fc1_relu",
      layer: layer("fc: \"1\"", "Dense"))
    x = dense(x, 1, 1, layer("bn", "BatchNormalization"), groups: 3)
    x = graph.add(
      .map(Map(.relu(maximum: nil, negativeSlope: 0.3, threshold: 0))), [x], name: "leaky",
      layer: layer("leaky", "LeakyReLU"))
    x = dense(x, 3, 3, layer("fc2", "Dense"))
    x = graph.add(.map(Map(.sigmoid)), [x], name: "fc2_sigmoid", layer: layer("fc2", "Dense"))
    x = dense(x, 3, 2, layer("fc3", "Dense"))
    let outputs = softmax(x, layer("soft", "Softmax"), &graph)
    graph.outputs = [Graph.Output(name: "y", node: outputs)]
    return graph
  }

  private func softmax(_ x: NodeID, _ layer: Layer, _ graph: inout Graph) -> NodeID {
    func spread(_ id: NodeID, _ name: String) -> NodeID {
      let view = AffineView(shape: [2], offsets: [], strides: [])
      return graph.add(.rearrange(.view(view)), [id], name: name, layer: layer)
    }
    let greatest = graph.add(.reduce(.maximum), [x], name: "soft_max", layer: layer)
    let difference = graph.add(
      .combine(.subtract), [x, spread(greatest, "soft_m")], name: "soft_difference", layer: layer)
    let exponential = graph.add(.map(Map(.exp)), [difference], name: "soft_exp", layer: layer)
    let total = graph.add(.reduce(.sum), [exponential], name: "soft_sum", layer: layer)
    let inverse = graph.add(.map(Map(.reciprocal)), [total], name: "soft_reciprocal", layer: layer)
    return graph.add(
      .combine(.multiply), [exponential, spread(inverse, "soft_r")], name: "soft", layer: layer)
  }

  @Test("read back, it gives the same graph", arguments: ConfigurationGranularity.allCases)
  func roundTrip(granularity: ConfigurationGranularity) throws {
    let source = model()
    try #require(source.verify().isEmpty)
    for precision in [nil, FixedType(width: 12, integerBits: 4, rounding: .rnd, overflow: .sat)] {
      let policy = TypePolicy(precision: precision)
      let text = ConfigurationWriter(source, policy).text(granularity)
      let read = try Configuration.read(yaml: text, file: "config.yml")
      #expect(read.notices.isEmpty, "keys without effect")
      let before = try Typer.type(source, policy).graph
      let after = try Typer.type(source, TypePolicy(configuration: read.configuration)).graph
      #expect(before.nodes.map(\.name) == after.nodes.map(\.name))
      for (a, b) in zip(before.nodes, after.nodes) {
        #expect(a.type == b.type, "\(granularity): '\(a.name)'")
        #expect(a.primitive == b.primitive, "\(granularity): '\(a.name)'")
      }
    }
  }

  @Test("types from calibration are written too")
  func calibration() throws {
    let source = model()
    var generator = SystemlessGenerator(state: 9)
    let samples = (0..<20).map { _ in [(0..<4).map { _ in Double.random(in: -3...3, using: &generator) }] }
    let policy = TypePolicy(calibration: Calibration(source, samples: samples))
    let text = ConfigurationWriter(source, policy).text(.name)
    let read = try Configuration.read(yaml: text, file: "config.yml").configuration
    let before = try Typer.type(source, policy).graph
    let after = try Typer.type(source, TypePolicy(configuration: read)).graph
    #expect(before.nodes.map(\.type) == after.nodes.map(\.type))
    #expect(text.contains("# calibration"))
  }
}

/// The same numbers in every run.
private struct SystemlessGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state >> 32) ^ (state << 21)
  }
}
