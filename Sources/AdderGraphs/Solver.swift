import FixedPoint

extension MatrixProblem {
  /// The smallest graph found for the problem, or nil if no graph of two-operand adders meets the time limit.
  ///
  /// The result depends on the problem alone: not on the machine, nor on the number of threads.
  public func solve() throws(WidthOverflow) -> AdderGraph? {
    try checkWidths()
    let columns = ColumnSet(self, isTimed: timeLimit != nil)
    if let timeLimit, earliestTime > timeLimit { return nil }
    var best: AdderGraph?
    for policy in policies {
      let graph = try columns.graph(policy: policy)
      if best.map({ graph.lutCost < $0.lutCost }) ?? true { best = graph }
    }
    return best
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

  private var policies: [SharingPolicy] {
    let base = SharingPolicy()
    return [base]
  }

  /// The least time limit that two-operand adders can meet.
  public var earliestTime: Int {
    ColumnSet(self, isTimed: true).columns.reduce(0) { latest, column in
      let time = Deadlines.earliest(column, arrivals: arrivals, step: target.adderDelay)
      return max(latest, column.hasPositiveTerm ? time : time + target.adderDelay)
    }
  }
}

/// What a problem's outputs add up: its columns as signed digits, each different one once.
///
/// Columns are the same up to a factor ±2^s and a constant, which are applied afterwards; under a time limit only up
/// to 2^s, as there may be no time for that.
struct ColumnSet {
  private struct Use {
    /// Nil for outputs that are constant.
    var column: Int?
    var shift = 0
    var isNegative = false
    var constant: Int128
  }

  private struct Key: Hashable {
    var vector: [Int128]
    var constant: Int128
  }

  private let problem: MatrixProblem
  private(set) var columns: [SumNetwork.Sum] = []
  private var uses: [Use] = []

  init(_ problem: MatrixProblem, isTimed: Bool) {
    self.problem = problem
    var known: [Key: Int] = [:]
    for n in 0..<problem.outputCount {
      var (use, key) = ColumnSet.normalized(output: n, of: problem, isTimed: isTimed)
      if !key.vector.isEmpty {
        use.column = known[key, default: columns.count]
        if use.column == columns.count {
          known[key] = columns.count
          columns.append(SumNetwork.Sum(terms: ColumnSet.digits(key.vector), constant: key.constant))
        }
      }
      uses.append(use)
    }
  }

  /// An output as ±2^shift times a column, plus a constant; the column is empty if the output is constant.
  private static func normalized(output n: Int, of problem: MatrixProblem, isTimed: Bool) -> (Use, Key) {
    var vector: [Int128] = []
    var constant = problem.constants[n]
    var union: Int128 = 0
    for (k, input) in problem.inputs.enumerated() {
      let coefficient = Int128(problem.coefficients[k * problem.outputCount + n])
      if input.isConstant { constant += input.lower * coefficient }
      vector.append(input.isConstant ? 0 : coefficient)
      union |= vector[k]
    }
    if union == 0 { return (Use(constant: constant), Key(vector: [], constant: 0)) }
    if isTimed {
      let shift = (union | constant).trailingZeroBitCount
      let key = Key(vector: vector.map { $0 >> Int128(shift) }, constant: constant >> Int128(shift))
      return (Use(shift: shift, constant: 0), key)
    }
    let shift = union.trailingZeroBitCount
    let isNegative = (vector.first { $0 != 0 } ?? 0) < 0
    let key = Key(vector: vector.map { (isNegative ? -$0 : $0) >> Int128(shift) }, constant: 0)
    return (Use(shift: shift, isNegative: isNegative, constant: constant), key)
  }

  private static func digits(_ vector: [Int128]) -> [PackedTerm] {
    vector.indices.flatMap { k in
      SignedDigits(vector[k]).map { PackedTerm(k, shift: $0.shift, isNegative: $0.isNegative) }
    }
  }

  func graph(policy: SharingPolicy) throws(WidthOverflow) -> AdderGraph {
    let bounds = problem.inputs.map { (lower: Double($0.lower), upper: Double($0.upper)) }
    let sharing = PatternSharing(
      columns: columns, bounds: bounds, arrivals: problem.arrivals, adderDelay: problem.target.adderDelay,
      timeLimit: problem.timeLimit, policy: policy)
    return try GraphBuilder.graph(network(sharing.run()), of: problem)
  }

  /// The network of the columns' sums and of the outputs made of them.
  private func network(_ shared: SharedColumns) -> SumNetwork {
    var network = SumNetwork(inputCount: shared.inputCount, sums: [], outputs: [])
    for (a, b) in shared.definitions { _ = network.append(SumNetwork.Sum(terms: [a, b])) }
    let firstColumn = shared.inputCount + network.sums.count
    for column in shared.columns { _ = network.append(column) }
    for use in uses {
      guard let column = use.column else {
        network.outputs.append(.constant(use.constant))
        continue
      }
      let term = PackedTerm(firstColumn + column, shift: use.shift, isNegative: use.isNegative)
      let sum = SumNetwork.Sum(terms: [term], constant: use.constant, isOutput: true)
      network.outputs.append(.signal(network.append(sum)))
    }
    network.inlineSingleUses()
    return network
  }
}
