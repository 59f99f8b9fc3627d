import FixedPoint
import Graph

/// Ranges of every tensor of the float model over calibration data.
public struct Calibration: Hashable, Sendable {
  /// By node name: the least and the greatest value seen.
  public var ranges: [String: ClosedRange<Double>]
  /// By the name of an input that only forests read: a type for each feature.
  public var elementTypes: [String: PerElement<FixedType>] = [:]
  /// By the name of a forest: types for its leaves.
  public var leaves: [String: LeafChoice] = [:]
  /// What a search found, where there was one.
  public var chosen = ChosenTypes()

  /// Runs the float model over samples, each with the values of every input tensor in model order.
  public init(_ graph: Graph, samples: [[[Double]]]) {
    let interpreter = FloatInterpreter(graph)
    var ranges: [String: ClosedRange<Double>] = [:]
    var rows: [String: [[Double]]] = [:]
    for sample in samples {
      let tensors = interpreter.run(sample) { node, values in
        guard let (low, high) = Calibration.extremes(values), low <= high else { return }
        let seen = ranges[node.name] ?? low...high
        ranges[node.name] = min(seen.lowerBound, low)...max(seen.upperBound, high)
      }
      for node in graph.nodes {
        guard case .forest(let forest) = node.primitive else { continue }
        let operand = tensors[node.operands[0].index]
        for start in stride(from: 0, to: operand.count, by: forest.features.count) {
          rows[node.name, default: []].append(Array(operand[start..<(start + forest.features.count)]))
        }
      }
    }
    self.ranges = ranges
    for node in graph.nodes {
      guard case .forest(let forest) = node.primitive else { continue }
      leaves[node.name] = LeafCalibration(forest, rows: rows[node.name] ?? []).choice()
    }
    for (number, input) in graph.inputs.enumerated() {
      elementTypes[graph[input].name] = graph.featureTypes(of: input, samples: samples.map { $0[number] })
    }
  }

  /// The least and the greatest value, in one walk over tensors of millions of elements.
  private static func extremes(_ values: [Double]) -> (low: Double, high: Double)? {
    guard let first = values.first else { return nil }
    return values.withUnsafeBufferPointer { values in
      var (low, high) = (first, first)
      for value in values {
        if value < low { low = value }
        if value > high { high = value }
      }
      return (low, high)
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
