import Circuit
import FixedPoint
import Testing

@Suite struct CircuitBuilderTests {
  private func builder() -> (CircuitBuilder, [Value], Int) {
    var builder = CircuitBuilder(name: "b")
    let origin = builder.origin("l")
    let format = Format(Interval(-8, 7), exponent: -2)
    let values = builder.input(
      "x", shape: [3], formats: [format, format, Format(.zero, exponent: 0)], origin: origin)
    return (builder, values, origin)
  }

  @Test func intervalsAreExactForDistinctOperands() throws {
    var (b, x, l) = builder()
    let sum = try b.sum([Term(x[0], shift: 2), Term(x[1], isNegative: true)], origin: l)
    #expect(b.range(sum) == Interval(-39, 36))
    #expect(b[sum].format.exponent == -2)
    let r1 = try b.multiply(x[0], x[1], origin: l)
    #expect(b.range(r1) == Interval(-56, 64))
    let r2 = try b.multiply(x[0], x[0], origin: l)
    #expect(b.range(r2) == Interval(0, 64))
    let r3 = b.slice(x[0], low: 1, origin: l)
    #expect(b.range(r3) == Interval(-4, 3))
    let r4 = b.slice(x[0], low: 1, range: Interval(0, 3), origin: l)
    #expect(b.range(r4) == Interval(0, 3))
    let narrow = try b.sum([Term(x[0]), Term(x[1])], range: Interval(-100, 3), origin: l)
    #expect(b.range(narrow) == Interval(-16, 3))
  }

  @Test func equalOperationsAreMadeOnce() throws {
    var (b, x, l) = builder()
    let m = b.origin("m")
    let sum = try b.sum([Term(x[0]), Term(x[1], shift: 1)], origin: l)
    #expect(try b.sum([Term(x[1], shift: 1), Term(x[0])], origin: m) == sum)
    let product = try b.multiply(x[0], x[1], origin: l)
    #expect(try b.multiply(x[1], x[0], origin: l) == product)
    let table = b.table(Table(name: "t", first: -8, entries: (0..<16).map { $0 * $0 }))
    #expect(b.table(Table(name: "u", first: -8, entries: (0..<16).map { $0 * $0 })) == table)
    let entry = b.lookup(x[0], table: table, origin: l)
    #expect(b.lookup(x[0], table: table, origin: m) == entry)
    let count = b.circuit.operations.count
    let five = b.constant(5, origin: l)
    #expect(b.constant(5, origin: m) == five)
    #expect(b.circuit.operations.count == count + 1)
  }

  @Test func trivialOperationsVanish() throws {
    var (b, x, l) = builder()
    #expect(try b.sum([Term(x[0]), Term(x[2], shift: 3)], exponent: -2, origin: l) == x[0])
    let r5 = try b.sum([Term(x[2])], origin: l)
    #expect(b.constantValue(r5) == 0)
    let r6 = try b.sum([], origin: l)
    #expect(b.constantValue(r6) == 0)
    let zero = b.constant(0, origin: l)
    let one = b.constant(1, origin: l)
    let five = b.constant(5, origin: l)
    let eight = b.constant(8, origin: l)
    let r7 = try b.sum([Term(five, shift: 1), Term(five, isNegative: true)], origin: l)
    #expect(b.constantValue(r7) == 5)
    let sum = try b.sum([Term(five), Term(x[0]), Term(five, shift: 2)], origin: l)
    guard case .sum(let terms) = b[sum].kind else {
      Issue.record("not a sum")
      return
    }
    #expect(terms.count == 2 && terms.contains { b.constantValue($0.value) == 25 })
    #expect(b.slice(x[0], low: 0, origin: l) == x[0])
    let r8 = b.compare(.less, x[0], eight, origin: l)
    #expect(b.constantValue(r8) == 1)
    let r9 = b.compare(.equal, x[0], eight, origin: l)
    #expect(b.constantValue(r9) == 0)
    let r10 = b.compare(.notEqual, x[2], zero, origin: l)
    #expect(b.constantValue(r10) == 0)
    #expect(b.select(one, x[0], x[1], origin: l) == x[0])
    #expect(b.bitwise(.and, [five], origin: l) == five)
    let r11 = b.reduce(.xor, five, origin: l)
    #expect(b.constantValue(r11) == 0)
    #expect(b.register(five, origin: l) == five)
    #expect(b.circuit.verify().isEmpty)
  }

  @Test func tooWideIsAnError() {
    var (b, x, l) = builder()
    #expect(throws: WidthOverflow.self) { try b.sum([Term(x[0], shift: 119)], origin: l) }
    #expect(throws: WidthOverflow.self) {
      var value = x[0]
      for _ in 0..<7 { value = try b.multiply(value, value, origin: l) }
    }
  }
}
