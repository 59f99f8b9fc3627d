import FixedPoint

/// Makes a circuit operation by operation: computes intervals, folds what is constant or trivial, and makes equal
/// operations once.
///
/// Every method returns the value that stands for the result, which is not always a new operation. Ranges given by
/// the client (from affine analysis, say) narrow the computed ones; both must be sound, so that the result is their
/// intersection. Exponents are for ports and reports only: the default is the operands' smallest.
public struct CircuitBuilder: Sendable {
  /// The circuit so far.
  public private(set) var circuit: Circuit
  /// What `Operation.instance` is for operations made from now on.
  public var instance = 0
  private var lastInstance = 0
  private var existing: [Operation: Value] = [:]
  private var knownTables: [TableContents: Int] = [:]
  private var knownOrigins: [String: Int] = [:]

  /// What makes two tables interchangeable: all but their names.
  private struct TableContents: Hashable {
    var first: Int128
    var entries: [Int128]
  }

  public init(name: String) { circuit = Circuit(name: name) }

  /// The index that stands for a layer in `Operation.origin`.
  public mutating func origin(_ layer: String) -> Int {
    if let known = knownOrigins[layer] { return known }
    circuit.origins.append(layer)
    knownOrigins[layer] = circuit.origins.count - 1
    return circuit.origins.count - 1
  }

  /// A number for `instance` that no operation has yet.
  public mutating func newInstance() -> Int {
    lastInstance += 1
    return lastInstance
  }

  /// The index of a table with these contents, which is made where there is none.
  ///
  /// - Requires: at least one entry.
  public mutating func table(_ table: Table) -> Int {
    precondition(!table.entries.isEmpty, "table '\(table.name)' without entries")
    let contents = TableContents(first: table.first, entries: table.entries)
    if let known = knownTables[contents] { return known }
    circuit.tables.append(table)
    knownTables[contents] = circuit.tables.count - 1
    return circuit.tables.count - 1
  }

  /// A new input port, with one operation per element.
  ///
  /// - Returns: the elements, in row-major order.
  public mutating func input(_ name: String, shape: [Int], formats: [Format], origin: Int) -> [Value] {
    let port = circuit.inputs.count
    let values = formats.enumerated().map { element, format in
      append(.input(port: port, element: element), format, origin)
    }
    circuit.inputs.append(
      Port(name: name, shape: shape, elements: zip(formats, values).map { Port.Element($0, value: $1) }))
    return values
  }

  /// A new output port. Formats are those in which the elements cross the boundary: their ranges contain the values'.
  public mutating func output(_ name: String, shape: [Int], elements: [Port.Element]) {
    circuit.outputs.append(Port(name: name, shape: shape, elements: elements))
  }

  public subscript(value: Value) -> Operation { circuit[value] }

  /// The range of a value.
  public func range(_ value: Value) -> Interval { circuit[value].format.range }

  /// The integer that a value always is, or nil.
  public func constantValue(_ value: Value) -> Int128? {
    let range = range(value)
    return range.isConstant ? range.lower : nil
  }

  private func exponent(_ value: Value) -> Int { circuit[value].format.exponent }

  private mutating func append(_ kind: Operation.Kind, _ format: Format, _ origin: Int) -> Value {
    circuit.operations.append(Operation(kind, format, origin: origin, instance: instance))
    return Value(circuit.operations.count - 1)
  }

  /// The operation, made unless an equal one of any layer exists; a constant where the range holds one value.
  private mutating func make(
    _ kind: Operation.Kind, _ range: Interval, exponent: Int, origin: Int
  ) -> Value {
    let kind = range.isConstant ? .constant(range.lower) : kind
    let format = Format(range, exponent: exponent)
    let key = Operation(kind, format, origin: 0)
    if let known = existing[key] { return known }
    let value = append(kind, format, origin)
    existing[key] = value
    return value
  }
}

extension CircuitBuilder {
  public mutating func constant(_ value: Int128, exponent: Int = 0, origin: Int) -> Value {
    make(.constant(value), Interval(value), exponent: exponent, origin: origin)
  }

  /// Σ ±(operand · 2^shift). Terms that are always 0 vanish, constant ones become one; a single positive
  /// term without shift is the operand itself.
  public mutating func sum(
    _ terms: [Term], range: Interval? = nil, exponent: Int? = nil, origin: Int
  ) throws(WidthOverflow) -> Value {
    let exponent = exponent ?? terms.map { self.exponent($0.value) }.min() ?? 0
    var total = Interval.zero
    var offset = Interval.zero
    var constants = 0
    var variable: [Term] = []
    for term in terms {
      let shifted = try self.range(term.value).shifted(left: term.shift)
      let contribution = term.isNegative ? shifted.negated : shifted
      total = try total.adding(contribution)
      if contribution.isConstant {
        offset = try offset.adding(contribution)
        constants += 1
      } else {
        variable.append(term)
      }
    }
    let result = narrowed(total, by: range)
    if variable.isEmpty || result.isConstant {
      return constant(result.lower, exponent: exponent, origin: origin)
    }
    if offset != .zero {
      // A single constant term keeps its operand; several are added up here.
      if constants == 1, let only = terms.first(where: { isNonzeroConstant($0.value) }) {
        variable.append(only)
      } else {
        variable.append(Term(constant(offset.lower, exponent: exponent, origin: origin)))
      }
    }
    if let only = variable.first, variable.count == 1, only.shift == 0, !only.isNegative,
      self.exponent(only.value) == exponent, result == self.range(only.value)
    {
      return only.value
    }
    variable.sort {
      ($0.value.index, $0.shift, $0.isNegative ? 1 : 0) < ($1.value.index, $1.shift, $1.isNegative ? 1 : 0)
    }
    return make(.sum(variable), result, exponent: exponent, origin: origin)
  }

  private func isNonzeroConstant(_ value: Value) -> Bool {
    constantValue(value).map { $0 != 0 } ?? false
  }

  /// −operand.
  public mutating func negate(_ value: Value, origin: Int) throws(WidthOverflow) -> Value {
    try sum([Term(value, isNegative: true)], origin: origin)
  }

  /// The product; the square of one value is known not to be negative.
  public mutating func multiply(
    _ a: Value, _ b: Value, range: Interval? = nil, origin: Int
  ) throws(WidthOverflow) -> Value {
    var product = try self.range(a).multiplied(by: self.range(b))
    if a == b {
      let least: Int128 = self.range(a).contains(0) ? 0 : min(product.upper, self.leastSquare(a))
      product = Interval(least, product.upper)
    }
    let exponent = exponent(a) + exponent(b)
    for (factor, other) in [(a, b), (b, a)] where constantValue(factor) == 1 && self.exponent(factor) == 0 {
      return other
    }
    return make(
      .multiply(min(a, b), max(a, b)), narrowed(product, by: range), exponent: exponent, origin: origin)
  }

  private func leastSquare(_ value: Value) -> Int128 {
    let range = range(value)
    let nearest = range.lower > 0 ? range.lower : range.upper
    return nearest * nearest
  }

  /// The bits from `low` upward: floor(operand / 2^low) where that lies in `range` (by default it always does), else
  /// wrapped to the range's width and signedness.
  public mutating func slice(_ value: Value, low: Int, range: Interval? = nil, origin: Int) -> Value {
    let operand = self.range(value)
    let shift = Int128(min(low, 127))
    let floor = Interval(operand.lower >> shift, operand.upper >> shift)
    let result: Interval
    if let range {
      result = range.contains(floor) ? floor : range
    } else {
      result = floor
    }
    if low == 0 && result == operand { return value }
    return make(.slice(value, low: low), result, exponent: exponent(value) + low, origin: origin)
  }

  /// 1 where the relation holds, else 0.
  public mutating func compare(_ relation: Relation, _ a: Value, _ b: Value, origin: Int) -> Value {
    let outcome = a == b ? Interval(relation.holds(0, 0) ? 1 : 0) : relation.outcome(range(a), range(b))
    return make(.compare(relation, a, b), outcome, exponent: 0, origin: origin)
  }

  /// `ifTrue` where `condition` is 1, else `ifFalse`.
  public mutating func select(
    _ condition: Value, _ ifTrue: Value, _ ifFalse: Value, range: Interval? = nil, origin: Int
  ) -> Value {
    if let known = constantValue(condition) { return known != 0 ? ifTrue : ifFalse }
    if ifTrue == ifFalse { return ifTrue }
    let both = self.range(ifTrue).union(self.range(ifFalse))
    return make(
      .select(condition: condition, ifTrue: ifTrue, ifFalse: ifFalse), narrowed(both, by: range),
      exponent: min(exponent(ifTrue), exponent(ifFalse)), origin: origin)
  }

  /// The greater or the lesser of two values: a comparison and a selection.
  public mutating func extreme(isMaximum: Bool, _ a: Value, _ b: Value, origin: Int) -> Value {
    let (left, right) = (range(a), range(b))
    let isLess = compare(.less, a, b, origin: origin)
    return isMaximum
      ? select(
        isLess, b, a, range: Interval(max(left.lower, right.lower), max(left.upper, right.upper)),
        origin: origin)
      : select(
        isLess, a, b, range: Interval(min(left.lower, right.lower), min(left.upper, right.upper)),
        origin: origin)
  }

  /// The entry of table `table` for the operand.
  ///
  /// - Requires: the table covers the operand's range.
  public mutating func lookup(_ value: Value, table: Int, exponent: Int = 0, origin: Int) -> Value {
    let range = circuit.tables[table].range(over: self.range(value))
    return make(.lookup(value, table: table), range, exponent: exponent, origin: origin)
  }

  /// Bit by bit over non-negative operands.
  public mutating func bitwise(_ kind: Bitwise, _ values: [Value], origin: Int) -> Value {
    if values.count == 1 { return values[0] }
    let operands = kind == .xor ? values.sorted() : Array(Set(values)).sorted()
    if operands.count == 1 { return operands[0] }
    let range = kind.range(operands.map(range))
    return make(
      .bitwise(kind, operands), range, exponent: operands.map(exponent).min() ?? 0, origin: origin)
  }

  /// One bit from all bits of a non-negative operand.
  public mutating func reduce(_ kind: Bitwise, _ value: Value, origin: Int) -> Value {
    if let known = constantValue(value) {
      return constant(kind.reduce(known, width: range(value).width), origin: origin)
    }
    if range(value).width == 1 { return value }
    return make(.reduce(kind, value), .bit, exponent: 0, origin: origin)
  }

  /// The operand one cycle earlier; a constant is itself.
  public mutating func register(_ value: Value, origin: Int) -> Value {
    if constantValue(value) != nil { return value }
    return make(.register(value), range(value), exponent: exponent(value), origin: origin)
  }

  /// The value with what is known of its range added: of an operation's two sound ranges the intersection is kept.
  ///
  /// - Requires: the operation never leaves `range`.
  public mutating func narrow(_ value: Value, to range: Interval, origin: Int) -> Value {
    let operation = circuit[value]
    let result = narrowed(operation.format.range, by: range)
    if result == operation.format.range { return value }
    if result.isConstant {
      return constant(result.lower, exponent: operation.format.exponent, origin: origin)
    }
    if case .input = operation.kind { return value }
    circuit[value].format.range = result
    return value
  }

  /// Says that the circuit is timed: every path from input to output crosses this many registers.
  public mutating func setLatency(_ latency: Int) { circuit.latency = latency }

  private func narrowed(_ computed: Interval, by given: Interval?) -> Interval {
    guard let given else { return computed }
    guard let common = computed.intersection(given) else {
      preconditionFailure("range \(given) excludes every possible result \(computed)")
    }
    return common
  }
}

extension Relation {
  /// The outcomes, 0 and 1, that operands in two ranges can have.
  public func outcome(_ a: Interval, _ b: Interval) -> Interval {
    switch self {
    case .less: a.upper < b.lower ? Interval(1) : a.lower >= b.upper ? .zero : .bit
    case .lessOrEqual: a.upper <= b.lower ? Interval(1) : a.lower > b.upper ? .zero : .bit
    case .equal, .notEqual:
      if a.intersection(b) == nil {
        self == .equal ? .zero : Interval(1)
      } else if a.isConstant && a == b {
        self == .equal ? Interval(1) : .zero
      } else {
        .bit
      }
    }
  }
}

extension Bitwise {
  /// A range of the results for non-negative operands in these ranges.
  func range(_ operands: [Interval]) -> Interval {
    switch self {
    case .and: Interval(0, operands.map(\.upper).min() ?? 0)
    case .or, .xor:
      Interval(
        self == .or ? operands.map(\.lower).max() ?? 0 : 0,
        (Int128(1) << (operands.map(\.width).max() ?? 0)) - 1)
    }
  }
}

extension Table {
  /// The least range that holds the entries for operands in a range.
  ///
  /// - Requires: the table covers the operands' range.
  public func range(over operand: Interval) -> Interval {
    let reached = entries[Int(operand.lower - first)...Int(operand.upper - first)]
    return Interval(reached.min() ?? 0, reached.max() ?? 0)
  }
}
