import FixedPoint

/// A contraction on raw integers: every result is an exact sum of products of two variables.
public struct Contraction: Hashable, Sendable {
  /// Matrix products, and rows, summed elements and columns of each.
  public let stack: Int
  public let rows: Int
  public let inner: Int
  public let columns: Int
  /// What each product is multiplied by before the sum, in the order of `forEachProduct`; nil where all are 1.
  public let steps: [Int128]?
  public let type: TensorType

  /// - Parameters:
  ///   - operands: the types of both operands.
  ///   - shapes: their shapes, […, M, K] and […, K, N].
  /// - Throws: `WidthOverflow` where a sum needs more than 120 bits.
  public init(_ operands: [TensorType], _ shapes: [[Int]]) throws(WidthOverflow) {
    rows = shapes[0][shapes[0].count - 2]
    inner = shapes[0][shapes[0].count - 1]
    columns = shapes[1][shapes[1].count - 1]
    stack = shapes[0].dropLast(2).reduce(1, *)
    var steps: [Int128] = []
    var elements: [(format: Format, scale: Rational)] = []
    for result in 0..<(stack * rows * columns) {
      let (matrix, position) = result.quotientAndRemainder(dividingBy: rows * columns)
      let (row, column) = position.quotientAndRemainder(dividingBy: columns)
      let left = (matrix * rows + row) * inner
      let right = matrix * inner * columns + column
      var units: [Unit] = []
      for k in 0..<inner {
        units.append(try operands[0].unit(left + k).multiplied(by: operands[1].unit(right + k * columns)))
      }
      var unit = units[0]
      for other in units.dropFirst() where other != unit { unit = try unit.common(with: other) }
      var range = Interval.zero
      for k in 0..<inner {
        let step: Int128 = try units[k] == unit ? 1 : units[k].steps(of: unit)
        let product = try operands[0].formats[left + k].range.multiplied(
          by: operands[1].formats[right + k * columns].range)
        range = try range.adding(product.scaled(by: step))
        steps.append(step)
      }
      elements.append((Format(range, exponent: unit.exponent), unit.factor))
    }
    self.steps = steps.allSatisfy { $0 == 1 } ? nil : steps
    type = TensorType(elements: elements)
  }

  /// The operands' elements that make result `result`, in order: (element of the first, element of the second, factor).
  public func products(of result: Int) -> [(left: Int, right: Int, step: Int128)] {
    let (matrix, position) = result.quotientAndRemainder(dividingBy: rows * columns)
    let (row, column) = position.quotientAndRemainder(dividingBy: columns)
    return (0..<inner).map { k in
      (
        (matrix * rows + row) * inner + k, (matrix * inner + k) * columns + column,
        steps.map { $0[result * inner + k] } ?? 1
      )
    }
  }

  /// The sums of products for raw integers of both operands.
  func apply(_ a: [Int128], _ b: [Int128]) -> [Int128] {
    var result: [Int128] = []
    result.reserveCapacity(stack * rows * columns)
    for i in 0..<(stack * rows * columns) {
      let (matrix, position) = i.quotientAndRemainder(dividingBy: rows * columns)
      let (row, column) = position.quotientAndRemainder(dividingBy: columns)
      var sum: Int128 = 0
      for k in 0..<inner {
        let product = a[(matrix * rows + row) * inner + k] * b[(matrix * inner + k) * columns + column]
        sum += steps.map { product * $0[i * inner + k] } ?? product
      }
      result.append(sum)
    }
    return result
  }

  /// The matrix products in binary64.
  static func apply(_ a: [Double], _ b: [Double], _ shapes: [[Int]]) -> [Double] {
    let rows = shapes[0][shapes[0].count - 2]
    let inner = shapes[0][shapes[0].count - 1]
    let columns = shapes[1][shapes[1].count - 1]
    var result = Array(repeating: 0.0, count: a.count / inner * columns)
    for row in 0..<(a.count / inner) {
      let matrix = row / rows
      for k in 0..<inner {
        let value = a[row * inner + k]
        let start = (matrix * inner + k) * columns
        for n in 0..<columns { result[row * columns + n] += value * b[start + n] }
      }
    }
    return result
  }
}
