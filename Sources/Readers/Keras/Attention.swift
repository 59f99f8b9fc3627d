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
  /// A tensor of truth values in a shape that fits that of the scores: where it is 0, a position is not seen.
  var visible: NodeID?
  /// Scores are cap · tanh(score / cap).
  var cap: Double?

  /// 1 where the causal mask lets a position be seen, else 0, for the last two axes of scores of that shape.
  func causalMask(_ scores: [Int]) -> Weights {
    let (rows, columns) = (scores[scores.count - 2], scores[scores.count - 1])
    let values = (0..<(rows * columns)).map { Int64($0 % columns <= $0 / columns + pastLength ? 1 : 0) }
    return Weights(raw: values, exponent: 0, shape: [rows, columns])
  }
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
    return try attend(scores: scores, value, form, call, role)
  }

  /// softmax(scores + mask) · value, for each index of the axes before the last two.
  mutating func attend(
    scores: NodeID, _ value: NodeID, _ form: AttentionForm, _ call: some LayerSite, _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    let stack = (0..<(rank(scores) - 2)).map { 100 + $0 }
    var scores = scores
    if let bias = form.bias {
      let constant = try add(.constant(bias), [], call, "mask")
      scores = try combine(.add, [scores, constant], call, "masked")
    }
    if let bias = form.biasTensor { scores = try combine(.add, [scores, bias], call, "biased") }
    var isCausal = form.isCausal
    if let visible = form.visible {
      // What hides a position needs to be no more than far below every score. Where all are hidden, they count alike.
      let hidden = try constant(-1024, shape: [1], call, "hidden")
      var isVisible = try truth(visible, call, "visible")
      if isCausal {
        let known = try add(.constant(form.causalMask(shape(scores))), [], call, "known")
        isVisible = try combine(.minimum, [isVisible, known], call, "visible_known")
        isCausal = false
      }
      let shown = try combine(.select, [isVisible, scores, hidden], call, "shown")
      guard shape(shown) == shape(scores) else {
        throw call.failure("I116", "a mask of shape \(shape(visible)) does not fit \(shape(scores))")
      }
      scores = shown
    }
    let probabilities =
      isCausal
      ? try causalSoftmax(scores, form, call) : try softmax(scores, axis: rank(scores) - 1, call, "softmax")
    return try contract(
      probabilities, stack + [1, 2], with: value, stack + [2, 3], result: stack + [1, 3], call, role)
  }

  /// Σ weights · tanh(scale · (query + key)) for each pair of positions.
  ///
  /// - Parameters:
  ///   - query, key: [T, d], [S, d].
  ///   - weights: a number for each of d.
  mutating func additiveScores(
    _ query: NodeID, _ key: NodeID, scale: Double, weights: [Double], _ call: some LayerSite
  ) throws(CompilationFailed) -> NodeID {
    let (queries, keys, size) = (shape(query)[0], shape(key)[0], shape(query)[1])
    guard shape(key)[1] == size else {
      throw call.failure("I116", "keys of \(shape(key)[1]) do not fit queries of \(size)")
    }
    let rows = try reshape(query, [queries, 1, size], call, "query_rows")
    let columns = try reshape(key, [1, keys, size], call, "key_columns")
    var sum = try combine(.add, [rows, columns], call, "pairs")
    if scale != 1 {
      sum = try affine(sum, scale: .coefficients(scale, channels: size), call, "scaled")
    }
    let bounded = try add(.map(Map(.tanh)), [sum], call, "tanh")
    let linear = Linear(inputs: size, outputs: 1, weights: Weights(real: weights, shape: [1, size, 1]))
    return try reshape(
      try add(.linear(linear), [bounded], call, "scores"), [queries, keys], call, "score_rows")
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
