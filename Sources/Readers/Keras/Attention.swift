import Diagnostics
import FixedPoint
import Functions
import Graph

/// What scaled dot-product attention does besides its two products.
struct AttentionForm: Sendable {
  /// What scores are multiplied by.
  var scale: Double = 1
  /// Whether position i attends to positions up to i only.
  var isCausal = false
  /// How many positions before the queries' first one the keys have, for the causal mask.
  var pastLength = 0
  /// Numbers that are added to the scores, in a shape that numpy's rule fits to theirs.
  var bias: Weights?
  /// A tensor that is added to the scores.
  var biasTensor: NodeID?
  /// Scores are cap · tanh(score / cap).
  var cap: Double?
}

extension GraphBuilder {
  /// softmax(query · keyᵀ · scale + mask) · value, for each index of the axes before the last two.
  ///
  /// - Parameters:
  ///   - query, key, value: […, T, d], […, S, d], […, S, e].
  mutating func attend(
    _ query: NodeID, _ key: NodeID, _ value: NodeID, _ form: AttentionForm, _ call: some LayerSite,
    _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    let stack = (0..<(rank(query) - 2)).map { 100 + $0 }
    var scores = try contract(
      query, stack + [1, 3], with: key, stack + [2, 3], result: stack + [1, 2], call, "scores")
    if form.scale != 1 {
      let channels = shape(scores).last ?? 1
      let factors = Array(repeating: form.scale, count: channels)
      scores = try affine(
        scores, scale: .coefficients(factors, shape: [channels]), call, "scaled")
    }
    if let cap = form.cap {
      let channels = shape(scores).last ?? 1
      func times(_ x: NodeID, _ factor: Double, _ role: String, _ builder: inout GraphBuilder)
        throws(CompilationFailed) -> NodeID
      {
        let factors = Array(repeating: factor, count: channels)
        return try builder.affine(x, scale: .coefficients(factors, shape: [channels]), call, role)
      }
      let bounded = try add(.map(Map(.tanh)), [try times(scores, 1 / cap, "cap_operand", &self)], call, "cap")
      scores = try times(bounded, cap, "capped", &self)
    }
    if let bias = form.bias {
      let constant = try add(.constant(bias), [], call, "mask")
      scores = try combine(.add, [scores, constant], call, "masked")
    }
    if let bias = form.biasTensor { scores = try combine(.add, [scores, bias], call, "biased") }
    let probabilities =
      form.isCausal
      ? try causalSoftmax(scores, form, call) : try softmax(scores, axis: rank(scores) - 1, call, "softmax")
    return try contract(
      probabilities, stack + [1, 2], with: value, stack + [2, 3], result: stack + [1, 3], call, role)
  }

  /// A softmax for each position over the positions up to it; the others have the probability 0.
  private mutating func causalSoftmax(_ scores: NodeID, _ form: AttentionForm, _ call: some LayerSite)
    throws(CompilationFailed) -> NodeID
  {
    let shape = shape(scores)
    let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
    var parts: [NodeID] = []
    for row in 0..<rows {
      let count = min(row + 1 + form.pastLength, columns)
      var offsets = Array(repeating: 0, count: shape.count)
      offsets[shape.count - 2] = row
      let strides = shape.indices.map { axis in shape.indices.map { $0 == axis ? 1 : 0 } }
      let seen = AffineView(
        shape: shape.dropLast(2) + [1, count], offsets: offsets, strides: strides)
      let known = try add(.rearrange(.view(seen)), [scores], call, "row\(row)")
      let part = try softmax(known, axis: shape.count - 1, call, "softmax\(row)")
      let padded = AffineView(
        shape: shape.dropLast(2) + [1, columns], offsets: Array(repeating: 0, count: shape.count),
        strides: strides, padding: count == columns ? .none : .zero)
      parts.append(try add(.rearrange(.view(padded)), [part], call, "padded\(row)"))
    }
    return parts.count == 1
      ? parts[0] : try add(.rearrange(.concatenate(axis: shape.count - 2)), parts, call, "softmax")
  }
}
