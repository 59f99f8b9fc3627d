import FixedPoint

/// What one greedy run prefers.
struct SharingPolicy {
  /// Adders that a use of a shared sum saves: with three-operand adders half of one.
  private let adderShare: Double
  /// Adders that a shared sum must save in all to be made.
  private let threshold: Double
  /// Scores are multiplied by 1 to 1 + noise, differently for each seed.
  var noise = 0.0
  var seed: UInt64 = 0

  /// - Parameter minimumCount: how often a pattern must occur.
  init(target: AdderTarget, minimumCount: Int) {
    adderShare = target.hasTernaryAdders ? 0.5 : 1
    threshold = adderShare * (Double(minimumCount) - 0.5)
  }

  /// The worth of sharing a sum that adds `bits` bits in `count` places.
  @inline(__always)
  func score(count: Int, bits: Int, key: UInt64) -> Double {
    let score = Double(count) * adderShare * (Double(bits) + 0.5) - threshold * Double(bits)
    if noise == 0 || score <= 0 { return score }
    return score * (1 + noise * SplitMix64.unit(key ^ seed))
  }
}

/// Greedy two-term common-subexpression elimination on signed digits, with counts kept incrementally.
///
/// In each step the pattern with the greatest score (LUTs saved less LUTs spent) becomes a new signal that replaces
/// it wherever it occurs. A queue holds each pattern under a score that was right once; scores of existing patterns
/// only fall, so a pattern is re-scored when it comes up. Under a time limit an occurrence is replaced only where
/// its column can still be summed in time: Σ 2^-l ≤ 1 over the adder levels l left above each term (Kraft's
/// inequality, exact for two-operand adders of equal delay). A column without positive terms needs a level more, to
/// be negated.
final class PatternSharing {
  /// A pattern under a score that was right once.
  private struct Entry: HeapElement {
    var score: Double
    var key: UInt64
    /// The occurrences found when the entry was made; -1 where they were not looked for.
    var checkedCount: Int32

    @inline(__always)
    func precedes(_ other: Entry) -> Bool { score != other.score ? score > other.score : key < other.key }
  }

  private let policy: SharingPolicy
  private let adderDelay: Int
  private let isTimed: Bool

  private var network: SumNetwork
  /// Bounds of each signal by interval arithmetic in floating point: for scores only.
  private var bounds: [SumNetwork.Bounds]
  /// When each signal is ready; for a sum of the network also when it must be. Empty if not timed.
  private var times: [Int]
  /// The sums in which a signal occurs, or once did, ascending.
  private var users: [[Int32]]
  /// For each sum Σ 2^(62 - l) over its operands, and how many of them are positive. Empty if not timed.
  private var kraftSums: [UInt64] = []
  private var positiveCounts: [Int] = []
  /// Patterns are sought among signals of one block at a time, which keeps the work in proportion to the terms.
  private var blockOf: [Int32]
  private let blockCount: Int
  /// For each sum the terms outside the block at hand.
  private var asides: [[PackedTerm]] = []
  private var table = PatternTable(minimumCapacity: 0)
  private var queue = Heap<Entry>()
  private var risen: [Pattern] = []

  /// - Requires: the network's sums in topological order.
  init(_ network: SumNetwork, problem: MatrixProblem, policy: SharingPolicy) {
    self.network = network
    self.policy = policy
    adderDelay = problem.target.adderDelay
    isTimed = problem.timeLimit != nil
    bounds = network.bounds(inputs: problem.inputs)
    times = Deadlines(network, problem: problem)?.signals ?? []
    users = Array(repeating: [], count: bounds.count)
    let longest = network.sums.reduce(0) { max($0, $1.terms.count) }
    let blockCount = (longest + PatternSharing.blockSize - 1) / PatternSharing.blockSize
    self.blockCount = blockCount
    blockOf = (0..<network.inputCount).map { Int32($0 * blockCount / network.inputCount) }
    for sum in network.sums { blockOf.append(sum.terms.first.map { blockOf[$0.signal] } ?? 0) }
  }

  /// The most terms of a sum in one block, about.
  private static let blockSize = 192

  /// The network with shared sums of two terms appended: no longer in topological order.
  func run() -> SumNetwork {
    noteOperands()
    for block in 0..<blockCount {
      if blockCount > 1 { setAside(allBut: Int32(block)) }
      countAll()
      while let entry = queue.removeFirst() { step(entry) }
      if blockCount > 1 { restore() }
    }
    return network
  }

  private func noteOperands() {
    for (i, sum) in network.sums.enumerated() {
      for term in sum.terms where users[term.signal].last != Int32(i) { users[term.signal].append(Int32(i)) }
      if isTimed {
        let limit = times[network.inputCount + i]
        kraftSums.append(Kraft.sum(sum, times: times, limit: limit, step: adderDelay))
        positiveCounts.append(sum.positiveCount)
      }
    }
  }

  private func setAside(allBut block: Int32) {
    asides = network.sums.map { $0.terms.filter { blockOf[$0.signal] != block } }
    for i in asides.indices where !asides[i].isEmpty {
      network.sums[i].terms.removeAll { blockOf[$0.signal] != block }
    }
  }

  private func restore() {
    for (i, terms) in asides.enumerated() { network.sums[i].terms += terms }
  }

  private func countAll() {
    let pairs = network.sums.reduce(0) { $0 + $1.terms.count * $1.terms.count / 2 }
    table = PatternTable(minimumCapacity: min(pairs, 1 << 22))
    for sum in network.sums {
      let terms = sum.terms
      for n in terms.indices {
        for m in 0..<n { count(terms[n], terms[m]) }
      }
    }
    enqueueRisen()
  }

  @inline(__always)
  private func count(_ a: PackedTerm, _ b: PackedTerm) {
    let pattern = Pattern(a, b)
    if table.increment(pattern) == 2 { risen.append(pattern) }
  }

  /// Enqueues the patterns that began to occur more than once.
  private func enqueueRisen() {
    for pattern in risen {
      let score = score(pattern, count: Int(table.count(pattern)))
      if score > 0 { queue.insert(Entry(score: score, key: pattern.key, checkedCount: -1)) }
    }
    risen.removeAll(keepingCapacity: true)
  }

  private func step(_ entry: Entry) {
    let pattern = Pattern(key: entry.key)
    // The table's count is an upper bound: occurrences may overlap, or come too late for their column.
    let bound = Int(table.count(pattern))
    if entry.checkedCount < 0 {
      let current = score(pattern, count: bound)
      if current <= 0 { return }
      if current < entry.score {
        queue.insert(Entry(score: current, key: entry.key, checkedCount: -1))
        return
      }
    }
    let matches = matches(of: pattern)
    if entry.checkedCount != Int32(matches.count) && matches.count < bound {
      let current = score(pattern, count: matches.count)
      if current <= 0 { return }
      queue.insert(Entry(score: current, key: entry.key, checkedCount: Int32(matches.count)))
      return
    }
    define(pattern, replacing: matches)
  }

  // MARK: Scores

  /// LUTs saved less LUTs spent when `count` occurrences of a pattern share one sum.
  private func score(_ pattern: Pattern, count: Int) -> Double {
    guard count >= 2 else { return 0 }
    let sum = sum(pattern)
    let bits = max(Bits.width(sum.lower, sum.upper) - abs(pattern.distance), 1)
    return policy.score(count: count, bits: bits, key: pattern.key)
  }

  /// The bounds of the pattern's sum, its lowest term positive.
  private func sum(_ pattern: Pattern) -> SumNetwork.Bounds {
    let (low, high) =
      pattern.distance >= 0 ? (pattern.first, pattern.second) : (pattern.second, pattern.first)
    let scale = Bits.power(abs(pattern.distance))
    let (a, b) = (bounds[low], bounds[high])
    return pattern.isDifference
      ? SumNetwork.Bounds(lower: a.lower - b.upper * scale, upper: a.upper - b.lower * scale)
      : SumNetwork.Bounds(lower: a.lower + b.lower * scale, upper: a.upper + b.upper * scale)
  }

  // MARK: Replacement

  private struct Match {
    var sum: Int
    var first: PackedTerm
    var second: PackedTerm

    /// The term whose shift and sign the pattern's signal takes.
    @inline(__always) var lower: PackedTerm { first.shift <= second.shift ? first : second }
  }

  /// Disjoint occurrences of a pattern that their sums can afford, sums ascending.
  private func matches(of pattern: Pattern) -> [Match] {
    let (a, b) = (pattern.first, pattern.second)
    let candidates = users[a].count <= users[b].count ? users[a] : users[b]
    var result: [Match] = []
    var firsts: [PackedTerm] = []
    for candidate in candidates {
      let sum = Int(candidate)
      firsts.removeAll(keepingCapacity: true)
      for term in network.sums[sum].terms where term.signal == a { firsts.append(term) }
      if firsts.isEmpty { continue }
      if a == b { firsts.sort() }
      let start = result.count
      for first in firsts {
        let shift = first.shift + pattern.distance
        if shift < 0 { continue }
        let second = PackedTerm(b, shift: shift, isNegative: first.isNegative != pattern.isDifference)
        guard network.sums[sum].terms.contains(second) else { continue }
        if a == b && result[start...].contains(where: { $0.second == first }) { continue }
        result.append(Match(sum: sum, first: first, second: second))
      }
      if isTimed { dropLate(&result, from: start) }
    }
    return result
  }

  /// Drops the matches in one sum, from `start` on, that would make it late.
  private func dropLate(_ matches: inout [Match], from start: Int) {
    guard start < matches.count else { return }
    var kraftSum = kraftSums[matches[start].sum]
    var positiveCount = positiveCounts[matches[start].sum]
    var kept = start
    for i in start..<matches.count {
      let sum = kraftSum + kraftChange(matches[i])
      let count = positiveCount + positiveChange(matches[i])
      if sum > Kraft.room(positiveCount: count) { continue }
      kraftSum = sum
      positiveCount = count
      matches[kept] = matches[i]
      kept += 1
    }
    matches.removeLast(matches.count - kept)
  }

  /// What one replacement adds to its sum's Kraft sum.
  private func kraftChange(_ match: Match) -> UInt64 {
    let limit = times[network.inputCount + match.sum]
    let weight = { Kraft.weight(limit: limit, arrival: $0, step: self.adderDelay) }
    let (a, b) = (times[match.first.signal], times[match.second.signal])
    let before = weight(a) + weight(b)
    // Never negative, but for weights that were rounded up to 1.
    return max(weight(max(a, b) + adderDelay), before) - before
  }

  /// What one replacement adds to its sum's positive terms.
  private func positiveChange(_ match: Match) -> Int {
    let removed = (match.first.isNegative ? 0 : 1) + (match.second.isNegative ? 0 : 1)
    return (match.lower.isNegative ? 0 : 1) - removed
  }

  private func define(_ pattern: Pattern, replacing matches: [Match]) {
    let isSwapped = pattern.distance < 0
    let (low, high) = isSwapped ? (pattern.second, pattern.first) : (pattern.first, pattern.second)
    let distance = abs(pattern.distance)
    let signal = network.append(
      SumNetwork.Sum(terms: [
        PackedTerm(low, shift: 0, isNegative: false),
        PackedTerm(high, shift: distance, isNegative: pattern.isDifference),
      ]))
    bounds.append(sum(pattern))
    blockOf.append(blockOf[low])
    users.append([])
    for match in matches where isTimed {
      kraftSums[match.sum] += kraftChange(match)
      positiveCounts[match.sum] += positiveChange(match)
    }
    if isTimed {
      times.append(max(times[low], times[high]) + adderDelay)
      kraftSums.append(0)
      positiveCounts.append(0)
    }
    for match in matches {
      let place = match.lower
      replace(match, with: PackedTerm(signal, shift: place.shift, isNegative: place.isNegative))
    }
    enqueueRisen()
  }

  private func replace(_ match: Match, with new: PackedTerm) {
    if users[new.signal].last != Int32(match.sum) { users[new.signal].append(Int32(match.sum)) }
    var terms = network.sums[match.sum].terms
    network.sums[match.sum].terms = []
    remove(match.first, from: &terms)
    for term in terms { table.decrement(Pattern(term, match.first)) }
    remove(match.second, from: &terms)
    for term in terms {
      table.decrement(Pattern(term, match.second))
      count(term, new)
    }
    terms.append(new)
    network.sums[match.sum].terms = terms
  }

  private func remove(_ term: PackedTerm, from terms: inout [PackedTerm]) {
    guard let i = terms.firstIndex(of: term) else { preconditionFailure("a match that is not in its sum") }
    terms.swapAt(i, terms.count - 1)
    terms.removeLast()
  }
}
