import FixedPoint

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

  /// The network of the columns' sums and of the outputs made of them, nothing shared yet.
  func network() -> SumNetwork {
    let inputCount = problem.inputs.count
    var network = SumNetwork(inputCount: inputCount, sums: columns, outputs: [])
    for use in uses {
      guard let column = use.column else {
        network.outputs.append(.constant(use.constant))
        continue
      }
      let term = PackedTerm(inputCount + column, shift: use.shift, isNegative: use.isNegative)
      let sum = SumNetwork.Sum(terms: [term], constant: use.constant, isOutput: true)
      network.outputs.append(.signal(network.append(sum)))
    }
    network.inlineSingleUses()
    return network
  }
}
