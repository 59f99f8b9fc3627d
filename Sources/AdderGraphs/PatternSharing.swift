/// Columns of terms, and the two-term sums that they share.
///
/// A column is what an output adds up; signals are inputs (below `inputCount`) and definitions.
struct SharedColumns {
  var inputCount: Int
  /// Definition i is signal `inputCount` + i: a sum of two earlier signals whose lowest term is positive.
  var definitions: [(PackedTerm, PackedTerm)]
  var columns: [SumNetwork.Sum]
}

/// What one greedy run prefers.
struct SharingPolicy {
  /// LUTs saved by one use of a shared sum, for each bit that it adds, and for each use.
  var useFactor = 0.5
  var useOffset = 0.5
  /// LUTs that a shared sum costs, for each bit that it adds, and in all.
  var definitionFactor = 1.0
  var definitionOffset = 0.0
  /// Scores are multiplied by 1 to 1 + noise, differently for each seed.
  var noise = 0.0
  var seed: UInt64 = 0
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
  private let policy: SharingPolicy
  private let inputCount: Int
  private let adderDelay: Int
  private let timeLimit: Int?

  private var definitions: [(PackedTerm, PackedTerm)] = []
  private var columns: [[PackedTerm]]
  private let constants: [Int128]
  /// Bounds and arrival of each signal, by interval arithmetic in floating point: for scores only.
  private var lower: [Double]
  private var upper: [Double]
  private var arrivals: [Int]
  /// The columns in which a signal occurs, or once did, ascending.
  private var columnsOf: [[Int32]]
  /// Σ 2^(62 - l) over each column's terms and its constant, and how many of them are positive.
  private var kraftSums: [UInt64] = []
  private var positiveCounts: [Int] = []
  private var table: PatternTable
  private var queue = ScoreQueue()
  private var risen: [Pattern] = []

  init(
    columns: [SumNetwork.Sum], bounds: [(lower: Double, upper: Double)], arrivals: [Int], adderDelay: Int,
    timeLimit: Int?, policy: SharingPolicy
  ) {
    self.policy = policy
    self.columns = columns.map(\.terms)
    constants = columns.map(\.constant)
    inputCount = bounds.count
    lower = bounds.map(\.lower)
    upper = bounds.map(\.upper)
    self.arrivals = arrivals
    self.adderDelay = adderDelay
    self.timeLimit = timeLimit
    columnsOf = Array(repeating: [], count: inputCount)
    let pairs = columns.reduce(0) { $0 + $1.terms.count * $1.terms.count / 2 }
    table = PatternTable(minimumCapacity: min(pairs, 1 << 22))
  }

  func run() -> SharedColumns {
    countAll()
    while let entry = queue.removeFirst() { step(entry) }
    let columns = zip(columns, constants).map { SumNetwork.Sum(terms: $0, constant: $1) }
    return SharedColumns(inputCount: inputCount, definitions: definitions, columns: columns)
  }

  private func countAll() {
    for c in columns.indices {
      let terms = columns[c]
      for i in terms.indices {
        let signal = terms[i].signal
        if columnsOf[signal].last != Int32(c) { columnsOf[signal].append(Int32(c)) }
        for j in 0..<i { count(terms[i], terms[j]) }
      }
      if timeLimit != nil {
        let constant = constants[c] == 0 ? 0 : weight(arrival: 0)
        kraftSums.append(terms.reduce(constant) { $0 + weight(arrival: arrivals[$1.signal]) })
        positiveCounts.append(terms.count { !$0.isNegative } + (constants[c] > 0 ? 1 : 0))
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
      if score > 0 { queue.insert(ScoreQueue.Entry(score: score, key: pattern.key, checkedCount: -1)) }
    }
    risen.removeAll(keepingCapacity: true)
  }

  private func step(_ entry: ScoreQueue.Entry) {
    let pattern = Pattern(key: entry.key)
    // The table's count is an upper bound: occurrences may overlap, or come too late for their column.
    let bound = Int(table.count(pattern))
    if entry.checkedCount < 0 {
      let current = score(pattern, count: bound)
      if current <= 0 { return }
      if current < entry.score {
        queue.insert(ScoreQueue.Entry(score: current, key: entry.key, checkedCount: -1))
        return
      }
    }
    let matches = matches(of: pattern)
    if entry.checkedCount != Int32(matches.count) && matches.count < bound {
      let current = score(pattern, count: matches.count)
      if current <= 0 { return }
      queue.insert(ScoreQueue.Entry(score: current, key: entry.key, checkedCount: Int32(matches.count)))
      return
    }
    define(pattern, replacing: matches)
  }

  // MARK: Scores

  /// LUTs saved less LUTs spent when `count` occurrences of a pattern share one sum.
  private func score(_ pattern: Pattern, count: Int) -> Double {
    guard count >= 2 else { return 0 }
    let sum = sum(pattern)
    let bits = Double(max(Bits.width(sum.lower, sum.upper) - abs(pattern.distance), 1))
    let saved = Double(count) * policy.useFactor * (bits + policy.useOffset)
    let spent = policy.definitionFactor * bits + policy.definitionOffset
    let score = saved - spent
    if policy.noise == 0 || score <= 0 { return score }
    return score * (1 + policy.noise * SplitMix64.unit(pattern.key ^ policy.seed))
  }

  /// The bounds of the pattern's sum, its lowest term positive.
  private func sum(_ pattern: Pattern) -> (lower: Double, upper: Double) {
    let (low, high) = pattern.distance >= 0 ? (pattern.first, pattern.second) : (pattern.second, pattern.first)
    let scale = Double(sign: .plus, exponent: abs(pattern.distance), significand: 1)
    return pattern.isDifference
      ? (lower[low] - upper[high] * scale, upper[low] - lower[high] * scale)
      : (lower[low] + lower[high] * scale, upper[low] + upper[high] * scale)
  }

  // MARK: Replacement

  private struct Match {
    var column: Int
    var first: PackedTerm
    var second: PackedTerm
  }

  /// Disjoint occurrences of a pattern that their columns can afford, columns ascending.
  private func matches(of pattern: Pattern) -> [Match] {
    let (a, b) = (pattern.first, pattern.second)
    let candidates = columnsOf[a].count <= columnsOf[b].count ? columnsOf[a] : columnsOf[b]
    var result: [Match] = []
    var firsts: [PackedTerm] = []
    for c in candidates {
      let column = Int(c)
      firsts.removeAll(keepingCapacity: true)
      for term in columns[column] where term.signal == a { firsts.append(term) }
      if firsts.isEmpty { continue }
      if a == b { firsts.sort() }
      let start = result.count
      for first in firsts {
        let shift = first.shift + pattern.distance
        if shift < 0 { continue }
        let second = PackedTerm(b, shift: shift, isNegative: first.isNegative != pattern.isDifference)
        guard columns[column].contains(second) else { continue }
        if a == b && result[start...].contains(where: { $0.second == first }) { continue }
        result.append(Match(column: column, first: first, second: second))
      }
      if timeLimit != nil { dropLate(&result, from: start) }
    }
    return result
  }

  /// Drops the matches in one column, from `start` on, that would make it late.
  private func dropLate(_ matches: inout [Match], from start: Int) {
    guard start < matches.count else { return }
    var kraftSum = kraftSums[matches[start].column]
    var positiveCount = positiveCounts[matches[start].column]
    var kept = start
    for i in start..<matches.count {
      let sum = kraftSum + kraftChange(matches[i])
      let count = positiveCount + positiveChange(matches[i])
      if sum > (count == 0 ? Kraft.full / 2 : Kraft.full) { continue }
      kraftSum = sum
      positiveCount = count
      matches[kept] = matches[i]
      kept += 1
    }
    matches.removeLast(matches.count - kept)
  }

  /// What one replacement adds to its column's Kraft sum.
  private func kraftChange(_ match: Match) -> UInt64 {
    let (a, b) = (arrivals[match.first.signal], arrivals[match.second.signal])
    let before = weight(arrival: a) + weight(arrival: b)
    // Never negative, but for weights that were rounded up to 1.
    return max(weight(arrival: max(a, b) + adderDelay), before) - before
  }

  /// What one replacement adds to its column's positive terms; the new term has the sign of the lower one.
  private func positiveChange(_ match: Match) -> Int {
    let lower = match.first.shift <= match.second.shift ? match.first : match.second
    return (lower.isNegative ? 0 : 1) - (match.first.isNegative ? 0 : 1) - (match.second.isNegative ? 0 : 1)
  }

  private func weight(arrival: Int) -> UInt64 {
    timeLimit.map { Kraft.weight(limit: $0, arrival: arrival, step: adderDelay) } ?? 0
  }

  private func define(_ pattern: Pattern, replacing matches: [Match]) {
    let signal = inputCount + definitions.count
    let distance = pattern.distance
    let isSwapped = distance < 0
    let (low, high) = isSwapped ? (pattern.second, pattern.first) : (pattern.first, pattern.second)
    definitions.append(
      (
        PackedTerm(low, shift: 0, isNegative: false),
        PackedTerm(high, shift: abs(distance), isNegative: pattern.isDifference)
      ))
    let bounds = sum(pattern)
    lower.append(bounds.lower)
    upper.append(bounds.upper)
    arrivals.append(max(arrivals[low], arrivals[high]) + adderDelay)
    columnsOf.append([])
    for match in matches {
      if timeLimit != nil {
        kraftSums[match.column] += kraftChange(match)
        positiveCounts[match.column] += positiveChange(match)
      }
      let base = isSwapped ? match.second : match.first
      replace(match, with: PackedTerm(signal, shift: base.shift, isNegative: base.isNegative))
    }
    enqueueRisen()
  }

  private func replace(_ match: Match, with new: PackedTerm) {
    let c = match.column
    if columnsOf[new.signal].last != Int32(c) { columnsOf[new.signal].append(Int32(c)) }
    var terms = columns[c]
    columns[c] = []
    remove(match.first, from: &terms)
    for term in terms { table.decrement(Pattern(term, match.first)) }
    remove(match.second, from: &terms)
    for term in terms {
      table.decrement(Pattern(term, match.second))
      count(term, new)
    }
    terms.append(new)
    columns[c] = terms
  }

  private func remove(_ term: PackedTerm, from terms: inout [PackedTerm]) {
    guard let i = terms.firstIndex(of: term) else { preconditionFailure("a match that is not in its column") }
    terms.swapAt(i, terms.count - 1)
    terms.removeLast()
  }
}

/// Feasibility of a sum under a time limit: Σ weight ≤ full.
enum Kraft {
  static let full: UInt64 = 1 << 62

  /// 2^(62 - l) for the l adder levels that fit between a term's arrival and the limit; above `full` for none.
  static func weight(limit: Int, arrival: Int, step: Int) -> UInt64 {
    let slack = limit - arrival
    if slack < 0 { return full << 1 }
    return full >> UInt64(min(slack / step, 62))
  }
}
