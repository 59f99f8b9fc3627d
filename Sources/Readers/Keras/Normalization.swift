import Diagnostics
import FixedPoint
import Functions
import Graph

/// What a normalisation does with a tensor, over the last axis.
struct NormalizationForm: Sendable {
  /// Whether the mean is taken away first.
  var isCentred = true
  /// Whether squares are averaged, else summed.
  var isAveraged = true
  /// What is added to the mean of squares.
  var epsilon: Double
  /// The least that the mean of squares counts as.
  var least: Double?
}

extension GraphBuilder {
  /// (x − mean) / √(variance + ε) over the last axis: the mean exactly, the inverse square root as a function, one
  /// product. Types follow from one recipe (`Typer.centred`, `Typer.rangeReduced`).
  mutating func normalize(
    _ x: NodeID, _ form: NormalizationForm, _ call: some LayerSite, _ role: String? = nil
  ) throws(CompilationFailed) -> NodeID {
    let prefix = role.map { "\($0)_" } ?? ""
    let shape = shape(x)
    let count = shape.last ?? 1
    let single = Array(shape.dropLast()) + [1]
    let share = Rational(1, Int128(count))
    var centred = x
    if form.isCentred {
      let sum = try add(.reduce(.sum), [x], call, "\(prefix)sum")
      let column = try reshape(sum, single, call, "\(prefix)sums")
      let mean = try affine(column, factor: share, call, "\(prefix)mean")
      let spread = try broadcast(mean, to: shape, call, "\(prefix)mean_broadcast")
      centred = try add(.combine(.subtract), [x, spread], call, "\(prefix)difference")
    }
    let squares = try add(.combine(.multiply), [centred, centred], call, "\(prefix)square")
    let total = try add(.reduce(.sum), [squares], call, "\(prefix)square_sum")
    var power = try reshape(total, single, call, "\(prefix)square_sums")
    if form.isAveraged || form.epsilon != 0 {
      power = try affine(
        power, factor: form.isAveraged ? share : .one, shift: form.epsilon == 0 ? nil : form.epsilon, call,
        "\(prefix)variance")
    }
    if let least = form.least {
      let constant = try constant(least, shape: single, call, "\(prefix)least")
      power = try add(.combine(.maximum), [power, constant], call, "\(prefix)power")
    }
    let inverse = try add(.map(Map(.rsqrt)), [power], call, "\(prefix)inverse")
    let spread = try broadcast(inverse, to: shape, call, "\(prefix)inverse_broadcast")
    return try add(.combine(.multiply), [centred, spread], call, role)
  }

  /// Applies `body`, which works on one last axis, to some axes together.
  mutating func onAxes(
    _ axes: [Int], _ x: NodeID, _ call: some LayerSite,
    _ body: (inout GraphBuilder, NodeID) throws(CompilationFailed) -> NodeID
  ) throws(CompilationFailed) -> NodeID {
    let shape = shape(x)
    let kept = shape.indices.filter { !axes.contains($0) }
    let permutation = kept + axes.sorted()
    let moved = try transpose(x, permutation, call, "transposed")
    let movedShape = permutation.map { shape[$0] }
    let flat = try reshape(
      moved, kept.map { shape[$0] } + [axes.reduce(1) { $0 * shape[$1] }], call, "flat")
    let result = try body(&self, flat)
    let restored = try reshape(result, movedShape, call, "unflattened")
    var inverse = Array(repeating: 0, count: shape.count)
    for (position, source) in permutation.enumerated() { inverse[source] = position }
    return try transpose(restored, inverse, call, "restored")
  }

  /// x · scale + shift with numbers for some axes, in that order of the axes.
  mutating func affine(
    _ x: NodeID, axes: [Int], scale: [Double]?, shift: [Double]?, _ call: some LayerSite, _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    if scale == nil && shift == nil { return x }
    let count = axes.reduce(1) { $0 * shape(x)[$1] }
    let factors = scale.map { Weights(real: $0, shape: [count]) }
    let ones = Weights(raw: Array(repeating: 1, count: count), exponent: 0, shape: [count])
    return try onAxes(axes, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      try builder.affine(
        x, scale: factors ?? ones, shift: shift.map { Weights(real: $0, shape: [count]) }, call, role)
    }
  }
}
