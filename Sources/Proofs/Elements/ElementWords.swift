import FixedPoint
import Graph

/// Element functions and forms as words of Boolean functions of the bits of some atoms.
struct ElementWords {
  typealias LimitExceeded = DecisionDiagrams.LimitExceeded

  var diagrams: DecisionDiagrams
  private let table: FormTable
  private let graph: Graph
  /// Each atom's word, signed.
  private var atoms: [Atom: DiagramWord] = [:]
  private(set) var variables: [Atom] = []
  private let place: (_ atom: Atom, _ bit: Int) -> Int
  /// 1 where all atoms are inside their bounds.
  private(set) var domain = DecisionDiagrams.always

  /// - Parameters:
  ///   - variables: the atoms whose bits are variables; all have bounds.
  ///   - exponent: what the lowest bit of an atom is worth: bits of one worth stand side by side, highest first.
  init(
    _ variables: [Atom], table: FormTable, graph: Graph, limit: Int, exponent: (Atom) -> Int
  ) throws(LimitExceeded) {
    self.table = table
    self.graph = graph
    self.variables = variables
    diagrams = DecisionDiagrams(limit: limit)
    var tops: [Atom: Int] = [:]
    var order: [Atom: Int] = [:]
    var top = Int.min
    for (number, atom) in variables.enumerated() {
      guard let bounds = table.bounds(atom) else { throw LimitExceeded() }
      tops[atom] = exponent(atom)
      order[atom] = number
      top = max(top, exponent(atom) + bounds.width)
    }
    let count = variables.count
    let highest = top
    place = { atom, bit in (highest - (tops[atom] ?? 0) - bit) * count + (order[atom] ?? 0) }
    for atom in variables { try addVariable(atom) }
  }

  private mutating func addVariable(_ atom: Atom) throws(LimitExceeded) {
    guard let bounds = table.bounds(atom) else { throw LimitExceeded() }
    var word: DiagramWord = []
    for bit in 0..<bounds.width { word.append(try diagrams.variable(place(atom, bit))) }
    if !bounds.isSigned { word.append(DecisionDiagrams.never) }
    atoms[atom] = word
    let width = word.count + 1
    let wide = DecisionDiagrams.resized(word, width)
    for (bound, isLower) in [(bounds.lower, true), (bounds.upper, false)] {
      let limit = DecisionDiagrams.constant(bound, width: width)
      let isOutside = try isLower ? diagrams.isLessSigned(wide, limit) : diagrams.isLessSigned(limit, wide)
      domain = try diagrams.and(domain, diagrams.not(isOutside))
    }
  }

  /// The integer that an atom is for one assignment of the variables.
  func value(_ atom: Atom, _ isSet: (Int) -> Bool) -> Int128 {
    diagrams.value(atoms[atom] ?? [], isSigned: true, isSet)
  }

  // MARK: - Forms

  /// The low bits of a form's integer.
  mutating func word(_ form: Form, width: Int) throws(LimitExceeded) -> DiagramWord {
    var result = DecisionDiagrams.constant(form.constant, width: width)
    for term in form.terms {
      let operand = DecisionDiagrams.resized(try word(term.atom), width)
      result = try diagrams.add(result, try diagrams.multiply(operand, by: term.coefficient))
    }
    return result
  }

  /// All bits of a form's integer and its sign.
  private mutating func word(_ form: Form, _ bounds: Interval?) throws(LimitExceeded) -> DiagramWord {
    guard let bounds = FormTable.narrower(bounds, table.bounds(of: form)) else { throw LimitExceeded() }
    return try word(form, width: bounds.width + (bounds.isSigned ? 0 : 1))
  }

  private mutating func word(_ atom: Atom) throws(LimitExceeded) -> DiagramWord {
    if let known = atoms[atom] { return known }
    let result: DiagramWord
    switch table.kind(atom) {
    case .floor(let form, let shift):
      let inner = try word(form, nil)
      result = inner.count > shift ? Array(inner[shift...]) : [inner[inner.count - 1]]
    case .product(let a, let b): result = try product(word(a), word(b))
    case .element, .word: throw LimitExceeded()
    }
    atoms[atom] = result
    return result
  }

  private mutating func product(_ a: DiagramWord, _ b: DiagramWord) throws(LimitExceeded) -> DiagramWord {
    let width = a.count + b.count
    return try diagrams.multiply(DecisionDiagrams.resized(a, width), DecisionDiagrams.resized(b, width))
  }

  // MARK: - Functions

  /// All bits of a function's value and its sign.
  mutating func word(_ function: ElementFunction) throws(LimitExceeded) -> DiagramWord {
    switch function {
    case .value(let form, let bounds): return try word(form, bounds)
    case .sum(let terms, let constant):
      var words: [DiagramWord] = []
      for term in terms { words.append(try scaled(word(term.operand), by: term.factor)) }
      words.append(
        DecisionDiagrams.constant(constant, width: Interval(min(constant, 0), max(constant, 0)).width + 1))
      let width = (words.map(\.count).max() ?? 1) + Interval(0, Int128(words.count)).width
      var result = DecisionDiagrams.constant(0, width: width)
      for word in words { result = try diagrams.add(result, DecisionDiagrams.resized(word, width)) }
      return result
    case .product(let operands):
      var result = try word(operands[0])
      for operand in operands.dropFirst() { result = try product(result, word(operand)) }
      return result
    case .quantize(let quantizer, let range, let operand):
      return try quantized(quantizer, range, word(operand))
    case .rectify(let rectifier, let operand): return try rectified(rectifier, word(operand))
    case .table(let node, let table, let operand): return try lookup(node, table, word(operand))
    case .entry(let entries, let operand):
      let index = try word(operand)
      let inside = try choose(isLess(index, than: 0), constant(0), index)
      let last = Int128(entries.count - 1)
      return try tabulated(choose(isLess(inside, than: last), inside, constant(last)), first: 0, entries)
    case .comparison(let kind, let a, let b): return try comparison(kind, word(a), word(b))
    case .selection(let condition, let then, let otherwise):
      let isSet = try diagrams.reduce(.or, word(condition))
      return try choose(isSet, word(then), word(otherwise))
    case .extreme(let isMaximum, let operands):
      var words: [DiagramWord] = []
      for operand in operands { words.append(try word(operand)) }
      let width = words.map(\.count).max() ?? 1
      words = words.map { DecisionDiagrams.resized($0, width) }
      var result = words[0]
      for word in words.dropFirst() {
        let isLess = try diagrams.isLessSigned(result, word)
        result = try isMaximum ? diagrams.choose(isLess, word, result) : diagrams.choose(isLess, result, word)
      }
      return result
    case .argmax(let operands): return try argmax(operands)
    }
  }

  private mutating func scaled(_ word: DiagramWord, by factor: Int128) throws(LimitExceeded) -> DiagramWord {
    let width = word.count + Interval(min(factor, 0), max(factor, 0)).width + 1
    return try diagrams.multiply(DecisionDiagrams.resized(word, width), by: factor)
  }

  private mutating func argmax(_ operands: [ElementFunction]) throws(LimitExceeded) -> DiagramWord {
    var words: [DiagramWord] = []
    for operand in operands { words.append(try word(operand)) }
    let width = words.map(\.count).max() ?? 1
    var best = DecisionDiagrams.resized(words[0], width)
    let indexWidth = Interval(0, Int128(words.count)).width + 1
    var index = DecisionDiagrams.constant(0, width: indexWidth)
    for (number, word) in words.enumerated().dropFirst() {
      let next = DecisionDiagrams.resized(word, width)
      let isLess = try diagrams.isLessSigned(best, next)
      best = try diagrams.choose(isLess, next, best)
      index = try diagrams.choose(isLess, DecisionDiagrams.constant(Int128(number), width: indexWidth), index)
    }
    return index
  }

  /// 1 where a comparison holds, as a word without sign.
  private mutating func comparison(
    _ kind: Combination, _ a: DiagramWord, _ b: DiagramWord
  ) throws(LimitExceeded) -> DiagramWord {
    let width = max(a.count, b.count)
    let (a, b) = (DecisionDiagrams.resized(a, width), DecisionDiagrams.resized(b, width))
    let result: DecisionDiagrams.Function
    switch kind {
    case .less: result = try diagrams.isLessSigned(a, b)
    case .lessOrEqual: result = try diagrams.not(diagrams.isLessSigned(b, a))
    case .equal: result = try diagrams.isEqual(a, b)
    default: result = try diagrams.differs(a, b)
    }
    return [result, DecisionDiagrams.never]
  }

  private mutating func isLess(_ word: DiagramWord, than bound: Int128) throws(LimitExceeded)
    -> DecisionDiagrams.Function
  {
    let width = max(word.count, Interval(min(bound, 0), max(bound, 0)).width + 1)
    return try diagrams.isLessSigned(
      DecisionDiagrams.resized(word, width), DecisionDiagrams.constant(bound, width: width))
  }

  private mutating func rectified(
    _ rectifier: ElementRectifier, _ operand: DiagramWord
  ) throws(LimitExceeded) -> DiagramWord {
    var above = try scaled(operand, by: rectifier.gain)
    if let maximum = rectifier.maximum {
      let isBelow = try isLess(above, than: maximum)
      above = try choose(isBelow, above, constant(maximum))
    }
    let below = try add(scaled(operand, by: rectifier.slope), constant(rectifier.offset))
    return try choose(try isLess(operand, than: rectifier.threshold), below, above)
  }

  private func constant(_ value: Int128) -> DiagramWord {
    DecisionDiagrams.constant(value, width: Interval(min(value, 0), max(value, 0)).width + 1)
  }

  private mutating func choose(
    _ condition: DecisionDiagrams.Function, _ then: DiagramWord, _ otherwise: DiagramWord
  ) throws(LimitExceeded) -> DiagramWord {
    let width = max(then.count, otherwise.count)
    return try diagrams.choose(
      condition, DecisionDiagrams.resized(then, width), DecisionDiagrams.resized(otherwise, width))
  }

  private mutating func add(_ a: DiagramWord, _ b: DiagramWord) throws(LimitExceeded) -> DiagramWord {
    let width = max(a.count, b.count) + 1
    return try diagrams.add(DecisionDiagrams.resized(a, width), DecisionDiagrams.resized(b, width))
  }

  private mutating func lookup(_ node: Int, _ table: Int, _ operand: DiagramWord) throws(LimitExceeded)
    -> DiagramWord
  {
    guard case .map(let map) = graph.nodes[node].primitive, case .tables(let tables, _) = map.form else {
      throw LimitExceeded()
    }
    let entries = tables[table].entries
    return try tabulated(operand, first: Int128(tables[table].first), entries.map { Int128($0) })
  }

  /// The entry for operand − first; anything outside the table.
  private mutating func tabulated(
    _ operand: DiagramWord, first: Int128, _ entries: [Int128]
  ) throws(LimitExceeded) -> DiagramWord {
    let width = Interval(min(entries.min() ?? 0, 0), max(entries.max() ?? 0, 0)).width + 1
    let indexWidth = Interval(0, Int128(entries.count)).width
    let offset = try add(operand, constant(-first))
    let index = Array(DecisionDiagrams.resized(offset, indexWidth)[..<indexWidth])
    return try diagrams.lookup(index, width: width) { position in
      DecisionDiagrams.constant(position < entries.count ? entries[position] : 0, width: width)
    }
  }

  // MARK: - Quantizers

  private mutating func quantized(
    _ quantizer: ElementQuantizer, _ range: Interval, _ operand: DiagramWord
  ) throws(LimitExceeded) -> DiagramWord {
    switch quantizer {
    case .fixed(let type, let unit) where unit.factor == .one:
      if type.width == 0 { return constant(0) }
      let shift = type.exponent - unit.exponent
      guard shift.magnitude < 120 else { throw LimitExceeded() }
      let rounded =
        shift <= 0
        ? Array(repeating: DecisionDiagrams.never, count: -shift) + operand
        : try rounded(operand, shift, type.rounding)
      return try reduced(rounded, type)
    case .steps(let thresholds, let levels):
      var result = constant(levels[0])
      for (threshold, level) in zip(thresholds, levels.dropFirst()) {
        result = try choose(try isLess(operand, than: threshold), result, constant(level))
      }
      return result
    case .fixed:
      // Scales that are no powers of two: the quantizer itself, for every operand, unless trying all is less work.
      guard let count = range.count, count <= 1 << 10 else { throw LimitExceeded() }
      var entries: [Int128] = []
      for index in 0..<count {
        guard let entry = try? quantizer.apply(range.lower + Int128(index)) else { throw LimitExceeded() }
        entries.append(entry)
      }
      return try tabulated(operand, first: range.lower, entries)
    }
  }

  /// operand / 2^count rounded to an integer.
  private mutating func rounded(
    _ operand: DiagramWord, _ count: Int, _ rounding: Rounding
  ) throws(LimitExceeded) -> DiagramWord {
    let wide = DecisionDiagrams.resized(operand, max(operand.count, count + 1))
    let floor = Array(wide[count...])
    let (half, sign) = (wide[count - 1], wide[wide.count - 1])
    let rest = try diagrams.reduce(.or, Array(wide[..<(count - 1)]))
    let isPositive = try diagrams.not(sign)
    let up: DecisionDiagrams.Function
    switch rounding {
    case .trn: return floor
    case .trnZero: up = try diagrams.and(sign, diagrams.or(half, rest))
    case .rnd: up = half
    case .rndMinInf: up = try diagrams.and(half, rest)
    case .rndInf: up = try diagrams.and(half, diagrams.or(rest, isPositive))
    case .rndZero: up = try diagrams.and(half, diagrams.or(rest, sign))
    case .rndConv: up = try diagrams.and(half, diagrams.or(rest, floor[0]))
    }
    return try add(floor, [up, DecisionDiagrams.never])
  }

  /// The integer brought into a type's range.
  private mutating func reduced(_ word: DiagramWord, _ type: FixedType) throws(LimitExceeded) -> DiagramWord {
    let range = type.reachableRange
    if type.overflow == .wrap {
      let low = DecisionDiagrams.resized(word, type.width)
      return type.isSigned ? low : low + [DecisionDiagrams.never]
    }
    let isZeroing = type.overflow == .satZero
    let isLow = try isLess(word, than: range.lower)
    let isNotHigh = try isLess(word, than: range.upper + 1)
    let bounded = try choose(isNotHigh, word, constant(isZeroing ? 0 : range.upper))
    return try choose(isLow, constant(isZeroing ? 0 : range.lower), bounded)
  }
}
