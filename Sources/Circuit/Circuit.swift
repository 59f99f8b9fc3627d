import FixedPoint

/// The bits and the wires: fixed-point operations in topological order between input and output ports.
///
/// Every operation is defined on raw integers (shifts are explicit), so that simulation, Verilog and C++ need no
/// knowledge of binary points; exponents are carried for ports and reports. Operands precede their users: that an
/// operand's index is below its user's is the whole SSA check. A circuit without `register` operations is *pure*:
/// acyclic, timeless, free to be retimed. The pipeliner turns it into a *timed* one, in which every path from an
/// input to an output crosses `latency` registers.
public struct Circuit: Hashable, Sendable {
  /// The model's name, from which module and file names are made.
  public var name: String
  public var inputs: [Port]
  public var outputs: [Port]
  public var operations: [Operation]
  public var tables: [Table]
  /// The layers that operations come from, indexed by `Operation.origin`.
  public var origins: [String]
  /// Register ranks on every path from input to output; nil while the circuit is pure.
  public var latency: Int?

  public init(name: String) {
    self.name = name
    inputs = []
    outputs = []
    operations = []
    tables = []
    origins = []
  }
}

/// The index of an operation, which names its result.
public struct Value: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var index: Int

  public init(_ index: Int) { self.index = index }

  public static func < (a: Value, b: Value) -> Bool { a.index < b.index }
  public var description: String { "%\(index)" }
}

/// One tensor at the boundary: its elements in row-major order, each in its own format.
public struct Port: Hashable, Sendable {
  public var name: String
  public var shape: [Int]
  public var elements: [Element]

  public init(name: String, shape: [Int], elements: [Element]) {
    self.name = name
    self.shape = shape
    self.elements = elements
  }

  /// One element: the format in which it crosses the boundary, and the operation that stands for it.
  public struct Element: Hashable, Sendable {
    public var format: Format
    public var value: Value

    public init(_ format: Format, value: Value) {
      self.format = format
      self.value = value
    }
  }

  /// Bits of the packed port; elements of width 0 take none.
  public var width: Int { elements.reduce(0) { $0 + $1.format.width } }
}

/// One operation and the exact interval of its result.
public struct Operation: Hashable, Sendable {
  public var kind: Kind
  /// The format of the result. Its range contains every value that the operation takes when the inputs stay in
  /// their ranges, and may be tighter than interval arithmetic on the operands says; bits above it are not kept.
  public var format: Format
  /// The layer that the operation belongs to: an index into `Circuit.origins`.
  public var origin: Int
  /// The instance of something that its layer repeats, such as a kernel at one position, that the operation was made for:
  /// numbered from 1 over the circuit, 0 for none. Says where to look for equal parts, and nothing about the values.
  public var instance: Int

  public init(_ kind: Kind, _ format: Format, origin: Int, instance: Int = 0) {
    self.kind = kind
    self.format = format
    self.origin = origin
    self.instance = instance
  }

  /// What is computed, on raw integers.
  public enum Kind: Hashable, Sendable {
    /// Element `element` of input port `port`.
    case input(port: Int, element: Int)
    case constant(Int128)
    /// Σ ±(operand · 2^shift). One term is a negation or a shift, two an adder, three a ternary adder.
    case sum([Term])
    case multiply(Value, Value)
    /// The bits from `low` upward, as many as the result's width: floor(operand / 2^low), wrapped into the result's
    /// range. Pure wiring.
    case slice(Value, low: Int)
    /// 1 where the relation holds, else 0.
    case compare(Relation, Value, Value)
    /// `ifTrue` where `condition` (0 or 1) is 1, else `ifFalse`.
    case select(condition: Value, ifTrue: Value, ifFalse: Value)
    /// The table's entry for the operand's raw integer.
    case lookup(Value, table: Int)
    /// Bit by bit over non-negative operands.
    case bitwise(Bitwise, [Value])
    /// One bit from all bits of a non-negative operand, in `width` bits: and, or, xor.
    case reduce(Bitwise, Value)
    /// The operand one clock cycle earlier. Only in timed circuits.
    case register(Value)
  }
}

/// One signed, shifted operand of a sum.
public struct Term: Hashable, Sendable {
  public var value: Value
  /// The operand is multiplied by 2^shift; shift >= 0.
  public var shift: Int
  public var isNegative: Bool

  public init(_ value: Value, shift: Int = 0, isNegative: Bool = false) {
    self.value = value
    self.shift = shift
    self.isNegative = isNegative
  }
}

public enum Relation: String, CaseIterable, Hashable, Sendable {
  case less = "lt"
  case lessOrEqual = "le"
  case equal = "eq"
  case notEqual = "ne"

  public func holds(_ a: Int128, _ b: Int128) -> Bool {
    switch self {
    case .less: a < b
    case .lessOrEqual: a <= b
    case .equal: a == b
    case .notEqual: a != b
    }
  }
}

public enum Bitwise: String, CaseIterable, Hashable, Sendable {
  case and, or, xor
}

/// The contents of a lookup: entry i is the result for the operand's raw integer `first` + i.
public struct Table: Hashable, Sendable {
  public var name: String
  public var first: Int128
  public var entries: [Int128]

  public init(name: String, first: Int128, entries: [Int128]) {
    self.name = name
    self.first = first
    self.entries = entries
  }

  /// The operand's raw integers that the table covers.
  public var domain: Interval { Interval(first, first + Int128(entries.count - 1)) }
}

extension Operation.Kind {
  /// The operands, in order.
  public var operands: [Value] {
    switch self {
    case .input, .constant: []
    case .sum(let terms): terms.map(\.value)
    case .multiply(let a, let b), .compare(_, let a, let b): [a, b]
    case .slice(let a, _), .lookup(let a, _), .reduce(_, let a), .register(let a): [a]
    case .select(let condition, let ifTrue, let ifFalse): [condition, ifTrue, ifFalse]
    case .bitwise(_, let values): values
    }
  }

  /// The same operation on other operands.
  public func mapOperands(_ transform: (Value) -> Value) -> Operation.Kind {
    switch self {
    case .input, .constant: self
    case .sum(let terms):
      .sum(terms.map { Term(transform($0.value), shift: $0.shift, isNegative: $0.isNegative) })
    case .multiply(let a, let b): .multiply(transform(a), transform(b))
    case .slice(let a, let low): .slice(transform(a), low: low)
    case .compare(let relation, let a, let b): .compare(relation, transform(a), transform(b))
    case .select(let condition, let ifTrue, let ifFalse):
      .select(condition: transform(condition), ifTrue: transform(ifTrue), ifFalse: transform(ifFalse))
    case .lookup(let a, let table): .lookup(transform(a), table: table)
    case .bitwise(let operation, let values): .bitwise(operation, values.map(transform))
    case .reduce(let operation, let a): .reduce(operation, transform(a))
    case .register(let a): .register(transform(a))
    }
  }
}

extension Circuit {
  public subscript(value: Value) -> Operation {
    get { operations[value.index] }
    set { operations[value.index] = newValue }
  }

  /// How often each operation is read, by operations and output ports.
  var useCounts: [Int] {
    var uses = Array(repeating: 0, count: operations.count)
    for operation in operations { for operand in operation.kind.operands { uses[operand.index] += 1 } }
    for port in outputs { for element in port.elements { uses[element.value.index] += 1 } }
    return uses
  }

  /// The operations' results, in topological order.
  public var values: [Value] { operations.indices.map(Value.init) }
}
