/// Pure wiring: where each element of the result comes from.
public enum Rearrangement: Hashable, Sendable, Codable {
  /// The same elements in the same row-major order, in another shape.
  case reshape([Int])
  /// An affine view of one operand: transpose, slice, flip, broadcast, pad, windows.
  case view(AffineView)
  /// The operands one behind the other along an axis.
  case concatenate(axis: Int)
}

/// A view whose element at the index o is the operand's element at offsets[a] + Σ_d strides[a][d] · o[d] along each of
/// the operand's axes a, or the padding value where that lies outside the operand.
public struct AffineView: Hashable, Sendable, Codable {
  public var shape: [Int]
  /// One for each axis of the operand.
  public var offsets: [Int]
  /// One row for each axis of the operand, with one stride for each axis of the view.
  public var strides: [[Int]]
  public var padding: Padding

  /// What stands outside the operand.
  public enum Padding: String, Hashable, Sendable, Codable {
    /// Nothing may lie outside.
    case none
    case zero
    /// The least value of the operand's type, so that it never wins a maximum.
    case lowest
  }

  public init(shape: [Int], offsets: [Int], strides: [[Int]], padding: Padding = .none) {
    self.shape = shape
    self.offsets = offsets
    self.strides = strides
    self.padding = padding
  }

  /// The axes of the operand in another order: axis d of the view is the operand's axis `permutation[d]`.
  public static func transpose(_ shape: [Int], _ permutation: [Int]) -> AffineView {
    var strides = Array(repeating: Array(repeating: 0, count: shape.count), count: shape.count)
    for (d, a) in permutation.enumerated() { strides[a][d] = 1 }
    return AffineView(
      shape: permutation.map { shape[$0] }, offsets: Array(repeating: 0, count: shape.count), strides: strides
    )
  }

  /// The operand seen in a larger shape, repeated along axes where it has length 1 or none (numpy's rule).
  public static func broadcast(_ shape: [Int], to target: [Int]) -> AffineView {
    var strides = Array(repeating: Array(repeating: 0, count: target.count), count: shape.count)
    for a in shape.indices where shape[a] != 1 { strides[a][a + target.count - shape.count] = 1 }
    return AffineView(shape: target, offsets: Array(repeating: 0, count: shape.count), strides: strides)
  }
}

/// Where an element of a rearranged tensor comes from.
public enum ElementSource: Hashable, Sendable {
  case element(operand: Int, index: Int)
  case padding
}

extension Rearrangement {
  /// The source of every element of the result, in row-major order.
  ///
  /// - Complexity: O(elements · axes).
  public func sources(_ operandShapes: [[Int]]) -> [ElementSource] {
    switch self {
    case .reshape:
      return (0..<operandShapes[0].elementCount).map { .element(operand: 0, index: $0) }
    case .view(let view): return view.sources(operandShapes[0])
    case .concatenate(let axis):
      let outer = operandShapes[0][..<axis].reduce(1, *)
      let blocks = operandShapes.map { $0[axis...].reduce(1, *) }
      return (0..<outer).flatMap { row in
        operandShapes.indices.flatMap { operand in
          (0..<blocks[operand]).map { .element(operand: operand, index: row * blocks[operand] + $0) }
        }
      }
    }
  }
}

extension AffineView {
  func sources(_ operandShape: [Int]) -> [ElementSource] {
    indices(operandShape).map { $0 < 0 ? .padding : .element(operand: 0, index: $0) }
  }

  /// The operand's element for each of the view's, in row-major order; −1 outside the operand.
  func indices(_ operandShape: [Int]) -> [Int] {
    var result: [Int] = []
    result.reserveCapacity(shape.elementCount)
    let extent = shape.last ?? 1
    let steps = strides.map { $0.last ?? 0 }
    let weights = operandShape.indices.map { operandShape[($0 + 1)...].reduce(1, *) }
    let step = zip(steps, weights).reduce(0) { $0 + $1.0 * $1.1 }
    var outer = Array(repeating: 0, count: max(0, shape.count - 1))
    for _ in 0..<outer.indices.reduce(1, { $0 * shape[$1] }) {
      var flat = 0
      var run = 0..<extent
      for axis in operandShape.indices {
        var coordinate = offsets[axis]
        for (d, o) in outer.enumerated() { coordinate += strides[axis][d] * o }
        flat += coordinate * weights[axis]
        run = run.clamped(to: AffineView.inside(coordinate, steps[axis], operandShape[axis], extent))
      }
      result.append(contentsOf: repeatElement(-1, count: run.lowerBound))
      for o in run { result.append(flat + step * o) }
      result.append(contentsOf: repeatElement(-1, count: extent - run.upperBound))
      for d in outer.indices.reversed() {
        outer[d] += 1
        if outer[d] < shape[d] { break }
        outer[d] = 0
      }
    }
    return result
  }

  /// Which of `count` coordinates `first`, `first + step`, … lie in 0..<extent: one run, since they grow evenly.
  private static func inside(_ first: Int, _ step: Int, _ extent: Int, _ count: Int) -> Range<Int> {
    if step == 0 { return 0 <= first && first < extent ? 0..<count : 0..<0 }
    // Seen from the other end, a falling coordinate rises.
    let (start, rise) = step > 0 ? (first, step) : (extent - 1 - first, -step)
    let lower = min(max(0, (rise - 1 - start) / rise), count)
    let upper = start >= extent ? 0 : min(count, (extent - 1 - start) / rise + 1)
    return lower..<max(lower, upper)
  }
}

extension Primitive {
  /// The shape of the result for operands of the given shapes.
  public func resultShape(_ operands: [[Int]]) -> [Int] {
    switch self {
    case .input(let shape): shape
    case .constant(let weights): weights.shape
    case .linear(let linear): operands[0].dropLast() + [linear.groups * linear.outputs]
    case .contract: operands[0].dropLast() + [operands[1].last ?? 1]
    case .gather(let gather): operands[0] + [gather.columns]
    case .combine, .map, .quantize: operands[0]
    case .forest(let forest): operands[0].dropLast() + [forest.outputs.count]
    case .reduce: Array(operands[0].dropLast())
    case .scan(let scan): scan.resultShape(operands)
    case .rearrange(.reshape(let shape)): shape
    case .rearrange(.view(let view)): view.shape
    case .rearrange(.concatenate(let axis)):
      operands[0].indices.map { d in d == axis ? operands.reduce(0) { $0 + $1[axis] } : operands[0][d] }
    }
  }
}
