import FixedPoint

/// A piecewise linear function over the operand's raw integers, in integer arithmetic: what computes a function whose
/// operand is too wide for a table of all its values.
///
/// The operand's range is cut into sections, each of equal segments of a power of two of raw integers. In a segment with
/// constant c and slope s, raw integer r gives the result's raw integer ⌊(c + s · (r mod 2^shift)) / 2^fractionBits⌋,
/// brought into the result's type by its overflow mode. Rounding to nearest is part of the constants.
public struct PiecewiseLinear: Hashable, Sendable, Codable {
  /// Ascending and without gaps.
  public var sections: [Section]
  /// The bits that constants and slopes have below a step of the result.
  public var fractionBits: Int
  public var type: FixedType

  public init(sections: [Section], fractionBits: Int, type: FixedType) {
    self.sections = sections
    self.fractionBits = fractionBits
    self.type = type
  }

  /// Neighbouring segments of one size.
  public struct Section: Hashable, Sendable, Codable {
    /// The least raw integer of the first segment, a multiple of 2^shift.
    public var first: Int64
    public var shift: Int
    /// One for each segment, ascending.
    public var constants: [Int64]
    public var slopes: [Int64]

    public init(first: Int64, shift: Int, constants: [Int64], slopes: [Int64]) {
      self.first = first
      self.shift = shift
      self.constants = constants
      self.slopes = slopes
    }

    /// The greatest raw integer of the last segment.
    public var last: Int64 { first + Int64(constants.count) << Int64(shift) - 1 }
  }

  /// The operand's raw integers that the segments cover.
  public var domain: Interval {
    Interval(Int128(sections[0].first), Int128(sections[sections.count - 1].last))
  }

  public var segmentCount: Int { sections.reduce(0) { $0 + $1.constants.count } }

  /// The result's raw integer.
  ///
  /// - Requires: the operand is covered.
  public func value(_ raw: Int128) -> Int128 {
    let section = sections.last { Int128($0.first) <= raw } ?? sections[0]
    let offset = raw - Int128(section.first)
    return type.reduce(section.unreduced(Int(offset >> Int128(section.shift)), raw) >> Int128(fractionBits))
  }

  /// The format of the results for operands in a range: exact but where results wrap.
  func format(_ range: Interval) -> Format {
    var low = Int128.max
    var high = Int128.min
    for section in sections {
      for segment in section.constants.indices {
        let first = Int128(section.first) + Int128(segment) << Int128(section.shift)
        let segmentRange = Interval(first, first + Int128(1) << Int128(section.shift) - 1)
        guard let part = segmentRange.intersection(range) else { continue }
        for end in [part.lower, part.upper] {
          let value = section.unreduced(segment, end) >> Int128(fractionBits)
          low = min(low, value)
          high = max(high, value)
        }
      }
    }
    let exact = low <= high ? Interval(low, high) : .zero
    if type.reachableRange.contains(exact) { return Format(exact, exponent: type.exponent) }
    switch type.overflow {
    case .wrap, .satZero: return Format(type.rawRange, exponent: type.exponent)
    case .sat, .satSym:
      return Format(Interval(type.reduce(low), type.reduce(high)), exponent: type.exponent)
    }
  }

  /// Whether sections, constants and type are within the limits that arithmetic relies on.
  var isWellFormed: Bool {
    guard !sections.isEmpty, (0...48).contains(fractionBits), (0...62).contains(type.width),
      (-1024...1024).contains(type.integerBits)
    else { return false }
    let limit = Int64(1) << 60
    var next: Int64?
    for section in sections {
      guard !section.constants.isEmpty, section.constants.count == section.slopes.count,
        section.constants.count <= 1 << 16, (0...40).contains(section.shift),
        section.first.magnitude < 1 << 60, section.first & (Int64(1) << Int64(section.shift) - 1) == 0,
        next == nil || section.first == next,
        section.constants.allSatisfy({ $0.magnitude < limit }),
        section.slopes.allSatisfy({ $0.magnitude < 1 << 40 })
      else { return false }
      next = section.last + 1
    }
    return true
  }
}

extension PiecewiseLinear.Section {
  /// The result of a segment before it is brought into the type, with its fraction bits.
  fileprivate func unreduced(_ segment: Int, _ raw: Int128) -> Int128 {
    let offset = raw & (Int128(1) << Int128(shift) - 1)
    return Int128(constants[segment]) + Int128(slopes[segment]) * offset
  }
}
