import Circuit
import FixedPoint

/// The resources of single operations.
///
/// Bits of bitwise logic that only one other piece of bitwise logic reads are counted with their reader as long as
/// both fit one look-up table.
struct OperationCosts {
  let circuit: Circuit
  let part: Part
  private var tableCosts: [Int?]
  /// For bitwise logic, the inputs of the look-up table of each of its bits; 0 for all else.
  private var supports: [Int]
  /// Bits whose only reader absorbs them.
  private var absorbedBits: [Int]
  /// For comparisons of a variable with a constant, how many there are of that variable so far.
  private var comparisons: [Int]

  init(_ circuit: Circuit, part: Part) {
    self.circuit = circuit
    self.part = part
    tableCosts = circuit.tables.map { _ in nil }
    supports = []
    absorbedBits = []
    comparisons = []
    packLogic()
  }

  /// How often each value is used; slices that share no bit are one use together.
  private func uses() -> [Int] {
    var uses = [Int](repeating: 0, count: circuit.operations.count)
    var slices = [[Range<Int>]](repeating: [], count: uses.count)
    for value in circuit.values {
      if case .slice(let operand, let low) = circuit[value].kind {
        slices[operand.index].append(low..<low + circuit[value].format.width)
      } else {
        for operand in circuit[value].kind.operands { uses[operand.index] += 1 }
      }
    }
    for port in circuit.outputs { for element in port.elements { uses[element.value.index] += 1 } }
    for (index, ranges) in slices.enumerated() where !ranges.isEmpty {
      let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
      let areDisjoint = zip(sorted, sorted.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }
      uses[index] += areDisjoint ? 1 : ranges.count
    }
    return uses
  }

  /// Finds the logic that its only reader absorbs.
  private mutating func packLogic() {
    let uses = uses()
    supports = uses.map { _ in 0 }
    absorbedBits = supports
    comparisons = supports
    var counts: [Value: Int] = [:]
    for value in circuit.values {
      switch circuit[value].kind {
      case .select, .bitwise: supports[value.index] = support(of: value, uses)
      case .reduce(_, let operand):
        let (width, inner) = (circuit[operand].format.width, supports[operand.index])
        supports[value.index] = width
        // All bits of the operand are of one function, whose other inputs they have in common.
        if inner > 0, uses[operand.index] == 1, width + inner - 1 <= part.lutInputs {
          supports[value.index] = width + inner - 1
          absorb(operand)
        }
      case .compare:
        guard let bits = decidingBits(value) else { continue }
        // A comparison that fits one table may go into its user's.
        if bits <= part.lutInputs { supports[value.index] = bits }
        for operand in circuit[value].kind.operands where !circuit[operand].format.range.isConstant {
          counts[operand, default: 0] += 1
          comparisons[value.index] = counts[operand, default: 0]
        }
      case .slice(let operand, _):
        // A wire passes its operand's logic on.
        if uses[operand.index] == 1 { supports[value.index] = supports[operand.index] }
      default: break
      }
    }
  }

  /// The inputs of one bit of a selection or of bitwise logic, with those of the operands that it absorbs.
  private mutating func support(of value: Value, _ uses: [Int]) -> Int {
    let operands = circuit[value].kind.operands
    let distinct = operands.indices.filter { index in
      !operands[..<index].contains(operands[index]) && !circuit[operands[index]].format.range.isConstant
    }
    var support = distinct.count
    // Multiplexers of one condition have it in common: four ways and two conditions are one table.
    var conditions: Set<Value> = []
    for index in distinct {
      let operand = operands[index]
      let condition = condition(of: operand)
      let isCommon = condition.map { conditions.contains($0) } ?? false
      let inner = supports[operand.index] - (isCommon ? 1 : 0)
      // A condition is one bit for all bits of the result: in each only the smallest logic is repeated.
      let isShared = index == 0 && isSelect(value) && circuit[value].format.width > 1
      guard inner > 0, uses[operand.index] == 1, !isShared || inner <= 2,
        support - 1 + inner <= part.lutInputs
      else { continue }
      support += inner - 1
      absorb(operand)
      if let condition { conditions.insert(condition) }
    }
    return support
  }

  private func isSelect(_ value: Value) -> Bool { condition(of: value) != nil }

  /// The condition of a selection.
  private func condition(of value: Value) -> Value? {
    if case .select(let condition, _, _) = circuit[value].kind { return condition }
    return nil
  }

  private mutating func absorb(_ value: Value) {
    var source = value
    while case .slice(let operand, _) = circuit[source].kind { source = operand }
    absorbedBits[source.index] += circuit[value].format.width
  }

  /// The resources of one operation.
  mutating func resources(of value: Value) -> Resources {
    let operation = circuit[value]
    let width = operation.format.width
    if width == 0 { return Resources() }
    switch operation.kind {
    case .input, .constant, .slice: return Resources()
    case .sum(let terms): return sum(terms, width: width)
    case .multiply(let a, let b): return product(a, b, width: width)
    case .compare(let relation, let a, let b):
      return absorbedBits[value.index] > 0 ? Resources() : compare(value, relation, a, b)
    case .select, .bitwise:
      if supports[value.index] < 2 && !isSelect(value) { return Resources() }
      return Resources(lut: max(0, width - absorbedBits[value.index]) * tables(supports[value.index]))
    case .lookup(let operand, let table): return Resources(lut: lookup(operand, table))
    case .reduce:
      return absorbedBits[value.index] > 0 ? Resources() : Resources(lut: tables(supports[value.index]))
    case .register: return Resources(ff: width)
    }
  }

  /// Look-up tables of a one-bit function of so many inputs that is a tree of associative steps.
  private func tables(_ inputs: Int) -> Int {
    inputs <= 1 ? inputs : max(1, (inputs - 2) / (part.lutInputs - 1) + 1)
  }
}

extension OperationCosts {
  /// Adders of two terms, or of three where the part has them, until one is left.
  private func sum(_ terms: [Term], width: Int) -> Resources {
    var terms = terms.map { Summand($0, circuit[$0.value].format.range) }
    var resources = Resources()
    if terms.count == 1 {
      if terms[0].isNegative { resources += negation(terms[0], width: width) }
      return resources
    }
    if terms.count == 3 && part.hasTernaryAdders {
      let start = min(width, Summand.ternaryStart(terms))
      return Resources(lut: width - start, carryBits: width - start)
    }
    // A positive term first, so that there is something to subtract from.
    if let first = terms.firstIndex(where: { !$0.isNegative }) { terms.swapAt(0, first) }
    if terms[0].isNegative {
      resources += negation(terms[0], width: width)
      terms[0].isNegative = false
    }
    var total = terms[0]
    for (number, term) in terms.dropFirst().enumerated() {
      let isLast = number == terms.count - 2
      let bits = isLast ? width : min(width, max(total.end, term.end) + 1)
      resources += adder(total, term, width: bits)
      total = Summand(low: min(total.low, term.low), end: bits, isSigned: true)
    }
    return resources
  }

  private func negation(_ term: Summand, width: Int) -> Resources {
    let bits = max(0, width - term.low)
    return Resources(lut: min(bits, term.end - term.low), carryBits: bits)
  }

  /// A carry chain from the first bit at which both operands may be set, or a negated one begins.
  private func adder(_ a: Summand, _ b: Summand, width: Int) -> Resources {
    let lowest = a.low <= b.low ? a : b
    let start = lowest.isNegative ? lowest.low : max(a.low, b.low)
    // Operands that share no bit are wires side by side.
    if !a.isNegative && !b.isNegative && (a.end <= b.low && !a.isSigned || b.end <= a.low && !b.isSigned) {
      return Resources()
    }
    if start >= width { return Resources() }
    var tables = 0
    var hasBothSigns = false
    for bit in start..<width {
      switch (a.bit(bit), b.bit(bit)) {
      case (.sign, .sign):
        // Sign over sign is the same table for every bit from here.
        if !hasBothSigns { tables += 1 }
        hasBothSigns = true
      case (.zero, .zero), (.zero, .one), (.one, .zero), (.one, .one): break
      // A set or negated bit of nothing else is an inverter; a bit alone enters the chain as it is.
      case (.variable, .zero), (.sign, .zero): tables += b.isNegative ? 1 : 0
      case (.zero, .variable), (.zero, .sign): tables += b.isNegative ? 1 : 0
      case (.variable, .one), (.sign, .one), (.one, .variable), (.one, .sign): tables += 1
      default: tables += 1
      }
    }
    return Resources(lut: tables, carryBits: width - start)
  }

  private func product(_ a: Value, _ b: Value, width: Int) -> Resources {
    let widths = [a, b].map { circuit[$0].format.width }
    guard let block = part.multiplier,
      Products(part: part).usesMultiplier(widths[0], widths[1], product: width)
    else {
      let cells = widths[0] * widths[1]
      return Resources(lut: cells, carryBits: cells)
    }
    // The blocks' operands are signed: an unsigned one needs a bit more.
    let signed = [a, b].map { circuit[$0].format.width + (circuit[$0].format.isSigned ? 0 : 1) }
    let (wide, narrow) = (signed.max() ?? 0, signed.min() ?? 0)
    let blocks = ((wide - 2) / (block.wide - 1) + 1) * ((narrow - 2) / (block.narrow - 1) + 1)
    return Resources(dsp: blocks)
  }

  private func compare(_ value: Value, _ relation: Relation, _ a: Value, _ b: Value) -> Resources {
    let ranges = [a, b].map { circuit[$0].format.range }
    let width = max(ranges[0].width, ranges[1].width)
    if relation == .equal || relation == .notEqual {
      return Resources(lut: tables(ranges.contains(where: \.isConstant) ? width : 2 * width))
    }
    if relation == .less && ranges[1] == .zero || relation == .lessOrEqual && ranges[0] == .zero {
      return Resources()
    }
    if let bits = decidingBits(value) {
      let tables = tables(bits)
      let number = comparisons[value.index]
      // Many comparisons of a variable have gates in common. Measured on forests of 8-bit features in 9 to 12 bits: 1.6
      // tables each, whatever the width.
      return Resources(lut: number <= 2 ? tables : min(tables, number % 3 == 0 ? 1 : 2))
    }
    return Resources(lut: width, carryBits: width)
  }

  /// Of a comparison of order with a constant the bits that decide it: those from the constant's lowest one up. They
  /// are a chain of gates, no carry chain. Nil for any other operation.
  private func decidingBits(_ value: Value) -> Int? {
    guard case .compare(let relation, let a, let b) = circuit[value].kind,
      relation == .less || relation == .lessOrEqual
    else { return nil }
    let ranges = [a, b].map { circuit[$0].format.range }
    guard let constant = ranges.firstIndex(where: \.isConstant), !ranges[1 - constant].isConstant else {
      return nil
    }
    let variable = ranges[1 - constant]
    // x < c, or the opposite of it: x ≤ c is x < c + 1, c < x is the opposite of x < c + 1.
    let bound = ranges[constant].lower + ((relation == .less) == (constant == 1) ? 0 : 1)
    let pattern = variable.isSigned ? bound ^ (Int128(1) << Int128(variable.width - 1)) : bound
    return max(1, variable.width - min(pattern.trailingZeroBitCount, variable.width))
  }

  private mutating func lookup(_ operand: Value, _ table: Int) -> Int {
    if let known = tableCosts[table] { return known }
    let cost = TableCost(
      circuit.tables[table], operand: circuit[operand].format.range, inputs: part.lutInputs)
    let tables = cost.tables()
    tableCosts[table] = tables
    return tables
  }
}

/// One term of a sum as the bits that it sets.
struct Summand {
  var low: Int
  /// The first bit above the term's own.
  var end: Int
  var isSigned: Bool
  var isNegative = false
  /// The bits of a constant.
  var constant: Int128?

  enum Bit { case zero, one, variable, sign }

  init(low: Int, end: Int, isSigned: Bool) {
    self.low = low
    self.end = end
    self.isSigned = isSigned
  }

  init(_ term: Term, _ range: Interval) {
    low = term.shift
    end = term.shift + range.width
    isSigned = range.isSigned
    isNegative = term.isNegative
    if range.isConstant {
      // A constant is added, never subtracted.
      let value = (term.isNegative ? -range.lower : range.lower) << Int128(term.shift)
      constant = value
      isNegative = false
      low = value == 0 ? 0 : value.trailingZeroBitCount
      isSigned = value < 0
    }
  }

  func bit(_ index: Int) -> Bit {
    if let constant { return constant >> Int128(min(index, 126)) & 1 == 1 ? .one : .zero }
    if index < low { return .zero }
    if index < end - (isSigned ? 1 : 0) { return .variable }
    return isSigned ? .sign : .zero
  }

  /// Where the chain of a ternary adder begins: below, at most one term may be set.
  static func ternaryStart(_ terms: [Summand]) -> Int {
    let lows = terms.map(\.low).sorted()
    let lowestIsNegative = terms.contains { $0.low == lows[0] && $0.isNegative }
    return lowestIsNegative ? lows[0] : lows[1]
  }
}
