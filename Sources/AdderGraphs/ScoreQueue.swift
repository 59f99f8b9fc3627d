/// Patterns by score, greatest first; ties by key, so that the order is total.
struct ScoreQueue {
  struct Entry {
    var score: Double
    var key: UInt64
    /// The occurrences found when the entry was made; -1 where they were not looked for.
    var checkedCount: Int32

    @inline(__always)
    func precedes(_ other: Entry) -> Bool { score != other.score ? score > other.score : key < other.key }
  }

  /// A binary heap: the children of i are 2i + 1 and 2i + 2, and none precedes its parent.
  private var heap: [Entry] = []

  mutating func insert(_ entry: Entry) {
    heap.append(entry)
    var i = heap.count - 1
    while i > 0 {
      let parent = (i - 1) / 2
      if !entry.precedes(heap[parent]) { break }
      heap[i] = heap[parent]
      i = parent
    }
    heap[i] = entry
  }

  mutating func removeFirst() -> Entry? {
    guard let first = heap.first else { return nil }
    let moved = heap.removeLast()
    if heap.isEmpty { return first }
    var i = 0
    while true {
      var child = 2 * i + 1
      if child >= heap.count { break }
      if child + 1 < heap.count && heap[child + 1].precedes(heap[child]) { child += 1 }
      if !heap[child].precedes(moved) { break }
      heap[i] = heap[child]
      i = child
    }
    heap[i] = moved
    return first
  }
}

/// Small deterministic random numbers.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return SplitMix64.mixed(state)
  }

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
    Double(mixed(value &+ 0x9E37_79B9_7F4A_7C15) >> 11) * 0x1p-53
  }
}
