/// Small deterministic random numbers.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= SplitMix64.step
    return SplitMix64.mixed(state)
  }

  /// Passes over the next `count` numbers.
  @inline(__always)
  mutating func skip(_ count: Int) { state &+= UInt64(truncatingIfNeeded: count) &* SplitMix64.step }

  @inline(__always)
  static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number in 0..<1 that depends on `value` alone.
  @inline(__always)
  static func unit(_ value: UInt64) -> Double {
    Double(mixed(value &+ step) >> 11) * 0x1p-53
  }
}
