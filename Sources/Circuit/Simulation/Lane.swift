import FixedPoint

/// The machine word in which a value is simulated: the narrowest that holds its exact interval.
enum Lane: UInt8, CaseIterable, Comparable, Sendable {
  case int16, int32, int64, int128

  init(_ range: Interval) {
    let bits = max(range.width + (range.isSigned ? 0 : 1), 1)
    self = Lane.allCases.first { bits <= $0.bits } ?? .int128
  }

  var bits: Int { 16 << Int(rawValue) }

  static func < (a: Lane, b: Lane) -> Bool { a.rawValue < b.rawValue }
}
