/// The model in binary64 arithmetic, as the framework means it: quantizers of the model are applied, types that the
/// compiler chose are not (run it on the untyped graph).
public struct FloatInterpreter: Sendable {
  public let graph: Graph
  private let programs: [FloatProgram]

  public init(_ graph: Graph) {
    self.graph = graph
    programs = graph.nodes.map { FloatProgram($0, in: graph) }
  }

  /// The values of every node's tensor for one sample.
  ///
  /// - Parameter observe: sees every tensor as it is computed, those of a scan's body in every step.
  public func run(_ inputs: [[Double]], observe: (Node, [Double]) -> Void = { _, _ in }) -> [[Double]] {
    var values: [[Double]] = []
    values.reserveCapacity(graph.nodes.count)
    var next = 0
    for (program, node) in zip(programs, graph.nodes) {
      if node.primitive.isInput {
        values.append(inputs[next])
        next += 1
      } else {
        values.append(program.run(node.operands.map { values[$0.index] }, observe: observe))
      }
      observe(node, values[values.count - 1])
    }
    return values
  }
}
