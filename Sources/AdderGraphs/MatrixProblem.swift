import FixedPoint

/// A constant matrix times a vector of integers, plus constants: y[n] = Σ_k x[k] · c[k][n] + constant[n].
///
/// `solve()` turns it into a graph of shifts and adders in which outputs share common parts.
public struct MatrixProblem: Hashable, Sendable {
  /// The ranges of the raw inputs, K of them.
  public var inputs: [Interval]
  /// When each input is ready, in picoseconds; K of them.
  public var arrivals: [Int]
  /// The matrix in row-major order (K, N): the coefficient of input k in output n is at k · N + n.
  public var coefficients: [Int64]
  /// What is added to each output, N of them.
  public var constants: [Int128]
  /// When the last output must be ready, in picoseconds; nil for no limit.
  public var timeLimit: Int?
  public var target: AdderTarget
  public var effort: SearchEffort

  /// - Requires: `arrivals` as many as `inputs`; `coefficients` as many as inputs times constants.
  public init(
    inputs: [Interval], arrivals: [Int]? = nil, coefficients: [Int64], constants: [Int128],
    timeLimit: Int? = nil, target: AdderTarget = .lut6, effort: SearchEffort = .balanced
  ) {
    precondition(coefficients.count == inputs.count * constants.count, "the matrix is not inputs x outputs")
    precondition(arrivals == nil || arrivals?.count == inputs.count, "one arrival for each input")
    self.inputs = inputs
    self.arrivals = arrivals ?? Array(repeating: 0, count: inputs.count)
    self.coefficients = coefficients
    self.constants = constants
    self.timeLimit = timeLimit
    self.target = target
    self.effort = effort
  }

  public var outputCount: Int { constants.count }

  /// An output's constant with what constant inputs add.
  func fixedConstant(output n: Int) -> Int128 {
    inputs.indices.reduce(constants[n]) { sum, k in
      inputs[k].isConstant ? sum + inputs[k].lower * Int128(coefficients[k * outputCount + n]) : sum
    }
  }
}

/// What adders cost on a family of parts.
public struct AdderTarget: Hashable, Sendable {
  /// Whether three operands add in one LUT a bit (LUT6 with a second output, and a carry chain).
  public var hasTernaryAdders: Bool
  /// Picoseconds through a two-operand adder with its net.
  public var adderDelay: Int
  /// Picoseconds through a three-operand adder: two LUTs in series, as the majority of one bit feeds the next.
  public var ternaryDelay: Int

  public init(hasTernaryAdders: Bool, adderDelay: Int, ternaryDelay: Int) {
    precondition(adderDelay > 0 && ternaryDelay > 0, "an adder takes time")
    self.hasTernaryAdders = hasTernaryAdders
    self.adderDelay = adderDelay
    self.ternaryDelay = ternaryDelay
  }

  /// 6-input LUTs with two outputs: LUT and net 0.5 ns, entry to the carry chain 0.15, a block of it 0.02.
  public static let lut6 = AdderTarget(hasTernaryAdders: true, adderDelay: 670, ternaryDelay: 1180)
  /// 4-input LUTs: two operands a carry chain.
  public static let lut4 = AdderTarget(hasTernaryAdders: false, adderDelay: 670, ternaryDelay: 1180)
}

/// How much work a search may do. Work is counted in steps, never in seconds, so that results repeat.
public enum SearchEffort: String, CaseIterable, Hashable, Sendable {
  case fast, balanced, max
}
