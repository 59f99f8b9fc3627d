import Diagnostics
import FixedPoint
import Graph

/// A sum of products in Einstein's notation, `bij,bjk->bik`: a name for each axis of each operand and of the result.
struct EinsumEquation: Sendable {
  /// Labels of the operands, in order.
  var operands: [[Int]]
  var result: [Int]

  /// Parses an equation for operands of the given ranks. An ellipsis stands for the axes that no letter names; without a
  /// right side the result has every letter that occurs once, in alphabetical order.
  init?(_ text: String, ranks: [Int]) {
    let sides = text.filter { $0 != " " }.split(separator: ">", omittingEmptySubsequences: false)
    guard sides.count <= 2, let first = sides.first, sides.count == 1 || first.hasSuffix("-") else {
      return nil
    }
    let terms = (sides.count == 2 ? first.dropLast() : first).split(
      separator: ",", omittingEmptySubsequences: false)
    guard terms.count == ranks.count else { return nil }
    var operands: [[Int]] = []
    var elided: [Int] = []
    for (term, rank) in zip(terms, ranks) {
      guard let labels = Self.labels(term, rank: rank) else { return nil }
      operands.append(labels)
      let own = labels.filter { $0 < 0 }
      if own.count > elided.count { elided = own }
    }
    self.operands = operands
    if sides.count == 2 {
      guard let labels = Self.labels(sides[1], rank: nil, elided: elided) else { return nil }
      result = labels
    } else {
      let all = operands.flatMap { $0 }.filter { $0 >= 0 }
      result = elided + Set(all).filter { label in all.filter { $0 == label }.count == 1 }.sorted()
    }
    let known = Set(operands.joined())
    guard result.allSatisfy(known.contains), Set(result).count == result.count else { return nil }
  }

  /// The labels of a term: letters by their code, elided axes counted from the end, −1 the last.
  private static func labels(_ term: Substring, rank: Int?, elided: [Int] = []) -> [Int]? {
    let parts = term.split(separator: "...", maxSplits: 1, omittingEmptySubsequences: false)
    let letters = parts.map { part in part.unicodeScalars.map { Int($0.value) } }
    guard term.allSatisfy({ $0.isLetter || $0 == "." }), letters.joined().allSatisfy({ $0 != 46 }) else {
      return nil
    }
    guard let rank else { return parts.count == 1 ? letters[0] : letters[0] + elided + letters[1] }
    let count = letters.reduce(0) { $0 + $1.count }
    if parts.count == 1 { return count == rank ? letters[0] : nil }
    guard count <= rank else { return nil }
    return letters[0] + (count..<rank).map { $0 - rank } + letters[1]
  }
}

extension GraphBuilder {
  /// The sum of products of a tensor and a constant over the labels that the result lacks.
  ///
  /// - Parameters:
  ///   - tensorLabels, constantLabels, resultLabels: a name for each axis; equal names are the same index.
  /// - Throws: I116 where extents do not fit or a label repeats within an operand.
  mutating func contract(
    _ x: NodeID, _ tensorLabels: [Int], with constant: Weights, _ constantLabels: [Int],
    result resultLabels: [Int], _ call: some LayerSite, _ role: String? = nil
  ) throws(CompilationFailed) -> NodeID {
    let (x, tensorLabels) = try summed(x, tensorLabels, kept: constantLabels + resultLabels, call)
    let extents = try extents([(tensorLabels, shape(x)), (constantLabels, constant.shape)], call)
    let shared = tensorLabels.filter { constantLabels.contains($0) && resultLabels.contains($0) }
    let summed = tensorLabels.filter { constantLabels.contains($0) && !resultLabels.contains($0) }
    let free = tensorLabels.filter { !constantLabels.contains($0) }
    let own = constantLabels.filter { !tensorLabels.contains($0) }
    guard Set(constantLabels).count == constantLabels.count,
      (free + shared + own).sorted() == resultLabels.sorted()
    else { throw call.failure("I116", "a product over these axes is not supported") }
    func extent(_ labels: [Int]) -> [Int] { labels.map { extents[$0] ?? 1 } }
    func order(_ labels: [Int], of source: [Int]) -> [Int] { labels.compactMap { source.firstIndex(of: $0) } }
    let groups = extent(shared).elementCount
    let inputs = extent(summed).elementCount
    let outputs = extent(own).elementCount
    let matrix = constant.transposed(order(shared + summed + own, of: constantLabels))
    let linear = Linear(
      groups: groups, inputs: inputs, outputs: outputs, weights: matrix.reshaped([groups, inputs, outputs]))
    let operand = try transpose(x, order(free + shared + summed, of: tensorLabels), call, "transposed")
    let flat = try reshape(operand, extent(free) + [groups * inputs], call, "flat")
    let isDirect = resultLabels == free + shared + own && shared.count + own.count == 1
    let product = try add(
      .linear(linear), [flat], call, isDirect ? role : role.map { "\($0)_product" } ?? "product")
    let spread = try reshape(product, extent(free + shared + own), call, "spread")
    return try transpose(
      spread, order(resultLabels, of: free + shared + own), call, role.map { "\($0)_restored" } ?? "restored")
  }

  /// The sum of products of two tensors over the labels that the result lacks.
  ///
  /// - Throws: I116 where extents do not fit or a label repeats within an operand.
  mutating func contract(
    _ a: NodeID, _ aLabels: [Int], with b: NodeID, _ bLabels: [Int], result resultLabels: [Int],
    _ call: some LayerSite, _ role: String? = nil
  ) throws(CompilationFailed) -> NodeID {
    let (a, aLabels) = try summed(a, aLabels, kept: bLabels + resultLabels, call)
    let (b, bLabels) = try summed(b, bLabels, kept: aLabels + resultLabels, call)
    let extents = try extents([(aLabels, shape(a)), (bLabels, shape(b))], call)
    let stack = aLabels.filter { bLabels.contains($0) && resultLabels.contains($0) }
    let inner = aLabels.filter { bLabels.contains($0) && !resultLabels.contains($0) }
    let rows = aLabels.filter { !bLabels.contains($0) }
    let columns = bLabels.filter { !aLabels.contains($0) }
    guard (stack + rows + columns).sorted() == resultLabels.sorted() else {
      throw call.failure("I116", "a product over these axes is not supported")
    }
    func extent(_ labels: [Int]) -> [Int] { labels.map { extents[$0] ?? 1 } }
    func order(_ labels: [Int], of source: [Int]) -> [Int] { labels.compactMap { source.firstIndex(of: $0) } }
    func matrix(_ x: NodeID, _ labels: [Int], _ first: [Int], _ second: [Int], _ side: String)
      throws(CompilationFailed) -> NodeID
    {
      let moved = try transpose(x, order(stack + first + second, of: labels), call, "\(side)_transposed")
      let shape = extent(stack) + [extent(first).elementCount, extent(second).elementCount]
      return try reshape(moved, shape, call, "\(side)_matrix")
    }
    let left = try matrix(a, aLabels, rows, inner, "left")
    let right = try matrix(b, bLabels, inner, columns, "right")
    let isDirect = rows.count == 1 && columns.count == 1 && resultLabels == stack + rows + columns
    let product = try add(
      .contract, [left, right], call, isDirect ? role : role.map { "\($0)_product" } ?? "product")
    let spread = try reshape(product, extent(stack + rows + columns), call, "spread")
    return try transpose(
      spread, order(resultLabels, of: stack + rows + columns), call,
      role.map { "\($0)_restored" } ?? "restored")
  }

  /// The tensor summed over labels that nothing else has.
  private mutating func summed(_ x: NodeID, _ labels: [Int], kept: [Int], _ call: some LayerSite)
    throws(CompilationFailed) -> (NodeID, [Int])
  {
    guard Set(labels).count == labels.count else {
      throw call.failure("I116", "a label that repeats within an operand is not supported")
    }
    let axes = labels.indices.filter { !kept.contains(labels[$0]) }
    if axes.isEmpty { return (x, labels) }
    let sum = try reduce(.sum, x, axes, keepsAxes: false, call, "summed")
    return (sum, labels.filter(kept.contains))
  }

  private func extents(_ operands: [([Int], [Int])], _ call: some LayerSite) throws(CompilationFailed)
    -> [Int: Int]
  {
    var extents: [Int: Int] = [:]
    for (labels, shape) in operands {
      guard labels.count == shape.count else {
        throw call.failure("I116", "\(labels.count) labels do not fit a tensor of shape \(shape)")
      }
      for (label, extent) in zip(labels, shape) {
        guard extents.updateValue(extent, forKey: label) ?? extent == extent else {
          throw call.failure("I116", "operands of shapes \(operands.map(\.1)) do not fit")
        }
      }
    }
    return extents
  }

  /// The sum of products of one or two tensors of which the labels leave out the samples.
  mutating func einsum(_ equation: EinsumEquation, _ operands: [NodeID], _ call: some LayerSite)
    throws(CompilationFailed) -> NodeID
  {
    if operands.count == 1 {
      let (x, labels) = try summed(operands[0], equation.operands[0], kept: equation.result, call)
      return try transpose(x, equation.result.compactMap { labels.firstIndex(of: $0) }, call, nil)
    }
    var (x, labels) = (operands[0], equation.operands[0])
    // More than two operands are multiplied from left to right.
    for (number, operand) in operands.enumerated().dropFirst() {
      let isLast = number == operands.count - 1
      let later = equation.operands[(number + 1)...].flatMap { $0 } + equation.result
      let all = labels + equation.operands[number].filter { !labels.contains($0) }
      let result = isLast ? equation.result : all.filter(later.contains)
      x = try contract(
        x, labels, with: operand, equation.operands[number], result: result, call,
        isLast ? nil : "part\(number)")
      labels = result
    }
    return x
  }

  /// A reduction over some axes of a tensor.
  mutating func reduce(
    _ reduction: Reduction, _ x: NodeID, _ axes: [Int], keepsAxes: Bool, _ call: some LayerSite,
    _ role: String? = nil
  ) throws(CompilationFailed) -> NodeID {
    let shape = shape(x)
    let kept = shape.indices.filter { !axes.contains($0) }
    let prefix = role.map { "\($0)_" } ?? ""
    let moved = try transpose(x, kept + axes.sorted(), call, "\(prefix)transposed")
    let extents = kept.map { shape[$0] }
    let flat = try reshape(
      moved, extents + [axes.reduce(1) { $0 * shape[$1] }], call, "\(prefix)flat")
    let reduced = try add(.reduce(reduction), [flat], call, role)
    // A reduction of everything leaves one element, which keeps an axis to live on.
    let target = keepsAxes ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] } : extents
    return try reshape(reduced, target.isEmpty ? [1] : target, call, "\(prefix)shaped")
  }
}

extension Weights {
  /// The axes in another order: axis d of the result is axis `permutation[d]`.
  func transposed(_ permutation: [Int]) -> Weights {
    reordered(shape.order(transposedBy: permutation), shape: permutation.map { shape[$0] })
  }
}

extension [Int] {
  /// For each element of a tensor of this shape with its axes in another order, where it stands in the tensor.
  func order(transposedBy permutation: [Int]) -> [Int] {
    var strides = Array(repeating: 1, count: count)
    for axis in indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * self[axis + 1] }
    // Axis by axis, the places of all indices of the axes before.
    return permutation.reduce([0]) { places, axis in
      var result: [Int] = []
      result.reserveCapacity(places.count * self[axis])
      for place in places {
        for index in 0..<self[axis] { result.append(place + index * strides[axis]) }
      }
      return result
    }
  }
}
