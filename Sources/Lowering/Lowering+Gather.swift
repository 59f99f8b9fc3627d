import Circuit
import FixedPoint
import Graph

extension NodeLowering {
  /// A table for each column, indexed by the operand.
  mutating func lower(
    _ gather: Gather, _ operand: Tensor, name: String, _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    let columns = try gather.integerColumns
    let last = operand.type.formats.distinct.map(\.range.upper).max() ?? 0
    let tables = columns.enumerated().map { number, column in
      let entries = (0...Int(max(last, 0))).map { column.raw[min($0, gather.rows - 1)] }
      return builder.table(Table(name: "\(name)_\(number)", first: 0, entries: entries))
    }
    return operand.values.flatMap { index in
      columns.indices.map {
        builder.lookup(index, table: tables[$0], exponent: columns[$0].unit.exponent, origin: origin)
      }
    }
  }
}
