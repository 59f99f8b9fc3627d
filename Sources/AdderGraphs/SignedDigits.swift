/// The canonical signed-digit form of an integer: the fewest non-zero digits ±2^shift, no two adjacent.
struct SignedDigits: Sequence, IteratorProtocol {
  private var rest: Int128
  private var shift = 0

  init(_ value: Int128) { rest = value }

  /// The next digit, from the least significant.
  mutating func next() -> (shift: Int, isNegative: Bool)? {
    guard rest != 0 else { return nil }
    let zeros = rest.trailingZeroBitCount
    rest >>= Int128(zeros)
    shift += zeros
    // ...11 ends a run of ones: -1 here, carried upwards.
    let isNegative = rest & 3 == 3
    rest -= isNegative ? -1 : 1
    return (shift, isNegative)
  }

  static func count(_ value: Int128) -> Int {
    // The digits of x are the places where 3x and x differ.
    ((value &* 3) ^ value).nonzeroBitCount
  }
}
