import AdderGraphs
import Circuit
import FixedPoint

/// Adder graphs found so far: equal problems are solved once, and those that differ in constants alone are searched
/// once, where no time limit makes constants matter.
struct AdderGraphSolutions {
  let options: LoweringOptions
  private var known: [MatrixProblem: MatrixSolution] = [:]
  private var graphs: [MatrixProblem: AdderGraph] = [:]

  init(_ options: LoweringOptions) { self.options = options }

  mutating func solve(_ problem: MatrixProblem) throws(WidthOverflow) -> AdderGraph {
    if let found = graphs[problem] { return found }
    var key = problem
    if problem.timeLimit == nil { key.constants = problem.constants.map { _ in 0 } }
    let graph: AdderGraph
    if let found = known[key] {
      graph = try found.graph(constants: problem.constants)
    } else {
      guard let solution = try problem.solution() else {
        preconditionFailure("only a time limit makes a problem infeasible")
      }
      known[key] = solution
      graph = solution.graph
    }
    graphs[problem] = graph
    return graph
  }
}

extension NodeLowering {
  /// y[n] = Σ_k values[k] · coefficients[k · N + n] + constants[n], as a shared adder graph.
  ///
  /// - Parameter ranges: those to solve for, where values that are no constants may be known better.
  mutating func matrix(
    _ values: [Value], _ coefficients: [Int64], _ constants: [Int128], exponents: [Int],
    ranges: [Interval]? = nil, _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    if solutions.options.linearForm == .products {
      return try products(values, coefficients, constants, exponents: exponents, origin)
    }
    let inputs = values.enumerated().map { k, value in
      builder.constantValue(value) == nil ? ranges?[k] ?? builder.range(value) : builder.range(value)
    }
    let graph = try solutions.solve(problem(values, inputs, coefficients, constants))
    var nodes: [Value] = []
    nodes.reserveCapacity(graph.nodes.count)
    func value(_ operand: AdderGraph.Operand, _ lowering: inout NodeLowering) -> Value {
      switch operand {
      case .input(let k): values[k]
      case .constant(let value): lowering.builder.constant(value, origin: origin)
      case .node(let i): nodes[i]
      }
    }
    for node in graph.nodes {
      let terms = node.terms.map {
        Term(value($0.operand, &self), shift: $0.shift, isNegative: $0.isNegative)
      }
      nodes.append(try builder.sum(terms, range: node.interval, origin: origin))
    }
    var result: [Value] = []
    for (output, exponent) in zip(graph.outputs, exponents) {
      let term = Term(value(output.operand, &self), shift: output.shift)
      result.append(try builder.sum([term], exponent: exponent, origin: origin))
    }
    return result
  }

  private mutating func problem(
    _ values: [Value], _ ranges: [Interval], _ coefficients: [Int64], _ constants: [Int128]
  ) -> MatrixProblem {
    var problem = MatrixProblem(
      inputs: ranges, coefficients: coefficients, constants: constants,
      target: solutions.options.target, effort: solutions.options.effort)
    guard case .limited(let percent) = solutions.options.depth else { return problem }
    // Only differences count, and problems that differ in none are solved once.
    let times = arrivals(values, in: builder)
    let first = times.min() ?? 0
    problem.arrivals = times.map { $0 - first }
    problem.timeLimit = problem.earliestTime * max(percent, 100) / 100
    return problem
  }

  /// Σ of values, with the given signs.
  mutating func sum(
    _ values: [Value], signs: [Int64]? = nil, exponent: Int, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    let ones = signs ?? Array(repeating: 1, count: values.count)
    return try matrix(values, ones, [0], exponents: [exponent], origin)[0]
  }

  /// value · factor + offset.
  ///
  /// - Throws: `WidthOverflow` for factors beyond 62 bits.
  mutating func multiply(
    _ value: Value, by factor: Int128, plus offset: Int128, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    if factor == 1 && offset == 0 { return value }
    guard let coefficient = Int64(exactly: factor), coefficient.magnitude < 1 << 62 else {
      throw WidthOverflow()
    }
    let exponent = builder[value].format.exponent
    return try matrix([value], [coefficient], [offset], exponents: [exponent], origin)[0]
  }
}
