import Circuit
import FixedPoint

extension ModulePrinter {
  /// A relation of two values. Against a constant it is a few gates (one AND or OR for each run of equal bits of the
  /// constant); between variables a comparison of unsigned vectors, signs inverted.
  mutating func comparison(_ relation: Relation, _ a: Value, _ b: Value) -> String {
    let outcome = relation.outcome(circuit[a].format.range, circuit[b].format.range)
    if outcome.isConstant { return BitPattern.literal(outcome.lower, width: 1) }
    if a == b { return relation.holds(0, 0) ? "1'd1" : "1'd0" }
    switch relation {
    case .equal, .notEqual: return equality(a, b, relation == .equal ? "==" : "!=")
    case .less, .lessOrEqual: break
    }
    let isStrict = relation == .less
    if let bound = constant(b) { return less(a, than: isStrict ? bound : bound + 1, opposite: false) }
    if let bound = constant(a) { return less(b, than: isStrict ? bound + 1 : bound, opposite: true) }
    let width = commonWidth(a, b)
    let operands = [a, b].map { ordered($0, width: width, isSigned: isSigned(a, b)) }
    return operands.joined(separator: isStrict ? " < " : " <= ")
  }

  private func isSigned(_ a: Value, _ b: Value) -> Bool {
    circuit[a].format.isSigned || circuit[b].format.isSigned
  }

  /// Bits that hold both values in one signedness.
  private func commonWidth(_ a: Value, _ b: Value) -> Int {
    let range = circuit[a].format.range.union(circuit[b].format.range)
    return range.width
  }

  private mutating func equality(_ a: Value, _ b: Value, _ sign: String) -> String {
    let (variable, other) = constant(a) == nil ? (a, b) : (b, a)
    if let bound = constant(other) {
      let width = width(variable)
      return "\(text(variable, width: width)) \(sign) \(BitPattern.literal(bound, width: width))"
    }
    let width = commonWidth(a, b)
    return "\(text(a, width: width)) \(sign) \(text(b, width: width))"
  }

  /// The value as an unsigned vector of the same order: the sign bit inverted where there is one.
  private mutating func ordered(_ value: Value, width: Int, isSigned: Bool) -> String {
    guard isSigned else { return text(value, width: width) }
    var result = bits(value, low: 0, count: width - 1)
    if circuit[value].format.isSigned {
      result.append(expression: "~\(bits(value, low: width - 1, count: 1).text)", width: 1)
    } else {
      result.append(constant: 1, width: 1)
    }
    return result.text
  }

  /// value < bound, or its opposite, from the highest bit down: where the bound has a run of ones, a zero in it
  /// decides for less; where it has zeros, a one decides against. Below the bound's lowest one nothing is less.
  ///
  /// - Requires: the value's range has integers on both sides, so that the bound fits its width.
  private mutating func less(_ value: Value, than bound: Int128, opposite: Bool) -> String {
    let width = width(value)
    let isSigned = circuit[value].format.isSigned
    // The order of an unsigned vector: sign bits count inverted.
    let pattern = isSigned ? bound ^ (Int128(1) << Int128(width - 1)) : bound
    func bit(_ index: Int) -> Bool { pattern >> Int128(index) & 1 == 1 }
    var text = ""
    var low = pattern.trailingZeroBitCount
    while low < width {
      let isOne = bit(low)
      var high = low
      while high + 1 < width && bit(high + 1) == isOne && !(isSigned && high + 1 == width - 1) { high += 1 }
      let run = bits(value, low: low, count: high - low + 1).text
      let gate = decision(
        run, isOne: isOne, isSingle: high == low, isSign: isSigned && high == width - 1, opposite)
      let rest = text.contains(" ") ? "(\(text))" : text
      text = text.isEmpty ? gate : "\(gate) \(isOne == opposite ? "&" : "|") \(rest)"
      low = high + 1
    }
    return text
  }

  /// What a run of the value's bits says: for ones in the bound whether one of them is 0, for zeros whether all are 0.
  private func decision(
    _ run: String, isOne: Bool, isSingle: Bool, isSign: Bool, _ opposite: Bool
  ) -> String {
    if isSingle { return isSign == opposite ? "~\(run)" : run }
    return "\(opposite ? "" : "~")\(isOne ? "&" : "|")\(run)"
  }
}
