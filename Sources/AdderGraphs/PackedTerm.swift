/// One signed, shifted operand inside the solver: ±(signal << shift) in 32 bits, ordered by signal, then shift.
///
/// Signals are the problem's inputs followed by what the solver defines.
struct PackedTerm: Hashable, Comparable {
  let bits: UInt32

  static let maximumSignals = 1 << 23

  @inline(__always)
  init(_ signal: Int, shift: Int, isNegative: Bool) {
    bits = UInt32(truncatingIfNeeded: signal << 9 | shift << 1 | (isNegative ? 1 : 0))
  }

  @inline(__always) var signal: Int { Int(bits >> 9) }
  @inline(__always) var shift: Int { Int(bits >> 1 & 0xFF) }
  @inline(__always) var isNegative: Bool { bits & 1 != 0 }

  @inline(__always)
  static func < (a: PackedTerm, b: PackedTerm) -> Bool { a.bits < b.bits }

  /// The same shift and sign of another signal.
  func renamed(_ signal: Int) -> PackedTerm { PackedTerm(signal, shift: shift, isNegative: isNegative) }

  /// The term of which this one's signal is a part: shifted further, and negated if need be.
  @inline(__always)
  func placed(in outer: PackedTerm) -> PackedTerm {
    PackedTerm(signal, shift: shift + outer.shift, isNegative: isNegative != outer.isNegative)
  }
}

/// Two terms up to a common shift and sign: first ± (second << distance), first's signal not above second's.
struct Pattern: Hashable {
  /// first 23 bits, second 23 bits, distance + 256 in 9 bits, relative sign; never 0.
  let key: UInt64

  @inline(__always) init(key: UInt64) { self.key = key }

  @inline(__always)
  init(_ a: PackedTerm, _ b: PackedTerm) {
    let first = a < b ? a.bits : b.bits
    let second = a < b ? b.bits : a.bits
    // Fields of both terms are subtracted at once: shift and sign sit in the low nine bits.
    let distance = UInt32(256) &+ (second >> 1 & 0xFF) &- (first >> 1 & 0xFF)
    key = UInt64(first >> 9) << 33 | UInt64(second >> 9) << 10 | UInt64(distance << 1 | (first ^ second) & 1)
  }

  @inline(__always) var first: Int { Int(key >> 33) }
  @inline(__always) var second: Int { Int(key >> 10 & 0x7F_FFFF) }
  @inline(__always) var distance: Int { Int(key >> 1 & 0x1FF) - 256 }
  @inline(__always) var isDifference: Bool { key & 1 != 0 }
}
