import FixedPoint
import Graph

/// What of the float model on calibration data decides types: ranges, and how much noise in each tensor moves the
/// outputs.
struct NoiseModel {
  let graph: Graph
  let interpreter: BatchInterpreter
  let samples: [[[Double]]]
  let finder: FreeTensorFinder
  /// Samples whose values are kept, and these values.
  private let probe: ArraySlice<[[Double]]>
  private let base: BatchInterpreter.Values
  private let distortion: Distortion
  /// Of the free results, by channel.
  private var ranges: [Int: [ClosedRange<Double>]] = [:]
  /// Multiplications of each node for a sample.
  private let work: [Int]
  private let sources: SourceTracer

  /// Multiplications that measuring may take; the numbers of samples follow from it, so that results repeat.
  private static let workLimit = 400_000_000
  /// Values that may be kept.
  private static let memoryLimit = 8_000_000
  /// Bits of the widest type that is considered.
  static let widest = 14

  init(_ graph: Graph, _ policy: TypePolicy, _ target: AccuracyTarget, _ samples: [[[Double]]]) {
    self.graph = graph
    self.samples = samples
    finder = FreeTensorFinder(graph, policy)
    interpreter = BatchInterpreter(graph)
    work = graph.nodes.map(\.multiplications)
    let elements = graph.nodes.reduce(1) { $0 + $1.count }
    let count = max(1, min(samples.count, 128, Self.memoryLimit / elements))
    // Evenly over all, in case they are sorted.
    probe = (0..<min(count, samples.count)).map { samples[$0 * samples.count / count] }[...]
    base = interpreter.run(probe)
    distortion = Distortion(graph, target, base: base)
    sources = SourceTracer(graph)
    measureRanges()
  }

  private mutating func measureRanges() {
    let free = graph.nodes.indices.filter(finder.isFreeResult)
    for start in stride(from: 0, to: samples.count, by: 64) {
      let chunk = samples[start..<min(start + 64, samples.count)]
      let values = interpreter.run(chunk)
      for node in free {
        let channels = max(1, graph.nodes[node].shape.last ?? 1)
        var seen = ranges[node] ?? Array(repeating: 0...0, count: channels)
        for (i, value) in values[node].enumerated() where value.isFinite {
          let channel = i % channels
          if value < seen[channel].lowerBound {
            seen[channel] = value...seen[channel].upperBound
          } else if value > seen[channel].upperBound {
            seen[channel] = seen[channel].lowerBound...value
          }
        }
        ranges[node] = seen
      }
    }
  }

  /// All free tensors with their options.
  func freeTensors() -> FreeTensors {
    var free = FreeTensors()
    var number: [Int: Int] = [:]
    for node in graph.nodes.indices where finder.isFreeResult(node) {
      number[node] = free.results.count
      free.results.append(results(node))
      free.elements.append(graph.nodes[node].count / free.results[free.results.count - 1].channels)
    }
    for (index, node) in graph.nodes.enumerated() {
      guard case .linear(let linear) = node.primitive,
        finder.areFreeWeights(linear.weights, .weight, index)
      else { continue }
      free.matrices.append(matrix(index, linear, number))
    }
    return free
  }
}

// MARK: - Options

extension NoiseModel {
  private func results(_ index: Int) -> FreeTensors.Results {
    let channels = max(1, graph.nodes[index].shape.last ?? 1)
    let ranges = self.ranges[index] ?? Array(repeating: 0...0, count: channels)
    let gains = gains(index, channels: channels, isActive: true)
    let values = base[index]
    var groups: [FreeTensors.Group<FreeTensors.ResultOption>] = []
    for members in finder.hasOneType(index) ? [Array(0..<channels)] : (0..<channels).map({ [$0] }) {
      let low = members.map { ranges[$0].lowerBound }.min() ?? 0
      let high = members.map { ranges[$0].upperBound }.max() ?? 0
      let options = NoiseModel.types(low, high).map { type in
        let rounding = ChannelRounding(type)
        let noise = members.reduce(0.0) { sum, channel in
          sum + gains[channel] * meanSquareError(values, channel, channels, rounding)
        }
        return FreeTensors.ResultOption(type: type, noise: noise)
      }
      groups.append(FreeTensors.Group(options: options))
    }
    return FreeTensors.Results(node: index, groups: groups, channels: channels)
  }

  /// The types that cover a range, from the coarsest.
  static func types(_ low: Double, _ high: Double) -> [FixedType] {
    let largest = max(high, -low)
    if largest == 0 { return [.holding(0...0, exponent: 0)] }
    let top = Int(largest.exponent) + 1
    return (1...widest).map { bits in
      let exponent = top - bits
      let scale = Double(sign: .plus, exponent: -exponent, significand: 1)
      let first = Int((low * scale + 0.5).rounded(.down))
      return .holding(first...max(first, Int((high * scale + 0.5).rounded(.down))), exponent: exponent)
    }
  }

  /// Over at most 1024 values of a channel.
  private func meanSquareError(
    _ values: [Double], _ channel: Int, _ channels: Int, _ rounding: ChannelRounding
  ) -> Double {
    let count = values.count / channels
    let step = max(1, count / 1024)
    var (sum, seen) = (0.0, 0)
    for i in stride(from: 0, to: count, by: step) {
      let value = values[i * channels + channel]
      let error = rounding(value) - value
      sum += error * error
      seen += 1
    }
    return sum / Double(max(1, seen))
  }

  private func matrix(_ index: Int, _ linear: Linear, _ number: [Int: Int]) -> FreeTensors.Matrix {
    let node = graph.nodes[index]
    let channels = linear.groups * linear.outputs
    let gains = gains(index, channels: channels, isActive: false)
    let values = linear.weights.values
    let operand = base[node.operands[0].index]
    let width = linear.groups * linear.inputs
    let rows = operand.count / max(1, width)
    let step = max(1, rows / 256)
    var groups: [FreeTensors.Group<FreeTensors.WeightOption>] = []
    for channel in 0..<channels {
      let (group, n) = (channel / linear.outputs, channel % linear.outputs)
      let column = (0..<linear.inputs).map { values[(group * linear.inputs + $0) * linear.outputs + n] }
      let options = NoiseModel.weightTypes(column).map { type, rounded in
        let differences = zip(column, rounded).map { $1 - $0 }
        var (sum, seen) = (0.0, 0)
        for row in stride(from: 0, to: rows, by: step) {
          let start = row * width + group * linear.inputs
          var error = 0.0
          for k in 0..<linear.inputs { error += operand[start + k] * differences[k] }
          sum += error * error
          seen += 1
        }
        let inverse = Double(sign: .plus, exponent: -type.exponent, significand: 1)
        return FreeTensors.WeightOption(
          type: type, noise: gains[channel] * sum / Double(max(1, seen)),
          digits: rounded.map { UInt8(NoiseModel.digits(Int($0 * inverse))) })
      }
      groups.append(FreeTensors.Group(options: options))
    }
    return FreeTensors.Matrix(
      node: index, groups: groups,
      sources: (0..<width).map { element in
        sources.origin(node.operands[0], element) { number[$0] }
      },
      positions: max(1, graph[node.operands[0]].count / max(1, width)), outputs: linear.outputs,
      hasFreeBias: linear.bias.map { finder.areFreeWeights($0, .bias, index) } ?? false)
  }

  /// The types of a column of weights, from the one in which all are 0, and the weights in each.
  static func weightTypes(_ column: [Double]) -> [(type: FixedType, rounded: [Double])] {
    let largest = column.lazy.map(\.magnitude).max() ?? 0
    if largest == 0 || !largest.isFinite {
      return [(.holding(0...0, exponent: 0, rounding: .rndConv), column.map { _ in 0 })]
    }
    let top = Int(largest.exponent) + 1
    return (-1..<widest).map { bits in
      let exponent = top - bits
      let scale = Double(sign: .plus, exponent: -exponent, significand: 1)
      let raw = column.map { Int(($0 * scale).rounded(.toNearestOrEven)) }
      let type = FixedType.holding(
        (raw.min() ?? 0)...(raw.max() ?? 0), exponent: exponent, rounding: .rndConv)
      return (type, raw.map { Double($0) / scale })
    }
  }

  /// Non-zero digits of the canonical signed-digit form: where 3x and x differ.
  static func digits(_ value: Int) -> Int { ((value &* 3) ^ value).nonzeroBitCount }
}

// MARK: - Gains

extension NoiseModel {
  /// The distortion per mean square of noise in each channel of a node.
  ///
  /// - Parameter isActive: whether only values other than 0 are disturbed, as rounding does.
  private func gains(_ index: Int, channels: Int, isActive: Bool) -> [Double] {
    var isNeeded = [Bool](repeating: false, count: graph.nodes.count)
    isNeeded[index] = true
    var downstream = 1
    for later in graph.nodes.indices.dropFirst(index + 1)
    where graph.nodes[later].operands.contains(where: { isNeeded[$0.index] }) {
      isNeeded[later] = true
      downstream += work[later]
    }
    let share = Self.workLimit / max(1, graph.nodes.count)
    let affordable = share / max(1, downstream)
    let count = min(probe.count, max(8, min(32, affordable / max(1, channels))))
    if affordable >= channels * count {
      let gains = (0..<channels).map {
        gain(index, [$0], channels, count, isNeeded, isActive: isActive)
      }
      // A channel that nothing showed to matter may matter for other samples.
      let mean = gains.reduce(0, +) / Double(max(1, channels))
      return gains.map { max($0, mean / 20) }
    }
    let all = gain(index, Set(0..<channels), channels, count, isNeeded, isActive: isActive)
    return Array(repeating: all, count: channels)
  }

  /// Adds noise of random sign to some channels and follows it to the outputs.
  private func gain(
    _ index: Int, _ members: Set<Int>, _ channels: Int, _ count: Int, _ isNeeded: [Bool], isActive: Bool
  ) -> Double {
    let width = graph.nodes[index].count
    var values = base.map { Array($0.prefix($0.count / max(1, probe.count) * count)) }
    var power = 0.0
    for i in values[index].indices where members.contains(i % channels) {
      power += values[index][i] * values[index][i]
    }
    let disturbed = max(1, count * width / channels * members.count)
    let amplitude = (power / Double(disturbed)).squareRoot() / 16
    if amplitude == 0 || !amplitude.isFinite { return 0 }
    var noise = 0.0
    var random = UInt64(truncatingIfNeeded: index + 1)
    for i in values[index].indices where members.contains(i % channels) {
      if isActive && values[index][i] == 0 { continue }
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      values[index][i] += random >> 63 == 0 ? amplitude : -amplitude
      noise += amplitude * amplitude
    }
    var isLater = isNeeded
    isLater[index] = false
    let disturbedValues = interpreter.run(probe.prefix(count), base: values, isNeeded: isLater)
    let moved = distortion(base, disturbedValues, samples: count, of: probe.count)
    let meanNoise = noise / Double(disturbed)
    return meanNoise > 0 && moved.isFinite ? moved / meanNoise : 0
  }
}

extension NoiseModel {
  /// Multiplications for a sample, and values to be moved.
  var multiplications: Int { work.reduce(0, +) }
}

extension Node {
  /// Multiplications by constants for one sample, and values to be moved.
  fileprivate var multiplications: Int {
    guard case .linear(let linear) = primitive else { return count }
    return count * (linear.inputs + 1)
  }
}

/// Follows elements back to the tensors whose types are free.
struct SourceTracer {
  private let graph: Graph
  private let sources: [[ElementSource]]

  init(_ graph: Graph) {
    self.graph = graph
    sources = graph.nodes.map { node in
      guard case .rearrange(let rearrangement) = node.primitive else { return [] }
      return rearrangement.sources(node.operands.map { graph[$0].shape })
    }
  }

  /// The free tensor whose type an element has, and its channel there; nil where several decide or none does.
  func origin(_ id: NodeID, _ element: Int, _ number: (Int) -> Int?) -> (result: Int, channel: Int)? {
    let node = graph[id]
    if let result = number(id.index) { return (result, element % max(1, node.shape.last ?? 1)) }
    switch node.primitive {
    case .rearrange:
      guard case .element(let operand, let index) = sources[id.index][element] else { return nil }
      return origin(node.operands[operand], index, number)
    case .map, .combine: return origin(node.operands[0], element, number)
    case .reduce:
      let length = graph[node.operands[0]].shape.last ?? 1
      return origin(node.operands[0], element * length, number)
    default: return nil
    }
  }
}
