import FixedPoint

/// Replaces operations by simpler ones of the same value: constants folded, wires through wires shortened, sums,
/// products, bit logic, comparisons and selections with known operands resolved.
public struct Simplification: CircuitPass {
  public static let name = "simplify"

  public init() {}

  public func run(_ circuit: Circuit) -> Circuit? {
    CircuitRewriter.run(circuit) { rewriter, value throws(WidthOverflow) in
      let operation = circuit[value]
      switch operation.kind {
      case .sum(let terms): return try rewriter.simplifiedSum(terms, operation)
      case .multiply(let a, let b): return try rewriter.simplifiedProduct(a, b, operation)
      case .slice(let operand, let low): return try rewriter.simplifiedSlice(operand, low, operation)
      case .compare(let relation, let a, let b):
        return try rewriter.simplifiedCompare(relation, a, b, operation)
      case .select(let condition, let ifTrue, let ifFalse):
        return try rewriter.simplifiedSelect(condition, ifTrue, ifFalse, operation)
      case .bitwise(let kind, let operands): return try rewriter.simplifiedLogic(kind, operands, operation)
      case .lookup(let operand, let table):
        let contents = circuit.tables[table]
        let isIdentity = contents.entries.enumerated().allSatisfy { $1 == contents.first + Int128($0) }
        return isIdentity ? rewriter[operand] : try rewriter.copy(value)
      case .input, .constant, .reduce, .register: return try rewriter.copy(value)
      }
    }
  }
}

extension CircuitRewriter {
  /// Sums of one shifted term are wires: their users take the term itself. Equal terms of opposite sign cancel, of
  /// equal sign they are one term doubled.
  fileprivate mutating func simplifiedSum(_ terms: [Term], _ operation: Operation) throws(WidthOverflow)
    -> Value
  {
    var result: [Term] = []
    for term in terms {
      var term = Term(self[term.value], shift: term.shift, isNegative: term.isNegative)
      while case .sum(let inner) = builder[term.value].kind, inner.count == 1,
        term.shift + inner[0].shift <= Interval.maximumBits
      {
        term = Term(
          inner[0].value, shift: term.shift + inner[0].shift,
          isNegative: term.isNegative != inner[0].isNegative)
      }
      add(term, to: &result)
    }
    if result.isEmpty {
      return builder.constant(0, exponent: operation.format.exponent, origin: operation.origin)
    }
    return try make(.sum(result), like: operation)
  }

  private func add(_ term: Term, to terms: inout [Term]) {
    guard let index = terms.firstIndex(where: { $0.value == term.value && $0.shift == term.shift }) else {
      terms.append(term)
      return
    }
    let known = terms.remove(at: index)
    if known.isNegative == term.isNegative && term.shift < Interval.maximumBits {
      add(Term(term.value, shift: term.shift + 1, isNegative: term.isNegative), to: &terms)
    } else if known.isNegative == term.isNegative {
      terms += [known, term]
    }
  }

  /// A product with ±2^k is a shift.
  fileprivate mutating func simplifiedProduct(
    _ a: Value, _ b: Value, _ operation: Operation
  ) throws(WidthOverflow) -> Value {
    for (factor, other) in [(self[a], self[b]), (self[b], self[a])] {
      guard let constant = builder.constantValue(factor), constant.magnitude.nonzeroBitCount == 1 else {
        continue
      }
      let term = Term(other, shift: constant.trailingZeroBitCount, isNegative: constant < 0)
      return try make(.sum([term]), like: operation)
    }
    return try make(.multiply(self[a], self[b]), like: operation)
  }

  /// A slice of a slice that keeps all that is asked for, or of a shift, is a slice of the operand.
  fileprivate mutating func simplifiedSlice(
    _ operand: Value, _ low: Int, _ operation: Operation
  ) throws(WidthOverflow) -> Value {
    let (value, range) = (self[operand], operation.format.range)
    switch builder[value].kind {
    case .slice(let inner, let innerLow) where low + innerLow <= Interval.maximumBits:
      let kept = builder.range(value)
      let source = builder.range(inner)
      let whole = Interval(source.lower >> Int128(innerLow), source.upper >> Int128(innerLow))
      if kept.contains(whole) || low + range.width <= kept.width {
        return builder.slice(inner, low: low + innerLow, range: range, origin: operation.origin)
      }
    case .sum(let terms) where terms.count == 1 && !terms[0].isNegative && terms[0].shift > 0:
      let term = terms[0]
      if low >= term.shift {
        return builder.slice(term.value, low: low - term.shift, range: range, origin: operation.origin)
      }
    default: break
    }
    return try make(.slice(value, low: low), like: operation)
  }

  /// A bit compared with 0 or 1 is the bit or its complement; being less than 0 is the sign bit, a wire.
  fileprivate mutating func simplifiedCompare(
    _ relation: Relation, _ a: Value, _ b: Value, _ operation: Operation
  ) throws(WidthOverflow) -> Value {
    let (left, right) = (self[a], self[b])
    if left == right { return builder.constant(relation.holds(0, 0) ? 1 : 0, origin: operation.origin) }
    if relation == .less && builder.constantValue(right) == 0 && builder.range(left).lower < 0 {
      let sign = builder.range(left).width - 1
      return builder.slice(left, low: sign, range: .bit, origin: operation.origin)
    }
    for (bit, other, isLeft) in [(left, right, true), (right, left, false)] {
      guard builder.range(bit) == .bit, let constant = builder.constantValue(other) else { continue }
      let outcomes = [Int128(0), 1].map {
        isLeft ? relation.holds($0, constant) : relation.holds(constant, $0)
      }
      switch (outcomes[0], outcomes[1]) {
      case (false, true): return bit
      case (true, false): return complement(bit, origin: operation.origin)
      case (let same, _): return builder.constant(same ? 1 : 0, origin: operation.origin)
      }
    }
    return try make(.compare(relation, left, right), like: operation)
  }

  private mutating func complement(_ bit: Value, origin: Int) -> Value {
    builder.bitwise(.xor, [bit, builder.constant(1, origin: origin)], origin: origin)
  }

  /// The bit of which a value is the complement, or nil.
  private func complemented(_ value: Value) -> Value? {
    guard case .bitwise(.xor, let operands) = builder[value].kind, operands.count == 2 else { return nil }
    for (bit, one) in [(operands[0], operands[1]), (operands[1], operands[0])]
    where builder.range(bit) == .bit && builder.constantValue(one) == 1 { return bit }
    return nil
  }

  /// 1 or 0 by a condition is the condition; a complemented condition is the plain one with the branches exchanged.
  fileprivate mutating func simplifiedSelect(
    _ condition: Value, _ ifTrue: Value, _ ifFalse: Value, _ operation: Operation
  ) throws(WidthOverflow) -> Value {
    var (condition, ifTrue, ifFalse) = (self[condition], self[ifTrue], self[ifFalse])
    if let bit = complemented(condition) { (condition, ifTrue, ifFalse) = (bit, ifFalse, ifTrue) }
    switch (builder.constantValue(ifTrue), builder.constantValue(ifFalse)) {
    case (1, 0) where builder.range(condition) == .bit: return condition
    case (0, 1) where builder.range(condition) == .bit: return complement(condition, origin: operation.origin)
    default: break
    }
    // The same condition inside a branch is decided there.
    if case .select(condition, let inner, _) = builder[ifTrue].kind { ifTrue = inner }
    if case .select(condition, _, let inner) = builder[ifFalse].kind { ifFalse = inner }
    return try make(.select(condition: condition, ifTrue: ifTrue, ifFalse: ifFalse), like: operation)
  }

  /// Zeros, ones over the whole width and repeated operands drop out.
  fileprivate mutating func simplifiedLogic(
    _ kind: Bitwise, _ operands: [Value], _ operation: Operation
  ) throws(WidthOverflow) -> Value {
    var constant: Int128?
    var variable: [Value] = []
    for operand in operands.map({ self[$0] }) {
      if let known = builder.constantValue(operand) {
        constant = constant.map { kind.apply($0, known) } ?? known
      } else if let index = variable.firstIndex(of: operand) {
        if kind == .xor { variable.remove(at: index) }
      } else {
        variable.append(operand)
      }
    }
    let width = variable.map { builder.range($0).width }.max() ?? 0
    let ones = (Int128(1) << Int128(width)) - 1
    if let known = constant {
      if variable.isEmpty || kind == .and && known == 0 {
        return builder.constant(known, exponent: operation.format.exponent, origin: operation.origin)
      }
      let isNeutral = kind == .and ? known & ones == ones : known == 0
      if !isNeutral { variable.append(builder.constant(known, origin: operation.origin)) }
    }
    if variable.isEmpty {
      return builder.constant(0, exponent: operation.format.exponent, origin: operation.origin)
    }
    return try make(.bitwise(kind, variable), like: operation)
  }
}
