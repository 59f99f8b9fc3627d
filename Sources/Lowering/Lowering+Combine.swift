import Circuit
import FixedPoint
import Graph

extension NodeLowering {
  mutating func lower(
    _ kind: Combination, _ operands: [Tensor], _ type: TensorType, _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    var result: [Value] = []
    for i in 0..<type.count {
      // Of a residual connection, the operand made last: the others are known before it.
      if let value = operands.map({ $0.values[i] }).max() { joinInstance(of: value) }
      var aligned: [Value] = []
      let types = operands.map(\.type)
      for (number, operand) in operands.enumerated() {
        let steps = try operand.type.unit(i).steps(of: kind.unit(of: number, at: i, types, result: type))
        aligned.append(try multiply(operand.values[i], by: steps, plus: 0, origin))
      }
      result.append(try combine(kind, aligned, exponent: type.formats[i].exponent, origin))
    }
    return result
  }

  private mutating func combine(
    _ kind: Combination, _ values: [Value], exponent: Int, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    switch kind {
    case .add: return try sum(values, exponent: exponent, origin)
    case .subtract:
      let signs = values.indices.map { $0 == 0 ? Int64(1) : -1 }
      return try sum(values, signs: signs, exponent: exponent, origin)
    case .multiply:
      return try balanced(values) { lowering, a, b throws(WidthOverflow) in
        try lowering.builder.multiply(a, b, origin: origin)
      }
    case .maximum, .minimum:
      return try balanced(values) { lowering, a, b throws(WidthOverflow) in
        lowering.builder.extreme(isMaximum: kind == .maximum, a, b, origin: origin)
      }
    case .less: return builder.compare(.less, values[0], values[1], origin: origin)
    case .lessOrEqual: return builder.compare(.lessOrEqual, values[0], values[1], origin: origin)
    case .equal: return builder.compare(.equal, values[0], values[1], origin: origin)
    case .notEqual: return builder.compare(.notEqual, values[0], values[1], origin: origin)
    case .select:
      let isBit = builder.range(values[0]) == .bit
      let condition =
        isBit ? values[0] : builder.compare(.notEqual, values[0], zero(origin), origin: origin)
      return builder.select(condition, values[1], values[2], origin: origin)
    }
  }

  /// Folds values pairwise in a balanced tree, in order.
  mutating func balanced<Element>(
    _ values: [Element],
    _ join: (inout NodeLowering, Element, Element) throws(WidthOverflow) -> Element
  ) throws(WidthOverflow) -> Element {
    var level = values
    while level.count > 1 {
      var next: [Element] = []
      for i in stride(from: 0, to: level.count - 1, by: 2) {
        next.append(try join(&self, level[i], level[i + 1]))
      }
      if level.count % 2 == 1 { next.append(level[level.count - 1]) }
      level = next
    }
    return level[0]
  }
}
