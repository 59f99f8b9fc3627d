import Diagnostics
import FixedPoint
import Functions
import Graph

extension ONNXOperator {
  static let reductionOperators = [
    reduction("ReduceSum", .sum), reduction("ReduceMean", .sum, isMean: true),
    reduction("ReduceMax", .maximum), reduction("ReduceMin", .minimum),
    ONNXOperator(["ArgMax"], attributes: ["axis", "keepdims", "select_last_index"]) {
      (call, builder) throws(CompilationFailed) in
      if call.flag("select_last_index") { throw call.failure("I408", "picks the last of equal elements") }
      let x = try call.tensor(0, &builder)
      let axis = try call.sampleAxis(call.int("axis", default: 0), rank: builder.rank(x) + 1)
      let keeps = call.int("keepdims", default: 1) != 0
      return [.tensor(try reduce(.argmax, x, [axis], keepsAxes: keeps, call, &builder))]
    },
  ]

  private static func reduction(_ kind: String, _ reduction: Reduction, isMean: Bool = false) -> ONNXOperator
  {
    ONNXOperator([kind], attributes: ["axes", "keepdims", "noop_with_empty_axes"]) {
      (call, builder) throws(CompilationFailed) in
      let x = try call.tensor(0, &builder)
      let rank = builder.rank(x) + 1
      let given = try call.ints("axes", operand: 1) ?? []
      if given.isEmpty {
        if call.flag("noop_with_empty_axes") { return [.tensor(x)] }
        throw call.failure("I405", "works along the axis of the samples")
      }
      var axes: [Int] = []
      for axis in given { axes.append(try call.sampleAxis(axis, rank: rank)) }
      guard Set(axes).count == axes.count else { throw call.failure("I408", "the axes \(given) repeat") }
      let keeps = call.int("keepdims", default: 1) != 0
      let result = try reduce(reduction, x, axes.sorted(), keepsAxes: keeps, call, &builder)
      if !isMean { return [.tensor(result)] }
      let count = axes.reduce(1) { $0 * builder.shape(x)[$1] }
      return [.tensor(try builder.affine(result, factor: Rational(1, Int128(count)), call, "mean"))]
    }
  }

  private static func reduce(
    _ reduction: Reduction, _ x: NodeID, _ axes: [Int], keepsAxes: Bool, _ call: ONNXCall,
    _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    let shape = builder.shape(x)
    let kept = shape.indices.filter { !axes.contains($0) }
    let moved = try builder.transpose(x, kept + axes, call, "transposed")
    let extents = kept.map { shape[$0] }
    let flat = try builder.reshape(moved, extents + [axes.reduce(1) { $0 * shape[$1] }], call, "flat")
    let reduced = try builder.add(.reduce(reduction), [flat], call)
    var target = extents
    if keepsAxes { target = shape.indices.map { axes.contains($0) ? 1 : shape[$0] } }
    if target.isEmpty { target = [1] }
    return try builder.reshape(reduced, target, call, "shaped")
  }
}
