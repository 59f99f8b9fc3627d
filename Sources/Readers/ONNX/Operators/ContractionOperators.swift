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
      return [.tensor(try multiply(call, &builder))]
    }
    // One axis more than those of a sample's matrix.
    let rank = builder.rank(x) + 1
    let isStack = matrix.shape.count > 2 && !call.context.isSingleSample
    let local = isStack ? try call.perSample(matrix, rank: max(rank, matrix.shape.count)) : matrix
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
          x, tensorLabels, with: squeezed.weights(isQuantizedModel: call.context.isQuantized),
          kept.map { matrixLabels[$0] }, result: resultLabels, call))
    ]
  }

  /// The product of two tensors' matrices.
  private static func multiply(_ call: ONNXCall, _ builder: inout GraphBuilder) throws(CompilationFailed)
    -> NodeID
  {
    let a = try call.tensor(0, &builder)
    let b = try call.tensor(1, &builder)
    guard call.context.isSingleSample || (builder.rank(a) == builder.rank(b) && builder.rank(a) >= 2) else {
      throw call.failure("I405", "multiplies samples with each other")
    }
    return try builder.matmul([a, b], call)
  }

  private static func emitGemm(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard case .tensor(let given)? = call.operand(0) else {
      throw call.failure("I408", "expected a tensor as operand 1")
    }
    let alpha = try call.float("alpha", default: 1)
    let beta = try call.float("beta", default: 1)
    if call.context.isSingleSample {
      return [.tensor(try multiply(call, given, alpha: alpha, beta: beta, &builder))]
    }
    let x = given
    guard builder.rank(x) == 1, !call.flag("transA") else {
      throw call.failure("I405", "multiplies samples with each other")
    }
    var matrix = try call.requireConstant(1)
    guard matrix.shape.count == 2 else { throw call.failure("I409", "expected a matrix as operand 2") }
    if call.flag("transB") { matrix = matrix.transposed([1, 0]) }
    matrix = matrix.scaled(by: alpha)
    let y = try builder.contract(
      x, [0], with: matrix.weights(isQuantizedModel: call.context.isQuantized), [0, 1], result: [1], call)
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

  /// alpha · A · B + beta · C for matrices of one sample.
  private static func multiply(
    _ call: ONNXCall, _ x: NodeID, alpha: Double, beta: Double, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    guard builder.rank(x) == 2 else { throw call.failure("I409", "expected matrices") }
    let rows = call.flag("transA") ? [0, 1] : [1, 0]
    let columns = call.flag("transB") ? [2, 0] : [0, 2]
    var y: NodeID
    if case .constant(let constant)? = call.operand(1) {
      let matrix = constant.scaled(by: alpha).weights(isQuantizedModel: call.context.isQuantized)
      y = try builder.contract(x, rows, with: matrix, columns, result: [1, 2], call, "product")
    } else {
      guard alpha == 1 else { throw call.failure("I408", "'alpha' is \(alpha)") }
      let b = try call.tensor(1, &builder)
      y = try builder.contract(x, rows, with: b, columns, result: [1, 2], call, "product")
    }
    guard call.operand(2) != nil, beta != 0 else { return y }
    guard beta == 1 else { throw call.failure("I408", "'beta' is \(beta)") }
    if case .constant(let bias)? = call.operand(2) {
      let shift = bias.weights(isQuantizedModel: call.context.isQuantized)
      y = try builder.affine(
        y, scale: Weights(raw: [1], exponent: 0, shape: []), shift: shift, broadcast: call)
      return y
    }
    return try builder.combine(.add, [y, try call.tensor(2, &builder)], call)
  }

  /// A sum of products in Einstein's notation; at most one operand is a constant.
  private static func emitEinsum(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let text = call.text("equation", default: "")
    let ranks = call.operands.map { call.fullShape($0, builder)?.count ?? 0 }
    guard let equation = EinsumEquation(text, ranks: ranks) else {
      throw call.failure("I408", "expected an equation such as 'bi,io->bo', found '\(text)'")
    }
    let constants = call.operands.indices.filter {
      if case .constant? = call.operand($0) { true } else { false }
    }
    var tensors: [NodeID] = []
    for i in call.operands.indices where !constants.contains(i) {
      tensors.append(try call.tensor(i, &builder))
    }
    guard constants.count <= 1, constants.isEmpty || call.operands.count == 2 else {
      throw call.failure("I408", "multiplies more than one constant")
    }
    var labels = call.operands.indices.filter { !constants.contains($0) }.map { equation.operands[$0] }
    var result = equation.result
    if !call.context.isSingleSample {
      guard let sample = result.first, labels.allSatisfy({ $0.first == sample }),
        constants.allSatisfy({ !equation.operands[$0].contains(sample) })
      else { throw call.failure("I405", "'\(text)' does not keep the samples apart") }
      labels = labels.map { Array($0.dropFirst()) }
      result.removeFirst()
    }
    if let index = constants.first, case .constant(let constant)? = call.operand(index) {
      return [
        .tensor(
          try builder.contract(
            tensors[0], labels[0], with: constant.weights(isQuantizedModel: call.context.isQuantized),
            equation.operands[index], result: result, call))
      ]
    }
    var local = equation
    local.operands = labels
    local.result = result
    let y = try builder.einsum(local, tensors, call)
    return [.tensor(result.isEmpty ? try builder.reshape(y, [1], call, "shaped") : y)]
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
