import FixedPoint

/// A linear primitive at one position and group, on raw integers: result n is constants[n] + Σ_k raw[k] ·
/// coefficients[k · outputs + n], in units of its format and scale.
public struct LinearRow: Hashable, Sendable {
  public var outputs: Int
  /// Row-major [inputs, outputs].
  public var coefficients: [Int64]
  public var constants: [Int128]
  public var formats: [Format]
  public var scales: [Rational]
}

extension Linear {
  /// The integer form for one group and operands of the given formats and scales. Each result's unit is the largest in
  /// which all its non-zero terms are whole.
  ///
  /// - Requires: weights and bias are exact.
  /// - Throws: `WidthOverflow` where a coefficient needs more than 62 bits or a result more than 120.
  public func row(group: Int, formats: [Format], scales: [Rational]) throws(WidthOverflow) -> LinearRow {
    guard case .exact(let raw, let exponent, let weightScales) = weights.storage else {
      preconditionFailure("weights without a type")
    }
    var row = LinearRow(
      outputs: outputs, coefficients: Array(repeating: 0, count: inputs * outputs), constants: [],
      formats: [],
      scales: [])
    let units = zip(formats, scales).map { Unit(exponent: $0.exponent, factor: $1) }
    let first = group * inputs * outputs
    for n in 0..<outputs {
      let terms = (0..<inputs).filter { raw[first + $0 * outputs + n] != 0 && formats[$0].range != .zero }
      var termUnits: [Unit] = []
      var unit: Unit?
      for k in terms {
        let weightUnit = Unit(exponent: exponent, factor: weightScales[first + k * outputs + n])
        // The weight's trailing zeros belong to its unit, so that results carry no bits that are always 0.
        let zeros = raw[first + k * outputs + n].trailingZeroBitCount
        let product = try units[k].multiplied(by: weightUnit)
        let whole = Unit(exponent: product.exponent + zeros, factor: product.factor)
        termUnits.append(product)
        unit = try unit?.common(with: whole) ?? whole
      }
      let offset = bias?.term(group * outputs + n)
      if let offset { unit = try unit?.common(with: offset.unit) ?? offset.unit }
      let result = unit ?? Unit(exponent: 0)
      var range = Interval.zero
      for (k, termUnit) in zip(terms, termUnits) {
        let zeros = raw[first + k * outputs + n].trailingZeroBitCount
        let lifted = Unit(exponent: termUnit.exponent + zeros, factor: termUnit.factor)
        let steps = try lifted.steps(of: result)
        let product = (Int128(raw[first + k * outputs + n]) >> zeros).multipliedReportingOverflow(by: steps)
        guard !product.overflow, let coefficient = Int64(exactly: product.partialValue),
          coefficient.magnitude < 1 << 62
        else { throw WidthOverflow() }
        row.coefficients[k * outputs + n] = coefficient
        range = try range.adding(formats[k].range.scaled(by: Int128(coefficient)))
      }
      var constant: Int128 = 0
      if let offset { constant = try Interval(offset.raw).scaled(by: offset.unit.steps(of: result)).lower }
      row.constants.append(constant)
      row.formats.append(Format(try range.adding(Interval(constant)), exponent: result.exponent))
      row.scales.append(result.factor)
    }
    return row
  }
}

extension Weights {
  /// One element as an odd integer and its unit; nil for 0.
  ///
  /// - Requires: the weights are exact.
  func term(_ index: Int) -> (raw: Int128, unit: Unit)? {
    guard case .exact(let raw, let exponent, let scales) = storage else {
      preconditionFailure("weights without a type")
    }
    if raw[index] == 0 { return nil }
    let zeros = raw[index].trailingZeroBitCount
    return (Int128(raw[index] >> Int64(zeros)), Unit(exponent: exponent + zeros, factor: scales[index]))
  }
}
