import FixedPoint

// What primitives are on the raw integers of single elements, for those that compute them and those that prove them.
extension Combination {
  /// For each operand and element, what a step of it is worth where operands meet.
  ///
  /// - Parameter result: the type of the combination, of as many elements as each operand has.
  public func steps(_ operands: [TensorType], result: TensorType) throws(WidthOverflow) -> [[Int128]] {
    var steps: [[Int128]] = []
    for (number, operand) in operands.enumerated() {
      var row: [Int128] = []
      for i in 0..<result.count {
        row.append(try operand.unit(i).steps(of: unit(of: number, at: i, operands, result: result)))
      }
      steps.append(row)
    }
    return steps
  }

  /// Whether a comparison holds.
  ///
  /// - Requires: the combination is a comparison.
  public func holds<Number: Comparable>(_ a: Number, _ b: Number) -> Bool {
    switch self {
    case .less: return a < b
    case .lessOrEqual: return a <= b
    case .equal: return a == b
    case .notEqual: return a != b
    case .add, .subtract, .multiply, .maximum, .minimum, .select:
      preconditionFailure("'\(rawValue)' is no comparison")
    }
  }
}

extension Reduction {
  /// For each element of the operand, what a step of it is worth in the unit of its row of `length` elements.
  public func steps(
    _ operand: TensorType, length: Int, result: TensorType
  ) throws(WidthOverflow) -> [Int128] {
    var steps: [Int128] = []
    for i in 0..<operand.count {
      let unit =
        try self == .argmax
        ? operand.commonUnit(i / length * length..<(i / length + 1) * length) : result.unit(i / length)
      steps.append(try operand.unit(i).steps(of: unit))
    }
    return steps
  }
}

extension Rectifier {
  /// The rectifier of each element.
  public func elements(_ operand: TensorType) throws(WidthOverflow) -> [ElementRectifier] {
    var elements: [ElementRectifier] = []
    for i in 0..<operand.count { elements.append(try element(unit: operand.unit(i)).0) }
    return elements
  }
}

extension Quantizer {
  /// The quantizer of each element.
  public func elements(_ operand: TensorType) throws(WidthOverflow) -> [ElementQuantizer] {
    var elements: [ElementQuantizer] = []
    for i in 0..<operand.count { elements.append(try element(i, unit: operand.unit(i))) }
    return elements
  }
}
