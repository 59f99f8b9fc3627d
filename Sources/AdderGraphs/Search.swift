import Dispatch
import FixedPoint

/// Looks for a small network: greedy runs from scratch, then repairs of the best one found.
///
/// A repair inlines a random part of the shared sums and shares anew (large neighbourhood search). Attempts are made
/// in rounds of fixed size, in parallel, and judged in order, so that the result doesn't depend on the threads.
struct Search {
  private struct Plan {
    /// Greedy runs from scratch.
    var runs: Int
    /// Repairs of the best network.
    var repairs: Int
    /// Attempts at each sum's tree while searching.
    var searchTrees: Int
  }

  private struct Solution {
    var network: SumNetwork
    var graph: AdderGraph
  }

  private let problem: MatrixProblem
  private let start: SumNetwork
  private let plan: Plan
  /// Problems of more terms are shared in two-term patterns alone, whose cost grows in proportion.
  private static let largestCount = 60_000
  /// Problems of fewer terms aren't worth a second thread.
  private static let parallelCount = 200
  /// Attempts that are made at once.
  private static let roundSize = 4

  init(_ problem: MatrixProblem, start: SumNetwork) {
    self.problem = problem
    self.start = start
    let terms = max(start.termCount, 1)
    switch problem.effort {
    case .fast:
      plan = Plan(runs: 1, repairs: 0, searchTrees: 1)
    case .balanced:
      plan = Plan(runs: 2, repairs: min(16 + terms / 100, 500_000 / terms), searchTrees: 2)
    case .max:
      plan = Plan(runs: 8, repairs: min(4000, 12_000_000 / terms), searchTrees: 6)
    }
  }

  /// The best network, and its graph.
  func run() throws(WidthOverflow) -> (SumNetwork, AdderGraph) {
    var random = SplitMix64(seed: 1)
    let policies = (0..<(start.termCount > Search.largestCount ? 1 : plan.runs)).map { policy($0, &random) }
    var best = try round(policies.map { ($0, start) }, than: nil)
    var done = 0
    while done < plan.repairs && best.network.hasSharedSums {
      let count = min(Search.roundSize, plan.repairs - done)
      var attempts: [(SharingPolicy, SumNetwork)] = []
      for i in 0..<count {
        let policy = policy(done + i, &random)
        let fraction = 0.3 * SplitMix64.unit(random.next())
        let salt = random.next()
        var network = best.network
        network.inline { SplitMix64.unit(UInt64($0) ^ salt) < fraction }
        attempts.append((policy, network))
      }
      best = try round(attempts, than: best)
      done += count
    }
    let trees = Search.finalTrees(problem.effort)
    return (best.network, try GraphBuilder.graph(best.network, of: problem, attempts: trees))
  }

  /// Attempts at each sum's tree in the end.
  static func finalTrees(_ effort: SearchEffort) -> Int {
    switch effort {
    case .fast: 4
    case .balanced: 24
    case .max: 400
    }
  }

  /// Policies differ in how often a pattern must occur to be worth a signal of its own, and in what breaks ties.
  private func policy(_ index: Int, _ random: inout SplitMix64) -> SharingPolicy {
    if start.termCount > Search.largestCount { return SharingPolicy(target: problem.target, minimumCount: 2) }
    let minimumCounts = problem.target.hasTernaryAdders ? [5, 4, 6, 7] : [2, 3, 2, 4]
    var policy = SharingPolicy(target: problem.target, minimumCount: minimumCounts[index % 4])
    policy.noise = 0.05
    policy.seed = random.next()
    return policy
  }

  /// The best of some attempts and, if there is one, the solution so far.
  private func round(
    _ attempts: [(SharingPolicy, SumNetwork)], than best: Solution?
  ) throws(WidthOverflow) -> Solution {
    var results: [Result<Solution, WidthOverflow>?] = Array(repeating: nil, count: attempts.count)
    results.withUnsafeMutableBufferPointer { buffer in
      // Each iteration writes its own element.
      nonisolated(unsafe) let buffer = buffer
      let attempt: @Sendable (Int) -> Void = { i in
        buffer[i] = Result { () throws(WidthOverflow) in try shared(attempts[i].1, attempts[i].0) }
      }
      if start.termCount >= Search.parallelCount {
        DispatchQueue.concurrentPerform(iterations: attempts.count, execute: attempt)
      } else {
        for i in attempts.indices { attempt(i) }
      }
    }
    var best = best
    for case .some(let result) in results {
      let solution = try result.get()
      // Equals replace the solution so far, which lets the search move sideways.
      if best.map({ solution.graph.lutCost <= $0.graph.lutCost }) ?? true { best = solution }
    }
    guard let best else { preconditionFailure("a round without attempts") }
    return best
  }

  /// A network after one greedy run.
  private func shared(_ network: SumNetwork, _ policy: SharingPolicy) throws(WidthOverflow) -> Solution {
    var network = PatternSharing(network, problem: problem, policy: policy).run()
    network.sortTopologically()
    network.inlineSingleUses()
    if start.termCount <= Search.largestCount {
      var parts = PartSharing(network, problem: problem, seed: policy.seed)
      network = parts.run()
      network.sortTopologically()
      network.inlineSingleUses()
    }
    let graph = try GraphBuilder.graph(network, of: problem, attempts: plan.searchTrees)
    return Solution(network: network, graph: graph)
  }
}
