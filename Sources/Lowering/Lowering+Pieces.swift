import Circuit
import FixedPoint
import Graph

extension NodeLowering {
  /// Constant and slope of the operand's segment from tables, one multiplication, one addition.
  mutating func interpolate(
    _ value: Value, _ pieces: PiecewiseLinear, name: String, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    let range = builder.range(value)
    let reached = pieces.sections.enumerated().filter {
      range.lower <= Int128($0.element.last) && Int128($0.element.first) <= range.upper
    }
    var chosen: Segment?
    // From the last section down: each takes over below the one before.
    for (number, section) in reached.reversed() {
      let own = segment(value, section, name: pieces.sections.count == 1 ? name : "\(name)_\(number)", origin)
      guard let above = chosen, let next = reached.first(where: { $0.offset == number + 1 }) else {
        chosen = own
        continue
      }
      let isBelow = builder.compare(
        .less, value, builder.constant(Int128(next.element.first), origin: origin), origin: origin)
      chosen = Segment(
        constant: builder.select(isBelow, own.constant, above.constant, origin: origin),
        slope: builder.select(isBelow, own.slope, above.slope, origin: origin),
        offset: builder.select(isBelow, own.offset, above.offset, origin: origin))
    }
    guard let chosen else { preconditionFailure("pieces that do not cover the operand") }
    let rise = try builder.multiply(chosen.slope, chosen.offset, origin: origin)
    let exponent = pieces.type.exponent - pieces.fractionBits
    let sum = try builder.sum([Term(chosen.constant), Term(rise)], exponent: exponent, origin: origin)
    var type = pieces.type
    type.rounding = .trn
    return try convert(sum, unit: Unit(exponent: exponent), to: type, origin)
  }

  /// What a section says about the operand, wherever the operand is.
  private struct Segment {
    var constant: Value
    var slope: Value
    /// The operand's distance from the start of its segment.
    var offset: Value
  }

  /// Tables indexed by the bits above the offset: as many of them as tell the section's segments apart.
  private mutating func segment(
    _ value: Value, _ section: PiecewiseLinear.Section, name: String, _ origin: Int
  ) -> Segment {
    let count = section.constants.count
    let bits = count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount
    let mask = (Int128(1) << Int128(section.shift)) - 1
    let offset = builder.slice(value, low: 0, range: Interval(0, mask), origin: origin)
    if count == 1 {
      return Segment(
        constant: builder.constant(Int128(section.constants[0]), origin: origin),
        slope: builder.constant(Int128(section.slopes[0]), origin: origin), offset: offset)
    }
    let size = 1 << bits
    let start = Int(section.first >> Int64(section.shift)) & (size - 1)
    // Indices that no segment has repeat the last one.
    func rotated(_ entries: [Int64]) -> [Int128] {
      (0..<size).map { Int128(entries[min(($0 - start) & (size - 1), count - 1)]) }
    }
    let index = builder.slice(
      value, low: section.shift, range: Interval(0, Int128(size - 1)), origin: origin)
    let constants = builder.table(
      Table(name: "\(name)_constant", first: 0, entries: rotated(section.constants)))
    let slopes = builder.table(Table(name: "\(name)_slope", first: 0, entries: rotated(section.slopes)))
    return Segment(
      constant: builder.lookup(index, table: constants, origin: origin),
      slope: builder.lookup(index, table: slopes, origin: origin), offset: offset)
  }
}
