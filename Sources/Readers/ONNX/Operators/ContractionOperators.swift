import Diagnostics
import FixedPoint
import Graph

extension ONNXOperator {
  static let contractionOperators = [
    ONNXOperator(["MatMul"], emit: emitMatMul),
    ONNXOperator(["Gemm"], attributes: ["alpha", "beta", "transA", "transB", "broadcast"], emit: emitGemm),
    ONNXOperator(["Einsum"], attributes: ["equation"], emit: emitEinsum),
  ]

  private static func emitMatMul(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if let product = call.constantProduct { return [.constant(product)] }
    guard let (x, matrix, isRight) = call.tensorAndConstant else {
      throw call.failure("I408", "multiplies two tensors, expected a constant matrix")
    }
    let rank = builder.rank(x) + 1
    let local =
      matrix.shape.count > 2 ? try call.perSample(matrix, rank: max(rank, matrix.shape.count)) : matrix
    guard local.shape.count >= 1, local.shape.count <= max(rank - 1, 2), isRight || rank >= 3 else {
      throw call.failure("I408", "expected a constant matrix, found the shape \(matrix.shape)")
    }
    // Labels from the end: rows −2, columns −1, what is summed 0; stacks of matrices by their distance.
    let tensorRank = rank - 1
    let stack = local.shape.count - 2
    var tensorLabels = (0..<tensorRank).map { 100 + tensorRank - $0 }
    var matrixLabels = (0..<local.shape.count).map { 100 + local.shape.count - $0 }
    var resultLabels = tensorLabels
    for (i, label) in matrixLabels.enumerated() where i < stack && local.shape[i] == 1 {
      matrixLabels[i] = -label
    }
    if isRight {
      tensorLabels[tensorRank - 1] = 0
      matrixLabels[max(local.shape.count - 2, 0)] = 0
      if local.shape.count == 1 {
        resultLabels.removeLast()
      } else {
        matrixLabels[local.shape.count - 1] = 1
        resultLabels[tensorRank - 1] = 1
      }
    } else {
      tensorLabels[tensorRank - 2] = 0
      matrixLabels[local.shape.count - 1] = 0
      if local.shape.count == 1 {
        resultLabels.remove(at: tensorRank - 2)
      } else {
        matrixLabels[local.shape.count - 2] = 1
        resultLabels[tensorRank - 2] = 1
      }
    }
    // Axes of one matrix only are no axes of the stack.
    let kept = matrixLabels.indices.filter { matrixLabels[$0] >= 0 }
    let squeezed = local.reshaped(kept.map { local.shape[$0] })
    return [
      .tensor(
        try builder.contract(
          x, tensorLabels, squeezed, kept.map { matrixLabels[$0] }, result: resultLabels, call))
    ]
  }

  private static func emitGemm(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard case .tensor(let x)? = call.operand(0), builder.rank(x) == 1, !call.flag("transA") else {
      throw call.failure("I408", "expected samples of one axis as operand 1")
    }
    var matrix = try call.requireConstant(1)
    guard matrix.shape.count == 2 else { throw call.failure("I409", "expected a matrix as operand 2") }
    if call.flag("transB") { matrix = matrix.transposed([1, 0]) }
    let alpha = try call.float("alpha", default: 1)
    let beta = try call.float("beta", default: 1)
    matrix = matrix.scaled(by: alpha)
    let y = try builder.contract(x, [0], matrix, [0, 1], result: [1], call)
    guard call.operand(2) != nil, beta != 0 else { return [.tensor(y)] }
    guard case .constant(let bias)? = call.operand(2) else {
      guard beta == 1 else { throw call.failure("I408", "expected a constant as operand 3") }
      return [.tensor(try builder.combine(.add, [y, try call.tensor(2, &builder)], call, "sum"))]
    }
    let local = try call.perSample(bias, rank: 2).scaled(by: beta)
    guard let spread = local.broadcast(to: builder.shape(y)) else {
      throw call.failure("I409", "a bias of shape \(bias.shape) does not fit \(builder.shape(y))")
    }
    var shift = spread.weights(isQuantizedModel: call.context.isQuantized)
    shift = builder.productScales(shift, of: y) ?? shift
    _ = try builder.fuseBias(y, shift)
    return [.tensor(y)]
  }

  /// A contraction by a constant, in Einstein's notation.
  private static func emitEinsum(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let (x, constant, isSecond) = call.tensorAndConstant else {
      throw call.failure("I408", "multiplies tensors, expected one tensor and one constant")
    }
    let equation = call.text("equation", default: "").filter { $0 != " " }
    let sides = equation.split(separator: ">", omittingEmptySubsequences: false)
    let terms = (sides.first ?? "").dropLast().split(separator: ",", omittingEmptySubsequences: false)
    guard sides.count == 2, sides[0].hasSuffix("-"), terms.count == 2,
      equation.allSatisfy({ $0.isLetter || ",->".contains($0) })
    else { throw call.failure("I408", "expected an equation such as 'bi,io->bo', found '\(equation)'") }
    func labels(_ text: Substring) -> [Int] { text.unicodeScalars.map { Int($0.value) } }
    let tensorLabels = labels(terms[isSecond ? 0 : 1])
    let matrixLabels = labels(terms[isSecond ? 1 : 0])
    let result = labels(sides[1])
    guard tensorLabels.count == builder.rank(x) + 1, matrixLabels.count == constant.shape.count,
      let sample = tensorLabels.first, result.first == sample, !matrixLabels.contains(sample)
    else { throw call.failure("I405", "'\(equation)' does not keep the samples apart") }
    return [
      .tensor(
        try builder.contract(
          x, Array(tensorLabels.dropFirst()), constant, matrixLabels, result: Array(result.dropFirst()), call
        ))
    ]
  }
}

extension ONNXConstant {
  func scaled(by factor: Double) -> ONNXConstant {
    if factor == 1 { return self }
    var result = self
    result.values = values.map { Double(Float($0 * factor)) }
    result.quantized = nil
    return result
  }
}

extension GraphBuilder {
  /// The sum over the labels that tensor and constant share and the result lacks.
  ///
  /// - Parameters:
  ///   - tensorLabels, constantLabels, resultLabels: a name for each axis; equal names are the same index.
  mutating func contract(
    _ x: NodeID, _ tensorLabels: [Int], _ constant: ONNXConstant, _ constantLabels: [Int],
    result resultLabels: [Int], _ call: ONNXCall
  ) throws(CompilationFailed) -> NodeID {
    let shape = shape(x)
    let areDistinct = [tensorLabels, constantLabels, resultLabels].allSatisfy { Set($0).count == $0.count }
    let free = tensorLabels.filter { !constantLabels.contains($0) }
    let shared = tensorLabels.filter { constantLabels.contains($0) && resultLabels.contains($0) }
    let summed = tensorLabels.filter { constantLabels.contains($0) && !resultLabels.contains($0) }
    let own = constantLabels.filter { !tensorLabels.contains($0) }
    guard areDistinct, !summed.isEmpty || !shared.isEmpty,
      (free + shared + own).sorted() == resultLabels.sorted()
    else {
      throw call.failure("I408", "expected a product of a tensor and a constant, summed over shared axes")
    }
    var extents: [Int: Int] = [:]
    for (labels, extent) in [(tensorLabels, shape), (constantLabels, constant.shape)] {
      for (label, n) in zip(labels, extent) {
        if let known = extents[label], known != n {
          throw call.failure("I409", "operands of shapes \(shape) and \(constant.shape) do not fit")
        }
        extents[label] = n
      }
    }
    func extent(_ labels: [Int]) -> [Int] { labels.map { extents[$0] ?? 1 } }
    func order(_ labels: [Int], of source: [Int]) -> [Int] { labels.compactMap { source.firstIndex(of: $0) } }
    let groups = extent(shared).elementCount
    let inputs = extent(summed).elementCount
    let outputs = extent(own).elementCount
    guard constant.count > 0 else { throw call.failure("I409", "a constant of shape \(constant.shape)") }
    let matrix = constant.transposed(order(shared + summed + own, of: constantLabels))
    let linear = Linear(
      groups: groups, inputs: inputs, outputs: outputs,
      weights: matrix.reshaped([groups, inputs, outputs]).weights(
        isQuantizedModel: call.context.isQuantized))
    let operand = try transpose(x, order(free + shared + summed, of: tensorLabels), call, "transposed")
    let flat = try reshape(operand, extent(free) + [groups * inputs], call, "flat")
    let isDirect = resultLabels == free + shared + own && shared.count + own.count == 1
    let product = try add(.linear(linear), [flat], call, isDirect ? nil : "product")
    let spread = try reshape(product, extent(free + shared + own), call, "spread")
    return try transpose(spread, order(resultLabels, of: free + shared + own), call, "restored")
  }

  /// A bias in the scales of the products that it is added to, where binary32 can't tell them from its own.
  ///
  /// Exporters round the product of the operand's and the matrix's scales to binary32; taken exactly, that scale has no
  /// common unit with the products'.
  func productScales(_ bias: Weights, of y: NodeID) -> Weights? {
    guard case .linear(let linear) = graph[y].primitive,
      case .exact(let raw, let exponent, let scales) = bias.storage, exponent == 0,
      case .exact(_, 0, let factors) = linear.weights.storage,
      case .quantize(.fixed(let types, let odd)) = graph[unrearranged(graph[y].operands[0])].primitive,
      let factor = odd.uniform, let power = types.map(\.exponent).uniform, power.magnitude < 60,
      let operandScale = try? factor.multiplied(
        by: power < 0 ? Rational(1, Int128(1) << -power) : Rational(Int128(1) << power)),
      linear.groups == 1, raw.count == linear.outputs
    else { return nil }
    var products: [Rational] = []
    for n in 0..<raw.count {
      guard let product = try? operandScale.multiplied(by: factors[n]),
        Float(product.doubleValue) == Float(scales[n].doubleValue)
      else { return nil }
      products.append(product)
    }
    return Weights(raw: raw, exponent: 0, shape: bias.shape, scales: PerElement(products))
  }

  private func unrearranged(_ id: NodeID) -> NodeID {
    var id = id
    while case .rearrange = graph[id].primitive { id = graph[id].operands[0] }
    return id
  }
}
