/// When each sum of a network must be ready for every output to meet the time limit.
///
/// Any network whose sums can be built from two-operand adders in time gets deadlines that such adders can meet;
/// what time is left over is shared evenly along each path, for slower, smaller adders.
struct Deadlines {
  /// For each signal when it is needed, negated if it has no positive terms; for inputs when they arrive.
  private(set) var signals: [Int]

  /// Nil without a time limit.
  init?(_ network: SumNetwork, problem: MatrixProblem) {
    guard let limit = problem.timeLimit else { return nil }
    let step = problem.target.adderDelay
    var earliest = problem.arrivals
    for sum in network.sums {
      let time = Deadlines.earliest(sum, arrivals: earliest, step: step)
      earliest.append(sum.hasPositiveTerm ? time : time + step)
    }
    var latest = Array(repeating: limit, count: earliest.count)
    for i in network.sums.indices.reversed() {
      let sum = network.sums[i]
      let due = latest[network.inputCount + i] - (sum.hasPositiveTerm ? 0 : step)
      let slack = Deadlines.slack(sum, arrivals: earliest, due: due, step: step)
      for term in sum.terms { latest[term.signal] = min(latest[term.signal], earliest[term.signal] + slack) }
    }
    latest.replaceSubrange(0..<network.inputCount, with: problem.arrivals)
    signals = latest
  }

  /// When a sum can be ready with two-operand adders: always adding the two earliest operands is optimal
  /// (Golumbic, Combinatorial merging, 1976).
  static func earliest(_ sum: SumNetwork.Sum, arrivals: [Int], step: Int) -> Int {
    var times = sum.terms.map { arrivals[$0.signal] }
    if sum.constant != 0 { times.append(0) }
    return earliest(&times, step: step)
  }

  /// The same for operands that arrive at `times`, which it consumes.
  static func earliest(_ times: inout [Int], step: Int) -> Int {
    if times.isEmpty { return 0 }
    times.sort()
    // Two queues, both ascending: operands not yet added, and sums made.
    var sums: [Int] = []
    var (nextTime, nextSum) = (0, 0)
    func next() -> Int {
      if nextSum < sums.count && (nextTime == times.count || sums[nextSum] < times[nextTime]) {
        nextSum += 1
        return sums[nextSum - 1]
      }
      nextTime += 1
      return times[nextTime - 1]
    }
    for _ in 1..<times.count {
      let (a, b) = (next(), next())
      sums.append(max(a, b) + step)
    }
    return sums.last ?? times[0]
  }

  /// By how much all operands of a sum may be late at once.
  private static func slack(_ sum: SumNetwork.Sum, arrivals: [Int], due: Int, step: Int) -> Int {
    var times = sum.terms.map { arrivals[$0.signal] }
    if sum.constant != 0 { times.append(0) }
    return max(due - earliest(&times, step: step), 0)
  }
}
