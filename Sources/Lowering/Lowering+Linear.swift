import AdderGraphs
import Circuit
import FixedPoint
import Graph

/// Adder graphs found so far: equal problems are solved once.
struct AdderGraphSolutions {
  let options: LoweringOptions
  init(_ options: LoweringOptions) { self.options = options }
}

extension NodeLowering {
  mutating func lower(_ linear: Linear, _ operand: Tensor, _ origin: Int) throws(WidthOverflow) -> [Value] {
    if let accumulator = linear.accumulator {
      return try accumulate(linear.accumulatedRows(operand.type, accumulator), operand, origin)
    }
    var rows: [(first: Int, row: LinearRow)] = []
    try linear.forEachRow(operand.type) { rows.append(($0, $1)) }
    var result: [Value] = []
    for (first, row) in rows {
      let values = Array(operand.values[first..<(first + linear.inputs)])
      result += try apply(row, to: values, origin)
    }
    return result
  }

  /// The results of one row of a constant matrix.
  private mutating func apply(
    _ row: LinearRow, to values: [Value], _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    var result: [Value] = []
    for n in 0..<row.outputs {
      var terms: [Term] = []
      for (k, value) in values.enumerated() {
        terms += signedDigits(Int128(row.coefficients[k * row.outputs + n])).map {
          Term(value, shift: $0.shift, isNegative: $0.isNegative)
        }
      }
      if row.constants[n] != 0 { terms.append(Term(builder.constant(row.constants[n], origin: origin))) }
      result.append(try sum(terms, exponent: row.formats[n].exponent, origin))
    }
    return result
  }

  private func signedDigits(_ value: Int128) -> [(shift: Int, isNegative: Bool)] {
    var rest = value
    var digits: [(shift: Int, isNegative: Bool)] = []
    var shift = 0
    while rest != 0 {
      if rest & 1 == 1 {
        let isNegative = rest & 3 == 3
        digits.append((shift, isNegative))
        rest += isNegative ? 1 : -1
      }
      rest >>= 1
      shift += 1
    }
    return digits
  }

  /// Σ of signed, shifted values.
  mutating func sum(_ terms: [Term], exponent: Int, _ origin: Int) throws(WidthOverflow) -> Value {
    if terms.isEmpty { return builder.constant(0, exponent: exponent, origin: origin) }
    return try balanced(terms.map { ($0, $0) }) { lowering, a, b throws(WidthOverflow) in
      let value = try lowering.builder.sum([a.0, b.0], exponent: exponent, origin: origin)
      return (Term(value), Term(value))
    }.0.value(in: &self, exponent: exponent, origin)
  }

  /// value · factor + offset.
  mutating func multiply(
    _ value: Value, by factor: Int128, plus offset: Int128, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    var terms = signedDigits(factor).map { Term(value, shift: $0.shift, isNegative: $0.isNegative) }
    if offset != 0 { terms.append(Term(builder.constant(offset, origin: origin))) }
    return try sum(terms, exponent: builder[value].format.exponent, origin)
  }

  /// hls4ml's accumulation: each product and each partial sum converted in input order.
  private mutating func accumulate(
    _ rows: [AccumulatedRow], _ operand: Tensor, _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    var result: [Value] = []
    for row in rows {
      var total = builder.constant(row.start, exponent: row.type.exponent, origin: origin)
      for product in row.products {
        let exact = try multiply(operand.values[product.element], by: Int128(product.factor), plus: 0, origin)
        let converted = try convert(exact, unit: product.unit, to: row.type, origin)
        let sum = try builder.sum(
          [Term(total), Term(converted)], exponent: row.type.exponent, origin: origin)
        total = try convert(sum, unit: Unit(exponent: row.type.exponent), to: row.type, origin)
      }
      result.append(total)
    }
    return result
  }
}

extension Term {
  fileprivate func value(
    in lowering: inout NodeLowering, exponent: Int, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    try lowering.builder.sum([self], exponent: exponent, origin: origin)
  }
}
