/// Random numbers (Steele, Lea, Flood, OOPSLA 2014): the same numbers from the same seed on every machine.
@frozen
public struct SplitMix64: RandomNumberGenerator, Sendable {
  @usableFromInline var state: UInt64

  // A stored constant would be read through an accessor from other modules.
  @inlinable @inline(__always)
  static var step: UInt64 { 0x9E37_79B9_7F4A_7C15 }

  @inlinable
  public init(seed: UInt64) { state = seed }

  @inlinable
  public mutating func next() -> UInt64 {
    state &+= SplitMix64.step
    return SplitMix64.mixed(state)
  }

  /// Passes over the next `count` numbers.
  @inlinable @inline(__always)
  public mutating func skip(_ count: Int) { state &+= UInt64(truncatingIfNeeded: count) &* SplitMix64.step }

  /// A number that depends on `value` alone.
  @inlinable @inline(__always)
  public static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number in 0..<1 that depends on `value` alone.
  @inlinable @inline(__always)
  public static func unit(_ value: UInt64) -> Double {
    Double(mixed(value &+ step) >> 11) * 0x1p-53
  }
}
