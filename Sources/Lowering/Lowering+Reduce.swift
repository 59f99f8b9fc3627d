import Circuit
import FixedPoint
import Graph

extension NodeLowering {
  mutating func lower(
    _ kind: Reduction, _ operand: Tensor, _ type: TensorType, _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    let length = operand.shape.last ?? 1
    let channels = operand.shape.dropLast().last ?? 1
    let isRepeated = operand.values.count > length * channels
    var result: [Value] = []
    for (group, start) in stride(from: 0, to: operand.values.count, by: length).enumerated() {
      if isRepeated && group % channels == 0 { startInstance() }
      let elements = start..<(start + length)
      let unit = kind == .argmax ? try operand.type.commonUnit(elements) : type.unit(group)
      var aligned: [Value] = []
      for i in elements {
        aligned.append(
          try multiply(operand.values[i], by: try operand.type.unit(i).steps(of: unit), plus: 0, origin))
      }
      switch kind {
      case .sum: result.append(try sum(aligned, exponent: unit.exponent, origin))
      case .maximum, .minimum:
        result.append(
          try balanced(aligned) { lowering, a, b throws(WidthOverflow) in
            lowering.builder.extreme(isMaximum: kind == .maximum, a, b, origin: origin)
          })
      case .argmax: result.append(try argmax(aligned, origin))
      }
    }
    return result
  }

  /// The index of the greatest value, of equal ones the lowest: a tournament that keeps value and index.
  private mutating func argmax(_ values: [Value], _ origin: Int) throws(WidthOverflow) -> Value {
    struct Leader {
      var value: Value
      var index: Value
    }
    let start = values.enumerated().map {
      Leader(value: $1, index: builder.constant(Int128($0), origin: origin))
    }
    return try balanced(start) { lowering, a, b throws(WidthOverflow) in
      let isLess = lowering.builder.compare(.less, a.value, b.value, origin: origin)
      return Leader(
        value: lowering.builder.extreme(isMaximum: true, a.value, b.value, origin: origin),
        index: lowering.builder.select(isLess, b.index, a.index, origin: origin))
    }.index
  }
}
