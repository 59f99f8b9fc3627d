import CircuitTestSupport
import FixedPoint
import Graph
import Testing

@testable import Proofs

@Suite("Functions as decision diagrams")
struct DecisionTests {
  private static let range = Interval(-40, 45)

  /// The word of a function of one integer, evaluated for all its values.
  private func check(
    _ function: (ElementFunction) -> ElementFunction, _ expected: (Int128) throws -> Int128, _ message: String
  ) throws {
    var table = FormTable()
    let atom = table.atom(.element(0), Self.range)
    var words = try ElementWords([atom], table: table, graph: Graph(name: "", framework: ""), limit: 1 << 16)
    { _ in 0 }
    let word = try words.word(function(.value(Form(atom), Self.range)))
    for value in Self.range.lower...Self.range.upper {
      // Bit b of the operand is variable width - b.
      let width = Self.range.width
      let got = words.diagrams.value(word, isSigned: true) { value >> Int128(width - $0) & 1 == 1 }
      #expect(got == (try expected(value)), "\(message) of \(value)")
      #expect(words.diagrams.value(words.domain) { value >> Int128(width - $0) & 1 == 1 })
    }
  }

  @Test(arguments: Rounding.allCases, Overflow.allCases) func quantizers(
    rounding: Rounding, overflow: Overflow
  ) throws {
    for width in 0...7 {
      for exponent in -2...4 {
        for isSigned in [false, true] {
          let type = FixedType(
            width: width, integerBits: width + exponent, isSigned: isSigned, rounding: rounding,
            overflow: overflow)
          let quantizer = ElementQuantizer.fixed(type, unit: Unit(exponent: 0))
          try check(
            { .quantize(quantizer, Self.range, $0) }, { try quantizer.apply($0) }, "\(type)")
        }
      }
    }
  }

  @Test func scaledQuantizersAndSteps() throws {
    let type = FixedType(width: 5, integerBits: 5, rounding: .rndConv, overflow: .sat)
    let scaled = ElementQuantizer.fixed(type, unit: Unit(exponent: -1, factor: Rational(3, 7)))
    try check({ .quantize(scaled, Self.range, $0) }, { try scaled.apply($0) }, "3/7")
    let steps = ElementQuantizer.steps(thresholds: [-60, -7, 0, 3, 44], levels: [-9, -1, 0, 5, 7, 100])
    try check({ .quantize(steps, Self.range, $0) }, { try steps.apply($0) }, "steps")
  }

  @Test func rectifiers() throws {
    for (maximum, slope, threshold) in [(nil, 0, 0), (20, 0, 3), (nil, 3, -5), (9, -2, 1)]
      as [(Int128?, Int128, Int128)]
    {
      let unit = Unit(exponent: 0)
      let rectifier = try Rectifier(
        maximum: maximum.map { Rational($0) }, negativeSlope: Rational(slope), threshold: Rational(threshold)
      ).element(unit: unit).0
      try check({ .rectify(rectifier, $0) }, { rectifier.apply($0) }, "\(rectifier)")
    }
  }

  @Test func sumsProductsAndExtremes() throws {
    try check({ .sum([.init(operand: $0, factor: -5)], constant: 12) }, { -5 * $0 + 12 }, "sum")
    try check({ .product([$0, $0, $0]) }, { $0 * $0 * $0 }, "cube")
    func constant(_ value: Int128) -> ElementFunction { .sum([], constant: value) }
    try check({ .extreme(isMaximum: true, [constant(3), $0, constant(-1)]) }, { max(3, $0) }, "maximum")
    try check({ .extreme(isMaximum: false, [constant(3), $0]) }, { min(3, $0) }, "minimum")
    try check({ .argmax([constant(3), $0, constant(3), constant(7)]) }, { $0 >= 7 ? 1 : 3 }, "argmax")
  }
}

@Suite("Forms of words")
struct FormTests {
  /// Cutting a word and putting it together again gives its form, whatever lies in between.
  @Test(arguments: 0..<200) func piecesMakeTheWhole(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var netlist = Netlist()
    var nets: [Net] = []
    let widths = (0..<3).map { _ in Int.random(in: 2...9, using: &random) }
    for (index, width) in widths.enumerated() { nets.append(netlist.add(.element(index), width: width)) }
    // Random sums, slices, extensions and concatenations.
    for _ in 0..<25 {
      let a = nets[Int.random(in: 0..<nets.count, using: &random)]
      let width = netlist.width(a)
      let bits = NetBits(a, width: width)
      let cut = Int.random(in: 0..<width, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0 where width < 20:
        var wide = bits
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          wide.append(bits.slice(low: width - 1, count: 1))
        }
        nets.append(netlist.word(wide))
      case 1: nets.append(netlist.word(bits.slice(low: cut, count: width - cut)))
      case 2 where width < 20:
        var wide = bits
        let b = nets[Int.random(in: 0..<nets.count, using: &random)]
        wide.append(NetBits(b, width: netlist.width(b)))
        if wide.width < 40 { nets.append(netlist.word(wide)) }
      case 3: nets.append(netlist.add(.not(a), width: width))
      default:
        let b = nets[Int.random(in: 0..<nets.count, using: &random)]
        let size = max(width, netlist.width(b))
        func fit(_ net: Net) -> Net {
          var bits = NetBits(net, width: netlist.width(net))
          while bits.width < size { bits.append(bits.slice(low: bits.width - 1, count: 1)) }
          return netlist.word(bits)
        }
        let terms = [
          NetTerm(net: fit(a), isNegative: Bool.random(using: &random)),
          NetTerm(net: fit(b), isNegative: Bool.random(using: &random)),
        ]
        nets.append(netlist.add(.sum(terms), width: size))
      }
    }
    var forms = NetForms(netlist)
    var fixed: [Net: BoundedForm] = [:]
    for (index, width) in widths.enumerated() {
      let half = Int128(1) << Int128(width - 1)
      let range = index == 0 ? Interval(0, 2 * half - 1) : Interval(-half, half - 1)
      fixed[nets[index]] = forms.table.value(.element(index), range)
    }
    forms.fix(fixed)
    // What a form says about a word is what the word is, modulo 2^width, and inside the form's bounds.
    let samples = (0..<60).map { _ in
      widths.indices.map { index -> Int128 in
        guard let range = fixed[nets[index]]?.bounds else { return 0 }
        return Int128.random(in: range.lower...range.upper, using: &random)
      }
    }
    let values = netlist.evaluated(samples)
    for net in netlist.nets.map({ Net($0) }) {
      let value = forms.value(net)
      for (s, sample) in samples.enumerated() {
        var assignment: [Atom: Int128] = [:]
        for index in widths.indices {
          if let term = fixed[nets[index]]?.form.terms.first { assignment[term.atom] = sample[index] }
        }
        let integer = forms.table.evaluate(value.form, assignment)
        let mask = UInt128.ones(netlist.width(net))
        #expect(
          UInt128(truncatingIfNeeded: integer) & mask == values[net.index * samples.count + s], "seed \(seed)"
        )
        if let bounds = value.bounds { #expect(bounds.contains(integer), "seed \(seed)") }
      }
    }
  }

  @Test func roundingToNearestIsOneForm() {
    var table = FormTable()
    let x = table.value(.element(0), Interval(-5000, 6000))
    for shift in 1...6 {
      let half = table.sum(x, BoundedForm(constant: 1 << Int128(shift - 1)))
      let whole = table.floor(half, shift)
      // floor + half bit.
      let bit = table.sum(table.floor(x, shift - 1), table.floor(x, shift), times: -2)
      #expect(table.sum(table.floor(x, shift), bit).form == whole.form)
    }
  }
}
