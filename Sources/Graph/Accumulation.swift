import FixedPoint

/// One result of a linear primitive with hls4ml's accumulator: the bias converted to it, then each product converted and
/// added in input order, each partial sum brought back into the type.
public struct AccumulatedRow: Hashable, Sendable {
  public var type: FixedType
  /// The bias in the accumulator.
  public var start: Int128
  /// The factors that are not 0, in input order.
  public var products: [Product]

  public struct Product: Hashable, Sendable {
    /// The operand's element.
    public var element: Int
    public var factor: Int64
    /// What operand times factor is worth.
    public var unit: Unit
  }

  func apply(_ operand: [Int128]) throws(WidthOverflow) -> [Int128] {
    var sum = start
    for product in products {
      sum = type.reduce(
        sum + (try type.convert(operand[product.element] * Int128(product.factor), unit: product.unit)))
    }
    return [sum]
  }
}

extension Linear {
  /// The results in order, each as the chain of conversions and additions that the accumulator asks for.
  ///
  /// - Requires: weights and bias are exact.
  public func accumulatedRows(
    _ operand: TensorType, _ accumulator: FixedType
  ) throws(WidthOverflow) -> [AccumulatedRow] {
    var rows: [AccumulatedRow] = []
    for start in stride(from: 0, to: operand.count, by: inputs) {
      let group = start / inputs % groups
      for n in 0..<outputs {
        var row = AccumulatedRow(type: accumulator, start: 0, products: [])
        if let offset = bias?.term(group * outputs + n) {
          row.start = try accumulator.convert(offset.raw, unit: offset.unit)
        }
        for k in 0..<inputs {
          guard let weight = weights.term((group * inputs + k) * outputs + n) else { continue }
          row.products.append(
            AccumulatedRow.Product(
              element: start + k, factor: Int64(weight.raw),
              unit: try operand.unit(start + k).multiplied(by: weight.unit)))
        }
        rows.append(row)
      }
    }
    return rows
  }
}
