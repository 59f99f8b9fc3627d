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
    let mirrored = try builder.affine(x, factor: Rational(-1), call, "mirrored")
    return try builder.add(.combine(.maximum), [x, mirrored], call, "magnitude")
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
      let given = try call.ints("axes", operand: 1) ?? []
      if given.isEmpty && call.flag("noop_with_empty_axes") { return [.tensor(x)] }
      let axes = try call.sampleAxes(given.isEmpty ? Array(0..<rank) : given, rank: rank)
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
}
