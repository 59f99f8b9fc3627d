import Circuit
import CircuitTestSupport
import FixedPoint
import VerilogBackend

/// Tiny designs that show every kind of statement that the printer writes.
struct GoldenDesign: Sendable, CustomStringConvertible {
  var name: String
  var options = VerilogOptions()
  var latency: Int
  private let fill: @Sendable (inout CircuitBuilder) throws -> Void

  var description: String { name }

  init(
    _ name: String, latency: Int, options: VerilogOptions = VerilogOptions(),
    _ fill: @escaping @Sendable (inout CircuitBuilder) throws -> Void
  ) {
    self.name = name
    self.latency = latency
    self.options = options
    self.fill = fill
  }

  func circuit() throws -> Circuit {
    var builder = CircuitBuilder(name: name)
    try fill(&builder)
    return builder.circuit.pipelined(latency: latency, slack: 0)
  }

  func files() throws -> [GeneratedFile] { try VerilogBackend.emit(try circuit(), options: options) }

  static let all = [adders, activation, tables, comparisons, boundary, ternary, positions]

  private static let byte = Format(Interval(-128, 127), exponent: -4)
  private static let nibble = Format(Interval(0, 15), exponent: -2)

  private static func output(_ builder: inout CircuitBuilder, _ name: String, _ values: [Value]) {
    let elements = values.map { Port.Element(builder[$0].format, value: $0) }
    builder.output(name, shape: [values.count], elements: elements)
  }

  /// A kernel of two taps at four positions, of which the last reads a narrower element: three are one module.
  static let positions = GoldenDesign(
    "positions", latency: 1, options: VerilogOptions(clockEnable: true)
  ) { b in
    let l = b.origin("conv1")
    let x = b.input("x", shape: [5], formats: [byte, byte, byte, byte, nibble], origin: b.origin("x"))
    var result: [Value] = []
    for position in 0..<4 {
      b.instance = b.newInstance()
      let taps = [x[position], x[position + 1]]
      let difference = try b.sum([Term(taps[0]), Term(taps[1], isNegative: true)], origin: l)
      let scaled = try b.sum([Term(difference, shift: 2), Term(taps[0])], origin: l)
      let isNegative = b.compare(.less, scaled, b.constant(0, origin: l), origin: l)
      let rectified = b.select(isNegative, b.constant(0, origin: l), scaled, origin: l)
      result.append(try b.sum([Term(rectified), Term(difference, isNegative: true)], origin: l))
    }
    output(&b, "y", result)
  }

  static let adders = GoldenDesign("adders", latency: 1) { b in
    let l = b.origin("fc1")
    let x = b.input("x", shape: [4], formats: [byte, byte, nibble, nibble], origin: b.origin("x"))
    let five = b.constant(5, origin: l)
    output(
      &b, "y",
      [
        try b.sum([Term(x[0]), Term(x[1])], origin: l),
        // Low bits pass, the carry starts at bit 2.
        try b.sum([Term(x[0]), Term(x[1], shift: 2, isNegative: true)], origin: l),
        // Side by side, no adder.
        try b.sum([Term(x[2]), Term(x[3], shift: 5)], origin: l),
        try b.sum([Term(x[0], shift: 1, isNegative: true)], origin: l),
        try b.sum([Term(x[0], shift: 3), Term(five, isNegative: true)], origin: l),
        try b.sum([Term(x[0]), Term(x[1], shift: 1), Term(x[2], shift: 3, isNegative: true)], origin: l),
        try b.sum([Term(x[0]), Term(x[1]), Term(x[2]), Term(x[3], isNegative: true)], origin: l),
        try b.multiply(x[0], x[2], origin: l),
      ])
  }

  static let activation = GoldenDesign("activation", latency: 3) { b in
    let l = b.origin("relu 1")
    let x = b.input("x", shape: [2], formats: [byte, byte], origin: b.origin("x"))
    let zero = b.constant(0, origin: l)
    let limit = b.constant(60, origin: l)
    let values = try x.map { element in
      let half = b.constant(4, origin: l)
      let rounded = b.slice(try b.sum([Term(element), Term(half)], origin: l), low: 3, origin: l)
      let positive = b.select(
        b.compare(.less, rounded, zero, origin: l), zero, rounded, range: Interval(0, 16), origin: l)
      return b.select(b.compare(.less, limit, element, origin: l), limit, positive, origin: l)
    }
    output(&b, "y", values)
  }

  static let tables = GoldenDesign("tables", latency: 1) { b in
    let l = b.origin("sigmoid")
    let small = Format(Interval(-3, 3), exponent: 0)
    let x = b.input("x", shape: [3], formats: [small, nibble, nibble], origin: b.origin("x"))
    let curve = b.table(Table(name: "sigmoid", first: -4, entries: [0, 0, 1, 2, 4, 6, 7, 8]))
    let square = b.table(Table(name: "sigmoid", first: 0, entries: (0..<16).map { $0 * $0 / 4 - 3 }))
    let either = b.bitwise(.or, [x[1], x[2]], origin: l)
    output(
      &b, "y",
      [
        b.lookup(x[0], table: curve, origin: l), b.lookup(x[1], table: square, origin: l),
        b.lookup(either, table: square, origin: l), b.bitwise(.xor, [x[1], x[2]], origin: l),
        b.reduce(.and, x[2], origin: l),
      ])
  }

  static let comparisons = GoldenDesign("comparisons", latency: 0) { b in
    let l = b.origin("tree0")
    let x = b.input("x", shape: [3], formats: [byte, byte, nibble], origin: b.origin("x"))
    func against(_ value: Value, _ bound: Int128, _ relation: Relation = .less) -> Value {
      b.compare(relation, value, b.constant(bound, origin: l), origin: l)
    }
    let bits = [
      against(x[0], 0), against(x[0], 48), against(x[0], -100), against(x[0], 99, .lessOrEqual),
      against(x[2], 8), against(x[2], 6), against(x[0], -7, .equal),
      b.compare(.less, b.constant(11, origin: l), x[2], origin: l), b.compare(.less, x[0], x[1], origin: l),
      b.compare(.lessOrEqual, x[0], x[2], origin: l), b.compare(.notEqual, x[2], x[0], origin: l),
    ]
    output(&b, "y", bits)
  }

  /// Names that Verilog does not take, elements and ports without bits, bits that nothing reads.
  static let boundary = GoldenDesign(
    "8 boundary", latency: 2, options: VerilogOptions(ports: .none, clockEnable: true)
  ) { b in
    let l = b.origin("begin")
    let nothing = Format(.zero, exponent: 0)
    let x = b.input("in put", shape: [2, 2], formats: [byte, nothing, byte, nibble], origin: l)
    let none = b.input("none", shape: [1], formats: [nothing], origin: l)
    let wire = b.input("wire", shape: [1], formats: [nibble], origin: l)
    let clk = b.input("clk", shape: [1], formats: [nibble], origin: l)
    let sum = try b.sum([Term(x[0]), Term(x[1]), Term(none[0])], origin: l)
    let wide = Format(Interval(-1000, 1000), exponent: -4)
    b.output(
      "in put", shape: [3],
      elements: [
        Port.Element(wide, value: sum), Port.Element(nothing, value: none[0]),
        Port.Element(byte, value: b.constant(-3, exponent: -4, origin: l)),
      ])
    output(&b, "module", [b.slice(try b.sum([Term(wire[0]), Term(clk[0])], origin: l), low: 2, origin: l)])
    output(&b, "zero", [none[0]])
  }

  static let ternary = GoldenDesign(
    "ternary", latency: 1, options: VerilogOptions(primitives: true)
  ) { b in
    let l = b.origin("fc1")
    let x = b.input("x", shape: [3], formats: [byte, byte, nibble], origin: b.origin("x"))
    output(
      &b, "y",
      [
        try b.sum([Term(x[0]), Term(x[1]), Term(x[2], shift: 1, isNegative: true)], origin: l),
        try b.sum([Term(x[0], isNegative: true), Term(x[1], isNegative: true), Term(x[2])], origin: l),
      ])
  }
}
