/// Feasibility of a sum of two-operand adders under a time limit: Σ 2^-l ≤ 1 over the adder levels l that fit between
/// an operand's arrival and the limit (Kraft's inequality), in units of 2^-62.
enum Kraft {
  static let full: UInt64 = 1 << 62

  /// 2^(62 - l) for one operand; above `full` for one that is late already.
  @inline(__always)
  static func weight(limit: Int, arrival: Int, step: Int) -> UInt64 {
    let slack = limit - arrival
    if slack < 0 { return full << 1 }
    return full >> UInt64(min(slack / step, 62))
  }

  /// What the operands' weights may add up to: a sum without positive operands needs a level to be negated.
  @inline(__always)
  static func room(positiveCount: Int) -> UInt64 { positiveCount == 0 ? full / 2 : full }

  /// The weights of a sum's operands; times of signals are given.
  static func sum(_ sum: SumNetwork.Sum, times: [Int], limit: Int, step: Int) -> UInt64 {
    let constant = sum.constant == 0 ? 0 : weight(limit: limit, arrival: 0, step: step)
    return sum.terms.reduce(constant) { $0 + weight(limit: limit, arrival: times[$1.signal], step: step) }
  }
}
