import Circuit
import FixedPoint
import Graph

extension NodeLowering {
  mutating func lower(
    _ rearrangement: Rearrangement, _ operands: [Tensor], _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    let padding: Value
    if rearrangement.padding == .lowest {
      let lowest = try operands[0].type.lowestValue.format
      padding = builder.constant(lowest.range.lower, exponent: lowest.exponent, origin: origin)
    } else {
      padding = zero(origin)
    }
    return rearrangement.sources(operands.map(\.shape)).map { source in
      switch source {
      case .element(let operand, let index): operands[operand].values[index]
      case .padding: padding
      }
    }
  }

  mutating func constant(_ weights: Weights, _ type: TensorType, _ origin: Int) -> [Value] {
    type.formats.array.map { builder.constant($0.range.lower, exponent: $0.exponent, origin: origin) }
  }
}
