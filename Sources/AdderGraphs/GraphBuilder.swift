import FixedPoint

/// Chooses the adders of a network's sums and lays down the graph, with exact intervals.
///
/// Each signal carries its coefficients over the inputs, so that its interval is exact even where an input reaches
/// it on several ways (interval arithmetic would say more for 4x - x).
struct GraphBuilder {
  /// A value in the graph, with what is needed to build on it.
  private struct Signal {
    var operand: AdderGraph.Operand
    /// Input indices, ascending, and their coefficients, none 0.
    var inputs: [Int32]
    var coefficients: [Int128]
    var constant: Int128
    var interval: Interval
    var arrival: Int
  }

  /// ±(signal << shift).
  private struct Reference {
    var signal: Int
    var shift: Int
    var isNegative: Bool
  }

  private let problem: MatrixProblem
  private let attempts: Int
  private var signals: [Signal] = []
  private var nodes: [AdderGraph.Node] = []
  /// What each signal of the network became.
  private var references: [Reference] = []

  private init(_ problem: MatrixProblem, attempts: Int) {
    self.problem = problem
    self.attempts = attempts
    for k in problem.inputs.indices {
      signals.append(
        Signal(
          operand: .input(k), inputs: [Int32(k)], coefficients: [1], constant: 0, interval: problem.inputs[k],
          arrival: problem.arrivals[k]))
      references.append(Reference(signal: k, shift: 0, isNegative: false))
    }
  }

  /// The graph of a network whose trees are the best of some attempts.
  static func graph(
    _ network: SumNetwork, of problem: MatrixProblem, attempts: Int
  ) throws(WidthOverflow) -> AdderGraph {
    var builder = GraphBuilder(problem, attempts: attempts)
    let deadlines = Deadlines(network, problem: problem)
    for (i, sum) in network.sums.enumerated() {
      let negation = sum.hasPositiveTerm ? 0 : problem.target.adderDelay
      try builder.add(sum, deadline: deadlines.map { $0.signals[network.inputCount + i] - negation })
    }
    let outputs = network.outputs.map { output in
      switch output {
      case .constant(let value): return AdderGraph.Output(operand: .constant(value), shift: 0)
      case .signal(let signal):
        let reference = builder.references[signal]
        return AdderGraph.Output(operand: builder.signals[reference.signal].operand, shift: reference.shift)
      }
    }
    return AdderGraph(nodes: builder.nodes, outputs: outputs)
  }

  private mutating func add(_ sum: SumNetwork.Sum, deadline: Int?) throws(WidthOverflow) {
    var leaves: [SumTree.Node] = []
    var leafSignals: [Int] = []
    for term in sum.terms {
      let inner = references[term.signal]
      leaves.append(
        leaf(inner.signal, shift: term.shift + inner.shift, isNegative: term.isNegative != inner.isNegative))
      leafSignals.append(inner.signal)
    }
    if sum.constant != 0 {
      let shift = sum.constant.trailingZeroBitCount
      leafSignals.append(addConstant(sum.constant >> Int128(shift)))
      leaves.append(leaf(leafSignals[leafSignals.count - 1], shift: shift, isNegative: false))
    }
    let firstOfTree = signals.count
    let tree = SumTree.best(
      leaves: leaves, target: problem.target, deadline: deadline, attempts: attempts)
    let root = tree.nodes[tree.root]
    let (positive, negative) = (tree.plans[tree.root].positive.luts, tree.plans[tree.root].negative.luts)
    // Outputs need the sum's own sign, which every sum with a positive term can have. Elsewhere the cheaper sign
    // will do, but for sums under a deadline: another sign could leave their users without positive terms.
    let isSignFixed = sum.isOutput || deadline != nil
    var isNegated = negative < positive
    if isSignFixed {
      isNegated = root.isNegative ? negative < SumTree.impossible : positive == SumTree.impossible
    }
    var result = Reference(
      signal: try emit(tree, tree.root, isNegated: isNegated, leafSignals), shift: root.shift,
      isNegative: root.isNegative != isNegated)
    if isSignFixed && result.isNegative {
      result.signal = try addNode([Reference(signal: result.signal, shift: 0, isNegative: true)])
      result.isNegative = false
    }
    references.append(result)
    // Nothing else reads the inner nodes.
    for signal in signals.indices[firstOfTree...] where signal != result.signal {
      signals[signal].inputs = []
      signals[signal].coefficients = []
    }
  }

  private func leaf(_ signal: Int, shift: Int, isNegative: Bool) -> SumTree.Node {
    let interval = signals[signal].interval
    return SumTree.Node(
      lower: Double(interval.lower), upper: Double(interval.upper), shift: shift, isNegative: isNegative,
      arrival: signals[signal].arrival)
  }

  private mutating func addConstant(_ value: Int128) -> Int {
    signals.append(
      Signal(
        operand: .constant(value), inputs: [], coefficients: [], constant: value, interval: Interval(value),
        arrival: 0))
    return signals.count - 1
  }

  /// Lays down a tree's node, or its negative, and returns its signal.
  private mutating func emit(_ tree: SumTree, _ node: Int, isNegated: Bool, _ leaves: [Int])
    throws(WidthOverflow) -> Int
  {
    let children = tree.nodes[node].children
    if children.count == 0 { return leaves[node] }
    let flips = isNegated ? tree.plans[node].negative.flips : tree.plans[node].positive.flips
    var terms: [Reference] = []
    for n in 0..<children.count {
      let child = children[n]
      let isFlipped = flips >> UInt8(n) & 1 != 0
      let signal = try emit(tree, child, isNegated: isFlipped, leaves)
      let place = tree.nodes[child]
      terms.append(
        Reference(
          signal: signal, shift: place.shift, isNegative: place.isNegative != (isNegated != isFlipped)))
    }
    return try addNode(terms)
  }

  private mutating func addNode(_ terms: [Reference]) throws(WidthOverflow) -> Int {
    var signal = Signal(
      operand: .node(nodes.count), inputs: [], coefficients: [], constant: 0, interval: .zero, arrival: 0)
    var isDisjoint = true
    for term in terms { isDisjoint = try accumulate(term, into: &signal) && isDisjoint }
    signal.interval = isDisjoint ? try sum(terms) : try interval(of: signal)
    let operands = terms.map { term in
      let interval = signals[term.signal].interval
      return AdderCost.Operand(
        width: interval.width, isSigned: interval.isSigned, shift: term.shift, isNegative: term.isNegative)
    }
    let width = signal.interval.width
    let latest = terms.reduce(0) { max($0, signals[$1.signal].arrival) }
    let cost: Int
    switch operands.count {
    case 1:
      cost = AdderCost.negation(width: width)
      signal.arrival = latest + problem.target.adderDelay
    case 2:
      cost = AdderCost.adder(operands[0], operands[1], width: width)
      signal.arrival = latest + problem.target.adderDelay
    default:
      cost = AdderCost.ternaryAdder(operands[0], operands[1], operands[2], width: width)
      signal.arrival = latest + problem.target.ternaryDelay
    }
    nodes.append(
      AdderGraph.Node(
        terms: terms.map {
          AdderGraph.Term(signals[$0.signal].operand, shift: $0.shift, isNegative: $0.isNegative)
        },
        interval: signal.interval, arrival: signal.arrival, lutCost: cost))
    signals.append(signal)
    return signals.count - 1
  }

  // MARK: Exact intervals

  /// Adds ±(signal << shift) to the coefficients of another and returns whether they have no input in common.
  private func accumulate(_ term: Reference, into sum: inout Signal) throws(WidthOverflow) -> Bool {
    let added = signals[term.signal]
    let factor = (Int128(1) << Int128(term.shift)) * (term.isNegative ? -1 : 1)
    sum.constant += try GraphBuilder.product(added.constant, factor)
    if sum.inputs.isEmpty {
      sum.inputs = added.inputs
      sum.coefficients = added.coefficients.map { $0 * factor }
      return true
    }
    var inputs: [Int32] = []
    var coefficients: [Int128] = []
    inputs.reserveCapacity(sum.inputs.count + added.inputs.count)
    coefficients.reserveCapacity(sum.inputs.count + added.inputs.count)
    var (i, j) = (0, 0)
    var isDisjoint = true
    while i < sum.inputs.count || j < added.inputs.count {
      let a = i < sum.inputs.count ? sum.inputs[i] : Int32.max
      let b = j < added.inputs.count ? added.inputs[j] : Int32.max
      var coefficient: Int128 = 0
      if a == b { isDisjoint = false }
      if a <= b {
        coefficient += sum.coefficients[i]
        i += 1
      }
      if b <= a {
        coefficient += added.coefficients[j] * factor
        j += 1
      }
      if coefficient != 0 {
        inputs.append(min(a, b))
        coefficients.append(coefficient)
      }
    }
    sum.inputs = inputs
    sum.coefficients = coefficients
    return isDisjoint
  }

  private static func product(_ a: Int128, _ b: Int128) throws(WidthOverflow) -> Int128 {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    if overflow { throw WidthOverflow() }
    return product
  }

  /// The interval of a sum of terms that have no input in common.
  private func sum(_ terms: [Reference]) throws(WidthOverflow) -> Interval {
    var result = Interval.zero
    for term in terms {
      let factor = (Int128(1) << Int128(term.shift)) * (term.isNegative ? -1 : 1)
      result = try result.adding(try signals[term.signal].interval.scaled(by: factor))
    }
    return result
  }

  private func interval(of signal: Signal) throws(WidthOverflow) -> Interval {
    var result = Interval(signal.constant)
    for (k, coefficient) in zip(signal.inputs, signal.coefficients) {
      result = try result.adding(try problem.inputs[Int(k)].scaled(by: coefficient))
    }
    return result
  }
}
