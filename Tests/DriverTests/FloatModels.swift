import Foundation
import Functions
import Graph

/// Small float models as readers make them, with seeded weights, and samples for them.
enum FloatModels {
  static func layer(_ name: String, _ kind: String) -> Layer { Layer(name: name, kind: kind, path: name) }

  /// Dense 4-8-6-3 with rectifiers: one neuron is dead, one of no use, one input never changes.
  static func dense() -> Graph {
    var graph = Graph(name: "dense", framework: "none")
    var random = Seeded(state: 11)
    var x = graph.add(.input(shape: [4]), name: "x", layer: layer("x", "InputLayer"))
    for (name, inputs, outputs) in [("fc1", 4, 8), ("fc2", 8, 6)] {
      var weights = (0..<inputs * outputs).map { _ in Double.random(in: -1...1, using: &random) }
      var bias = (0..<outputs).map { _ in Double.random(in: -0.5...0.5, using: &random) }
      bias[0] = -100
      for k in 0..<inputs { weights[k * outputs + 1] = 0 }
      bias[1] = 0
      x = add(&graph, x, name, inputs, outputs, weights, bias)
      x = relu(&graph, x, name)
    }
    let weights = (0..<18).map { _ in Double.random(in: -1...1, using: &random) }
    x = add(&graph, x, "output", 6, 3, weights, [0.1, 0, -0.1])
    graph.outputs = [Graph.Output(name: "y", node: x)]
    return graph
  }

  /// A convolution of 3 filters over 2x2 windows of 4x4 pixels, a batch normalisation, a rectifier, dense to 3.
  static func convolution() -> Graph {
    var graph = Graph(name: "conv", framework: "none")
    var random = Seeded(state: 23)
    let input = graph.add(.input(shape: [4, 4, 1]), name: "x", layer: layer("x", "InputLayer"))
    let view = AffineView(
      shape: [3, 3, 2, 2, 1], offsets: [0, 0, 0],
      strides: [[1, 0, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 1]])
    var x = graph.add(.rearrange(.view(view)), [input], name: "conv_windows", layer: layer("conv", "Conv2D"))
    x = graph.add(.rearrange(.reshape([3, 3, 4])), [x], name: "conv_rows", layer: layer("conv", "Conv2D"))
    x = add(
      &graph, x, "conv", 4, 3, (0..<12).map { _ in Double.random(in: -1...1, using: &random) },
      [0, 0.2, -0.1])
    let scales = Weights(real: [0.7, -1.3, 2.1], shape: [3, 1, 1])
    let offsets = Weights(real: [0.3, 0.1, -0.4], shape: [3, 1])
    x = graph.add(
      .linear(Linear(groups: 3, inputs: 1, outputs: 1, weights: scales, bias: offsets)), [x], name: "bn",
      layer: layer("bn", "BatchNormalization"))
    x = relu(&graph, x, "act")
    x = graph.add(.rearrange(.reshape([27])), [x], name: "flat", layer: layer("flat", "Flatten"))
    x = add(
      &graph, x, "output", 27, 3, (0..<81).map { _ in Double.random(in: -1...1, using: &random) }, [0, 0, 0])
    graph.outputs = [Graph.Output(name: "y", node: x)]
    return graph
  }

  /// Dense to 4, tanh, dense to 1.
  static func regression() -> Graph {
    var graph = Graph(name: "regression", framework: "none")
    var random = Seeded(state: 5)
    var x = graph.add(.input(shape: [3]), name: "x", layer: layer("x", "InputLayer"))
    x = add(
      &graph, x, "fc", 3, 4, (0..<12).map { _ in Double.random(in: -1...1, using: &random) }, [0, 0, 0, 0])
    x = graph.add(.map(Map(.tanh)), [x], name: "fc_tanh", layer: layer("fc", "Dense"))
    x = add(&graph, x, "output", 4, 1, [0.5, -0.25, 1, 0.7], [0.1])
    graph.outputs = [Graph.Output(name: "y", node: x)]
    return graph
  }

  private static func add(
    _ graph: inout Graph, _ x: NodeID, _ name: String, _ inputs: Int, _ outputs: Int, _ weights: [Double],
    _ bias: [Double]
  ) -> NodeID {
    let linear = Linear(
      inputs: inputs, outputs: outputs, weights: Weights(real: weights, shape: [1, inputs, outputs]),
      bias: Weights(real: bias, shape: [1, outputs]))
    return graph.add(.linear(linear), [x], name: name, layer: layer(name, "Dense"))
  }

  private static func relu(_ graph: inout Graph, _ x: NodeID, _ name: String) -> NodeID {
    graph.add(
      .map(Map(.relu(maximum: nil, negativeSlope: 0, threshold: 0))), [x], name: "\(name)_relu",
      layer: layer(name, "Dense"))
  }

  /// Samples within ±2; the first element of each never changes.
  static func samples(_ graph: Graph, _ count: Int, seed: UInt64 = 1) -> [[[Double]]] {
    var random = Seeded(state: seed)
    return (0..<count).map { _ in
      graph.inputs.map { id in
        (0..<graph[id].count).map { $0 == 0 ? 0.75 : Double.random(in: -2...2, using: &random) }
      }
    }
  }
}

/// The same numbers in every run.
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state >> 32) ^ (state << 21)
  }
}
