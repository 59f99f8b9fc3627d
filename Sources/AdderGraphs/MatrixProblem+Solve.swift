import FixedPoint

extension MatrixProblem {
  /// The smallest graph found for the problem, or nil if no graph of two-operand adders meets the time limit.
  ///
  /// The result depends on the problem alone: not on the machine, nor on the number of threads.
  public func solve() throws(WidthOverflow) -> AdderGraph? {
    try checkWidths()
    let earliest = earliestTime
    if let timeLimit, earliest > timeLimit { return nil }
    let columns = ColumnSet(self, isTimed: timeLimit != nil)
    var bounded = self
    // Without a limit a generous one: graphs a third deeper than the flattest are hardly larger than any.
    bounded.timeLimit = timeLimit ?? earliest * 4 / 3 + 2 * target.adderDelay
    return try Search(bounded, start: columns.network()).run()
  }

  /// Makes sure that no partial sum of an output's signed digits leaves the range of exact intervals.
  private func checkWidths() throws(WidthOverflow) {
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
