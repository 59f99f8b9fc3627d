import AdderGraphs
import FixedPoint
import Testing

/// What an operand of a graph is as a function of the inputs: coefficients, and the constant last.
private func affineForms(_ graph: AdderGraph, inputs: Int) -> [[Int128]] {
  var forms: [[Int128]] = []
  for node in graph.nodes {
    var form = Array(repeating: Int128(0), count: inputs + 1)
    for term in node.terms {
      for (i, c) in affineForm(term.operand, forms, inputs: inputs).enumerated() {
        form[i] += (term.isNegative ? -c : c) << Int128(term.shift)
      }
    }
    forms.append(form)
  }
  return forms
}

private func affineForm(_ operand: AdderGraph.Operand, _ forms: [[Int128]], inputs: Int) -> [Int128] {
  switch operand {
  case .node(let i): return forms[i]
  case .input(let k):
    var form = Array(repeating: Int128(0), count: inputs + 1)
    form[k] = 1
    return form
  case .constant(let value): return Array(repeating: 0, count: inputs) + [value]
  }
}

/// The interval of an affine form over the problem's inputs.
private func interval(_ form: [Int128], _ inputs: [Interval]) throws -> Interval {
  var result = Interval(form[inputs.count])
  for (k, input) in inputs.enumerated() { result = try result.adding(input.scaled(by: form[k])) }
  return result
}

/// Checks everything that a graph promises about a problem.
private func check(_ graph: AdderGraph, _ problem: MatrixProblem) throws {
  let inputCount = problem.inputs.count
  let forms = affineForms(graph, inputs: inputCount)
  try #require(graph.outputs.count == problem.outputCount)
  for (n, output) in graph.outputs.enumerated() {
    // Constant inputs may be folded, so both sides are compared as functions of the others.
    var expected = (0..<inputCount).map { Int128(problem.coefficients[$0 * problem.outputCount + n]) }
    expected.append(problem.constants[n])
    var actual = affineForm(output.operand, forms, inputs: inputCount).map { $0 << Int128(output.shift) }
    for (k, input) in problem.inputs.enumerated() where input.isConstant {
      expected[inputCount] += expected[k] * input.lower
      actual[inputCount] += actual[k] * input.lower
      expected[k] = 0
      actual[k] = 0
    }
    #expect(actual == expected, "output \(n)")
  }
  for (i, node) in graph.nodes.enumerated() {
    #expect(try node.interval == interval(forms[i], problem.inputs), "interval of node \(i)")
    #expect((1...3).contains(node.terms.count))
    #expect(node.terms.count == 1 || !node.terms.allSatisfy(\.isNegative), "node \(i) is one carry chain")
    #expect(node.terms.count < 3 || problem.target.hasTernaryAdders)
    #expect(node.lutCost >= 0)
    var latest = 0
    for term in node.terms {
      #expect(term.shift >= 0)
      switch term.operand {
      case .node(let j):
        #expect(j < i, "operands precede their users")
        latest = max(latest, graph.nodes[j].arrival)
      case .input(let k): latest = max(latest, problem.arrivals[k])
      case .constant: break
      }
    }
    let delay = node.terms.count == 3 ? problem.target.ternaryDelay : problem.target.adderDelay
    #expect(node.arrival == latest + delay)
  }
  if let limit = problem.timeLimit { #expect(graph.arrival(inputs: problem.arrivals) <= limit) }
}

/// A random problem whose shape, sparsity, widths and ranges depend on the seed.
private func randomProblem(_ seed: UInt64) -> MatrixProblem {
  var random = SeededGenerator(seed)
  let inputCount = Int.random(in: 1...9, using: &random)
  let outputCount = Int.random(in: 1...9, using: &random)
  let bits = [1, 2, 4, 8, 12, 31, 61].randomElement(using: &random) ?? 8
  let density: Double = [0.1, 0.5, 1.0].randomElement(using: &random) ?? 1.0
  let bound = Int64(1) << Int64(bits)
  var matrix = (0..<inputCount * outputCount).map { _ in
    Double.random(in: 0..<1, using: &random) < density ? Int64.random(in: -bound...bound, using: &random) : 0
  }
  // Some columns repeat another, shifted or negated.
  if outputCount > 2 && Bool.random(using: &random) {
    let factor: Int64 = bits < 60 ? [1, -1, 2, -2].randomElement(using: &random) ?? 1 : -1
    for k in 0..<inputCount { matrix[k * outputCount + 1] = matrix[k * outputCount] * factor }
  }
  let inputs = (0..<inputCount).map { _ in
    let a = Int128(Int64.random(in: -300...300, using: &random))
    switch Int.random(in: 0..<5, using: &random) {
    case 0: return Interval(0, abs(a))
    case 1: return Interval(a)
    case 2: return Interval(a, a + 17)
    default: return Interval(-128, 127)
    }
  }
  let constants = (0..<outputCount).map { _ in
    Bool.random(using: &random) ? Int128(0) : Int128(Int64.random(in: -9999...9999, using: &random))
  }
  let arrivals =
    Bool.random(using: &random) ? nil : inputs.map { _ in Int.random(in: 0...3000, using: &random) }
  var problem = MatrixProblem(
    inputs: inputs, arrivals: arrivals, coefficients: matrix, constants: constants,
    target: Bool.random(using: &random) ? .lut6 : .lut4, effort: .fast)
  if Bool.random(using: &random) {
    problem.timeLimit = problem.earliestTime + Int.random(in: 0...2000, using: &random)
  }
  return problem
}

/// A dense random matrix of signed coefficients over signed 8-bit inputs.
private func denseProblem(_ size: Int, bits: Int, seed: UInt64, effort: SearchEffort) -> MatrixProblem {
  var random = SeededGenerator(seed)
  let half = Int64(1) << Int64(bits - 1)
  return MatrixProblem(
    inputs: Array(repeating: Interval(-128, 127), count: size),
    coefficients: (0..<size * size).map { _ in Int64.random(in: -half..<half, using: &random) },
    constants: Array(repeating: 0, count: size), effort: effort)
}

/// A hash of all of a graph that is the same in every process (FNV-1a).
private func fingerprint(_ graph: AdderGraph) -> UInt64 {
  var text = ""
  for node in graph.nodes { text += "\(node.terms) \(node.interval) \(node.arrival) \(node.lutCost)\n" }
  text += "\(graph.outputs)"
  return text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

private struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x2545_F491_4F6C_DD1D | 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

@Suite struct AdderGraphsTests {
  @Test(arguments: 0..<400 as Range<UInt64>)
  func randomMatricesAreExact(seed: UInt64) throws {
    let problem = randomProblem(seed)
    let graph = try #require(try problem.solve(), "a feasible limit")
    try check(graph, problem)
  }

  @Test(arguments: [(12, SearchEffort.fast), (6, .balanced), (2, .max)])
  func denseMatricesAreExact(size: Int, effort: SearchEffort) throws {
    let problem = denseProblem(size, bits: 8, seed: 1, effort: effort)
    try check(try #require(try problem.solve()), problem)
  }

  @Test(arguments: 0..<60 as Range<UInt64>)
  func otherConstantsNeedNoSearch(seed: UInt64) throws {
    var problem = randomProblem(seed)
    problem.timeLimit = nil
    let solution = try #require(try problem.solution())
    #expect(try solution.graph(constants: problem.constants) == solution.graph)
    var random = SeededGenerator(seed + 1)
    var other = problem
    other.constants = problem.constants.map { _ in
      Bool.random(using: &random) ? 0 : Int128(Int64.random(in: -9999...9999, using: &random))
    }
    try check(try solution.graph(constants: other.constants), other)
  }

  @Test func longSumsAreExact() throws {
    // More terms than one block of patterns has, and than a tree is searched for.
    var random = SeededGenerator(5)
    let problem = MatrixProblem(
      inputs: Array(repeating: Interval(0, 15), count: 120),
      coefficients: (0..<240).map { _ in Int64.random(in: -500...500, using: &random) }, constants: [0, 77],
      effort: .fast)
    try check(try #require(try problem.solve()), problem)
    var hurried = problem
    hurried.timeLimit = problem.earliestTime
    try check(try #require(try hurried.solve()), hurried)
  }

  /// LUTs that the solver once reached: it must not get worse.
  @Test(arguments: [
    (8, 8, SearchEffort.fast, 721), (16, 8, .fast, 2640), (16, 4, .fast, 1380), (32, 2, .fast, 2655),
    (8, 8, .balanced, 702),
  ])
  func costsAreNotAboveThoseRecorded(size: Int, bits: Int, effort: SearchEffort, luts: Int) throws {
    let problem = denseProblem(size, bits: bits, seed: 7, effort: effort)
    let cost = try #require(try problem.solve()).lutCost
    #expect(cost <= luts)
  }

  @Test func theSameProblemGivesTheSameGraph() throws {
    let problem = denseProblem(8, bits: 8, seed: 9, effort: .balanced)
    let graph = try #require(try problem.solve())
    #expect(try problem.solve() == graph)
    // Recorded from another process.
    #expect(fingerprint(graph) == 16_425_813_964_707_640_905)
  }

  @Test func intervalsAreThoseOfAllInputs() throws {
    let inputs = [Interval(-3, 2), Interval(0, 5), Interval(1, 4)]
    let problem = MatrixProblem(
      inputs: inputs, coefficients: [7, -3, 11, 5, 13, -6], constants: [4, -9], effort: .fast)
    let graph = try #require(try problem.solve())
    var lower = Array(repeating: Int128.max, count: graph.nodes.count)
    var upper = Array(repeating: Int128.min, count: graph.nodes.count)
    for a in Int128(-3)...2 {
      for b in Int128(0)...5 {
        for c in Int128(1)...4 {
          let outputs = graph.evaluate([a, b, c])
          #expect(outputs == [7 * a + 11 * b + 13 * c + 4, -3 * a + 5 * b - 6 * c - 9])
          // Every node is an output of the graph cut off behind it.
          var cut = graph
          cut.outputs = graph.nodes.indices.map { AdderGraph.Output(operand: .node($0), shift: 0) }
          for (i, value) in cut.evaluate([a, b, c]).enumerated() {
            lower[i] = min(lower[i], value)
            upper[i] = max(upper[i], value)
          }
        }
      }
    }
    #expect(graph.nodes.map(\.interval) == zip(lower, upper).map { Interval($0, $1) })
  }

  @Test func trivialMatricesNeedNoAdders() throws {
    let inputs = [Interval(-8, 7), Interval(0, 9), Interval(5)]
    let problem = MatrixProblem(
      inputs: inputs, coefficients: [0, 4, 0, 0, 0, 1, 0, 0, 3], constants: [7, 0, -15], effort: .fast)
    let graph = try #require(try problem.solve())
    #expect(graph.nodes.isEmpty)
    #expect(
      graph.outputs == [
        .init(operand: .constant(7), shift: 0), .init(operand: .input(0), shift: 2),
        .init(operand: .input(1), shift: 0),
      ])
    let empty = try #require(try MatrixProblem(inputs: [], coefficients: [], constants: [3]).solve())
    #expect(empty.outputs == [.init(operand: .constant(3), shift: 0)])
  }

  @Test func repeatedColumnsCostNothing() throws {
    let column: [Int64] = [23, -77, 101, 5]
    let inputs = Array(repeating: Interval(-128, 127), count: 4)
    let one = MatrixProblem(inputs: inputs, coefficients: column, constants: [0], effort: .fast)
    let three = MatrixProblem(
      inputs: inputs, coefficients: column.flatMap { [$0, $0 * 4, $0] }, constants: [0, 0, 0], effort: .fast)
    let a = try #require(try one.solve())
    let b = try #require(try three.solve())
    #expect(a.lutCost == b.lutCost)
    #expect(b.outputs[0].operand == b.outputs[1].operand && b.outputs[1].shift == b.outputs[0].shift + 2)
  }

  @Test func limitsBelowTheEarliestTimeAreInfeasible() throws {
    var problem = denseProblem(6, bits: 6, seed: 3, effort: .fast)
    problem.timeLimit = problem.earliestTime
    let graph = try #require(try problem.solve())
    try check(graph, problem)
    problem.timeLimit = problem.earliestTime - 1
    #expect(try problem.solve() == nil)
  }

  @Test func sumsBeyondExactIntervalsAreRefused() {
    let wide = Interval(-(Int128(1) << 80), Int128(1) << 80)
    let problem = MatrixProblem(inputs: [wide], coefficients: [Int64.max], constants: [0])
    #expect(throws: WidthOverflow.self) { try problem.solve() }
  }
}
