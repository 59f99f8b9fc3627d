import Diagnostics
import Graph

extension ONNXOperator {
  static let shapeOperators = [
    ONNXOperator(["Reshape"], attributes: ["allowzero", "shape", "consumed_inputs"], emit: emitReshape),
    ONNXOperator(["Flatten"], attributes: ["axis"], emit: emitFlatten),
    ONNXOperator(["Transpose"], attributes: ["perm"], emit: emitTranspose),
    ONNXOperator(["Squeeze"], attributes: ["axes"], emit: emitSqueeze),
    ONNXOperator(["Unsqueeze"], attributes: ["axes"], emit: emitUnsqueeze),
    ONNXOperator(["Concat"], attributes: ["axis"], emit: emitConcat),
    ONNXOperator(["Slice"], attributes: ["starts", "ends", "axes"], emit: emitSlice),
    ONNXOperator(["Split"], attributes: ["axis", "split", "num_outputs"], emit: emitSplit),
    ONNXOperator(["Gather"], attributes: ["axis"], emit: emitGather),
    ONNXOperator(["Expand"], emit: emitExpand),
    ONNXOperator(["DepthToSpace"], attributes: ["blocksize", "mode"], emit: emitDepthToSpace),
    ONNXOperator(["SpaceToDepth"], attributes: ["blocksize"], emit: emitSpaceToDepth),
  ]

  private static func emitReshape(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let wanted = try call.ints("shape", operand: 1) else { throw call.failure("I408", "has no shape") }
    guard let shape = call.fullShape(call.operand(0), builder) else {
      throw call.failure("I408", "has no operand 1")
    }
    return [try call.reshaped(call.target(wanted, of: shape), &builder)]
  }

  private static func emitFlatten(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder) else {
      throw call.failure("I408", "has no operand 1")
    }
    var axis = call.int("axis", default: 1)
    if axis < 0 { axis += shape.count }
    guard (0...shape.count).contains(axis) else { throw call.failure("I408", "there is no axis \(axis)") }
    return [
      try call.reshaped([shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)], &builder)
    ]
  }

  private static func emitTranspose(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder) else {
      throw call.failure("I408", "has no operand 1")
    }
    let permutation = call.ints("perm") ?? shape.indices.reversed()
    guard permutation.sorted() == Array(shape.indices) else {
      throw call.failure("I408", "\(permutation) is no order of \(shape.count) axes")
    }
    if case .constant(let constant)? = call.operand(0) {
      return [.constant(constant.transposed(permutation))]
    }
    if call.context.isSingleSample {
      return [.tensor(try builder.transpose(call.tensor(0, &builder), permutation, call, nil))]
    }
    return try transpose(call, permutation, &builder)
  }

  private static func emitSqueeze(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder) else {
      throw call.failure("I408", "has no operand 1")
    }
    // The axis of the samples stays.
    var axes = shape.indices.filter { shape[$0] == 1 }
    if case .tensor? = call.operand(0), !call.context.isSingleSample { axes.removeAll { $0 == 0 } }
    if let given = try call.ints("axes", operand: 1) {
      axes = []
      for axis in given { axes.append(try call.axis(axis, rank: shape.count)) }
    }
    guard axes.allSatisfy({ shape[$0] == 1 }) else {
      throw call.failure("I409", "drops axes \(axes) of the shape \(shape)")
    }
    return [try call.reshaped(shape.indices.filter { !axes.contains($0) }.map { shape[$0] }, &builder)]
  }

  private static func emitUnsqueeze(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder),
      let given = try call.ints("axes", operand: 1), given.count <= 16
    else { throw call.failure("I408", "expected a tensor and axes") }
    var axes: Set<Int> = []
    for axis in given { axes.insert(try call.axis(axis, rank: shape.count + given.count)) }
    guard axes.count == given.count else { throw call.failure("I408", "the axes \(given) repeat") }
    var rest = shape[...]
    let target = (0..<(shape.count + given.count)).map { axes.contains($0) ? 1 : rest.removeFirst() }
    if !call.context.isSingleSample, call.sampled(0) != nil {
      return try unsqueeze(call, axes, target, &builder)
    }
    return [try call.reshaped(target, &builder)]
  }

  private static func emitConcat(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let shapes = call.operands.compactMap { call.fullShape($0, builder) }
    guard let first = shapes.first, shapes.count == call.operands.count else {
      throw call.failure("I408", "has an operand that is left out")
    }
    let axis = try call.axis(call.int("axis", default: 1), rank: first.count)
    for shape in shapes {
      var expected = first
      if shape.count == first.count { expected[axis] = shape[axis] }
      guard shape == expected else {
        throw call.failure("I409", "operands of shapes \(first) and \(shape) do not fit")
      }
    }
    if let constants = call.constants {
      let sources = Rearrangement.concatenate(axis: axis).sources(shapes)
      let values = sources.compactMap { source -> Double? in
        if case .element(let operand, let index) = source { constants[operand].values[index] } else { nil }
      }
      var shape = first
      shape[axis] = shapes.reduce(0) { $0 + $1[axis] }
      return [
        .constant(
          ONNXConstant(shape: shape, values: values, isInteger: constants.allSatisfy(\.isInteger)))
      ]
    }
    let position = try call.sampleAxis(axis, rank: first.count)
    var inputs: [NodeID] = []
    for i in call.operands.indices {
      if case .constant(let constant)? = call.operand(i), constant.shape.first != 1,
        !call.context.isSingleSample
      {
        throw call.failure("I405", "a constant of shape \(constant.shape) differs between samples")
      }
      inputs.append(try call.tensor(i, &builder))
    }
    if inputs.count == 1 { return [.tensor(inputs[0])] }
    return [.tensor(try builder.add(.rearrange(.concatenate(axis: position)), inputs, call))]
  }

  private static func emitSlice(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder),
      let starts = try call.ints("starts", operand: 1), let ends = try call.ints("ends", operand: 2)
    else { throw call.failure("I408", "expected starts and ends") }
    let axes = try call.ints("axes", operand: 3) ?? Array(starts.indices)
    let steps = try call.integers(4) ?? starts.map { _ in 1 }
    guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count else {
      throw call.failure("I408", "has starts, ends, axes and steps of different lengths")
    }
    var ranges = shape.map { (start: 0, step: 1, count: $0) }
    for (i, given) in axes.enumerated() {
      let axis = try call.axis(given, rank: shape.count)
      guard steps[i] != 0, steps[i].magnitude < 1 << 31 else {
        throw call.failure("I408", "has the step \(steps[i])")
      }
      ranges[axis] = Self.slice(from: starts[i], to: ends[i], step: steps[i], of: shape[axis])
    }
    return [try call.sliced(ranges, &builder)]
  }

  /// The elements of an axis that bounds counted from its end or beyond it stand for.
  private static func slice(from start: Int, to end: Int, step: Int, of extent: Int) -> (
    start: Int, step: Int, count: Int
  ) {
    func clamp(_ value: Int, _ range: ClosedRange<Int>) -> Int {
      let position = value < 0 ? max(value, -extent - 1) + extent : value
      return min(max(position, range.lowerBound), range.upperBound)
    }
    if step > 0 {
      let first = clamp(start, 0...extent)
      let last = clamp(end, 0...extent)
      return (first, step, max(0, (last - first + step - 1) / step))
    }
    let first = clamp(start, 0...max(extent - 1, 0))
    let last = clamp(end, -1...max(extent - 1, 0))
    return (first, step, max(0, (last - first + step + 1) / step))
  }

  private static func emitSplit(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder) else {
      throw call.failure("I408", "has no operand 1")
    }
    let axis = try call.axis(call.int("axis", default: 0), rank: shape.count)
    var sizes = try call.ints("split", operand: 1) ?? []
    if sizes.isEmpty {
      let count = call.int("num_outputs", default: call.outputCount)
      guard count > 0, count <= max(shape[axis], 1) else {
        throw call.failure("I408", "splits into \(count) parts")
      }
      let size = (shape[axis] + count - 1) / count
      sizes = (0..<count).map { min(size, shape[axis] - $0 * size) }
    }
    guard sizes.allSatisfy({ $0 > 0 && $0 <= shape[axis] }), sizes.reduce(0, +) == shape[axis] else {
      throw call.failure("I409", "parts of \(sizes) do not make \(shape[axis])")
    }
    var result: [ONNXValue] = []
    var start = 0
    for size in sizes {
      var ranges = shape.map { (start: 0, step: 1, count: $0) }
      ranges[axis] = (start, 1, size)
      result.append(try call.sliced(ranges, &builder))
      start += size
    }
    return result
  }

  private static func emitGather(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if case .constant(let table)? = call.operand(0), case .tensor(let indices)? = call.operand(1) {
      return [.tensor(try pickRows(table, indices, call, &builder))]
    }
    let indexTensor = try call.requireConstant(1)
    guard let shape = call.fullShape(call.operand(0), builder), let given = try call.integers(1) else {
      throw call.failure("I408", "expected a tensor and integers")
    }
    let axis = try call.axis(call.int("axis", default: 0), rank: shape.count)
    var indices: [Int] = []
    for index in given { indices.append(try call.axis(index, rank: shape[axis])) }
    let target = Array(shape[..<axis]) + indexTensor.shape + Array(shape[(axis + 1)...])
    _ = try call.checkedCount(target)
    if case .constant(let constant)? = call.operand(0) {
      let inner = shape[(axis + 1)...].reduce(1, *)
      let outer = shape[..<axis].reduce(1, *)
      let order = (0..<outer).flatMap { row in
        indices.flatMap { index in (0..<inner).map { (row * shape[axis] + index) * inner + $0 } }
      }
      return [.constant(constant.reordered(order, shape: target))]
    }
    let position = try call.sampleAxis(axis, rank: shape.count)
    guard !indices.isEmpty else { throw call.failure("I409", "picks nothing") }
    let x = try call.tensor(0, &builder)
    let picked = try builder.select(x, axis: position, indices, call)
    return [.tensor(try builder.reshape(picked, try call.local(target), call))]
  }

  /// Rows of a constant, picked by a tensor.
  private static func pickRows(
    _ constant: ONNXConstant, _ indices: NodeID, _ call: ONNXCall, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    let axis = try call.axis(call.int("axis", default: 0), rank: constant.shape.count)
    let others = constant.shape.indices.filter { $0 != axis }
    let rest = others.map { constant.shape[$0] }
    let table = constant.transposed([axis] + others).reshaped([constant.shape[axis], rest.reduce(1, *)])
    let shape = builder.shape(indices)
    let rows = try builder.gather(
      indices, table.weights(isQuantizedModel: call.context.isQuantized), call, rest.count == 1 ? nil : "rows"
    )
    let spread = try builder.reshape(rows, shape + rest, call, axis == 0 ? nil : "spread")
    if axis == 0 { return spread }
    // The axes of the indices stand where the picked axis was, which only one sample permits.
    guard call.context.isSingleSample else { throw call.failure("I405", "moves the axis of the samples") }
    let before = (0..<axis).map { shape.count + $0 }
    let after = (axis..<rest.count).map { shape.count + $0 }
    return try builder.transpose(spread, before + Array(shape.indices) + after, call, nil)
  }

  private static func emitExpand(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder), let wanted = try call.integers(1) else {
      throw call.failure("I408", "expected a tensor and a shape")
    }
    let rank = max(shape.count, wanted.count)
    let left = Array(repeating: 1, count: rank - shape.count) + shape
    let right = Array(repeating: 1, count: rank - wanted.count) + wanted
    let target = zip(left, right).map { $0 == 1 ? $1 : $0 }
    _ = try call.checkedCount(target)
    if case .constant(let constant)? = call.operand(0) {
      guard let result = constant.broadcast(to: target) else {
        throw call.failure("I409", "\(shape) does not fit \(wanted)")
      }
      return [.constant(result)]
    }
    guard call.context.isSingleSample || (target.count == shape.count && target[0] == call.batch) else {
      throw call.failure("I405", "repeats samples")
    }
    let x = try call.tensor(0, &builder)
    return [.tensor(try builder.broadcast(x, to: try call.local(target), call, nil))]
  }

  private static func emitDepthToSpace(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let (x, shape, block) = try spatial(call, &builder)
    guard shape[0] % (block * block) == 0 else {
      throw call.failure("I409", "\(block)² does not divide \(shape[0])")
    }
    let channels = shape[0] / (block * block)
    let isColumnFirst = call.text("mode", default: "DCR") == "CRD"
    let split = isColumnFirst ? [channels, block, block] : [block, block, channels]
    let order = isColumnFirst ? [0, 3, 1, 4, 2] : [2, 3, 0, 4, 1]
    let parts = try builder.reshape(x, split + [shape[1], shape[2]], call, "blocks")
    let moved = try builder.transpose(parts, order, call)
    return [
      try call.result(
        try builder.reshape(moved, [channels, shape[1] * block, shape[2] * block], call), &builder)
    ]
  }

  private static func emitSpaceToDepth(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let (x, shape, block) = try spatial(call, &builder)
    guard shape[1] % block == 0, shape[2] % block == 0 else {
      throw call.failure("I409", "\(block) does not divide \(shape)")
    }
    let (height, width) = (shape[1] / block, shape[2] / block)
    let parts = try builder.reshape(x, [shape[0], height, block, width, block], call, "blocks")
    let moved = try builder.transpose(parts, [2, 4, 0, 1, 3], call)
    return [
      try call.result(try builder.reshape(moved, [shape[0] * block * block, height, width], call), &builder)
    ]
  }

  private static func spatial(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> (NodeID, [Int], Int)
  {
    let x = try call.sample(0, &builder)
    let block = call.int("blocksize", default: 0)
    guard builder.rank(x) == 3, (1...4096).contains(block) else {
      throw call.failure("I408", "expected an image and a block size")
    }
    return (x, builder.shape(x), block)
  }
}

extension ONNXCall {
  /// Operand 1 in another shape, the samples' axis counted.
  func reshaped(_ shape: [Int], _ builder: inout GraphBuilder) throws(CompilationFailed) -> ONNXValue {
    if case .constant(let constant)? = operand(0) { return .constant(constant.reshaped(shape)) }
    if case .label(let label)? = operand(0) { return .label(label) }
    let x = try tensor(0, &builder)
    return .tensor(try builder.reshape(x, try local(shape), self))
  }

  /// A part of operand 1, the samples' axis counted.
  func sliced(_ ranges: [(start: Int, step: Int, count: Int)], _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> ONNXValue
  {
    let view = AffineView.part(ranges)
    if case .constant(let constant)? = operand(0) {
      return .constant(constant.rearranged(.view(view), shape: view.shape))
    }
    if context.isSingleSample {
      return .tensor(try builder.view(try tensor(0, &builder), ranges, padding: .none, self))
    }
    guard ranges[0].start == 0, ranges[0].step == 1, ranges[0].count == batch else {
      throw failure("I405", "picks samples")
    }
    return .tensor(
      try builder.view(try tensor(0, &builder), Array(ranges.dropFirst()), padding: .none, self))
  }
}

extension AffineView {
  /// Every step-th element of each axis.
  static func part(_ ranges: [(start: Int, step: Int, count: Int)], padding: Padding = .none) -> AffineView {
    AffineView(
      shape: ranges.map(\.count), offsets: ranges.map(\.start),
      strides: ranges.indices.map { axis in ranges.indices.map { $0 == axis ? ranges[axis].step : 0 } },
      padding: padding)
  }
}

extension GraphBuilder {
  mutating func view(
    _ x: NodeID, _ ranges: [(start: Int, step: Int, count: Int)], padding: AffineView.Padding,
    _ call: some LayerSite, _ role: String? = nil
  ) throws(CompilationFailed) -> NodeID {
    if zip(ranges, shape(x)).allSatisfy({ $0.start == 0 && $0.step == 1 && $0.count == $1 }) { return x }
    return try add(.rearrange(.view(.part(ranges, padding: padding))), [x], call, role)
  }
}
