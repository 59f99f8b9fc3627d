import FixedPoint

extension MatrixProblem {
  /// The smallest graph found for the problem, or nil if no graph of two-operand adders meets the time limit.
  ///
  /// The result depends on the problem alone: not on the machine, nor on the number of threads.
  public func solve() throws(WidthOverflow) -> AdderGraph? { try solution()?.graph }

  /// The same with what is needed to solve problems that differ in their constants alone.
  public func solution() throws(WidthOverflow) -> MatrixSolution? {
    try checkWidths()
    let earliest = earliestTime
    if let timeLimit, earliest > timeLimit { return nil }
    let columns = ColumnSet(self, isTimed: timeLimit != nil)
    let search = Search(bounded(earliest), start: columns.network())
    let (network, graph) = try search.run()
    return MatrixSolution(problem: self, network: network, graph: graph)
  }

  /// Without a limit a generous one: graphs a third deeper than the flattest are hardly larger than any.
  fileprivate func bounded(_ earliest: Int) -> MatrixProblem {
    var bounded = self
    bounded.timeLimit = timeLimit ?? earliest * 4 / 3 + 2 * target.adderDelay
    return bounded
  }

  /// Makes sure that no partial sum of an output's signed digits leaves the range of exact intervals.
  fileprivate func checkWidths() throws(WidthOverflow) {
    for n in 0..<outputCount {
      var magnitude = try Interval(0).adding(Interval(0, 1).scaled(by: Int128(constants[n].magnitude)))
      for k in inputs.indices {
        let digits = Int128(coefficients[k * outputCount + n].magnitude) * 4
        let largest = Int128(max(inputs[k].lower.magnitude, inputs[k].upper.magnitude))
        magnitude = try magnitude.adding(Interval(0, largest).scaled(by: digits))
      }
    }
  }

  /// The least time limit that two-operand adders can meet.
  public var earliestTime: Int {
    ColumnSet(self, isTimed: true).columns.reduce(0) { latest, column in
      let time = Deadlines.earliest(column, arrivals: arrivals, step: target.adderDelay)
      return max(latest, column.hasPositiveTerm ? time : time + target.adderDelay)
    }
  }
}

/// A problem with the graph found for it.
public struct MatrixSolution: Sendable {
  public let graph: AdderGraph
  private let problem: MatrixProblem
  private let network: SumNetwork

  init(problem: MatrixProblem, network: SumNetwork, graph: AdderGraph) {
    self.problem = problem
    self.network = network
    self.graph = graph
  }

  /// The graph of the same sums with other constants: nothing is searched but each sum's adders.
  ///
  /// - Requires: the problem has no time limit, as constants take time.
  public func graph(constants: [Int128]) throws(WidthOverflow) -> AdderGraph {
    precondition(problem.timeLimit == nil && constants.count == problem.outputCount)
    var other = problem
    other.constants = constants
    try other.checkWidths()
    var network = network
    network.setConstants(other)
    return try GraphBuilder.graph(
      network, of: other.bounded(other.earliestTime), attempts: Search.finalTrees(other.effort))
  }
}
