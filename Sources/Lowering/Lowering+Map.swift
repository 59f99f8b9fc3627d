import Circuit
import FixedPoint
import Graph

extension NodeLowering {
  mutating func lower(
    _ map: Map, _ operand: Tensor, name: String, _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    switch map.form {
    case .rectifier(let rectifier):
      var result: [Value] = []
      for (i, value) in operand.values.enumerated() {
        joinInstance(of: value)
        result.append(try rectify(value, try rectifier.element(unit: operand.type.unit(i)).0, origin))
      }
      return result
    case .tables(let tables, let tableOfElement):
      let indices = tables.enumerated().map { number, table in
        builder.table(
          Table(
            name: tables.count == 1 ? name : "\(name)_\(number)", first: Int128(table.first),
            entries: table.entries.map { Int128($0) }))
      }
      return operand.values.enumerated().map { i, value in
        joinInstance(of: value)
        let table = tableOfElement[i]
        return builder.lookup(value, table: indices[table], exponent: tables[table].exponent, origin: origin)
      }
    case .pieces(let pieces, let piecesOfElement):
      var result: [Value] = []
      for (i, value) in operand.values.enumerated() {
        let number = piecesOfElement[i]
        joinInstance(of: value)
        result.append(
          try interpolate(
            value, pieces[number], name: pieces.count == 1 ? name : "\(name)_\(number)", origin))
      }
      return result
    case nil: preconditionFailure("a function without a form")
    }
  }

  private mutating func rectify(
    _ value: Value, _ rectifier: ElementRectifier, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    let range = builder.range(value)
    var above = try multiply(value, by: rectifier.gain, plus: 0, origin)
    if let maximum = rectifier.maximum, builder.range(above).upper > maximum {
      let top = builder.constant(maximum, origin: origin)
      let isTooHigh = builder.compare(.less, top, above, origin: origin)
      above = builder.select(
        isTooHigh, top, above,
        range: Interval(min(builder.range(above).lower, maximum), maximum), origin: origin)
    }
    if range.lower >= rectifier.threshold { return above }
    let below = try multiply(value, by: rectifier.slope, plus: rectifier.offset, origin)
    if range.upper < rectifier.threshold { return below }
    let isBelow = builder.compare(
      .less, value, builder.constant(rectifier.threshold, origin: origin), origin: origin)
    let ends = [range.lower, rectifier.threshold - 1, rectifier.threshold, range.upper].map(rectifier.apply)
    return builder.select(
      isBelow, below, above, range: Interval(ends.min() ?? 0, ends.max() ?? 0), origin: origin)
  }
}
