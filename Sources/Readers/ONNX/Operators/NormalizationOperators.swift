import Diagnostics
import FixedPoint
import Functions
import Graph

extension ONNXOperator {
  static let normalizationOperators = [
    ONNXOperator(
      ["LayerNormalization"], attributes: ["axis", "epsilon", "stash_type"]
    ) { (call, builder) throws(CompilationFailed) in
      if call.outputCount > 1 { throw call.failure("I408", "yields mean and deviation as well") }
      return [try normalize(call, &builder, isCentred: true)]
    },
    ONNXOperator(
      ["RMSNormalization", "SimplifiedLayerNormalization"], attributes: ["axis", "epsilon", "stash_type"]
    ) { (call, builder) throws(CompilationFailed) in [try normalize(call, &builder, isCentred: false)] },
    ONNXOperator(["InstanceNormalization"], attributes: ["epsilon"]) {
      (call, builder) throws(CompilationFailed) in
      let x = try call.sample(0, &builder)
      return [try groups(x, builder.shape(x)[0], isPerGroup: false, call, &builder)]
    },
    ONNXOperator(["GroupNormalization"], attributes: ["num_groups", "epsilon", "stash_type"]) {
      (call, builder) throws(CompilationFailed) in
      let count = call.int("num_groups", default: 0)
      return [
        try groups(
          try call.sample(0, &builder), count, isPerGroup: call.context.opset < 21, call, &builder)
      ]
    },
    ONNXOperator(["MeanVarianceNormalization"], attributes: ["axes"]) {
      (call, builder) throws(CompilationFailed) in
      let given = call.ints("axes") ?? [0, 2, 3]
      let x = try call.tensor(0, &builder)
      // Over the axis of the samples it means the samples of one batch.
      let axes = try call.sampleAxes(given, rank: call.fullRank(x, builder))
      let y = try builder.onAxes(axes, x, call) {
        (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
        try builder.normalize(x, NormalizationForm(epsilon: 0, least: 1e-18), call, "normalized")
      }
      return [.tensor(y)]
    },
    ONNXOperator(["LpNormalization"], attributes: ["axis", "p"]) {
      (call, builder) throws(CompilationFailed) in
      let x = try call.tensor(0, &builder)
      let axis = try call.sampleAxis(call.int("axis", default: -1), rank: call.fullRank(x, builder))
      let order = call.int("p", default: 2)
      guard order == 1 || order == 2 else { throw call.failure("I408", "'p' is \(order)") }
      return [.tensor(try builder.unit(x, axis: axis, order: order, call))]
    },
  ]

  /// A normalisation over an axis and all behind it, with factors and offsets for each of their elements.
  private static func normalize(_ call: ONNXCall, _ builder: inout GraphBuilder, isCentred: Bool)
    throws(CompilationFailed) -> ONNXValue
  {
    let x = try call.tensor(0, &builder)
    let first = try call.sampleAxis(call.int("axis", default: -1), rank: call.fullRank(x, builder))
    let shape = builder.shape(x)
    let axes = Array(first..<shape.count)
    let extents = Array(shape[first...])
    func numbers(_ index: Int) throws(CompilationFailed) -> [Double]? {
      guard let constant = try call.constant(index) else { return nil }
      guard let spread = constant.broadcast(to: extents) else {
        throw call.failure("I409", "operand \(index + 1) of shape \(constant.shape) does not fit \(extents)")
      }
      return spread.values
    }
    let form = NormalizationForm(
      isCentred: isCentred, epsilon: try call.float("epsilon", default: Double(Float(1e-5))))
    return .tensor(
      try builder.normalize(x, axes, form, scale: try numbers(1), shift: try numbers(2), call))
  }

  /// A normalisation over the positions and a group of channels.
  private static func groups(
    _ x: NodeID, _ groups: Int, isPerGroup: Bool, _ call: ONNXCall, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> ONNXValue {
    let channels = builder.shape(x)[0]
    guard groups > 0, channels % groups == 0 else {
      throw call.failure("I409", "\(groups) groups do not divide \(channels) channels")
    }
    func numbers(_ index: Int) throws(CompilationFailed) -> [Double]? {
      guard let constant = try call.constant(index) else { return nil }
      let count = isPerGroup ? groups : channels
      guard constant.shape == [count] else {
        throw call.failure(
          "I409", "operand \(index + 1) has the shape \(constant.shape), expected [\(count)]")
      }
      return (0..<channels).map { constant.values[isPerGroup ? $0 * groups / channels : $0] }
    }
    let y = try builder.normalizeGroups(
      x, axis: 0, groups: groups, epsilon: try call.float("epsilon", default: Double(Float(1e-5))),
      scale: try numbers(1), shift: try numbers(2), call)
    return try call.result(y, &builder)
  }
}

extension GraphBuilder {
  /// A tensor divided by its norm along an axis; where that is 0, the result is 0.
  mutating func unit(_ x: NodeID, axis: Int, order: Int, _ call: some LayerSite) throws(CompilationFailed)
    -> NodeID
  {
    try onAxis(axis, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      if order == 2 {
        let form = NormalizationForm(isCentred: false, isAveraged: false, epsilon: 0, least: 0x1p-60)
        return try builder.normalize(x, form, call)
      }
      let shape = builder.shape(x)
      let single = Array(shape.dropLast()) + [1]
      let zero = try builder.constant(0, shape: shape, call, "zero")
      let mirrored = try builder.add(.combine(.subtract), [zero, x], call, "mirrored")
      let magnitude = try builder.add(.combine(.maximum), [x, mirrored], call, "magnitude")
      let sum = try builder.add(.reduce(.sum), [magnitude], call, "sum")
      let least = try builder.constant(0x1p-60, shape: single, call, "least")
      let norm = try builder.add(
        .combine(.maximum), [try builder.reshape(sum, single, call, "sums"), least], call, "norm")
      let inverse = try builder.add(.map(Map(.reciprocal)), [norm], call, "inverse")
      return try builder.combine(.multiply, [x, inverse], call)
    }
  }
}
