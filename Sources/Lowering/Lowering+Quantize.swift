import Circuit
import FixedPoint
import Graph

extension NodeLowering {
  /// - Parameter offsets: what has been added to the operand's elements for rounding; nil for nothing.
  mutating func lower(
    _ quantizer: Quantizer, _ operand: Tensor, offsets: [Int128]?, _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    var result: [Value] = []
    for (i, value) in operand.values.enumerated() {
      joinInstance(of: value)
      switch try quantizer.element(i, unit: operand.type.unit(i)) {
      case .fixed(let type, let unit):
        if let offsets, offsets[i] != 0 {
          let range = try operand.type.formats[i].range.adding(Interval(offsets[i]))
          let rounded = try cut(value, in: range, unit: unit, to: type, origin)
          result.append(try reduce(rounded, into: type, origin))
        } else {
          result.append(try convert(value, unit: unit, to: type, origin))
        }
      case .steps(let thresholds, let levels):
        result.append(step(value, thresholds[...], levels[...], origin))
      }
    }
    return result
  }

  /// raw · unit converted into a fixed-point type: rounding, then overflow.
  mutating func convert(
    _ value: Value, unit: Unit, to type: FixedType, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    if type.width == 0 { return builder.constant(0, exponent: type.exponent, origin: origin) }
    let rounded: Value
    if unit.factor == .one {
      let shift = type.exponent - unit.exponent
      rounded =
        shift <= 0
        ? try builder.sum([Term(value, shift: -shift)], exponent: type.exponent, origin: origin)
        : try round(value, dropping: shift, type.rounding, exponent: type.exponent, origin)
    } else {
      rounded = try rescale(value, unit: unit, to: type, origin)
    }
    return try reduce(rounded, into: type, origin)
  }

  /// value / 2^count rounded to an integer: the floor, plus one where the dropped bits say so. The adder spans the kept
  /// bits alone.
  private mutating func round(
    _ value: Value, dropping count: Int, _ rounding: Rounding, exponent: Int, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    let floor = builder.slice(value, low: count, origin: origin)
    if rounding == .trn { return floor }
    let sign = builder.compare(.less, value, zero(origin), origin: origin)
    let half = builder.slice(value, low: count - 1, range: .bit, origin: origin)
    let isAboveTie = bits(value, below: count - 1, origin)
    let increment: Value
    switch rounding {
    case .trn: return floor
    case .trnZero: increment = both(sign, either(half, isAboveTie, origin), origin)
    case .rnd: increment = half
    case .rndMinInf: increment = both(half, isAboveTie, origin)
    case .rndZero: increment = both(half, either(isAboveTie, sign, origin), origin)
    case .rndInf: increment = both(half, either(isAboveTie, not(sign, origin), origin), origin)
    case .rndConv:
      let isOdd = builder.slice(value, low: count, range: .bit, origin: origin)
      increment = both(half, either(isAboveTie, isOdd, origin), origin)
    }
    let range = builder.range(value)
    let result = Interval(
      rounding.shift(range.lower, right: count), rounding.shift(range.upper, right: count))
    return try builder.sum([Term(floor), Term(increment)], range: result, exponent: exponent, origin: origin)
  }

  /// A value to which `RoundingOffsets` has added what its rounding needs: the floor, of which ties to even clear the
  /// last bit where no set bit is cut off. `range` is that of the value, without what a rectifier has let through.
  private mutating func cut(
    _ value: Value, in range: Interval, unit: Unit, to type: FixedType, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    let count = type.exponent - unit.exponent
    let result = Interval(range.lower >> Int128(count), range.upper >> Int128(count))
    if type.rounding != .rndConv {
      return builder.narrow(builder.slice(value, low: count, origin: origin), to: result, origin: origin)
    }
    let high = builder.slice(value, low: count + 1, origin: origin)
    let last = builder.slice(value, low: count, range: .bit, origin: origin)
    let kept = both(last, bits(value, below: count, origin), origin)
    return try builder.sum([Term(high, shift: 1), Term(kept)], exponent: type.exponent, origin: origin)
  }

  /// Whether any of the low `count` bits is set.
  private mutating func bits(_ value: Value, below count: Int, _ origin: Int) -> Value {
    if count == 0 { return builder.constant(0, origin: origin) }
    let low = builder.slice(value, low: 0, range: Interval(0, (Int128(1) << count) - 1), origin: origin)
    return builder.range(low) == .bit ? low : builder.reduce(.or, low, origin: origin)
  }

  /// Brings an integer into the range of a type by its overflow mode.
  private mutating func reduce(_ value: Value, into type: FixedType, _ origin: Int) throws(WidthOverflow)
    -> Value
  {
    let range = builder.range(value)
    let target = type.reachableRange
    if target.contains(range) { return value }
    if type.overflow == .wrap { return builder.slice(value, low: 0, range: type.rawRange, origin: origin) }
    // Only the bits beyond the type decide: its bounds are powers of two, but for the lower one of SAT_SYM.
    let bits = type.isSigned ? type.width - 1 : type.width
    let high = builder.slice(value, low: bits, origin: origin)
    let isTooHigh = builder.compare(.less, zero(origin), high, origin: origin)
    let isTooLow: Value
    if !type.isSigned {
      isTooLow = builder.compare(.less, value, zero(origin), origin: origin)
    } else if type.overflow == .satSym {
      isTooLow = builder.compare(.less, value, builder.constant(target.lower, origin: origin), origin: origin)
    } else {
      isTooLow = builder.compare(.less, high, builder.constant(-1, origin: origin), origin: origin)
    }
    let isZeroing = type.overflow == .satZero
    let kept = builder.slice(value, low: 0, range: type.rawRange, origin: origin)
    let exponent = type.exponent
    let top = builder.constant(isZeroing ? 0 : target.upper, exponent: exponent, origin: origin)
    let bottom = builder.constant(isZeroing ? 0 : target.lower, exponent: exponent, origin: origin)
    let result = Interval(
      isZeroing ? min(0, max(range.lower, target.lower)) : min(max(range.lower, target.lower), target.upper),
      isZeroing ? max(0, min(range.upper, target.upper)) : max(min(range.upper, target.upper), target.lower))
    let low = builder.select(isTooLow, bottom, kept, origin: origin)
    return builder.select(isTooHigh, top, low, range: result, origin: origin)
  }

  /// The level of a step function: a balanced tree of comparisons with the thresholds.
  private mutating func step(
    _ value: Value, _ thresholds: ArraySlice<Int128>, _ levels: ArraySlice<Int128>, _ origin: Int
  ) -> Value {
    let range = builder.range(value)
    if thresholds.isEmpty { return builder.constant(levels[levels.startIndex], origin: origin) }
    let half = thresholds.count / 2
    let middle = thresholds.startIndex + half
    let split = levels.startIndex + half + 1
    let below = step(value, thresholds[..<middle], levels[..<split], origin)
    let above = step(value, thresholds[(middle + 1)...], levels[split...], origin)
    // Thresholds beyond the operand's range may be beyond every width too.
    if thresholds[middle] > range.upper { return below }
    if thresholds[middle] <= range.lower { return above }
    let isBelow = builder.compare(
      .less, value, builder.constant(thresholds[middle], origin: origin), origin: origin)
    return builder.select(isBelow, below, above, origin: origin)
  }
}

// MARK: - Single bits

extension NodeLowering {
  mutating func zero(_ origin: Int) -> Value { builder.constant(0, origin: origin) }

  mutating func both(_ a: Value, _ b: Value, _ origin: Int) -> Value {
    builder.bitwise(.and, [a, b], origin: origin)
  }

  mutating func either(_ a: Value, _ b: Value, _ origin: Int) -> Value {
    builder.bitwise(.or, [a, b], origin: origin)
  }

  mutating func not(_ a: Value, _ origin: Int) -> Value {
    builder.bitwise(.xor, [a, builder.constant(1, origin: origin)], origin: origin)
  }
}
