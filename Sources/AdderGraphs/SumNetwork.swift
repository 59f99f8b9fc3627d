/// Sums over inputs and over each other, each of any number of terms: a solution before its adders are chosen.
struct SumNetwork {
  struct Sum {
    var terms: [PackedTerm]
    var constant: Int128 = 0
    /// Whether an output reads the sum, whose value must then be positive.
    var isOutput = false

    /// Whether adders alone give the sum its sign; without positive terms it must be negated.
    var hasPositiveTerm: Bool { constant > 0 || terms.contains { !$0.isNegative } }
  }

  /// What an output of the problem is.
  enum Output {
    case constant(Int128)
    /// A sum's signal.
    case signal(Int)
  }

  var inputCount: Int
  /// Sum i is signal `inputCount` + i and refers to earlier signals only.
  var sums: [Sum]
  var outputs: [Output]

  /// Adds a sum and returns its signal.
  mutating func append(_ sum: Sum) -> Int {
    sums.append(sum)
    return inputCount + sums.count - 1
  }

  /// Inlines each sum that has one user, unless it is an output, into it; sums without users vanish.
  ///
  /// The trees of the remaining sums are then free to add their terms in any order.
  mutating func inlineSingleUses() {
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
      if uses[signal] == 1 && !sums[i].isOutput { continue }
      newSignals[signal] = inputCount + kept.count
      kept.append(sums[i])
    }
    sums = kept
    outputs = outputs.map { output in
      switch output {
      case .constant: output
      case .signal(let signal): .signal(newSignals[signal])
      }
    }
  }
}
