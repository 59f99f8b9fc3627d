/// How often each pattern occurs: open addressing with linear probing over one flat buffer.
///
/// Invariant of the unsafe buffer: `slots` holds `mask + 1` slots (a power of two), at most two thirds of them used,
/// so that a probe always ends at the key or at an empty slot (key 0, which no pattern has). Nothing reads the
/// slots in table order except growth, so results don't depend on it.
final class PatternTable {
  private struct Slot {
    var key: UInt64
    var count: Int32
  }

  private var slots: UnsafeMutablePointer<Slot>
  private var mask: Int
  private var used = 0

  init(minimumCapacity: Int) {
    var capacity = 256
    while capacity * 2 < minimumCapacity * 3 { capacity *= 2 }
    mask = capacity - 1
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Slot(key: 0, count: 0), count: capacity)
  }

  deinit { slots.deallocate() }

  @inline(__always)
  private func slot(of key: UInt64) -> Int {
    var i = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    while slots[i].key != key && slots[i].key != 0 { i = (i &+ 1) & mask }
    return i
  }

  /// Counts one occurrence more and returns how many there are.
  @inline(__always)
  func increment(_ pattern: Pattern) -> Int32 {
    let i = slot(of: pattern.key)
    if slots[i].key == 0 {
      slots[i] = Slot(key: pattern.key, count: 1)
      used &+= 1
      if used &* 3 > (mask &+ 1) &* 2 { grow() }
      return 1
    }
    slots[i].count &+= 1
    return slots[i].count
  }

  /// Counts one occurrence less.
  /// - Requires: the pattern has been counted.
  @inline(__always)
  func decrement(_ pattern: Pattern) { slots[slot(of: pattern.key)].count &-= 1 }

  @inline(__always)
  func count(_ pattern: Pattern) -> Int32 { slots[slot(of: pattern.key)].count }

  /// Doubles the table, leaving out patterns that no longer occur.
  private func grow() {
    let old = slots
    let oldCapacity = mask + 1
    mask = oldCapacity * 2 - 1
    slots = .allocate(capacity: mask + 1)
    slots.initialize(repeating: Slot(key: 0, count: 0), count: mask + 1)
    used = 0
    for i in 0..<oldCapacity where old[i].key != 0 && old[i].count > 0 {
      slots[slot(of: old[i].key)] = old[i]
      used += 1
    }
    old.deallocate()
  }
}
