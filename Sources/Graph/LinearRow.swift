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
    if weightScales.uniform == .one, scales.allSatisfy({ $0 == .one }),
      let row = try binaryRow(group, raw, exponent, formats)
    {
      return row
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

extension Linear {
  /// The integer form where every unit is a power of two, which most are: no fractions, weights in the order in which they
  /// lie. Nil where the bias has scales.
  private func binaryRow(
    _ group: Int, _ raw: [Int64], _ exponent: Int, _ formats: [Format]
  ) throws(WidthOverflow) -> LinearRow? {
    let offsets = bias.map { bias in (0..<outputs).map { bias.term(group * outputs + $0) } }
    if let offsets, !offsets.allSatisfy({ $0 == nil || $0?.unit.factor == .one }) { return nil }
    let first = group * inputs * outputs
    var units = (0..<outputs).map { offsets?[$0]?.unit.exponent ?? Int.max }
    for k in 0..<inputs where formats[k].range != .zero {
      let base = formats[k].exponent + exponent
      for n in 0..<outputs {
        // The weight's trailing zeros belong to its unit, so that results carry no bits that are always 0.
        let weight = raw[first + k * outputs + n]
        if weight != 0 { units[n] = min(units[n], base + weight.trailingZeroBitCount) }
      }
    }
    for n in 0..<outputs where units[n] == Int.max { units[n] = 0 }
    var coefficients = Array(repeating: Int64(0), count: inputs * outputs)
    var ranges = Array(repeating: Interval.zero, count: outputs)
    for k in 0..<inputs where formats[k].range != .zero {
      let base = formats[k].exponent + exponent
      let range = formats[k].range
      for n in 0..<outputs {
        let weight = raw[first + k * outputs + n]
        if weight == 0 { continue }
        let shift = base - units[n]
        guard 64 - weight.magnitude.leadingZeroBitCount + shift <= 62 else { throw WidthOverflow() }
        let coefficient = shift >= 0 ? weight << Int64(shift) : weight >> Int64(-shift)
        coefficients[k * outputs + n] = coefficient
        ranges[n] = try ranges[n].adding(range.scaled(by: Int128(coefficient)))
      }
    }
    var row = LinearRow(outputs: outputs, coefficients: coefficients, constants: [], formats: [], scales: [])
    for n in 0..<outputs {
      var constant: Int128 = 0
      if let offset = offsets?[n] {
        constant = try Interval(offset.raw).shifted(left: offset.unit.exponent - units[n]).lower
      }
      row.constants.append(constant)
      row.formats.append(Format(try ranges[n].adding(Interval(constant)), exponent: units[n]))
      row.scales.append(.one)
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
