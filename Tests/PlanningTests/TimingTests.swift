import Circuit
import FixedPoint
import Testing

@testable import Planning

@Suite struct TimingTests {
  /// Two inputs of 8 bits, and what `make` builds on them.
  private func delay(_ make: (inout CircuitBuilder, [Value]) throws -> Value) throws -> Int {
    var builder = CircuitBuilder(name: "one")
    let origin = builder.origin("l")
    let format = Format(Interval(0, 255), exponent: 0)
    let inputs = builder.input("x", shape: [2], formats: [format, format], origin: origin)
    let value = try make(&builder, inputs)
    builder.output("y", shape: [1], elements: [Port.Element(builder[value].format, value: value)])
    var part = Part.standard
    part.delays = .ruler
    return DelayModel.delay(of: value, in: builder.circuit, on: part)
  }

  /// The ruler: 500 a table, 150 into a chain, 5 a bit.
  @Test func kindsOfOperationsHaveTheirDelays() throws {
    #expect(try delay { try $0.sum([Term($1[0]), Term($1[1])], origin: 0) } == 650 + 8 * 5)
    #expect(try delay { try $0.sum([Term($1[0]), Term($1[1], shift: 3)], origin: 0) } == 650 + 11 * 5)
    #expect(
      try delay { try $0.sum([Term($1[0]), Term($1[1], shift: 1), Term($1[0], shift: 2)], origin: 0) }
        == 1150 + 10 * 5)
    #expect(try delay { try $0.sum([Term($1[0], shift: 3)], origin: 0) } == 0)
    #expect(try delay { $0.slice($1[0], low: 3, origin: 0) } == 0)
    #expect(try delay { $0.bitwise(.and, $1, origin: 0) } == 500)
    #expect(try delay { $0.reduce(.or, $1[0], origin: 0) } == 1000)
    #expect(try delay { $0.compare(.less, $1[0], $1[1], origin: 0) } == 650 + 8 * 5)
    #expect(try delay { $0.compare(.equal, $1[0], $1[1], origin: 0) } == 1000)
    let table = Table(name: "t", first: 0, entries: (0..<256).map { Int128($0 * $0 % 251) })
    #expect(try delay { $0.lookup($1[0], table: $0.table(table), origin: 0) } == 1000)
    #expect(try delay { try $0.multiply($1[0], $1[1], origin: 0) } == 3000)
  }

  @Test func theSignIsAWire() throws {
    #expect(
      try delay { builder, inputs in
        let difference = try builder.sum([Term(inputs[0]), Term(inputs[1], isNegative: true)], origin: 0)
        return builder.compare(.less, difference, builder.constant(0, origin: 0), origin: 0)
      } == 0)
  }

  /// Ripple carries overlap: each further adder costs its table and the entry, not its bits once more.
  @Test func chainedAddersPayTheirCarryOnce() throws {
    var part = Part.standard
    part.delays = .ruler
    let delays = try [1, 2, 3].map { try Circuits.chain($0).criticalPath(on: part).delay }
    #expect(delays[0] == 650 + 8 * 5)
    #expect(delays[1] - delays[0] == 650 + 5)
    #expect(delays[2] - delays[1] <= 650 + 5)
  }

  @Test func fanOutSlowsANet() throws {
    func circuit(users: Int) throws -> Circuit {
      var builder = CircuitBuilder(name: "fan")
      let origin = builder.origin("l")
      let inputs = builder.input(
        "x", shape: [2], formats: Array(repeating: Format(Interval(0, 255), exponent: 0), count: 2),
        origin: origin)
      let elements = try (0..<users).map { shift in
        let sum = try builder.sum([Term(inputs[0]), Term(inputs[1], shift: shift)], origin: origin)
        return Port.Element(builder[sum].format, value: sum)
      }
      builder.output("y", shape: [users], elements: elements)
      return builder.circuit
    }
    let part = Part.ecp5
    let one = try circuit(users: 1).criticalPath(on: part).delay
    let eight = try circuit(users: 8).criticalPath(on: part).delay
    let carry = part.delays.carry(15) - part.delays.carry(8)
    #expect(eight - one == part.delays.net(fanout: 8) - part.delays.net + carry)
  }

  @Test func theCriticalPathNamesItsLayers() throws {
    let circuit = try Circuits.network(widths: [8, 8, 2])
    let path = circuit.criticalPath(on: .standard)
    #expect(Set(path.origins.map { circuit.origins[$0] }) == ["fc1", "fc2"])
    #expect(zip(path.values, path.values.dropFirst()).allSatisfy { circuit[$1].kind.operands.contains($0) })
    #expect(path.delay > 0)
  }
}
