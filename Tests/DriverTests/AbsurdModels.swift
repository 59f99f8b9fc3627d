import FixedPoint
import Graph

/// Models that nobody trains and that somebody compiles.
enum AbsurdModels {
  private static let wide = FixedType(width: 6, integerBits: 3)
  private static let nothing = FixedType(width: 0, integerBits: 0)

  static func all() throws -> [(name: String, graph: Graph)] { try dense() + bits() + wires() }

  private static func dense() throws -> [(name: String, graph: Graph)] {
    [
      ("one_neuron", try Tiny.dense(weights: [3], inputs: 1)),
      ("one_bit", try Tiny.dense(weights: [1], inputs: 1, type: FixedType(width: 1, integerBits: 1))),
      ("zero_weights", try Tiny.dense(weights: [0, 0, 0, 0], inputs: 2)),
      ("some_constant_outputs", try Tiny.dense(weights: [1, 0, 2, 0], inputs: 2, result: nil)),
      ("constants_by_bias", try graph([wide, wide]) { [try add(&$0, $1, [0, 0, 0, 0], bias: [5, -9])] }),
      ("unused_inputs", try Tiny.dense(weights: [0, 0, 5, 1, 0, 0], inputs: 3)),
      ("huge_weights", try graph([wide]) { [try add(&$0, $1, [1 << 40, 1 - (1 << 40)], exponent: 60)] }),
      ("tiny_weights", try graph([wide]) { [try add(&$0, $1, [1, -3], exponent: -100)] }),
      ("module", try Tiny.dense(weights: [1, 2], inputs: 2)),
    ]
  }

  /// Types without bits, and with binary points far outside of them.
  private static func bits() throws -> [(name: String, graph: Graph)] {
    [
      ("zero_width_inputs", try Tiny.dense(weights: [1, 2], inputs: 2, type: nothing)),
      ("zero_width_results", try Tiny.dense(weights: [1, 2], inputs: 2, result: nothing)),
      ("some_zero_width_inputs", try graph([nothing, wide, nothing]) { [try add(&$0, $1, [1, 2, 3])] }),
      (
        "some_zero_width_results",
        try graph([wide, wide]) { [try quantize(&$0, $1, [nothing, FixedType(width: 3, integerBits: 2)])] }
      ),
      (
        "zero_width_between",
        try graph([wide, wide]) {
          let inner = try quantize(&$0, $1, [nothing, nothing])
          return [try add(&$0, inner, [1, 2], bias: [3])]
        }
      ),
      (
        "far_binary_points",
        try graph([FixedType(width: 3, integerBits: 40), FixedType(width: 3, integerBits: -37)]) {
          [
            try quantize(
              &$0, $1, [FixedType(width: 2, integerBits: 39), FixedType(width: 9, integerBits: -33)])
          ]
        }
      ),
    ]
  }

  /// Inputs and outputs of every kind.
  private static func wires() throws -> [(name: String, graph: Graph)] {
    var same = Graph(name: "same", framework: "none")
    let x = Tiny.input(&same, wide, count: 2)
    let zero = try Tiny.add(&same, .combine(.subtract), [x, x], "zero")
    same.outputs = [Graph.Output(name: "y", node: zero), Graph.Output(name: "z", node: zero)]
    var two = Graph(name: "two", framework: "none")
    _ = Tiny.input(&two, wide, count: 2, name: "never_read")
    let read = Tiny.input(&two, wide, count: 2, name: "clk")
    let sum = try Tiny.add(&two, .reduce(.sum), [read], "always")
    two.outputs = [Graph.Output(name: "rst", node: sum)]
    var constant = Graph(name: "constant", framework: "none")
    let weights = Weights(raw: [3, -4], exponent: -1, shape: [2])
    constant.outputs = [
      Graph.Output(name: "y", node: try Tiny.add(&constant, .constant(weights), [], "c"))
    ]
    return [
      ("wire", graph([wide, wide, wide]) { [$1] }), ("one_node_two_outputs", same),
      ("unused_input_tensor", two), ("no_input", constant),
    ]
  }

  /// A typed graph with the layers that `body` adds to an input of these types.
  private static func graph(
    _ types: [FixedType], _ body: (inout Graph, NodeID) throws -> [NodeID]
  ) rethrows -> Graph {
    var graph = Graph(name: "absurd", framework: "none")
    let x = Tiny.input(&graph, wide, count: types.count)
    graph[x].inputTypes = PerElement(types)
    graph[x].type = TensorType(PerElement(types.map { Format($0) }))
    graph.outputs = try body(&graph, x).enumerated().map { Graph.Output(name: "y\($0)", node: $1) }
    return graph
  }

  private static func add(
    _ graph: inout Graph, _ x: NodeID, _ weights: [Int64], exponent: Int = -2, bias: [Int64] = []
  ) throws -> NodeID {
    let (inputs, outputs) = (graph[x].count, weights.count / graph[x].count)
    let linear = Linear(
      inputs: inputs, outputs: outputs,
      weights: Weights(raw: weights, exponent: exponent, shape: [1, inputs, outputs]),
      bias: bias.isEmpty ? nil : Weights(raw: bias, exponent: exponent, shape: [1, outputs]))
    return try Tiny.add(&graph, .linear(linear), [x], "fc")
  }

  private static func quantize(
    _ graph: inout Graph, _ x: NodeID, _ types: [FixedType]
  ) throws -> NodeID {
    try Tiny.add(&graph, .quantize(.fixed(PerElement(types))), [x], "q")
  }
}
