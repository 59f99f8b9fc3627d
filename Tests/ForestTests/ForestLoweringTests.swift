import Circuit
import FixedPoint
import Graph
import Lowering
import Testing

@Suite("Circuits of forests")
struct ForestLoweringTests {
  @Test("random forests: the circuit equals the simulator", arguments: 0..<40)
  func randomForests(block: UInt64) throws {
    for seed in (block * 5)..<(block * 5 + 5) {
      var random = RandomForest(seed: seed)
      let forest = try random.forest()
      let types = random.types()
      let graph = try typed(forest, types)
      #expect(graph.isWellFormed)
      let simulator = try ReferenceSimulator(graph)
      let lowered = try graph.lowered(LoweringOptions())
      let hurried = try graph.lowered(LoweringOptions(depth: .limited(percent: 100)))
      #expect(lowered.circuit.verify().isEmpty, "seed \(seed)")
      for _ in 0..<40 {
        let sample = random.sample(types)
        let expected = try simulator.run([sample])[1]
        #expect(lowered.circuit.evaluate(sample) == expected, "seed \(seed)")
        #expect(lowered.functions[0].circuit.evaluate(sample) == expected, "seed \(seed)")
        #expect(hurried.circuit.evaluate(sample) == expected, "seed \(seed)")
      }
    }
  }

  /// A typed graph of one forest.
  private func typed(_ forest: Forest, _ types: [FixedType]) throws -> Graph {
    var graph = Graph(name: "forest", framework: "test")
    let layer = Layer(name: "forest", kind: "forest", path: "")
    let input = graph.add(.input(shape: [types.count]), name: "x", layer: layer)
    graph[input].inputTypes = PerElement(types)
    graph[input].type = TensorType(PerElement(types.map { Format($0) }))
    let scores = graph.add(.forest(forest), [input], name: "y", layer: layer)
    graph[scores].type = try graph.exactType(graph[scores])
    graph.outputs = [Graph.Output(name: "y", node: scores)]
    return graph
  }

  @Test func equalComparatorsAreShared() throws {
    var random = RandomForest(seed: 4)
    let forest = try random.forest()
    let types = Array(repeating: FixedType(width: 7, integerBits: 4), count: forest.features.count)
    let circuit = try typed(forest, types).lowered(LoweringOptions()).circuit
    let comparisons = circuit.operations.compactMap { operation -> [Value]? in
      if case .compare(_, let a, let b) = operation.kind { [a, b] } else { nil }
    }
    #expect(!comparisons.isEmpty)
    #expect(Set(comparisons).count == comparisons.count)
  }
}
