import Diagnostics
import Graph

// Recurrent layers in ONNX want time before samples, so exporters transpose to that order and back. Between the two, a
// tensor's samples stand along another axis than the first; the graph's nodes leave the samples' axis out, wherever it is.

/// A tensor and the axis along which its samples stand.
struct SampledTensor: Sendable {
  /// Its shape leaves out the samples' axis.
  var node: NodeID
  var axis: Int

  var value: ONNXValue { axis == 0 ? .tensor(node) : .displaced(self) }

  /// The axis of the node that is an axis of the tensor; nil for that of the samples.
  func own(_ axis: Int) -> Int? { axis == self.axis ? nil : axis < self.axis ? axis : axis - 1 }
}

extension ONNXCall {
  /// The operand as a tensor with its samples anywhere; nil for constants and what is left out.
  func sampled(_ index: Int) -> SampledTensor? {
    switch operand(index) {
    case .tensor(let node): SampledTensor(node: node, axis: 0)
    case .displaced(let tensor): tensor
    default: nil
    }
  }

  /// Whether the samples of an operand, or of the result, stand along another axis than the first: that of an
  /// elementwise operator, where a constant has more axes than its tensors.
  func isDisplaced(_ builder: GraphBuilder) -> Bool {
    if operands.contains(where: { if case .displaced? = $0 { true } else { false } }) { return true }
    guard !context.isSingleSample, ONNXOperator.elementwise.contains(kind) else { return false }
    var rank: Int?
    var constantRank = 0
    for operand in operands {
      if case .tensor(let node)? = operand { rank = max(rank ?? 0, builder.rank(node) + 1) }
      if case .constant(let constant)? = operand { constantRank = max(constantRank, constant.shape.count) }
    }
    return rank.map { $0 < constantRank } ?? false
  }

  /// The axis along which the samples of the first tensor stand.
  fileprivate var sampledAxis: Int { operands.indices.lazy.compactMap { sampled($0) }.first?.axis ?? 0 }

  /// The product of two constant matrices or stacks of one matrix, in binary64; nil where they are none.
  var constantProduct: ONNXConstant? {
    guard let constants, constants.count == 2, let inner = constants[0].shape.last,
      constants[1].shape.count == 2,
      constants[1].shape[0] == inner
    else { return nil }
    let (a, b) = (constants[0].values, constants[1].values)
    let columns = constants[1].shape[1]
    var values: [Double] = []
    for row in stride(from: 0, to: a.count, by: max(inner, 1)) {
      for column in 0..<columns {
        values.append((0..<inner).reduce(0) { $0 + a[row + $1] * b[$1 * columns + column] })
      }
    }
    return ONNXConstant(
      shape: constants[0].shape.dropLast() + [columns], values: values,
      isInteger: constants.allSatisfy(\.isInteger))
  }

  /// The axis of the node that an attribute or operand counts with the samples' axis.
  ///
  /// - Throws: I405 where it is the samples' axis.
  fileprivate func ownAxis(_ axis: Int, of x: SampledTensor, _ builder: GraphBuilder)
    throws(CompilationFailed) -> Int
  {
    let position = try self.axis(axis, rank: builder.rank(x.node) + 1)
    guard let own = x.own(position) else { throw failure("I405", "works along the axis of the samples") }
    return own
  }
}

extension ONNXOperator {
  /// Operators that do the same with every element, wherever the samples stand.
  static let elementwise: Set<String> = [
    "Identity", "Dropout", "Cast", "Relu", "Tanh", "Sigmoid", "HardSigmoid", "LeakyRelu", "Elu", "Selu",
    "Softplus",
    "Softsign", "Neg", "Clip", "Quant", "IntQuant", "Add", "Sub", "Mul", "Div",
  ]

  /// A call with a tensor whose samples do not stand along the first axis.
  ///
  /// - Throws: I405 for operators that can't be read so.
  func emitDisplaced(_ call: ONNXCall, _ builder: inout GraphBuilder) throws(CompilationFailed) -> [ONNXValue]
  {
    switch call.kind {
    case "LSTM", "GRU", "RNN", "Transpose", "Unsqueeze", "Shape": return try emit(call, &builder)
    case "Squeeze": return try Self.squeeze(call, &builder)
    case "Reshape": return try Self.reshape(call, &builder)
    case "Gather": return try Self.gather(call, &builder)
    case "Slice", "Split", "Concat": return try alongAxis(call, &builder)
    case let kind where Self.elementwise.contains(kind) || (kind == "MatMul" && call.multipliesMatrix):
      return try aligned(call, &builder)
    default:
      throw call.failure(
        "I405", "reads a tensor whose samples do not stand along the first axis",
        notes: ["export recurrent layers with batch_first"])
    }
  }

  /// The call as if the samples stood first, which is the same for operators that do not look at that axis. Operands of
  /// fewer axes are aligned at the last one, as numpy does.
  private func aligned(_ call: ONNXCall, _ builder: inout GraphBuilder) throws(CompilationFailed)
    -> [ONNXValue]
  {
    var fromEnd: Int?
    var rank = 0
    for index in call.operands.indices {
      rank = max(rank, call.fullShape(call.operand(index), builder)?.count ?? 0)
      guard let x = call.sampled(index) else { continue }
      let own = builder.rank(x.node) + 1 - x.axis
      if let fromEnd, fromEnd != own { throw call.failure("I405", "joins tensors whose samples stand apart") }
      fromEnd = own
    }
    guard let fromEnd else { return try emit(call, &builder) }
    let isElementwise = Self.elementwise.contains(call.kind)
    var operands: [ONNXValue?] = []
    for (index, operand) in call.operands.enumerated() {
      if let x = call.sampled(index) {
        let shape = builder.shape(x.node)
        let missing = isElementwise ? rank - 1 - shape.count : 0
        let ones = Array(repeating: 1, count: missing)
        operands.append(.tensor(try builder.reshape(x.node, ones + shape, call, "aligned")))
        continue
      }
      switch operand {
      case .constant(let constant)
      where (isElementwise || call.kind == "Concat") && constant.shape.count >= fromEnd:
        var shape = constant.shape
        guard shape.remove(at: shape.count - fromEnd) == 1 else {
          throw call.failure("I405", "a constant of shape \(constant.shape) differs between samples")
        }
        operands.append(.constant(constant.reshaped(isElementwise ? shape : [1] + shape)))
      default: operands.append(operand)
      }
    }
    let axis = isElementwise ? rank - fromEnd : call.sampledAxis
    return try displaced(emit(call.replacing(operands), &builder), to: axis)
  }

  private func displaced(_ values: [ONNXValue], to axis: Int) -> [ONNXValue] {
    values.map { value in
      if case .tensor(let node) = value { SampledTensor(node: node, axis: axis).value } else { value }
    }
  }

  /// Operators along one axis which keep the order of axes: the call as if the samples stood first.
  private func alongAxis(_ call: ONNXCall, _ builder: inout GraphBuilder) throws(CompilationFailed)
    -> [ONNXValue]
  {
    guard let x = call.operands.indices.lazy.compactMap({ call.sampled($0) }).first else { return [] }
    func moved(_ axis: Int) throws(CompilationFailed) -> Int { try call.ownAxis(axis, of: x, builder) + 1 }
    var call = call
    if call.kind == "Slice" {
      var axes: [Int] = []
      let count = try call.ints("starts", operand: 1)?.count ?? 0
      for axis in try call.ints("axes", operand: 3) ?? Array(0..<count) { axes.append(try moved(axis)) }
      call = call.replacing("axes", operand: 3, axes)
    } else {
      call = call.replacing("axis", try moved(call.int("axis", default: call.kind == "Split" ? 0 : 1)))
    }
    return try aligned(call, &builder)
  }

  // MARK: Changes of shape

  static func transpose(_ call: ONNXCall, _ permutation: [Int], _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let x = call.sampled(0) else { throw call.failure("I408", "has no operand 1") }
    let node = try builder.transpose(x.node, permutation.compactMap(x.own), call, nil)
    return [SampledTensor(node: node, axis: permutation.firstIndex(of: x.axis) ?? 0).value]
  }

  /// - Parameter axes: where new axes stand in the result, the samples' axis counted.
  static func unsqueeze(_ call: ONNXCall, _ axes: Set<Int>, _ target: [Int], _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let x = call.sampled(0) else { throw call.failure("I408", "has no operand 1") }
    let kept = target.indices.filter { !axes.contains($0) }
    let axis = kept[x.axis]
    let node = try builder.reshape(x.node, target.indices.filter { $0 != axis }.map { target[$0] }, call)
    return [SampledTensor(node: node, axis: axis).value]
  }

  private static func squeeze(_ call: ONNXCall, _ builder: inout GraphBuilder) throws(CompilationFailed)
    -> [ONNXValue]
  {
    guard let x = call.sampled(0), let shape = call.fullShape(call.operand(0), builder) else { return [] }
    var axes = shape.indices.filter { shape[$0] == 1 && $0 != x.axis }
    if let given = try call.ints("axes", operand: 1) {
      axes = []
      for axis in given { axes.append(try call.axis(axis, rank: shape.count)) }
    }
    guard axes.allSatisfy({ shape[$0] == 1 && $0 != x.axis }) else {
      throw call.failure("I409", "drops axes \(axes) of the shape \(shape)")
    }
    let kept = shape.indices.filter { !axes.contains($0) }
    let node = try builder.reshape(x.node, kept.filter { $0 != x.axis }.map { shape[$0] }, call)
    return [SampledTensor(node: node, axis: kept.firstIndex(of: x.axis) ?? 0).value]
  }

  private static func reshape(_ call: ONNXCall, _ builder: inout GraphBuilder) throws(CompilationFailed)
    -> [ONNXValue]
  {
    guard let x = call.sampled(0), let shape = call.fullShape(call.operand(0), builder),
      let wanted = try call.ints("shape", operand: 1)
    else { throw call.failure("I408", "has no shape") }
    let target = try call.target(wanted, of: shape)
    // The samples stay where as many elements are before them, and as many behind.
    let before = shape[..<x.axis].reduce(1, *)
    let place = target.indices.first { target[$0] == shape[x.axis] && target[..<$0].reduce(1, *) == before }
    guard let place else {
      throw call.failure("I405", "mixes samples: the shape \(shape) becomes \(target)")
    }
    let node = try builder.reshape(x.node, target.indices.filter { $0 != place }.map { target[$0] }, call)
    return [SampledTensor(node: node, axis: place).value]
  }

  private static func gather(_ call: ONNXCall, _ builder: inout GraphBuilder) throws(CompilationFailed)
    -> [ONNXValue]
  {
    guard let x = call.sampled(0), let given = try call.integers(1) else {
      throw call.failure("I408", "expected a tensor and integers")
    }
    let axis = try call.axis(call.int("axis", default: 0), rank: builder.rank(x.node) + 1)
    let own = try call.ownAxis(axis, of: x, builder)
    let count = builder.shape(x.node)[own]
    guard given.count == 1, try call.requireConstant(1).shape.count <= 1 else {
      throw call.failure("I405", "picks several elements where samples do not stand along the first axis")
    }
    let index = try call.axis(given[0], rank: count)
    var node = try builder.pick(x.node, axis: own, start: index, step: 1, count: 1, call)
    if try !call.requireConstant(1).shape.isEmpty { return [SampledTensor(node: node, axis: x.axis).value] }
    var shape = builder.shape(node)
    shape.remove(at: own)
    node = try builder.reshape(node, shape, call)
    return [SampledTensor(node: node, axis: axis < x.axis ? x.axis - 1 : x.axis).value]
  }
}

extension ONNXCall {
  /// Whether the second operand is a constant matrix.
  fileprivate var multipliesMatrix: Bool {
    if case .constant(let constant)? = operand(1) { constant.shape.count == 2 } else { false }
  }

  /// The shape that Reshape asks for, with what it leaves open filled in.
  ///
  /// - Throws: I409 where the elements do not fit.
  func target(_ wanted: [Int], of shape: [Int]) throws(CompilationFailed) -> [Int] {
    var target = wanted
    if !flag("allowzero") {
      for (i, extent) in target.enumerated() where extent == 0 && i < shape.count { target[i] = shape[i] }
    }
    let known = target.filter { $0 != -1 }
    let product = try checkedCount(known)
    let count = shape.elementCount
    if let free = target.firstIndex(of: -1), known.count == target.count - 1, product > 0,
      count % product == 0
    {
      target[free] = count / product
    }
    guard !target.contains(-1), target.elementCount == count else {
      throw failure("I409", "\(count) elements do not fit the shape \(wanted)")
    }
    return target
  }
}

extension GraphBuilder {
  /// Every `step`th element along an axis, from one on.
  fileprivate mutating func pick(_ x: NodeID, axis: Int, start: Int, step: Int, count: Int, _ call: ONNXCall)
    throws(CompilationFailed) -> NodeID
  {
    var ranges = shape(x).map { (start: 0, step: 1, count: $0) }
    ranges[axis] = (start, step, count)
    return try view(x, ranges, padding: .none, call, "picked")
  }
}
