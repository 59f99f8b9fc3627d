import FixedPoint

/// Computes no bits that nobody reads: sums and products of which only low bits are kept are made of their operands'
/// low bits; selections of which only high bits are kept, and sums where one term alone reaches below those, are made
/// of the operands' high bits.
public struct DemandedBits: CircuitPass {
  public static let name = "demand"

  public init() {}

  public func run(_ circuit: Circuit) -> Circuit? {
    // Operations that nobody reads would be made of operands that lack the bits that they read.
    let live = DeadCodeElimination().run(circuit)
    return rewrite(live ?? circuit) ?? live
  }

  private func rewrite(_ circuit: Circuit) -> Circuit? {
    let demand = Demand(circuit)
    let uses = circuit.useCounts
    // The bits that an operation's new value lacks at its lower end.
    var dropped = circuit.operations.map { _ in 0 }
    // Whether the new value is the old one, not only equal to it in the bits that are read.
    var isExact = circuit.operations.map { _ in true }
    return CircuitRewriter.run(circuit) { rewriter, value throws(WidthOverflow) in
      let operation = circuit[value]
      if case .slice(let operand, let low) = operation.kind {
        isExact[value.index] =
          isExact[operand.index] || demand.bits[value.index].map { $0 >= operation.format.width } ?? true
        let slice = Operation.Kind.slice(rewriter[operand], low: low - dropped[operand.index])
        return try rewriter.make(slice, like: operation)
      }
      let hasExactOperands = operation.kind.operands.allSatisfy { isExact[$0.index] }
      let low = demand.low[value.index]
      if case .sum(let terms) = operation.kind, low > 0, hasExactOperands,
        let upper = rewriter.upperPart(of: terms, from: low)
      {
        dropped[value.index] = low
        let range = operation.format.range
        return try rewriter.builder.sum(
          upper, range: Interval(range.lower >> Int128(low), range.upper >> Int128(low)),
          exponent: operation.format.exponent + low, origin: operation.origin)
      }
      if case .select(let condition, let ifTrue, let ifFalse) = operation.kind, low > 0, hasExactOperands {
        dropped[value.index] = low
        let branches = [ifTrue, ifFalse].map {
          rewriter.builder.slice(rewriter[$0], low: low, origin: operation.origin)
        }
        let range = operation.format.range
        return rewriter.builder.select(
          rewriter.condition(condition, of: (ifTrue, ifFalse), becoming: branches, uses), branches[0],
          branches[1],
          range: Interval(range.lower >> Int128(low), range.upper >> Int128(low)), origin: operation.origin)
      }
      guard let bits = demand.bits[value.index], bits < operation.format.width || !hasExactOperands,
        let lower = try rewriter.lowerPart(of: operation, bits: bits)
      else { return try rewriter.copy(value) }
      if hasExactOperands && rewriter.builder.range(lower).width >= operation.format.width {
        return try rewriter.copy(value)
      }
      isExact[value.index] = bits >= operation.format.width
      return lower
    }.map { DeadCodeElimination().run($0) ?? $0 }
  }
}

/// Which bits of each operation are read.
private struct Demand {
  /// The count of low bits that matter, nil where the value as a whole does.
  var bits: [Int?]
  /// The least bit that any user reads.
  var low: [Int]

  init(_ circuit: Circuit) {
    // Int.max stands for the value as a whole, -1 for no user yet.
    var bits = circuit.operations.map { _ in -1 }
    var low = circuit.operations.map { _ in Int.max }
    func read(_ value: Value, _ count: Int, from start: Int = 0) {
      bits[value.index] = max(bits[value.index], count)
      low[value.index] = min(low[value.index], start)
    }
    for port in circuit.outputs { for element in port.elements { read(element.value, .max) } }
    for value in circuit.values.reversed() where bits[value.index] >= 0 {
      let operation = circuit[value]
      let needed = bits[value.index]
      switch operation.kind {
      case .slice(let operand, let start):
        let range = circuit[operand].format.range
        let whole = Interval(range.lower >> Int128(start), range.upper >> Int128(start))
        let isWrapped = !operation.format.range.contains(whole)
        let kept = isWrapped ? min(needed, operation.format.width) : needed
        read(operand, kept == .max ? .max : kept + start, from: start)
      case .sum(let terms):
        for term in terms { read(term.value, needed == .max ? .max : max(0, needed - term.shift)) }
      case .multiply(let a, let b):
        read(a, needed)
        read(b, needed)
      case .select(let condition, let ifTrue, let ifFalse):
        read(condition, .max)
        read(ifTrue, needed)
        read(ifFalse, needed)
      case .input, .constant, .compare, .lookup, .bitwise, .reduce, .register:
        for operand in operation.kind.operands { read(operand, .max) }
      }
    }
    self.bits = bits.map { $0 == .max || $0 < 0 ? nil : $0 }
    self.low = low.map { $0 == .max ? 0 : $0 }
  }
}

extension CircuitRewriter {
  /// The low bits of an operand's new value, as an integer of that many bits.
  fileprivate mutating func cut(_ operand: Value, to bits: Int, _ operation: Operation) -> Value {
    let value = self[operand]
    let range = builder.range(value)
    if bits <= 0 || range.width <= bits || range.isConstant { return value }
    return builder.slice(
      value, low: 0, range: lowBits(bits, isSigned: range.isSigned), origin: operation.origin)
  }

  private func lowBits(_ bits: Int, isSigned: Bool) -> Interval {
    let top = Int128(1) << Int128(isSigned ? bits - 1 : bits)
    return Interval(isSigned ? -top : 0, top - 1)
  }

  /// The condition of a selection of which the branches' high bits are left. That of a maximum or minimum, if it is for
  /// nothing else, compares them alone: where they are equal, either will do.
  fileprivate mutating func condition(
    _ condition: Value, of branches: (Value, Value), becoming new: [Value], _ uses: [Int]
  ) -> Value {
    guard uses[condition.index] == 1, case .compare(let relation, let a, let b) = circuit[condition].kind,
      relation == .less || relation == .lessOrEqual
    else { return self[condition] }
    let origin = circuit[condition].origin
    if (a, b) == branches { return builder.compare(relation, new[0], new[1], origin: origin) }
    if (b, a) == branches { return builder.compare(relation, new[1], new[0], origin: origin) }
    return self[condition]
  }

  /// The result modulo 2^bits, made of operands modulo 2^bits; the result itself where it has no more bits. Nil for
  /// operations of which low bits take all bits of the operands.
  fileprivate mutating func lowerPart(of operation: Operation, bits: Int) throws(WidthOverflow) -> Value? {
    let (origin, exponent) = (operation.origin, operation.format.exponent)
    let result: Value
    switch operation.kind {
    case .sum(let terms):
      let lowTerms = terms.filter { $0.shift < bits }.map { term in
        let operand = cut(term.value, to: bits - term.shift, operation)
        return Term(operand, shift: term.shift, isNegative: term.isNegative)
      }
      result = try builder.sum(lowTerms, exponent: exponent, origin: origin)
    case .multiply(let a, let b):
      result = try builder.multiply(cut(a, to: bits, operation), cut(b, to: bits, operation), origin: origin)
    case .select(let condition, let ifTrue, let ifFalse):
      let branches = [ifTrue, ifFalse].map { cut($0, to: bits, operation) }
      result = builder.select(self[condition], branches[0], branches[1], origin: origin)
    default: return nil
    }
    if bits == 0 { return builder.constant(0, exponent: exponent, origin: origin) }
    let range = operation.format.range
    let target = bits >= range.width ? range : lowBits(bits, isSigned: range.isSigned)
    return builder.slice(result, low: 0, range: target, origin: origin)
  }

  /// The terms without their bits below `low`, if only one, and that an added one, has any.
  fileprivate mutating func upperPart(of terms: [Term], from low: Int) -> [Term]? {
    let reaching = terms.filter { $0.shift < low }
    guard terms.count > 1, reaching.count <= 1, !(reaching.first?.isNegative ?? false) else { return nil }
    return terms.map { term in
      let value = self[term.value]
      if term.shift >= low { return Term(value, shift: term.shift - low, isNegative: term.isNegative) }
      let rest = builder.slice(value, low: low - term.shift, origin: circuit[term.value].origin)
      return Term(rest)
    }
  }
}
