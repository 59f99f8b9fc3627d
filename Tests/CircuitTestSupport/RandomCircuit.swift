import Circuit
import FixedPoint

/// Random pure circuits that use every kind of operation, and random inputs for them.
public struct RandomCircuit {
  /// Input elements, operations to add, output elements.
  public var inputs = 4
  public var operations = 20
  public var outputs = 4
  /// Inputs have at most this many bits; intermediate values are cut where they get wider than `maximumWidth`.
  public var inputWidth = 8
  public var maximumWidth = 24
  /// Instances that operations are said to be of: runs of them, with some strays.
  public var instances = 0

  public init() {}

  /// A circuit that depends on the seed alone.
  public func make(seed: UInt64, name: String = "random") -> Circuit {
    var state = State(settings: self, name: name, seed: seed)
    return state.make()
  }

  private struct State {
    let settings: RandomCircuit
    var builder: CircuitBuilder
    var random: SeededGenerator
    var values: [Value] = []

    init(settings: RandomCircuit, name: String, seed: UInt64) {
      self.settings = settings
      builder = CircuitBuilder(name: name)
      random = SeededGenerator(seed: seed)
    }

    mutating func make() -> Circuit {
      let first = settings.inputs / 2
      let boundary = builder.origin("in")
      for (port, count) in [first, settings.inputs - first].enumerated() where count > 0 {
        let formats = (0..<count).map { _ in Format(interval(settings.inputWidth), exponent: -4) }
        values += builder.input("x\(port)", shape: [count], formats: formats, origin: boundary)
      }
      for index in 0..<settings.operations {
        if settings.instances > 0 {
          let run = 1 + index * settings.instances / settings.operations
          builder.instance = random.oneIn(60) ? integer(0...settings.instances) : run
        }
        let origin = builder.origin("layer \(index * 3 / max(settings.operations, 1))")
        // A sum or product that would exceed the compiler's width is left out.
        if let value = try? operation(origin) { values.append(value) }
      }
      let elements = (0..<settings.outputs).map { index in
        let value = index == 0 ? values.last ?? values[0] : pick()
        let format = builder[value].format
        let wider = Format(format.range.union(interval(format.width + 1)), exponent: format.exponent)
        return Port.Element(random.oneIn(3) ? wider : format, value: value)
      }
      builder.output("y", shape: [elements.count], elements: elements)
      return builder.circuit
    }

    private mutating func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    /// Recent values more often than old ones, so that depth grows.
    private mutating func pick() -> Value {
      let low = random.oneIn(3) ? 0 : max(0, values.count - 8)
      return values[integer(low...values.count - 1)]
    }

    /// Any interval of at most `width` bits, widths from 0.
    private mutating func interval(_ width: Int) -> Interval {
      let bits = integer(0...width)
      if bits == 0 { return .zero }
      let isSigned = random.oneIn(2)
      let top = Int128(1) << (isSigned ? bits - 1 : bits)
      let full = Interval(isSigned ? -top : 0, top - 1)
      if random.oneIn(2) { return full }
      let a = Int128.random(in: full.lower...full.upper, using: &random)
      let b = Int128.random(in: full.lower...full.upper, using: &random)
      return Interval(min(a, b), max(a, b))
    }

    private mutating func operation(_ origin: Int) throws(WidthOverflow) -> Value {
      switch integer(0...15) {
      case 0...6: return cut(try sum(origin), origin)
      case 7: return cut(try builder.multiply(pick(), pick(), origin: origin), origin)
      case 8: return slice(pick(), origin)
      case 9: return compare(origin)
      case 10: return select(origin)
      case 11, 12: return lookup(origin)
      case 13: return bitwise(origin)
      case 14: return builder.reduce(oneOf(Bitwise.self), positive(pick(), origin), origin: origin)
      default:
        let bound = Int128(1) << integer(0...8)
        return builder.constant(Int128.random(in: -bound...bound, using: &random), origin: origin)
      }
    }

    private mutating func oneOf<Choice: CaseIterable>(_: Choice.Type) -> Choice
    where Choice.AllCases == [Choice] {
      Choice.allCases[integer(0...Choice.allCases.count - 1)]
    }

    private mutating func sum(_ origin: Int) throws(WidthOverflow) -> Value {
      if random.oneIn(6) {
        // 4v - v, with the exact range, which interval arithmetic does not find.
        let value = pick()
        let range = try builder.range(value).scaled(by: 3)
        return try builder.sum(
          [Term(value, shift: 2), Term(value, isNegative: true)], range: range, origin: origin)
      }
      let terms = (0..<[1, 2, 2, 2, 3, 3, 4][integer(0...6)]).map { _ in
        Term(pick(), shift: random.oneIn(2) ? 0 : integer(0...6), isNegative: random.oneIn(3))
      }
      return try builder.sum(terms, origin: origin)
    }

    /// The value, or its low bits where it is too wide.
    private mutating func cut(_ value: Value, _ origin: Int) -> Value {
      guard builder.range(value).width > settings.maximumWidth else { return value }
      return slice(value, origin)
    }

    private mutating func slice(_ value: Value, _ origin: Int) -> Value {
      let width = builder.range(value).width
      let low = integer(0...max(0, min(width - 1, 6)))
      if random.oneIn(3) && width - low <= settings.maximumWidth {
        return builder.slice(value, low: low, origin: origin)
      }
      // Wrapping needs a full range: every pattern of the bits can occur.
      let bits = integer(0...min(settings.maximumWidth, width + 1))
      let type = FixedType(width: bits, integerBits: bits, isSigned: random.oneIn(2))
      return builder.slice(value, low: low, range: type.rawRange, origin: origin)
    }

    private mutating func compare(_ origin: Int) -> Value {
      let a = pick()
      let other = builder.range(a)
      let b =
        random.oneIn(2)
        ? pick()
        : builder.constant(
          Int128.random(in: other.lower - 1...other.upper + 1, using: &random), origin: origin)
      let relation = oneOf(Relation.self)
      return random.oneIn(2)
        ? builder.compare(relation, a, b, origin: origin) : builder.compare(relation, b, a, origin: origin)
    }

    private mutating func select(_ origin: Int) -> Value {
      let zero = builder.constant(0, origin: origin)
      let condition = builder.compare(.less, pick(), random.oneIn(2) ? zero : pick(), origin: origin)
      return builder.select(condition, pick(), pick(), origin: origin)
    }

    private mutating func lookup(_ origin: Int) -> Value {
      var index = pick()
      if builder.range(index).width > 8 {
        index = builder.slice(index, low: 0, range: Interval(-64, 63), origin: origin)
      }
      let domain = builder.range(index)
      let first = domain.lower - Int128(integer(0...2))
      let count = Int(domain.upper - first) + 1 + integer(0...2)
      let values = interval(9)
      let entries = (0..<count).map { _ in Int128.random(in: values.lower...values.upper, using: &random) }
      let name = "table \(builder.circuit.tables.count)"
      let table = builder.table(Table(name: name, first: first, entries: entries))
      return builder.lookup(index, table: table, origin: origin)
    }

    private mutating func bitwise(_ origin: Int) -> Value {
      let operands = (0..<integer(1...3)).map { _ in positive(pick(), origin) }
      return builder.bitwise(oneOf(Bitwise.self), operands, origin: origin)
    }

    /// The bits of a value as a non-negative integer.
    private mutating func positive(_ value: Value, _ origin: Int) -> Value {
      let range = builder.range(value)
      guard range.isSigned else { return value }
      let width = min(range.width, settings.maximumWidth)
      return builder.slice(value, low: 0, range: Interval(0, (Int128(1) << width) - 1), origin: origin)
    }
  }
}

extension Circuit {
  /// One sample: each element anywhere in its range, often at an end of it.
  public func randomInputs(using random: inout SeededGenerator) -> [Int128] {
    inputs.flatMap { port in
      port.elements.map { element in
        let range = element.format.range
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return range.lower
        case 1: return range.upper
        default: return Int128.random(in: range.lower...range.upper, using: &random)
        }
      }
    }
  }
}
