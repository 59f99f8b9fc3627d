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
    var result: [ElementSource] = []
    result.reserveCapacity(shape.elementCount)
    var index = Array(repeating: 0, count: shape.count)
    for _ in 0..<shape.elementCount {
      var flat = 0
      var isInside = true
      for axis in operandShape.indices {
        var coordinate = offsets[axis]
        for (d, o) in index.enumerated() { coordinate += strides[axis][d] * o }
        isInside = isInside && coordinate >= 0 && coordinate < operandShape[axis]
        flat = flat * operandShape[axis] + coordinate
      }
      result.append(isInside ? .element(operand: 0, index: flat) : .padding)
      for d in shape.indices.reversed() {
        index[d] += 1
        if index[d] < shape[d] { break }
        index[d] = 0
      }
    }
    return result
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
