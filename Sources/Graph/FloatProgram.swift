import FixedPoint
import Functions

/// A node in binary64 arithmetic with all that does not depend on the sample worked out: images of many pixels pass
/// through, so that nothing is allocated or looked up for single elements.
enum FloatProgram: Sendable {
  case input
  case constant([Double])
  case linear(Linear, matrix: [Double], bias: [Double])
  case contract(shapes: [[Int]])
  case gather(Gather, table: [Double])
  case combine(Combination)
  case map(Function)
  case round(RoundingProgram)
  case step(StepProgram)
  case reduce(Reduction, length: Int)
  case reshape
  /// The operand's element for each of the result's; −1 for the padding.
  case view([Int], padding: Double)
  /// How many elements each operand gives at a time.
  case concatenate(blocks: [Int])
  case forest(Forest)
  indirect case scan(Scan, body: FloatInterpreter, steps: Int)

  init(_ node: Node, in graph: Graph) {
    let shapes = node.operands.map { graph[$0].shape }
    switch node.primitive {
    case .input: self = .input
    case .constant(let weights): self = .constant(weights.values)
    case .linear(let linear):
      self = .linear(linear, matrix: linear.weights.values, bias: linear.bias?.values ?? [])
    case .contract: self = .contract(shapes: shapes)
    case .gather(let gather): self = .gather(gather, table: gather.table.values)
    case .combine(let kind): self = .combine(kind)
    case .map(let map): self = .map(map.function)
    case .quantize(.fixed(let types, let scales)): self = .round(RoundingProgram(types, scales))
    case .quantize(.steps(let steps)): self = .step(StepProgram(steps))
    case .reduce(let kind): self = .reduce(kind, length: shapes[0].last ?? 1)
    case .rearrange(.reshape): self = .reshape
    case .rearrange(.view(let view)):
      self = .view(view.indices(shapes[0]), padding: view.padding == .lowest ? -Double.infinity : 0)
    case .rearrange(.concatenate(let axis)):
      self = .concatenate(blocks: shapes.map { $0[axis...].reduce(1, *) })
    case .forest(let forest): self = .forest(forest)
    case .scan(let scan): self = .scan(scan, body: FloatInterpreter(scan.body), steps: shapes[0][0])
    }
  }

  /// - Parameter observe: sees every tensor of a scan's body in every step.
  func run(_ operands: [[Double]], observe: (Node, [Double]) -> Void) -> [Double] {
    switch self {
    case .input: return []
    case .constant(let values): return values
    case .linear(let linear, let matrix, let bias): return linear.applied(to: operands[0], matrix, bias)
    case .contract(let shapes): return Contraction.apply(operands[0], operands[1], shapes)
    case .gather(let gather, let table): return gather.apply(operands[0], table)
    case .combine(let kind): return kind.apply(operands)
    case .map(let function): return operands[0].map { function.value($0) }
    case .round(let program): return program.run(operands[0])
    case .step(let program): return operands[0].map { program.value($0) }
    case .reduce(let kind, let length):
      return operands[0].withUnsafeBufferPointer { values in
        stride(from: 0, to: values.count, by: length).map { kind.apply(values[$0..<($0 + length)]) }
      }
    case .reshape: return operands[0]
    case .view(let indices, let padding):
      return operands[0].withUnsafeBufferPointer { values in
        indices.map { $0 < 0 ? padding : values[$0] }
      }
    case .concatenate(let blocks): return FloatProgram.concatenated(operands, blocks)
    case .forest(let forest):
      let length = forest.features.count
      return stride(from: 0, to: operands[0].count, by: length).flatMap {
        forest.scores(Array(operands[0][$0..<($0 + length)]))
      }
    case .scan(let scan, let body, let steps):
      return scan.run(operands, steps: steps, body: body, observe: observe)
    }
  }

  private static func concatenated(_ operands: [[Double]], _ blocks: [Int]) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(operands.reduce(0) { $0 + $1.count })
    for row in 0..<(operands[0].count / max(1, blocks[0])) {
      for (operand, block) in zip(operands, blocks) { result += operand[(row * block)..<((row + 1) * block)] }
    }
    return result
  }
}

/// A quantizer to fixed-point types.
struct RoundingProgram: Sendable {
  /// One for all elements, or one for each.
  private let converters: [RealConverter]
  private let scales: [Double]

  init(_ types: PerElement<FixedType>, _ scales: PerElement<Rational>) {
    converters = types.uniform.map { [RealConverter($0)] } ?? types.array.map { RealConverter($0) }
    self.scales = scales.uniform.map { [$0.doubleValue] } ?? scales.array.map(\.doubleValue)
  }

  /// The values for real numbers; each is divided by its scale in binary64.
  func run(_ operand: [Double]) -> [Double] {
    if converters.count == 1 && scales.count == 1 {
      let (converter, scale) = (converters[0], scales[0])
      return operand.map { x in converter.value(x / scale).map { $0 * scale } ?? x }
    }
    return operand.indices.map { i in
      let converter = converters[converters.count == 1 ? 0 : i]
      let scale = scales[scales.count == 1 ? 0 : i]
      return converter.value(operand[i] / scale).map { $0 * scale } ?? operand[i]
    }
  }
}

/// A step function with its thresholds and levels in binary64.
struct StepProgram: Sendable {
  private let thresholds: [(value: Double, isInclusive: Bool)]
  private let levels: [Double]

  init(_ steps: Steps) {
    thresholds = steps.thresholds.map { ($0.value.doubleValue, $0.isInclusive) }
    let unit = Double(sign: .plus, exponent: steps.exponent, significand: 1)
    let scale = steps.scale.doubleValue
    levels = steps.levels.map { Double($0) * unit * scale }
  }

  func value(_ x: Double) -> Double {
    var (reached, end) = (0, thresholds.count)
    while reached < end {
      let middle = (reached + end) / 2
      let threshold = thresholds[middle]
      if threshold.isInclusive ? x >= threshold.value : x > threshold.value {
        reached = middle + 1
      } else {
        end = middle
      }
    }
    return levels[reached]
  }
}

extension Linear {
  /// The results in binary64 for operands one behind the other: bias first, then products in input order.
  ///
  /// - Parameters:
  ///   - matrix: in the order of `weights`.
  ///   - bias: in the order of `bias`; empty where there is none.
  public func applied(to operand: [Double], _ matrix: [Double], _ bias: [Double]) -> [Double] {
    let positions = operand.count / max(1, inputs)
    precondition(
      matrix.count >= groups * inputs * outputs && (bias.isEmpty || bias.count >= groups * outputs))
    return [Double](unsafeUninitializedCapacity: positions * outputs) { result, count in
      operand.withUnsafeBufferPointer { operand in
        matrix.withUnsafeBufferPointer { matrix in
          for position in 0..<positions {
            let group = position % groups
            let row = UnsafeBufferPointer(rebasing: operand[(position * inputs)..<((position + 1) * inputs)])
            let first = group * inputs * outputs
            let block = UnsafeBufferPointer(rebasing: matrix[first..<(first + inputs * outputs)])
            for n in 0..<outputs {
              result.initializeElement(
                at: position * outputs + n, to: bias.isEmpty ? 0 : bias[group * outputs + n])
            }
            let sums = UnsafeMutableBufferPointer(
              rebasing: result[(position * outputs)..<((position + 1) * outputs)])
            Linear.accumulate(row, block, in: sums)
          }
        }
      }
      count = positions * outputs
    }
  }

  /// Adds a row times a matrix. Eight sums at a time stay in registers; each adds its products in the order of the row.
  private static func accumulate(
    _ row: UnsafeBufferPointer<Double>, _ matrix: UnsafeBufferPointer<Double>,
    in sums: UnsafeMutableBufferPointer<Double>
  ) {
    let width = SIMD8<Double>.scalarCount
    let outputs = sums.count
    let matrixBytes = UnsafeRawBufferPointer(matrix)
    let sumBytes = UnsafeMutableRawBufferPointer(sums)
    let size = MemoryLayout<Double>.stride
    var n = 0
    while n + width <= outputs {
      var eight = sumBytes.loadUnaligned(fromByteOffset: n * size, as: SIMD8<Double>.self)
      var offset = n * size
      for value in row {
        eight += value * matrixBytes.loadUnaligned(fromByteOffset: offset, as: SIMD8<Double>.self)
        offset += outputs * size
      }
      sumBytes.storeBytes(of: eight, toByteOffset: n * size, as: SIMD8<Double>.self)
      n += width
    }
    if n == outputs { return }
    for (k, value) in row.enumerated() {
      for rest in n..<outputs { sums[rest] += value * matrix[k * outputs + rest] }
    }
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
    case .add: Combination.fold(operands) { $0 + $1 }
    case .subtract: Combination.fold(operands) { $0 - $1 }
    case .multiply: Combination.fold(operands) { $0 * $1 }
    case .maximum: Combination.fold(operands) { max($0, $1) }
    case .minimum: Combination.fold(operands) { min($0, $1) }
    case .less, .lessOrEqual, .equal, .notEqual:
      zip(operands[0], operands[1]).map { holds($0, $1) ? 1 : 0 }
    case .select: operands[0].indices.map { operands[operands[0][$0] != 0 ? 1 : 2][$0] }
    }
  }

  @inline(__always)
  private static func fold(_ operands: [[Double]], _ step: (Double, Double) -> Double) -> [Double] {
    var result = operands[0]
    for operand in operands.dropFirst() {
      for i in result.indices { result[i] = step(result[i], operand[i]) }
    }
    return result
  }
}

extension Reduction {
  fileprivate func apply(_ values: Slice<UnsafeBufferPointer<Double>>) -> Double {
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
