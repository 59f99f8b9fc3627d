import FixedPoint

/// A quantizer for one element, on raw integers: the one meaning that simulator, circuits and types share.
public enum ElementQuantizer: Hashable, Sendable {
  /// The conversion of raw · unit into a fixed-point type.
  case fixed(FixedType, unit: Unit)
  /// `levels[j]`, where j thresholds are at or below the raw integer.
  case steps(thresholds: [Int128], levels: [Int128])

  public func apply(_ raw: Int128) throws(WidthOverflow) -> Int128 {
    switch self {
    case .fixed(let type, let unit): try type.convert(raw, unit: unit)
    case .steps(let thresholds, let levels): levels[thresholds.prefix { $0 <= raw }.count]
    }
  }
}

extension Quantizer {
  /// The quantizer of element i for operands worth `unit` a step.
  public func element(_ i: Int, unit: Unit) throws(WidthOverflow) -> ElementQuantizer {
    switch self {
    case .fixed(let types, let scales):
      let scale = Unit(exponent: 0, factor: scales[i])
      return .fixed(
        types[i],
        unit: Unit(
          exponent: unit.exponent - scale.exponent,
          factor: scale.factor == .one ? unit.factor : try unit.factor.divided(by: scale.factor)))
    case .steps(let steps):
      var thresholds: [Int128] = []
      for threshold in steps.thresholds { thresholds.append(try threshold.firstReaching(unit: unit)) }
      return .steps(thresholds: thresholds, levels: steps.levels.map { Int128($0) })
    }
  }

  /// What a raw result is worth.
  func resultUnit(_ i: Int) -> Unit {
    switch self {
    case .fixed(let types, let scales): Unit(exponent: types[i].exponent, factor: scales[i])
    case .steps(let steps): Unit(exponent: steps.exponent, factor: steps.scale)
    }
  }

  /// The type of all that the quantizer can yield for that many elements.
  public func wholeType(_ count: Int) -> TensorType {
    TensorType(
      elements: (0..<count).map { i in
        let unit = resultUnit(i)
        switch self {
        case .fixed(let types, _):
          return (Format(types[i].reachableRange, exponent: unit.exponent), unit.factor)
        case .steps(let steps):
          let range = Interval(Int128(steps.levels.min() ?? 0), Int128(steps.levels.max() ?? 0))
          return (Format(range, exponent: unit.exponent), unit.factor)
        }
      })
  }

  func exactType(_ operand: TensorType) throws(WidthOverflow) -> TensorType {
    let isUniform =
      if case .fixed(let types, let scales) = self { types.uniform != nil && scales.uniform != nil } else {
        true
      }
    if isUniform {
      return try operand.map { format, scale throws(WidthOverflow) in
        try exactElement(0, Unit(exponent: format.exponent, factor: scale), format.range)
      }
    }
    var elements: [(format: Format, scale: Rational)] = []
    elements.reserveCapacity(operand.count)
    for i in 0..<operand.count {
      elements.append(try exactElement(i, operand.unit(i), operand.formats[i].range))
    }
    return TensorType(elements: elements)
  }

  /// The type of element i's results for operands worth `unit` a step in a range.
  private func exactElement(
    _ i: Int, _ unit: Unit, _ range: Interval
  ) throws(WidthOverflow) -> (format: Format, scale: Rational) {
    let interval: Interval
    switch try element(i, unit: unit) {
    case .fixed(let type, let unit): interval = try type.convert(range, unit: unit)
    case .steps(let thresholds, let levels):
      let reached =
        thresholds.prefix { $0 <= range.lower }.count...thresholds.prefix { $0 <= range.upper }.count
      interval = Interval(levels[reached].min() ?? 0, levels[reached].max() ?? 0)
    }
    let result = resultUnit(i)
    return (Format(interval, exponent: result.exponent), result.factor)
  }
}

extension Steps.Threshold {
  /// The least raw integer, worth `unit` a step, that reaches the threshold.
  func firstReaching(unit: Unit) throws(WidthOverflow) -> Int128 {
    let steps = try value.divided(by: unit.factor)
    let power = Int128(1) << min(unit.exponent.magnitude, 126)
    if unit.exponent.magnitude > 100 { throw WidthOverflow() }
    let ratio = try steps.multiplied(by: unit.exponent >= 0 ? Rational(1, power) : Rational(power))
    let floor = ratio.floor
    return isInclusive && ratio.denominator == 1 ? floor : floor + 1
  }
}

/// A rectifier for one element, on raw integers.
public struct ElementRectifier: Hashable, Sendable {
  /// Operands from here on pass; nil where no integer of the operand's range is below.
  public var threshold: Int128
  /// Results per operand step above the threshold.
  public var gain: Int128
  /// The greatest result above the threshold.
  public var maximum: Int128?
  /// Below the threshold: raw · slope + offset.
  public var slope: Int128
  public var offset: Int128

  public func apply(_ raw: Int128) -> Int128 {
    if raw < threshold { return raw * slope + offset }
    return maximum.map { min(raw * gain, $0) } ?? raw * gain
  }
}

extension Rectifier {
  /// The rectifier for operands worth `unit` a step, and what its results are worth.
  public func element(unit: Unit) throws(WidthOverflow) -> (ElementRectifier, Unit) {
    var result = unit
    var slopeUnit: Unit?
    if negativeSlope.numerator != 0 {
      let magnitude = Unit(exponent: 0, factor: negativeSlope.magnitude)
      slopeUnit = try unit.multiplied(by: magnitude)
      result = try result.common(with: try unit.multiplied(by: magnitude))
      if threshold.numerator != 0 {
        let product = try negativeSlope.multiplied(by: threshold)
        result = try result.common(with: Unit(exponent: 0, factor: product.magnitude))
      }
    }
    if let maximum, maximum.numerator != 0 {
      result = try result.common(with: Unit(exponent: 0, factor: maximum.magnitude))
    }
    let sign: Int128 = negativeSlope.numerator < 0 ? -1 : 1
    let slope = try slopeUnit.map { unit throws(WidthOverflow) in try sign * unit.steps(of: result) } ?? 0
    let offset = try result.steps(in: negativeSlope.multiplied(by: threshold))
    // At a threshold of 0 both branches give 0; from 0 on, the comparison is the sign bit.
    let edge = Steps.Threshold(threshold, isInclusive: threshold.numerator == 0)
    return (
      ElementRectifier(
        threshold: try edge.firstReaching(unit: unit),
        gain: try unit.steps(of: result),
        maximum: try maximum.map { value throws(WidthOverflow) in try result.steps(in: value) },
        slope: slope, offset: -offset), result
    )
  }

  func exactType(_ operand: TensorType) throws(WidthOverflow) -> TensorType {
    try operand.map { format, scale throws(WidthOverflow) in
      let (rectifier, unit) = try element(unit: Unit(exponent: format.exponent, factor: scale))
      let range = format.range
      // Piecewise linear: extremes lie at the ends of the range and on both sides of the threshold.
      var corners = [range.lower, range.upper]
      for corner in [rectifier.threshold - 1, rectifier.threshold] where range.contains(corner) {
        corners.append(corner)
      }
      _ = try range.multiplied(by: Interval(rectifier.gain)).union(
        range.multiplied(by: Interval(rectifier.slope)))
      let values = corners.map(rectifier.apply)
      let result = Interval(values.min() ?? 0, values.max() ?? 0)
      return (Format(result, exponent: unit.exponent), unit.factor)
    }
  }
}

extension Rational {
  var magnitude: Rational { numerator < 0 ? Rational(-numerator, denominator) : self }
}

extension Unit {
  /// How many steps of this unit a value has.
  ///
  /// - Requires: the value is an integer multiple of the unit.
  func steps(in value: Rational) throws(WidthOverflow) -> Int128 {
    if value.numerator == 0 { return 0 }
    let steps = try Unit(exponent: 0, factor: value.magnitude).steps(of: self)
    return value.numerator < 0 ? -steps : steps
  }
}

extension Map {
  func exactType(_ operand: TensorType) throws(WidthOverflow) -> TensorType {
    switch form {
    case .rectifier(let rectifier): return try rectifier.exactType(operand)
    case .tables(let tables, let tableOfElement):
      return TensorType(
        PerElement(
          (0..<operand.count).map { i in tables[tableOfElement[i]].format(operand.formats[i].range) }))
    case .pieces(let pieces, let piecesOfElement):
      return TensorType(
        PerElement(
          (0..<operand.count).map { i in pieces[piecesOfElement[i]].format(operand.formats[i].range) }))
    case nil: preconditionFailure("a function without a form")
    }
  }
}

extension FunctionTable {
  /// The operand's raw integers that the table covers.
  public var domain: Interval { Interval(Int128(first), Int128(first) + Int128(entries.count - 1)) }

  /// The format of the results for operands in a range.
  func format(_ range: Interval) -> Format {
    let used = entries[Int(range.lower - Int128(first))...Int(range.upper - Int128(first))]
    return Format(Interval(Int128(used.min() ?? 0), Int128(used.max() ?? 0)), exponent: exponent)
  }

  public func value(_ raw: Int128) -> Int64 { entries[Int(raw - Int128(first))] }
}
