import Diagnostics
import FixedPoint
import Functions
import Graph

extension ONNXOperator {
  static let indexOperators = [
    ONNXOperator(["Tile"], emit: emitTile),
    ONNXOperator(["GatherND"], attributes: ["batch_dims"], emit: emitGatherND),
    ONNXOperator(["CumSum"], attributes: ["exclusive", "reverse"], emit: emitCumulativeSum),
    ONNXOperator(["Trilu"], attributes: ["upper"], emit: emitTriangle),
    ONNXOperator(["OneHot"], attributes: ["axis"], emit: emitOneHot),
    ONNXOperator(["Floor"]) { (call, builder) throws(CompilationFailed) in
      try round(call, &builder, .trn) { $0.rounded(.down) }
    },
    ONNXOperator(["Round"]) { (call, builder) throws(CompilationFailed) in
      try round(call, &builder, .rndConv) { $0.rounded(.toNearestOrEven) }
    },
    ONNXOperator(["Ceil"]) { (call, builder) throws(CompilationFailed) in
      if let folded = try call.folded({ $0[0].rounded(.up) }) { return [folded] }
      let mirrored = try builder.affine(try call.tensor(0, &builder), factor: Rational(-1), call, "mirrored")
      let floor = try builder.rounded(mirrored, .trn, call, "floor")
      return [.tensor(try builder.affine(floor, factor: Rational(-1), call))]
    },
  ]

  private static func round(
    _ call: ONNXCall, _ builder: inout GraphBuilder, _ rounding: Rounding, _ value: (Double) -> Double
  ) throws(CompilationFailed) -> [ONNXValue] {
    if let folded = try call.folded({ value($0[0]) }) { return [folded] }
    return [.tensor(try builder.rounded(try call.tensor(0, &builder), rounding, call, nil))]
  }

  private static func emitTile(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder), let counts = try call.integers(1),
      counts.count == shape.count, counts.allSatisfy({ (1...1 << 16).contains($0) })
    else { throw call.failure("I408", "expected a tensor and a count from 1 on for each axis") }
    _ = try call.checkedCount(zip(shape, counts).map { $0.multipliedReportingOverflow(by: $1).partialValue })
    if case .constant(var constant)? = call.operand(0) {
      for (axis, count) in counts.enumerated() where count > 1 {
        var extents = constant.shape
        extents[axis] *= count
        let own = constant.shape
        let sources = Rearrangement.concatenate(axis: axis).sources(Array(repeating: own, count: count))
        constant = constant.reordered(
          sources.compactMap { if case .element(_, let index) = $0 { index } else { nil } }, shape: extents)
      }
      return [.constant(constant)]
    }
    var x = try call.tensor(0, &builder)
    for (given, count) in counts.enumerated() where count > 1 {
      let axis = try call.sampleAxis(given, rank: shape.count)
      x = try builder.add(
        .rearrange(.concatenate(axis: axis)), Array(repeating: x, count: count), call, "axis\(given)")
    }
    return [.tensor(x)]
  }

  /// Slices picked by constant indices of the leading axes.
  private static func emitGatherND(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.tensor(0, &builder)
    let indices = try call.requireConstant(1)
    let shape = call.fullShape(x, builder)
    let skipped = call.int("batch_dims", default: 0)
    guard skipped == 0, let numbers = indices.integers, let length = indices.shape.last, length > 0,
      length <= shape.count, indices.shape.dropLast().count >= 1
    else { throw call.failure("I408", "expected constant indices of the leading axes") }
    // As for torch's x.transpose(0, 1)[[i, j]]: what is picked stands first, so that only one sample is left.
    guard call.context.isSingleSample else {
      throw call.failure("I405", "picks along the axis of the samples")
    }
    var picked: [NodeID] = []
    for start in stride(from: 0, to: numbers.count, by: length) {
      var part = x
      for axis in 0..<length {
        let index = try call.axis(numbers[start + axis], rank: shape[axis])
        part = try builder.select(part, axis: axis, [index], call, "picked")
      }
      picked.append(try builder.reshape(part, [1] + Array(shape[length...]), call, "part"))
    }
    let joined =
      picked.count == 1
      ? picked[0] : try builder.add(.rearrange(.concatenate(axis: 0)), picked, call, "parts")
    let target = Array(indices.shape.dropLast()) + shape[length...]
    return [.tensor(try builder.reshape(joined, target, call))]
  }

  /// Partial sums along an axis: a triangular matrix of ones.
  private static func emitCumulativeSum(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.tensor(0, &builder)
    guard let given = try call.integers(1)?.first else { throw call.failure("I408", "expected an axis") }
    let axis = try call.sampleAxis(given, rank: call.fullRank(x, builder))
    let count = builder.shape(x)[axis]
    let isStrict = call.flag("exclusive")
    let isReversed = call.flag("reverse")
    guard count <= 1 << 12 else { throw call.failure("I409", "sums \(count) elements") }
    let map = AxisMap(
      rows: (0..<count).map { o in
        (0..<count).filter { isReversed ? $0 >= o : $0 <= o }.filter { !isStrict || $0 != o }
          .map { (index: $0, coefficient: 1) }
      }, denominator: 1)
    return [.tensor(try builder.resample(x, axis: axis, map, call, "sums"))]
  }

  /// The elements on one side of a diagonal; zeros elsewhere.
  private static func emitTriangle(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder), shape.count >= 2 else {
      throw call.failure("I408", "expected matrices")
    }
    let offset = try call.integers(1)?.first ?? 0
    let isUpper = call.int("upper", default: 1) != 0
    let columns = shape[shape.count - 1]
    func isKept(_ element: Int) -> Bool {
      let (row, column) = (element / columns % shape[shape.count - 2], element % columns)
      return isUpper ? column - row >= offset : column - row <= offset
    }
    if case .constant(var constant)? = call.operand(0) {
      constant.values = constant.values.enumerated().map { isKept($0) ? $1 : 0 }
      constant.quantized = nil
      return [.constant(constant)]
    }
    let x = try call.tensor(0, &builder)
    let own = builder.shape(x)
    guard own.count >= 2 else { throw call.failure("I405", "works along the axis of the samples") }
    let mask = (0..<own.elementCount).map { isKept($0) ? Int64(1) : 0 }
    let constant = try builder.add(.constant(Weights(raw: mask, exponent: 0, shape: own)), [], call, "mask")
    return [.tensor(try builder.combine(.multiply, [x, constant], call))]
  }

  /// 1 at the index, 0 elsewhere.
  private static func emitOneHot(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.tensor(0, &builder)
    guard let depth = try call.integers(1)?.first, (1...1 << 12).contains(depth),
      let values = try call.constant(2)?.values, values.count == 2
    else { throw call.failure("I408", "expected a depth and two values") }
    let rank = call.fullRank(x, builder)
    let axis = try call.axis(call.int("axis", default: -1), rank: rank + 1)
    guard axis == rank else { throw call.failure("I408", "expected the last axis") }
    let isEqual = try builder.oneHot(x, depth: depth, call, values == [0, 1] ? nil : "equal")
    if values == [0, 1] { return [.tensor(isEqual)] }
    let scale = try builder.constant(values[1] - values[0], shape: [1], call, "scale")
    let shift = try builder.constant(values[0], shape: [1], call, "shift")
    let scaled = try builder.combine(.multiply, [isEqual, scale], call, "scaled")
    return [.tensor(try builder.combine(.add, [scaled, shift], call))]
  }
}

extension GraphBuilder {
  /// Every element rounded to an integer of at most 32 bits.
  mutating func rounded(_ x: NodeID, _ rounding: Rounding, _ call: some LayerSite, _ role: String?)
    throws(CompilationFailed) -> NodeID
  {
    if isInteger(x) { return x }
    let type = FixedType(width: 32, integerBits: 32, rounding: rounding, overflow: .sat)
    return try add(
      .quantize(.fixed(PerElement(repeating: type, count: shape(x).elementCount))), [x], call, role)
  }

  /// Whether a tensor is known to hold integers.
  private func isInteger(_ id: NodeID) -> Bool {
    let node = graph[id]
    switch node.primitive {
    case .reduce(.argmax): return true
    case .combine(let kind) where kind.isComparison: return true
    case .rearrange: return node.operands.allSatisfy(isInteger)
    case .gather(let gather): return gather.table.values.allSatisfy { $0 == $0.rounded() }
    default: return false
    }
  }
}
