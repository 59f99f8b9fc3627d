import FixedPoint

/// That a module made of cells adds its inputs up, for all values of them.
enum AdderLemma {
  struct Example { var inputs: [UInt128]; var result: UInt128 }

  enum Outcome {
    /// Which inputs are subtracted.
    case proved([Bool])
    case refuted(Example)
    /// The diagrams became too large.
    case unknown
  }

  /// The signs with which `sum` is Σ ± inputs, modulo 2^width.
  ///
  /// - Requires: the netlist's elements are the inputs, all of the sum's width.
  static func signs(of sum: Net, inputs: Int, in netlist: Netlist) -> Outcome {
    let width = netlist.width(sum)
    var random = SplitMix64(seed: 1)
    var samples: [[Int128]] = [Array(repeating: 0, count: inputs)]
    for _ in 0..<64 {
      samples.append((0..<inputs).map { _ in Int128.random(in: -(1 << 40)...(1 << 40), using: &random) })
    }
    let values = netlist.evaluated(samples)
    let mask = UInt128.ones(width)
    /// How many samples agree with some signs.
    func agreement(_ signs: [Bool]) -> Int {
      samples.indices.count { s in
        var total: Int128 = 0
        for (value, isNegative) in zip(samples[s], signs) { total += isNegative ? -value : value }
        return UInt128(truncatingIfNeeded: total) & mask == values[sum.index * samples.count + s]
      }
    }
    let choices = (0..<(1 << inputs)).map { choice in (0..<inputs).map { choice >> $0 & 1 == 1 } }
    guard let best = choices.max(by: { agreement($0) < agreement($1) }) else { return .unknown }
    do throws(DecisionDiagrams.LimitExceeded) {
      return try prove(sum, best, in: netlist)
    } catch {
      return .unknown
    }
  }

  private static func prove(
    _ sum: Net, _ signs: [Bool], in netlist: Netlist
  ) throws(DecisionDiagrams.LimitExceeded) -> Outcome {
    let width = netlist.width(sum)
    var diagrams = DecisionDiagrams(limit: 1 << 20)
    var words: [DiagramWord] = []
    // The inputs' bits interleaved, highest first: sums then stay small.
    func variable(_ input: Int, _ bit: Int) -> Int { (width - 1 - bit) * signs.count + input }
    for input in signs.indices {
      var word: DiagramWord = []
      for bit in 0..<width { word.append(try diagrams.variable(variable(input, bit))) }
      words.append(word)
    }
    var border: [Net: DiagramWord] = [:]
    for net in netlist.nets {
      if case .element(let element) = netlist.operations[net] { border[Net(net)] = words[element] }
    }
    var expected = DecisionDiagrams.constant(0, width: width)
    for (word, isNegative) in zip(words, signs) {
      expected = try diagrams.add(expected, word, isNegative: isNegative)
    }
    var evaluation = DiagramEvaluation(diagrams, border: border)
    try evaluation.evaluate(netlist.nets.map { Net($0) }, netlist)
    let difference = try evaluation.diagrams.differs(evaluation.word(sum), expected)
    guard let example = evaluation.diagrams.example(difference) else { return .proved(signs) }
    func value(_ word: DiagramWord) -> UInt128 {
      UInt128(truncatingIfNeeded: evaluation.diagrams.value(word, isSigned: false) { example[$0] ?? false })
    }
    return .refuted(Example(inputs: words.map(value), result: value(evaluation.word(sum))))
  }
}
