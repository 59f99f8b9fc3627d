import Circuit
import CircuitTestSupport
import FixedPoint
import Testing

@Suite struct CircuitPassTests {
  /// A pass keeps every output, breaks no promise of the circuit's, and says whether it changed anything.
  @Test(arguments: Circuit.standardPasses.indices, 0..<100)
  func passesKeepTheOutputs(pass: Int, seed: Int) {
    var settings = RandomCircuit()
    settings.operations = 5 + seed / 2
    let circuit = settings.make(seed: UInt64(seed) &+ 77)
    check(circuit, Circuit.standardPasses[pass].run(circuit), seed)
  }

  @Test(arguments: 0..<100)
  func thePipelineKeepsTheOutputs(seed: Int) {
    var settings = RandomCircuit()
    settings.operations = 40
    let circuit = settings.make(seed: UInt64(seed) &+ 999)
    var before = circuit
    let result = circuit.optimized { name, after in
      check(before, after, seed)
      before = after
    }
    #expect(result == before)
    #expect(result.operations.count <= circuit.operations.count + 4 * circuit.operations.count / 10)
  }

  private func check(_ circuit: Circuit, _ changed: Circuit?, _ seed: Int) {
    guard let changed else { return }
    #expect(changed != circuit)
    #expect(changed.verify().isEmpty)
    #expect(changed.origins == circuit.origins && changed.inputs.map(\.name) == circuit.inputs.map(\.name))
    #expect(
      changed.outputs.map { $0.elements.map(\.format) } == circuit.outputs.map { $0.elements.map(\.format) })
    var random = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<12 {
      let inputs = circuit.randomInputs(using: &random)
      #expect(changed.evaluate(inputs) == circuit.evaluate(inputs))
      #expect(changed.firstRangeViolation(inputs) == nil)
    }
  }
}

/// Circuits written operation by operation, which no builder has simplified.
private struct Raw {
  var circuit = Circuit(name: "raw")

  /// An input port of one element for each range.
  init(_ ranges: Interval...) {
    circuit.origins = ["a", "b"]
    for (index, range) in ranges.enumerated() {
      let value = add(.input(port: index, element: 0), range)
      circuit.inputs.append(
        Port(
          name: "x\(index)", shape: [1], elements: [Port.Element(Format(range, exponent: 0), value: value)]))
    }
  }

  @discardableResult
  mutating func add(_ kind: Operation.Kind, _ range: Interval, origin: Int = 0) -> Value {
    circuit.operations.append(Operation(kind, Format(range, exponent: 0), origin: origin))
    return Value(circuit.operations.count - 1)
  }

  /// The circuit that shows these values.
  func showing(_ values: Value...) -> Circuit {
    var circuit = circuit
    circuit.outputs = [
      Port(
        name: "y", shape: [values.count], elements: values.map { Port.Element(circuit[$0].format, value: $0) }
      )
    ]
    return circuit
  }
}

private let byte = Interval(0, 255)
private let x = Value(0)
private let y = Value(1)

/// The operations of a circuit other than its inputs.
private func kinds(_ circuit: Circuit?) -> [Operation.Kind] {
  circuit?.operations.map(\.kind).filter { if case .input = $0 { false } else { true } } ?? []
}

@Suite struct SimplificationTests {
  private func simplified(_ circuit: Circuit) -> Circuit? {
    Simplification().run(circuit).map { DeadCodeElimination().run($0) ?? $0 }
  }

  @Test func shiftsOfShiftsAreOne() {
    var raw = Raw(byte, byte)
    let shifted = raw.add(.sum([Term(x, shift: 2)]), Interval(0, 1020))
    let sum = raw.add(.sum([Term(shifted, shift: 1), Term(y, isNegative: true)]), Interval(-255, 2040))
    #expect(kinds(simplified(raw.showing(sum))) == [.sum([Term(x, shift: 3), Term(y, isNegative: true)])])
  }

  @Test func equalTermsCancelOrDouble() {
    var raw = Raw(byte, byte)
    let zero = raw.add(.sum([Term(x), Term(x, isNegative: true), Term(y)]), byte)
    #expect(simplified(raw.showing(zero))?.outputs[0].elements[0].value == y)
    let twice = raw.add(.sum([Term(x), Term(x), Term(y)]), Interval(0, 765))
    #expect(kinds(simplified(raw.showing(twice))) == [.sum([Term(x, shift: 1), Term(y)])])
  }

  @Test func productsWithPowersOfTwoAreShifts() {
    var raw = Raw(byte)
    let minusFour = raw.add(.constant(-4), Interval(-4))
    let product = raw.add(.multiply(x, minusFour), Interval(-1020, 0))
    #expect(kinds(simplified(raw.showing(product))) == [.sum([Term(x, shift: 2, isNegative: true)])])
  }

  @Test func slicesOfSlicesAreOne() {
    var raw = Raw(byte)
    let upper = raw.add(.slice(x, low: 2), Interval(0, 63))
    let middle = raw.add(.slice(upper, low: 1), Interval(0, 3))
    #expect(kinds(simplified(raw.showing(middle))) == [.slice(x, low: 3)])
  }

  @Test func beingNegativeIsTheSignBit() {
    var raw = Raw(Interval(-5, 9))
    let zero = raw.add(.constant(0), .zero)
    let isNegative = raw.add(.compare(.less, x, zero), .bit)
    let result = simplified(raw.showing(isNegative))
    #expect(kinds(result) == [.slice(x, low: 4)])
    for input in Int128(-5)...9 { #expect(result?.evaluate([input]) == [input < 0 ? 1 : 0]) }
  }

  @Test func aSliceThatLostBitsIsKept() {
    var raw = Raw(byte)
    let low = raw.add(.slice(x, low: 0), Interval(-8, 7))
    let wide = raw.add(.slice(low, low: 1), Interval(-4, 3))
    let result = simplified(raw.showing(wide)) ?? raw.showing(wide)
    for input in 0...255 {
      #expect(result.evaluate([Int128(input)]) == raw.showing(wide).evaluate([Int128(input)]))
    }
  }

  @Test func conditionsAreTheirOwnSelection() {
    var raw = Raw(.bit, byte, byte)
    let one = raw.add(.constant(1), Interval(1))
    let zero = raw.add(.constant(0), .zero)
    let same = raw.add(.select(condition: x, ifTrue: one, ifFalse: zero), .bit)
    #expect(simplified(raw.showing(same))?.outputs[0].elements[0].value == x)
    let not = raw.add(.bitwise(.xor, [x, one]), .bit)
    let exchanged = raw.add(.select(condition: not, ifTrue: y, ifFalse: Value(2)), byte)
    #expect(
      kinds(simplified(raw.showing(exchanged))) == [.select(condition: x, ifTrue: Value(2), ifFalse: y)])
    let isOne = raw.add(.compare(.equal, x, one), .bit)
    #expect(simplified(raw.showing(isOne))?.outputs[0].elements[0].value == x)
  }

  @Test func selectionsByTheSameConditionAreOne() {
    var raw = Raw(.bit, byte, byte)
    let inner = raw.add(.select(condition: x, ifTrue: y, ifFalse: Value(2)), byte)
    let outer = raw.add(.select(condition: x, ifTrue: inner, ifFalse: Value(2)), byte)
    #expect(kinds(simplified(raw.showing(outer))) == [.select(condition: x, ifTrue: y, ifFalse: Value(2))])
  }

  @Test func logicWithConstantsIsShorter() {
    var raw = Raw(byte, byte)
    let zero = raw.add(.constant(0), .zero)
    let ones = raw.add(.constant(255), Interval(255))
    let masked = raw.add(.bitwise(.and, [x, ones, x]), byte)
    #expect(simplified(raw.showing(masked))?.outputs[0].elements[0].value == x)
    let or = raw.add(.bitwise(.or, [x, zero, y]), byte)
    #expect(kinds(simplified(raw.showing(or))) == [.bitwise(.or, [x, y])])
    let xor = raw.add(.bitwise(.xor, [x, y, x]), byte)
    #expect(simplified(raw.showing(xor))?.outputs[0].elements[0].value == y)
  }

  @Test func theIdentityTableIsAWire() {
    var raw = Raw(byte)
    raw.circuit.tables = [Table(name: "t", first: -1, entries: (-1...255).map { Int128($0) })]
    let lookup = raw.add(.lookup(x, table: 0), byte)
    #expect(simplified(raw.showing(lookup))?.outputs[0].elements[0].value == x)
  }
}

@Suite struct CommonSubexpressionsTests {
  @Test func equalOperationsOfTwoLayersAreOneWithTheNarrowerRange() {
    var raw = Raw(byte, byte)
    let first = raw.add(.sum([Term(x), Term(y)]), Interval(0, 510))
    let second = raw.add(.sum([Term(y), Term(x)]), Interval(0, 400), origin: 1)
    let circuit = CommonSubexpressions().run(raw.showing(first, second))
    #expect(kinds(circuit).count == 1)
    #expect(circuit?.operations.last?.format.range == Interval(0, 400))
  }

  @Test func slicesOfDifferentWidthsStayApart() {
    var raw = Raw(byte)
    let low = raw.add(.slice(x, low: 0), Interval(0, 15))
    let signed = raw.add(.slice(x, low: 0), Interval(-8, 7))
    #expect(CommonSubexpressions().run(raw.showing(low, signed)) == nil)
  }

  @Test func theOperandOfAnAndReductionKeepsItsWidth() {
    var raw = Raw(byte, byte)
    let wide = raw.add(.sum([Term(x), Term(y)]), Interval(0, 510))
    let narrow = raw.add(.sum([Term(x), Term(y)]), Interval(0, 200))
    let all = raw.add(.reduce(.and, wide), .bit)
    #expect(CommonSubexpressions().run(raw.showing(narrow, all)) == nil)
  }
}

@Suite struct DeadCodeEliminationTests {
  @Test func whatNoOutputReadsGoes() {
    var raw = Raw(byte, byte)
    raw.circuit.tables = [
      Table(name: "dead", first: 0, entries: Array(repeating: 1, count: 256)),
      Table(name: "live", first: 0, entries: (0...255).map { Int128($0 % 7) }),
    ]
    raw.add(.lookup(x, table: 0), Interval(1))
    let live = raw.add(.lookup(y, table: 1), Interval(0, 6))
    let circuit = DeadCodeElimination().run(raw.showing(live))
    #expect(kinds(circuit) == [.lookup(y, table: 0)] && circuit?.tables.map(\.name) == ["live"])
    #expect(circuit?.inputs.count == 2)
    #expect(circuit.map { DeadCodeElimination().run($0) == nil } == true)
  }
}

@Suite struct RangeNarrowingTests {
  @Test func rangesFollowFromTheInputs() {
    var raw = Raw(Interval(0, 9), Interval(0, 5))
    let sum = raw.add(.sum([Term(x), Term(y, shift: 1)]), Interval(-100, 100))
    let isSmall = raw.add(.compare(.less, sum, raw.add(.constant(20), Interval(20))), .bit)
    let circuit = RangeNarrowing().run(raw.showing(sum, isSmall))
    #expect(circuit?.operations[2].format.range == Interval(0, 19))
    #expect(circuit?.outputs[0].elements[1].value == circuit?.values.last)
    #expect(kinds(circuit).last == .constant(1))
  }

  @Test func anAndReductionCountsTheBitsThatItWasWrittenFor() {
    var raw = Raw(Interval(0, 3))
    let same = raw.add(.sum([Term(x)]), Interval(0, 7))
    let all = raw.add(.reduce(.and, same), .bit)
    let circuit = RangeNarrowing().run(raw.showing(all))
    for input in 0...3 { #expect(circuit?.evaluate([Int128(input)]) == [0]) }
  }
}

@Suite struct DemandedBitsTests {
  @Test func bitsThatWrapAwayAreNotAdded() throws {
    var raw = Raw(byte, byte)
    let scaled = raw.add(.sum([Term(x, shift: 8), Term(y, shift: 6), Term(x)]), Interval(0, 81_855))
    let wrapped = raw.add(.slice(scaled, low: 0), Interval(0, 127))
    let circuit = try #require(DemandedBits().run(raw.showing(wrapped)))
    let widest = circuit.operations.map(\.format.width).max()
    #expect(widest == 8)
    for a in stride(from: Int128(0), to: 256, by: 5) {
      for b in stride(from: Int128(0), to: 256, by: 3) {
        #expect(circuit.evaluate([a, b]) == raw.showing(wrapped).evaluate([a, b]))
      }
    }
  }

  @Test func bitsThatNobodyReadsAreNotCarriedAlong() throws {
    var raw = Raw(byte, Interval(-128, 127))
    let sum = raw.add(.sum([Term(x), Term(y, shift: 4)]), Interval(-2048, 2287))
    let upper = raw.add(.slice(sum, low: 4), Interval(-128, 142))
    let circuit = try #require(DemandedBits().run(raw.showing(upper)))
    #expect(kinds(circuit) == [.slice(x, low: 4), .sum([Term(y), Term(Value(2))])])
    for a in 0...255 {
      for b in stride(from: -128, through: 127, by: 17) {
        let inputs = [Int128(a), Int128(b)]
        #expect(circuit.evaluate(inputs) == raw.showing(upper).evaluate(inputs))
      }
    }
  }
}

extension DemandedBitsTests {
  @Test func selectionsHaveTheBitsThatAreRead() throws {
    var raw = Raw(Interval(-128, 127), .bit)
    let zero = raw.add(.constant(0), .zero)
    let cleared = raw.add(.select(condition: y, ifTrue: zero, ifFalse: x), Interval(-128, 127))
    let upper = raw.add(.slice(cleared, low: 5), Interval(-4, 3))
    let circuit = try #require(DemandedBits().run(raw.showing(upper)))
    #expect(circuit.operations.contains { if case .select = $0.kind { $0.format.width == 3 } else { false } })
    for a in Int128(-128)...127 {
      for b in Int128(0)...1 {
        #expect(circuit.evaluate([a, b]) == raw.showing(upper).evaluate([a, b]))
      }
    }
  }
}

@Suite struct TableShrinkingTests {
  @Test func tablesHoldWhatIsReadAndColumnsThatDiffer() throws {
    var raw = Raw(Interval(3, 6))
    raw.circuit.tables = [Table(name: "t", first: 0, entries: (0...15).map { Int128($0 * 8 - 5) })]
    let lookup = raw.add(.lookup(x, table: 0), Interval(-5, 115))
    let circuit = try #require(TableShrinking().run(raw.showing(lookup)))
    #expect(circuit.tables == [Table(name: "t", first: 3, entries: [2, 3, 4, 5])])
    for input in 3...6 { #expect(circuit.evaluate([Int128(input)]) == [Int128(input * 8 - 5)]) }
  }
}
