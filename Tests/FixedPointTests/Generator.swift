/// A small seeded generator (SplitMix64), so that a failure repeats.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// A signed integer of at most `bits` magnitude bits; small magnitudes are as likely as large ones.
  mutating func integer(bits: Int) -> Int128 {
    let size = Int.random(in: 0...bits, using: &self)
    let magnitude =
      Int128(truncatingIfNeeded: UInt128(next()) << 64 | UInt128(next())) & ((Int128(1) << size) - 1)
    return Bool.random(using: &self) ? magnitude : -magnitude
  }
}
