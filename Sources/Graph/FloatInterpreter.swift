import FixedPoint
import Functions

/// The model in binary64 arithmetic, as the framework means it: quantizers of the model are applied, types that the
/// compiler chose are not (run it on the untyped graph).
public struct FloatInterpreter: Sendable {
  public let graph: Graph
  private let constants: [Constants]

  /// What of a node does not depend on the sample.
  private struct Constants {
    var matrix: [Double] = []
    var bias: [Double] = []
    var sources: [ElementSource] = []
    /// Of a scan: its body alone.
    var body: [FloatInterpreter] = []
  }

  public init(_ graph: Graph) {
    self.graph = graph
    constants = graph.nodes.map { node in
      switch node.primitive {
      case .linear(let linear): Constants(matrix: linear.weights.values, bias: linear.bias?.values ?? [])
      case .constant(let weights): Constants(matrix: weights.values)
      case .scan(let scan): Constants(body: [FloatInterpreter(scan.body)])
      case .gather(let gather): Constants(matrix: gather.table.values)
      case .rearrange(let rearrangement):
        Constants(sources: rearrangement.sources(node.operands.map { graph[$0].shape }))
      default: Constants()
      }
    }
  }

  /// The values of every node's tensor for one sample.
  ///
  /// - Parameter observe: sees every tensor as it is computed, those of a scan's body in every step.
  public func run(_ inputs: [[Double]], observe: (Node, [Double]) -> Void = { _, _ in }) -> [[Double]] {
    var values: [[Double]] = []
    values.reserveCapacity(graph.nodes.count)
    var next = 0
    for (i, node) in graph.nodes.enumerated() {
      let operands = node.operands.map { values[$0.index] }
      switch node.primitive {
      case .input:
        values.append(inputs[next])
        next += 1
      case .constant: values.append(constants[i].matrix)
      case .linear(let linear):
        values.append(linear.apply(operands[0], constants[i].matrix, constants[i].bias))
      case .contract:
        values.append(Contraction.apply(operands[0], operands[1], node.operands.map { graph[$0].shape }))
      case .gather(let gather): values.append(gather.apply(operands[0], constants[i].matrix))
      case .combine(let kind): values.append(kind.apply(operands))
      case .map(let map): values.append(operands[0].map(map.function.value))
      case .quantize(let quantizer):
        values.append(operands[0].enumerated().map { quantizer.apply($1, element: $0) })
      case .reduce(let kind):
        let length = graph[node.operands[0]].shape.last ?? 1
        values.append(
          stride(from: 0, to: operands[0].count, by: length).map {
            kind.apply(operands[0][$0..<($0 + length)])
          })
      case .scan(let scan):
        values.append(
          scan.run(operands, steps: node.shape[0], body: constants[i].body[0], observe: observe))
      case .forest(let forest):
        let length = forest.features.count
        values.append(
          stride(from: 0, to: operands[0].count, by: length).flatMap {
            forest.scores(Array(operands[0][$0..<($0 + length)]))
          })
      case .rearrange(let rearrangement):
        let padding = rearrangement.padding == .lowest ? -Double.infinity : 0
        values.append(
          constants[i].sources.map { source in
            switch source {
            case .element(let operand, let index): operands[operand][index]
            case .padding: padding
            }
          })
      }
      observe(node, values[i])
    }
    return values
  }
}

extension Linear {
  fileprivate func apply(_ operand: [Double], _ matrix: [Double], _ bias: [Double]) -> [Double] {
    var result: [Double] = []
    for (position, start) in stride(from: 0, to: operand.count, by: inputs).enumerated() {
      let group = position % groups
      var sums =
        bias.isEmpty
        ? Array(repeating: 0, count: outputs) : Array(bias[(group * outputs)..<((group + 1) * outputs)])
      for k in 0..<inputs {
        let value = operand[start + k]
        let first = (group * inputs + k) * outputs
        for n in 0..<outputs { sums[n] += value * matrix[first + n] }
      }
      result += sums
    }
    return result
  }
}

extension Gather {
  /// Indices are truncated to integers, as frameworks do, and taken from the nearest row where there is none.
  fileprivate func apply(_ indices: [Double], _ table: [Double]) -> [Double] {
    indices.flatMap { index in
      let row = index.isNaN ? 0 : Int(min(max(index, 0), Double(rows - 1)))
      return table[(row * columns)..<((row + 1) * columns)]
    }
  }
}

extension Combination {
  fileprivate func apply(_ operands: [[Double]]) -> [Double] {
    switch self {
    case .less, .lessOrEqual, .equal, .notEqual:
      return zip(operands[0], operands[1]).map { holds($0, $1) ? 1 : 0 }
    case .select: return operands[0].indices.map { operands[operands[0][$0] != 0 ? 1 : 2][$0] }
    case .add, .subtract, .multiply, .maximum, .minimum: break
    }
    var result = operands[0]
    for operand in operands.dropFirst() {
      for i in result.indices {
        switch self {
        case .add: result[i] += operand[i]
        case .subtract: result[i] -= operand[i]
        case .multiply: result[i] *= operand[i]
        case .maximum: result[i] = max(result[i], operand[i])
        case .minimum: result[i] = min(result[i], operand[i])
        case .less, .lessOrEqual, .equal, .notEqual, .select: break
        }
      }
    }
    return result
  }
}

extension Reduction {
  fileprivate func apply(_ values: ArraySlice<Double>) -> Double {
    switch self {
    case .sum: return values.reduce(0, +)
    case .maximum: return values.max() ?? 0
    case .minimum: return values.min() ?? 0
    case .argmax:
      var best = values.startIndex
      for i in values.indices where values[i] > values[best] { best = i }
      return Double(best - values.startIndex)
    }
  }
}

extension Quantizer {
  /// The quantizer's value for a real number; the operand is divided by the scale in binary64.
  func apply(_ x: Double, element i: Int) -> Double {
    switch self {
    case .fixed(let types, let scales):
      let scale = scales[i].doubleValue
      guard let raw = types[i].convert(x / scale) else { return x }
      return types[i].value(raw) * scale
    case .steps(let steps):
      let reached = steps.thresholds.prefix {
        $0.isInclusive ? x >= $0.value.doubleValue : x > $0.value.doubleValue
      }
      let level = Double(steps.levels[reached.count])
      return level * Double(sign: .plus, exponent: steps.exponent, significand: 1) * steps.scale.doubleValue
    }
  }
}
