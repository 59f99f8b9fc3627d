/// A part of a netlist as Boolean functions of what is known at its border.
struct DiagramEvaluation {
  var diagrams: DecisionDiagrams
  private(set) var words: [Net: DiagramWord]
  /// Where a table is read for an index that it has no entry for.
  private(set) var isUndefined = DecisionDiagrams.never

  /// - Parameter border: words that are given; whatever lies behind them does not matter.
  init(_ diagrams: DecisionDiagrams, border: [Net: DiagramWord]) {
    self.diagrams = diagrams
    words = border
  }

  /// The functions of some words, which must depend on the border alone.
  ///
  /// - Parameter cone: the words between border and these, operands first.
  mutating func evaluate(_ cone: [Net], _ netlist: Netlist) throws(DecisionDiagrams.LimitExceeded) {
    for net in cone where words[net] == nil { words[net] = try word(of: net, netlist) }
  }

  func word(_ net: Net) -> DiagramWord { words[net] ?? [] }

  private mutating func word(
    of net: Net, _ netlist: Netlist
  ) throws(DecisionDiagrams.LimitExceeded) -> DiagramWord {
    let width = netlist.width(net)
    switch netlist.operation(net) {
    case .element, .control, .state: return DecisionDiagrams.constant(0, width: width)
    case .constant(let value):
      return DecisionDiagrams.constant(Int128(truncatingIfNeeded: value), width: width)
    case .concatenation(let pieces):
      return pieces.flatMap { word($0.net)[$0.low..<($0.low + $0.count)] }
    case .sum(let terms):
      var result = DecisionDiagrams.constant(0, width: width)
      for term in terms { result = try diagrams.add(result, word(term.net), isNegative: term.isNegative) }
      return result
    case .product(let a, let b): return try diagrams.multiply(word(a), word(b))
    case .not(let a):
      var result: DiagramWord = []
      for bit in word(a) { result.append(try diagrams.not(bit)) }
      return result
    case .logic(let kind, let a, let b):
      var result: DiagramWord = []
      for (x, y) in zip(word(a), word(b)) { result.append(try diagrams.apply(kind, x, y)) }
      return result
    case .reduce(let kind, let a): return [try diagrams.reduce(kind, word(a))]
    case .equal(let a, let b): return [try diagrams.isEqual(word(a), word(b))]
    case .less(let a, let b): return [try diagrams.isLess(word(a), word(b))]
    case .choice(let condition, let then, let otherwise):
      return try diagrams.choose(word(condition)[0], word(then), word(otherwise))
    case .lookup(let table, let index): return try lookup(netlist.tables[table], word(index))
    case .cell(let contents, let inputs):
      return try diagrams.lookup(inputs.map { word($0)[0] }, width: 1) { index in
        [contents >> UInt64(index) & 1 == 1 ? DecisionDiagrams.always : DecisionDiagrams.never]
      }
    case .register(let a): return word(a)
    }
  }

  private mutating func lookup(
    _ table: NetTable, _ index: DiagramWord
  ) throws(DecisionDiagrams.LimitExceeded) -> DiagramWord {
    // One more bit tells where there is no entry.
    var result = try diagrams.lookup(index, width: table.width + 1) { index in
      guard let entry = table.entries[index] else {
        return DecisionDiagrams.constant(0, width: table.width) + [DecisionDiagrams.always]
      }
      return DecisionDiagrams.constant(Int128(truncatingIfNeeded: entry), width: table.width)
        + [DecisionDiagrams.never]
    }
    isUndefined = try diagrams.or(isUndefined, result.removeLast())
    return result
  }
}
