import FixedPoint

extension Gather {
  /// The indices that have a row.
  public var bounds: Interval { Interval(0, Int128(rows - 1)) }

  /// The unsigned type of the indices: as many bits as the last one needs.
  public var indexType: FixedType {
    let bits = bounds.width
    return FixedType(width: bits, integerBits: bits, isSigned: false)
  }

  /// Whether an operand holds integers without scale, none below 0. Integers beyond the last row meet the last row.
  public func covers(_ operand: TensorType) -> Bool {
    operand.isUnscaled
      && operand.formats.distinct.allSatisfy {
        $0.exponent == 0 && $0.range.lower >= 0 && $0.range.upper < 1 << 16
      }
  }

  /// Each column as integers in a unit of its own, by row.
  ///
  /// - Requires: the table is exact.
  public var integerColumns: [(raw: [Int128], unit: Unit)] {
    get throws(WidthOverflow) {
      var result: [(raw: [Int128], unit: Unit)] = []
      for column in 0..<columns {
        let terms = (0..<rows).map { table.term($0 * columns + column) }
        var unit: Unit?
        for case let term? in terms { unit = try unit?.common(with: term.unit) ?? term.unit }
        let common = unit ?? Unit(exponent: 0)
        var raw: [Int128] = []
        for term in terms {
          guard let term else {
            raw.append(0)
            continue
          }
          raw.append(try Interval(term.raw).scaled(by: term.unit.steps(of: common)).lower)
        }
        result.append((raw, common))
      }
      return result
    }
  }

  func exactType(_ operand: TensorType) throws(WidthOverflow) -> TensorType {
    let columns = try integerColumns
    var known: [Interval: [(format: Format, scale: Rational)]] = [:]
    var elements: [(format: Format, scale: Rational)] = []
    for i in 0..<operand.count {
      let indices = operand.formats[i].range
      if let found = known[indices] {
        elements += found
        continue
      }
      let low = Int(min(max(indices.lower, 0), bounds.upper))
      let high = Int(min(max(indices.upper, 0), bounds.upper))
      let row = columns.map { column in
        let reached = column.raw[low...high]
        return (
          Format(Interval(reached.min() ?? 0, reached.max() ?? 0), exponent: column.unit.exponent),
          column.unit.factor
        )
      }
      known[indices] = row
      elements += row
    }
    return TensorType(elements: elements)
  }
}
