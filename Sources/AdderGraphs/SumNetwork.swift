import FixedPoint

/// Sums over inputs and over each other, each of any number of terms: a solution before its adders are chosen.
struct SumNetwork {
  struct Sum {
    var terms: [PackedTerm]
    var constant: Int128 = 0
    /// Whether an output reads the sum, whose value must then be positive.
    var isOutput = false

    /// Whether adders alone give the sum its sign; without positive terms it must be negated.
    var hasPositiveTerm: Bool { constant > 0 || terms.contains { !$0.isNegative } }
    var positiveCount: Int { terms.count { !$0.isNegative } + (constant > 0 ? 1 : 0) }
    /// Terms, and the constant if there is one.
    var operandCount: Int { terms.count + (constant == 0 ? 0 : 1) }
  }

  /// What an output of the problem is.
  enum Output {
    case constant(Int128)
    /// A sum's signal.
    case signal(Int)
  }

  /// The least and greatest value of a signal, in floating point.
  struct Bounds {
    var lower: Double
    var upper: Double
  }

  var inputCount: Int
  /// Sum i is signal `inputCount` + i and refers to earlier signals only.
  var sums: [Sum]
  var outputs: [Output]

  /// Terms of all sums.
  var termCount: Int { sums.reduce(0) { $0 + $1.terms.count } }

  /// Whether there are sums beside the outputs.
  var hasSharedSums: Bool { sums.contains { !$0.isOutput } }

  /// Adds a sum and returns its signal.
  mutating func append(_ sum: Sum) -> Int {
    sums.append(sum)
    return inputCount + sums.count - 1
  }

  /// The bounds of all signals by interval arithmetic.
  /// - Requires: sums in topological order.
  func bounds(inputs: [Interval]) -> [Bounds] {
    var bounds = inputs.map { Bounds(lower: Double($0.lower), upper: Double($0.upper)) }
    for sum in sums {
      var total = Bounds(lower: Double(sum.constant), upper: Double(sum.constant))
      for term in sum.terms {
        let (inner, scale) = (bounds[term.signal], Bits.power(term.shift))
        total.lower += (term.isNegative ? -inner.upper : inner.lower) * scale
        total.upper += (term.isNegative ? -inner.lower : inner.upper) * scale
      }
      bounds.append(total)
    }
    return bounds
  }

  /// Inlines each sum that has one user, unless it is an output, into it; sums without users vanish.
  ///
  /// The trees of the remaining sums are then free to add their terms in any order.
  /// - Requires: sums in topological order.
  mutating func inlineSingleUses() { inline { _ in false } }

  /// The same, and inlines the chosen sums into all their users.
  mutating func inline(where isChosen: (Int) -> Bool) {
    var uses = Array(repeating: 0, count: inputCount + sums.count)
    for i in sums.indices.reversed() {
      let signal = inputCount + i
      if uses[signal] == 0 && !sums[i].isOutput {
        sums[i].terms = []
        continue
      }
      for term in sums[i].terms { uses[term.signal] += 1 }
    }
    var newSignals = Array(0..<inputCount) + Array(repeating: -1, count: sums.count)
    var kept: [Sum] = []
    for i in sums.indices {
      let signal = inputCount + i
      guard uses[signal] > 0 || sums[i].isOutput else { continue }
      var terms: [PackedTerm] = []
      var constant = sums[i].constant
      for term in sums[i].terms {
        // Sums with one use are expanded already: they hold new signals.
        if newSignals[term.signal] < 0 {
          let inner = sums[term.signal - inputCount]
          terms.append(contentsOf: inner.terms.map { $0.placed(in: term) })
          constant += (term.isNegative ? -inner.constant : inner.constant) << Int128(term.shift)
        } else {
          terms.append(PackedTerm(newSignals[term.signal], shift: term.shift, isNegative: term.isNegative))
        }
      }
      sums[i].terms = terms
      sums[i].constant = constant
      if !sums[i].isOutput && (uses[signal] == 1 || isChosen(i)) { continue }
      newSignals[signal] = inputCount + kept.count
      kept.append(sums[i])
    }
    sums = kept
    renameOutputs(newSignals)
  }

  /// Puts every sum behind those that it refers to.
  mutating func sortTopologically() {
    var newSignals = Array(0..<inputCount) + Array(repeating: -1, count: sums.count)
    var order: [Int] = []
    for start in sums.indices where newSignals[inputCount + start] < 0 {
      var stack = [(start, 0)]
      while let (i, next) = stack.popLast() {
        if newSignals[inputCount + i] >= 0 { continue }
        var next = next
        while next < sums[i].terms.count && newSignals[sums[i].terms[next].signal] >= 0 { next += 1 }
        if next == sums[i].terms.count {
          newSignals[inputCount + i] = inputCount + order.count
          order.append(i)
        } else {
          stack.append((i, next))
          stack.append((sums[i].terms[next].signal - inputCount, 0))
        }
      }
    }
    sums = order.map { i in
      var sum = sums[i]
      sum.terms = sum.terms.map {
        PackedTerm(newSignals[$0.signal], shift: $0.shift, isNegative: $0.isNegative)
      }
      return sum
    }
    renameOutputs(newSignals)
  }

  /// Gives the outputs the constants of a problem that differs in nothing else.
  /// - Requires: sums in topological order; only sums that are outputs have constants.
  mutating func setConstants(_ problem: MatrixProblem) {
    var wanted: [Int: Int128] = [:]
    for n in outputs.indices {
      let constant = problem.fixedConstant(output: n)
      switch outputs[n] {
      case .constant: outputs[n] = .constant(constant)
      case .signal(let signal): wanted[signal] = constant
      }
    }
    // A sum may be an output and a part of others, which then bring its constant with them.
    var constants = Array(repeating: Int128(0), count: inputCount)
    for i in sums.indices {
      let brought = sums[i].terms.reduce(Int128(0)) { sum, term in
        let constant = constants[term.signal] << Int128(term.shift)
        return term.isNegative ? sum - constant : sum + constant
      }
      let total = wanted[inputCount + i] ?? brought
      sums[i].constant = total - brought
      constants.append(total)
    }
  }

  private mutating func renameOutputs(_ newSignals: [Int]) {
    outputs = outputs.map { output in
      switch output {
      case .constant: output
      case .signal(let signal): .signal(newSignals[signal])
      }
    }
  }
}
