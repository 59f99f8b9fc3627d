import Circuit
import FixedPoint
import Graph

extension NodeLowering {
  /// - Parameter offsets: what is added to each result; nil for nothing.
  mutating func lower(
    _ linear: Linear, _ operand: Tensor, offsets: [Int128]?, _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    if let accumulator = linear.accumulator {
      return try accumulate(linear.accumulatedRows(operand.type, accumulator), operand, origin)
    }
    var rows: [(first: Int, row: LinearRow)] = []
    try linear.forEachRow(operand.type) { rows.append(($0, $1)) }
    var result: [Value] = []
    for (first, row) in rows {
      if rows.count > 1 { startInstance() }
      let values = Array(operand.values[first..<(first + linear.inputs)])
      var constants = row.constants
      if let offsets { for n in constants.indices { constants[n] += offsets[result.count + n] } }
      result += try matrix(
        values, row.coefficients, constants, exponents: row.formats.map(\.exponent),
        ranges: usesTypes ? (0..<linear.inputs).map { operand.type.formats[first + $0].range } : nil, origin)
    }
    return result
  }

  /// hls4ml's accumulation: each product and each partial sum converted in input order.
  private mutating func accumulate(
    _ rows: [AccumulatedRow], _ operand: Tensor, _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    var result: [Value] = []
    for row in rows {
      var terms = [builder.constant(row.start, exponent: row.type.exponent, origin: origin)]
      for product in row.products {
        let exact = try multiply(operand.values[product.element], by: Int128(product.factor), plus: 0, origin)
        terms.append(try convert(exact, unit: product.unit, to: row.type, origin))
      }
      result.append(try total(terms, in: row.type, origin))
    }
    return result
  }

  /// The running sum of terms in an accumulator. Wrapping is modular, so that wrapping the exact sum once is the same.
  private mutating func total(
    _ terms: [Value], in type: FixedType, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    let unit = Unit(exponent: type.exponent)
    if type.overflow == .wrap {
      return try convert(sum(terms, exponent: type.exponent, origin), unit: unit, to: type, origin)
    }
    var total = terms[0]
    for term in terms.dropFirst() {
      let next = try builder.sum([Term(total), Term(term)], exponent: type.exponent, origin: origin)
      total = try convert(next, unit: unit, to: type, origin)
    }
    return total
  }
}
