/// A priority queue of small indices, each held at most once: a bit set of three levels, so that the least index is
/// found in three steps.
struct IndexQueue {
  private var levels: [[UInt64]]
  private(set) var isEmpty = true

  /// A queue for indices below `capacity`.
  init(capacity: Int) {
    levels = []
    var count = max(1, capacity)
    repeat {
      count = (count + 63) / 64
      levels.append([UInt64](repeating: 0, count: count))
    } while count > 1
  }

  mutating func insert(_ index: Int) {
    var index = index
    for level in levels.indices {
      let wasEmpty = levels[level][index >> 6] == 0
      levels[level][index >> 6] |= 1 << UInt64(index & 63)
      if !wasEmpty { break }
      index >>= 6
    }
    isEmpty = false
  }

  /// Removes and returns the least index.
  ///
  /// - Requires: the queue is not empty.
  mutating func removeFirst() -> Int {
    var word = 0
    for level in levels.indices.reversed() {
      word = word << 6 | levels[level][word].trailingZeroBitCount
    }
    let first = word
    for level in levels.indices {
      levels[level][word >> 6] &= ~(1 << UInt64(word & 63))
      if levels[level][word >> 6] != 0 { return first }
      word >>= 6
    }
    isEmpty = true
    return first
  }
}
