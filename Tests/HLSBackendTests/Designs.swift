import Circuit
import Diagnostics
import FixedPoint
import HLSBackend
import Testing

/// Small designs with every feature of the printer.
enum Designs {
  static let all = [dense(), activation(), logic(), convolution()]

  /// 3 -> 2 linear, then RELU with saturation, as a trained network has them.
  static func dense(name: String = "tiny", bias: Int128 = 5) -> HLSDesign {
    let input = HLSTensor(name: "input_1", shape: [3], formats: Array(repeating: .fixed(8, 3), count: 3))
    return HLSDesign(
      name: name, interval: 1, latency: 3, inputs: [input],
      nodes: [
        HLSNode(name: "fc1", comment: "linear, [3] -> [2]", circuit: linear(input, bias: bias)),
        HLSNode(
          name: "relu1", comment: "map relu, [2], ufixed<6,3,TRN,SAT>",
          circuit: rectifier(of: linear(input, bias: bias))),
      ],
      outputs: [HLSOutput(name: "relu1", tensor: "relu1")])
  }

  private static func linear(_ input: HLSTensor, bias: Int128) -> Circuit {
    build("fc1") { builder throws(WidthOverflow) in
      let origin = builder.origin("fc1")
      let x = builder.input("input_1", shape: [3], formats: input.formats, origin: origin)
      let shared = try builder.sum([Term(x[0], shift: 2), Term(x[1], isNegative: true)], origin: origin)
      let first = try builder.sum(
        [Term(shared), Term(x[2], shift: 1), Term(builder.constant(bias, origin: origin))], origin: origin)
      let second = try builder.sum(
        [Term(shared, isNegative: true), Term(x[2], isNegative: true)], origin: origin)
      builder.output("fc1", shape: [2], elements: [first, second].map { exact($0, builder) })
    }
  }

  private static func rectifier(of operand: Circuit) -> Circuit {
    let formats = operand.outputs[0].elements.map(\.format)
    return build("relu1") { builder throws(WidthOverflow) in
      let origin = builder.origin("relu1")
      let x = builder.input("fc1", shape: [2], formats: formats, origin: origin)
      var y: [Port.Element] = []
      for value in x {
        let kept = builder.slice(value, low: 2, origin: origin)
        let zero = builder.constant(0, origin: origin)
        let top = builder.constant(63, origin: origin)
        let isLow = builder.compare(.less, kept, zero, origin: origin)
        let isHigh = builder.compare(.less, top, kept, origin: origin)
        let clamped = builder.select(isHigh, top, kept, origin: origin)
        let result = builder.select(isLow, zero, clamped, range: Interval(0, 63), origin: origin)
        y.append(Port.Element(.ufixed(6, 3), value: result))
      }
      builder.output("relu1", shape: [2], elements: y)
    }
  }

  /// Element-wise types, a product, two tables, a layer name that is no identifier, two inputs of one node.
  static func activation() -> HLSDesign {
    let a = HLSTensor(name: "a", shape: [2], formats: [.fixed(6, 2), .ufixed(3, 2)])
    let b = HLSTensor(name: "b/x:0", shape: [], formats: [.fixed(4, 4)])
    let gate = build("gate") { builder throws(WidthOverflow) in
      let origin = builder.origin("2 gates")
      let x = builder.input("a", shape: [2], formats: a.formats, origin: origin)
      let z = builder.input("b", shape: [], formats: b.formats, origin: origin)
      let wide = builder.table(
        Table(name: "sigmoid", first: -32, entries: (0..<64).map { Int128($0 * $0 * 9) }))
      let small = builder.table(Table(name: "sigmoid", first: 0, entries: [0, -1, 2, -3, 4, -5, 6, -7]))
      let left = builder.lookup(x[0], table: wide, exponent: -8, origin: origin)
      let right = builder.lookup(x[1], table: small, exponent: -1, origin: origin)
      let product = try builder.multiply(right, z[0], origin: origin)
      builder.output(
        "y", shape: [4],
        elements: [exact(left, builder), exact(product, builder), exact(x[1], builder)]
          + [Port.Element(Format(.zero, exponent: -30), value: builder.constant(0, origin: origin))])
      let sign = builder.compare(.less, x[1], z[0], origin: origin)
      builder.output("sign", shape: [1], elements: [exact(sign, builder)])
    }
    return HLSDesign(
      name: "9 jets", interval: 2, latency: nil, inputs: [a, b],
      nodes: [
        HLSNode(
          name: "2 gates", comment: "lookup\nand product", circuit: gate, arguments: ["a", "b/x:0"],
          results: ["y", "sign"])
      ],
      outputs: [
        HLSOutput(name: "output", tensor: "y"), HLSOutput(name: "double", tensor: "sign"),
        HLSOutput(name: "copy", tensor: "a"),
      ])
  }

  /// Bit logic, constants beyond 64 bits, a long sum, an input that nothing reads.
  static func logic() -> HLSDesign {
    let x = HLSTensor(name: "x", shape: [2, 3], formats: Array(repeating: .ufixed(5, 5), count: 6))
    let unread = HLSTensor(name: "unread", shape: [1], formats: [.fixed(2, 2)])
    let circuit = build("logic") { builder throws(WidthOverflow) in
      let origin = builder.origin("logic")
      let v = builder.input("x", shape: [2, 3], formats: x.formats, origin: origin)
      _ = builder.input("unread", shape: [1], formats: unread.formats, origin: origin)
      let masked = builder.bitwise(.and, [v[0], builder.constant(21, origin: origin)], origin: origin)
      let mixed = builder.bitwise(.xor, [masked, v[1], v[2]], origin: origin)
      let parity = builder.reduce(.xor, mixed, origin: origin)
      let full = builder.reduce(.and, v[3], origin: origin)
      let huge = builder.constant(Int128(1) << 90 + 12345, origin: origin)
      let sum = try builder.sum(
        v.map { Term($0) } + [Term(v[0], shift: 70, isNegative: true), Term(huge)], origin: origin)
      let picked = builder.select(parity, v[4], builder.constant(-3, origin: origin), origin: origin)
      builder.output(
        "y", shape: [5], elements: [mixed, parity, full, sum, picked].map { exact($0, builder) })
    }
    return HLSDesign(
      name: "logic", interval: 1, latency: 1, inputs: [x, unread],
      nodes: [HLSNode(name: "logic", comment: "", circuit: circuit)],
      outputs: [HLSOutput(name: "y", tensor: "y")])
  }

  /// What is printed as loops: windows with padding over elements of different types, a kernel at every position, which
  /// the ends see otherwise, and a function of every element but one.
  static func convolution() -> HLSDesign {
    let positions = 24
    var formats: [Format] = Array(repeating: .fixed(6, 3), count: positions)
    formats[4] = .ufixed(4, 3)
    formats[7] = Format(.zero, exponent: 0)
    let x = HLSTensor(name: "x", shape: [positions], formats: formats)
    let windows = build("windows") { builder throws(WidthOverflow) in
      let origin = builder.origin("windows")
      let values = builder.input("x", shape: [positions], formats: formats, origin: origin)
      let zero = builder.constant(0, origin: origin)
      let padded = [zero] + values + [zero]
      let elements = (0..<positions).flatMap { padded[$0..<($0 + 3)] }
      builder.output("windows", shape: [positions, 3], elements: elements.map { exact($0, builder) })
    }
    let kernel = build("kernel") { builder throws(WidthOverflow) in
      let origin = builder.origin("kernel")
      let formats = windows.outputs[0].elements.map(\.format)
      let values = builder.input("windows", shape: [positions, 3], formats: formats, origin: origin)
      var result: [Value] = []
      for p in 0..<positions {
        let (a, b, c) = (Term(values[3 * p], shift: 1), values[3 * p + 1], values[3 * p + 2])
        let shared = try builder.sum([a, Term(c, isNegative: true)], exponent: -3, origin: origin)
        let offset = Term(builder.constant(Int128(9), exponent: -3, origin: origin))
        result.append(
          try builder.sum([Term(shared), Term(b, shift: 2), offset], exponent: -3, origin: origin))
        result.append(try builder.sum([Term(b), Term(shared, shift: 1)], exponent: -3, origin: origin))
      }
      builder.output("kernel", shape: [positions, 2], elements: result.map { exact($0, builder) })
    }
    let rectifier = build("rectifier") { builder throws(WidthOverflow) in
      let origin = builder.origin("rectifier")
      let formats = kernel.outputs[0].elements.map(\.format)
      let values = builder.input("kernel", shape: [positions, 2], formats: formats, origin: origin)
      let zero = builder.constant(0, origin: origin)
      let result = values.enumerated().map { i, value in
        if i == 13 { return value }
        let isNegative = builder.compare(.less, value, zero, origin: origin)
        return builder.select(isNegative, zero, value, origin: origin)
      }
      builder.output("rectifier", shape: [positions, 2], elements: result.map { exact($0, builder) })
    }
    return HLSDesign(
      name: "convolution", interval: 1, latency: 2, inputs: [x],
      nodes: [windows, kernel, rectifier].map { HLSNode(name: $0.name, comment: "", circuit: $0) },
      outputs: [HLSOutput(name: "y", tensor: "rectifier")])
  }

  static func exact(_ value: Value, _ builder: CircuitBuilder) -> Port.Element {
    Port.Element(builder[value].format, value: value)
  }

  static func build(_ name: String, _ body: (inout CircuitBuilder) throws(WidthOverflow) -> Void) -> Circuit {
    var builder = CircuitBuilder(name: name)
    do {
      try body(&builder)
    } catch {
      preconditionFailure("'\(name)' is too wide")
    }
    return builder.circuit
  }
}

extension HLSDesign: CustomTestStringConvertible {
  public var testDescription: String { name }
}
