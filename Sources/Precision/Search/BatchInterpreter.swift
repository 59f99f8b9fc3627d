import FixedPoint
import Functions
import Graph

/// The float model on several samples at once, node by node in flat buffers, with chosen tensors rounded on the way.
///
/// With every tensor rounded that the typed graph rounds, the values are those of the typed graph, as long as these fit
/// the 53 bits of a binary64 number and functions other than rectifiers are left out.
struct BatchInterpreter: Sendable {
  let graph: Graph
  private let programs: [Program]

  /// What replaces parts of the float model.
  struct Changes: Sendable {
    /// By node: weights and biases of linear nodes.
    var weights: [Int: [Double]] = [:]
    var biases: [Int: [Double]] = [:]
    /// By node: how results are rounded, by channel of the last axis.
    var results: [Int: [ChannelRounding]] = [:]
  }

  /// Values of all nodes: for each the samples one behind the other.
  typealias Values = [[Double]]

  private enum Program: Sendable {
    case input(Int)
    case linear(Linear)
    case relu
    /// The operand's element for each of the result's; −1 where there is none.
    case select([Int])
    case other(FloatInterpreter)
  }

  init(_ graph: Graph) {
    self.graph = graph
    var inputs = 0
    programs = graph.nodes.map { node in
      switch node.primitive {
      case .input:
        inputs += 1
        return .input(inputs - 1)
      case .linear(let linear): return .linear(linear)
      case .map(let map) where map.function == .relu(maximum: nil, negativeSlope: 0, threshold: 0):
        return .relu
      case .rearrange(let rearrangement) where node.operands.count == 1 && rearrangement.padding != .lowest:
        return .select(
          rearrangement.sources(node.operands.map { graph[$0].shape }).map {
            if case .element(_, let index) = $0 { index } else { -1 }
          })
      default: return .other(FloatInterpreter(BatchInterpreter.alone(node, in: graph)))
      }
    }
  }

  /// A graph of one node, whose operands are inputs.
  private static func alone(_ node: Node, in graph: Graph) -> Graph {
    var single = Graph(name: node.name, framework: graph.framework)
    var operands: [NodeID] = []
    for (i, operand) in node.operands.enumerated() {
      operands.append(
        single.add(.input(shape: graph[operand].shape), name: "operand\(i)", layer: node.layer))
    }
    let result = single.add(node.primitive, operands, name: node.name, layer: node.layer, shape: node.shape)
    single.outputs = [Graph.Output(name: node.name, node: result)]
    return single
  }

  /// Runs the nodes from `first` on; those before it keep the values of `base`.
  ///
  /// - Parameters:
  ///   - samples: for each sample the values of every input.
  ///   - isNeeded: nodes that are run; others keep the values of `base`.
  func run(
    _ samples: ArraySlice<[[Double]]>, _ changes: Changes = Changes(), base: Values? = nil,
    from first: Int = 0,
    isNeeded: [Bool]? = nil
  ) -> Values {
    var values = base ?? Array(repeating: [], count: graph.nodes.count)
    for index in first..<graph.nodes.count where isNeeded?[index] ?? true {
      values[index] = result(of: index, values, samples, changes)
      if let roundings = changes.results[index] {
        BatchInterpreter.round(&values[index], roundings)
      }
    }
    return values
  }

  /// The values of one node from those of its operands.
  func result(
    of index: Int, _ values: Values, _ samples: ArraySlice<[[Double]]>, _ changes: Changes = Changes()
  ) -> [Double] {
    let node = graph.nodes[index]
    switch programs[index] {
    case .input(let number): return samples.flatMap { $0[number] }
    case .linear(let linear):
      return linear.rows(
        values[node.operands[0].index], changes.weights[index] ?? linear.weights.values,
        changes.biases[index] ?? linear.bias?.values ?? [])
    case .relu: return values[node.operands[0].index].map { $0 > 0 ? $0 : 0 }
    case .select(let sources):
      let operand = values[node.operands[0].index]
      let width = graph[node.operands[0]].count
      var result = [Double](repeating: 0, count: samples.count * sources.count)
      for sample in 0..<samples.count {
        for (i, source) in sources.enumerated() where source >= 0 {
          result[sample * sources.count + i] = operand[sample * width + source]
        }
      }
      return result
    case .other(let interpreter):
      let widths = node.operands.map { graph[$0].count }
      return (0..<samples.count).flatMap { sample in
        let operands = zip(node.operands, widths).map { id, width in
          Array(values[id.index][sample * width..<(sample + 1) * width])
        }
        return interpreter.run(operands).last ?? []
      }
    }
  }

  static func round(_ values: inout [Double], _ channels: [ChannelRounding]) {
    values.withUnsafeMutableBufferPointer { values in
      var channel = 0
      for i in values.indices {
        values[i] = channels[channel](values[i])
        channel += 1
        if channel == channels.count { channel = 0 }
      }
    }
  }
}

extension Linear {
  /// The results for operands one behind the other.
  fileprivate func rows(_ operand: [Double], _ matrix: [Double], _ bias: [Double]) -> [Double] {
    let positions = operand.count / max(1, inputs)
    var result = [Double](repeating: 0, count: positions * outputs)
    if !bias.isEmpty { for i in result.indices { result[i] = bias[i % bias.count] } }
    result.withUnsafeMutableBufferPointer { result in
      operand.withUnsafeBufferPointer { operand in
        matrix.withUnsafeBufferPointer { matrix in
          for position in 0..<positions {
            let base = position * outputs
            for k in 0..<inputs {
              let value = operand[position * inputs + k]
              // Rectifiers leave many zeros.
              if value == 0 { continue }
              let row = (position % groups * inputs + k) * outputs
              for n in 0..<outputs { result[base + n] += value * matrix[row + n] }
            }
          }
        }
      }
    }
    return result
  }
}

/// Rounding to nearest, ties upward, and saturation in one channel: what `RND,SAT` does, on binary64 numbers.
struct ChannelRounding: Hashable, Sendable {
  /// The value of the least significant bit, and its inverse.
  let step: Double
  let inverse: Double
  let lowest: Double
  let highest: Double

  init(_ type: FixedType) {
    let range = type.rawRange
    step = Double(sign: .plus, exponent: type.exponent, significand: 1)
    inverse = Double(sign: .plus, exponent: -type.exponent, significand: 1)
    lowest = Double(range.lower)
    highest = Double(range.upper)
  }

  @inline(__always)
  func callAsFunction(_ value: Double) -> Double {
    min(max((value * inverse + 0.5).rounded(.down), lowest), highest) * step
  }
}
