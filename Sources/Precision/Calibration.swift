import FixedPoint
import Graph

/// Ranges of every tensor of the float model over calibration data.
public struct Calibration: Hashable, Sendable {
  /// By node name: the least and the greatest value seen.
  public var ranges: [String: ClosedRange<Double>]
  /// By the name of an input that only forests read: a type for each feature.
  public var elementTypes: [String: PerElement<FixedType>] = [:]

  /// Runs the float model over samples, each with the values of every input tensor in model order.
  public init(_ graph: Graph, samples: [[[Double]]]) {
    let interpreter = FloatInterpreter(graph)
    var ranges: [String: ClosedRange<Double>] = [:]
    for sample in samples {
      for (node, values) in zip(graph.nodes, interpreter.run(sample)) {
        guard let low = values.min(), let high = values.max(), low <= high else { continue }
        let seen = ranges[node.name] ?? low...high
        ranges[node.name] = min(seen.lowerBound, low)...max(seen.upperBound, high)
      }
    }
    self.ranges = ranges
    for (number, input) in graph.inputs.enumerated() {
      elementTypes[graph[input].name] = graph.featureTypes(of: input, samples: samples.map { $0[number] })
    }
  }

  /// A 16-bit type that covers what was seen, rounding to nearest and saturating.
  func type(of node: Node) -> FixedType? {
    guard let range = ranges[node.name] else { return nil }
    var type = TypePolicy.covering([range.lowerBound, range.upperBound], width: 16)
    type.rounding = .rnd
    return type
  }
}
