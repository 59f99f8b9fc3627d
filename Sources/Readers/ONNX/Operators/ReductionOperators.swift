import Diagnostics
import FixedPoint
import Functions
import Graph

extension ONNXOperator {
  static let reductionOperators = [
    reduction("ReduceSum", .sum), reduction("ReduceMean", .sum, isMean: true),
    reduction("ReduceMax", .maximum), reduction("ReduceMin", .minimum),
    reduction("ReduceSumSquare", .sum, before: square),
    reduction("ReduceL2", .sum, before: square, after: .sqrt),
    reduction("ReduceL1", .sum, before: magnitude), reduction("ReduceLogSum", .sum, after: .log),
    reduction("ReduceLogSumExp", .sum, before: exponential, after: .log),
    ONNXOperator(
      ["ReduceProd"], attributes: ["axes", "keepdims", "noop_with_empty_axes"], emit: emitProduct),
    ONNXOperator(["ArgMax", "ArgMin"], attributes: ["axis", "keepdims", "select_last_index"]) {
      (call, builder) throws(CompilationFailed) in
      if call.flag("select_last_index") { throw call.failure("I408", "picks the last of equal elements") }
      var x = try call.tensor(0, &builder)
      if call.kind == "ArgMin" { x = try builder.affine(x, factor: Rational(-1), call, "mirrored") }
      let axis = try call.sampleAxis(call.int("axis", default: 0), rank: call.fullRank(x, builder))
      let keeps = call.int("keepdims", default: 1) != 0
      return [.tensor(try reduce(.argmax, x, [axis], keepsAxes: keeps, call, &builder))]
    },
  ]

  private typealias Step =
    @Sendable (NodeID, ONNXCall, inout GraphBuilder) throws(CompilationFailed) -> NodeID

  private static let square: Step = { (x, call, builder) throws(CompilationFailed) in
    try builder.add(.combine(.multiply), [x, x], call, "square")
  }
  private static let magnitude: Step = { (x, call, builder) throws(CompilationFailed) in
    try builder.magnitude(x, call, "magnitude")
  }
  private static let exponential: Step = { (x, call, builder) throws(CompilationFailed) in
    try builder.add(.map(Map(.exp)), [x], call, "exponential")
  }

  private static func reduction(
    _ kind: String, _ reduction: Reduction, isMean: Bool = false, before: Step? = nil,
    after: Function? = nil
  ) -> ONNXOperator {
    ONNXOperator([kind], attributes: ["axes", "keepdims", "noop_with_empty_axes"]) {
      (call, builder) throws(CompilationFailed) in
      var x = try call.tensor(0, &builder)
      let rank = call.fullRank(x, builder)
      guard let axes = try call.reducedAxes(rank: rank) else { return [.tensor(x)] }
      if let before { x = try before(x, call, &builder) }
      let keeps = call.int("keepdims", default: 1) != 0
      let result = try reduce(reduction, x, axes, keepsAxes: keeps, call, &builder)
      if let after { return [.tensor(try builder.add(.map(Map(after)), [result], call, "result"))] }
      if !isMean { return [.tensor(result)] }
      let count = axes.reduce(1) { $0 * builder.shape(x)[$1] }
      return [.tensor(try builder.affine(result, factor: Rational(1, Int128(count)), call, "mean"))]
    }
  }

  private static func reduce(
    _ reduction: Reduction, _ x: NodeID, _ axes: [Int], keepsAxes: Bool, _ call: ONNXCall,
    _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    try builder.reduce(reduction, x, axes, keepsAxes: keepsAxes, call)
  }

  /// The product along some axes: halves are multiplied with each other until one element is left.
  private static func emitProduct(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if let constants = call.constants, constants.count == 1, call.attributes["axes"] == nil {
      // The number of elements of a shape.
      let product = constants[0].values.reduce(1, *)
      let rank = call.int("keepdims", default: 1) != 0 ? constants[0].shape.count : 0
      return [
        .constant(
          ONNXConstant(
            shape: Array(repeating: 1, count: rank), values: [product], isInteger: constants[0].isInteger))
      ]
    }
    let x = try call.tensor(0, &builder)
    guard let axes = try call.reducedAxes(rank: call.fullRank(x, builder)) else { return [.tensor(x)] }
    let shape = builder.shape(x)
    let kept = shape.indices.filter { !axes.contains($0) }
    let extents = kept.map { shape[$0] }
    let moved = try builder.transpose(x, kept + axes, call, "transposed")
    var count = axes.reduce(1) { $0 * shape[$1] }
    guard count <= 64 else { throw call.failure("I409", "multiplies \(count) elements, expected up to 64") }
    var y = try builder.reshape(moved, extents + [count], call, "flat")
    func part(_ start: Int, _ count: Int) throws(CompilationFailed) -> NodeID {
      let ranges = extents.map { (start: 0, step: 1, count: $0) } + [(start, 1, count)]
      return try builder.view(y, ranges, padding: .none, call, "part")
    }
    while count > 1 {
      let half = count / 2
      var product = try builder.add(
        .combine(.multiply), [try part(0, half), try part(half, half)], call, "product\(half)")
      if count % 2 == 1 {
        product = try builder.add(
          .rearrange(.concatenate(axis: extents.count)), [product, try part(count - 1, 1)], call, "rest")
      }
      y = product
      count -= half
    }
    let keeps = call.int("keepdims", default: 1) != 0
    let target = keeps ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] } : extents
    return [.tensor(try builder.reshape(y, target.isEmpty ? [1] : target, call))]
  }
}

extension ONNXCall {
  /// The axes of a reduction of a tensor, ascending; nil where nothing is reduced.
  fileprivate func reducedAxes(rank: Int) throws(CompilationFailed) -> [Int]? {
    let given = try ints("axes", operand: 1) ?? []
    if given.isEmpty && flag("noop_with_empty_axes") { return nil }
    return try sampleAxes(given.isEmpty ? Array(0..<rank) : given, rank: rank)
  }
}

extension GraphBuilder {
  /// |x|, exactly.
  mutating func magnitude(_ x: NodeID, _ call: some LayerSite, _ role: String?) throws(CompilationFailed)
    -> NodeID
  {
    let mirrored = try affine(x, factor: Rational(-1), call, "mirrored")
    return try add(.combine(.maximum), [x, mirrored], call, role)
  }
}
