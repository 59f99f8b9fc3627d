import FixedPoint

/// The words of a netlist as linear forms: what a word is, modulo 2^width.
///
/// Worked out on demand. A word that turned out to carry an element of a tensor has that element as its form.
struct NetForms {
  let netlist: Netlist
  var table = FormTable()
  private var known: [BoundedForm?]
  /// Words that are known to carry elements.
  private var fixed: [Bool]

  init(_ netlist: Netlist) {
    self.netlist = netlist
    known = Array(repeating: nil, count: netlist.count)
    fixed = Array(repeating: false, count: netlist.count)
  }

  /// Sets what a word carries, and forgets what followed from less.
  mutating func fix(_ words: [Net: BoundedForm]) {
    guard let first = words.keys.min() else { return }
    for (net, value) in words {
      known[net.index] = value
      fixed[net.index] = true
    }
    for index in first.index..<netlist.count where !fixed[index] { known[index] = nil }
  }

  /// What a word is known to carry; nil where that is only what follows from its operands.
  func fixedValue(_ net: Net) -> BoundedForm? { fixed[net.index] ? known[net.index] : nil }

  /// The form of a word.
  mutating func value(_ net: Net) -> BoundedForm {
    if let value = known[net.index] { return value }
    // Operands first, on a stack of our own: netlists are deeper than a thread's.
    var stack = [net]
    while let top = stack.last {
      if known[top.index] != nil {
        stack.removeLast()
        continue
      }
      let missing = linearOperands(top).filter { known[$0.index] == nil }
      if missing.isEmpty {
        known[top.index] = compute(top)
        stack.removeLast()
      } else {
        stack += missing
      }
    }
    return known[net.index] ?? BoundedForm(constant: 0)
  }

  /// The form of a word by its own operation, whatever it is known to carry.
  mutating func structure(_ net: Net) -> BoundedForm {
    for operand in linearOperands(net) { _ = value(operand) }
    return compute(net)
  }

  /// The operands that the form is made of.
  private func linearOperands(_ net: Net) -> [Net] {
    switch netlist.operation(net) {
    case .concatenation(let pieces): pieces.map(\.net)
    case .sum(let terms): terms.map(\.net)
    case .product(let a, let b): [a, b]
    case .not(let a), .register(let a): [a]
    default: []
    }
  }

  private func known(_ net: Net) -> BoundedForm { known[net.index] ?? BoundedForm(constant: 0) }

  private mutating func compute(_ net: Net) -> BoundedForm {
    let width = netlist.width(net)
    switch netlist.operation(net) {
    case .constant(let value):
      // The nearest to 0 of the integers that it may stand for.
      let isNegative = width <= 120 && width > 1 && value >> UInt128(width - 1) == 1
      let integer = Int128(truncatingIfNeeded: value)
      return BoundedForm(constant: isNegative ? integer - (1 << Int128(width)) : integer)
    case .register(let a): return known(a)
    case .not(let a): return table.sum(BoundedForm(constant: -1), known(a), times: -1)
    case .sum(let terms):
      var result = BoundedForm(constant: 0)
      for term in terms { result = table.sum(result, known(term.net), times: term.isNegative ? -1 : 1) }
      return narrowed(result)
    case .product(let a, let b): return table.product(known(a), known(b)) ?? opaque(net, width)
    case .concatenation(let pieces): return concatenated(pieces)
    default: return opaque(net, width)
    }
  }

  private mutating func opaque(_ net: Net, _ width: Int) -> BoundedForm {
    let range = width <= 120 ? Interval(0, (Int128(1) << Int128(width)) - 1) : nil
    return table.value(.word(net), range)
  }

  /// Σ 2^place · piece, each piece but the highest as the unsigned integer that it is.
  private mutating func concatenated(_ pieces: [NetPiece]) -> BoundedForm {
    let (count, signs) = NetForms.withoutSigns(pieces)
    var result = BoundedForm(constant: 0)
    var place = 0
    for (index, piece) in pieces[..<count].enumerated() {
      var value = known(piece.net)
      let isConstant = netlist.constantValue(piece.net) != nil
      value = table.floor(value, piece.low)
      if index < count - 1 || isConstant {
        value = table.unsigned(value, piece.count)
      } else if signs > 0 {
        value = table.signed(value, piece.count)
      }
      result = table.sum(result, table.scaled(value, by: place < 127 ? Int128(1) << Int128(place) : 0))
      place += piece.count
    }
    return narrowed(result)
  }

  /// With the bounds that follow from the form: of a sum of words that share elements, they are narrower than the words'.
  private func narrowed(_ value: BoundedForm) -> BoundedForm {
    BoundedForm(value.form, FormTable.narrower(value.bounds, table.bounds(of: value.form)))
  }

  /// How many pieces there are without those that repeat the sign of the one before, and how many repeat it.
  private static func withoutSigns(_ pieces: [NetPiece]) -> (count: Int, signs: Int) {
    guard let last = pieces.last, last.count == 1, pieces.count > 1 else { return (pieces.count, 0) }
    var count = pieces.count
    while count > 1, pieces[count - 1] == last { count -= 1 }
    let before = pieces[count - 1]
    if before.net == last.net && before.low + before.count == last.low + 1 {
      return (count, pieces.count - count)
    }
    // A run of one bit: its lowest copy is the piece that the others repeat.
    return (count + 1, pieces.count - count - 1)
  }
}
