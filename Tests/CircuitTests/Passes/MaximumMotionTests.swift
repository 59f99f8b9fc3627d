import Circuit
import CircuitTestSupport
import FixedPoint
import Testing

@Suite("Functions behind maxima")
struct MaximumMotionTests {
  private static let signed = Format(Interval(-16, 12), exponent: 0)
  private static let positive = Format(Interval(0, 15), exponent: 0)

  /// Builds a circuit of some inputs; the maximum of two values as Lowering makes it.
  private struct Window {
    var b = CircuitBuilder(name: "window")
    let layer: Int
    var inputs: [Value]

    init(_ formats: [Format]) {
      layer = b.origin("pool")
      inputs = b.input("x", shape: [formats.count], formats: formats, origin: layer)
    }

    mutating func rectified(_ x: Value) -> Value {
      let zero = b.constant(0, origin: layer)
      return b.select(b.compare(.less, x, zero, origin: layer), zero, x, origin: layer)
    }

    /// A table of 32 entries that falls nowhere, or that falls once.
    mutating func looked(_ x: Value, isRising: Bool) -> Value {
      var entries: [Int128] = (0..<32).map { $0 * $0 / 20 - 3 }
      if !isRising { entries[20] -= 9 }
      let table = b.table(Table(name: isRising ? "rising" : "falling", first: -16, entries: entries))
      return b.lookup(x, table: table, origin: layer)
    }

    mutating func maximum(_ x: Value, _ y: Value) -> Value {
      b.select(b.compare(.less, x, y, origin: layer), y, x, origin: layer)
    }

    mutating func circuit(_ values: Value...) -> Circuit {
      b.output("y", shape: [values.count], elements: values.map { Port.Element(b[$0].format, value: $0) })
      return b.circuit
    }
  }

  private func count(_ circuit: Circuit, _ isCounted: (Operation.Kind) -> Bool) -> Int {
    circuit.operations.count { isCounted($0.kind) }
  }

  private func selections(_ circuit: Circuit) -> Int {
    count(circuit) { if case .select = $0 { true } else { false } }
  }

  private func lookups(_ circuit: Circuit) -> Int {
    count(circuit) { if case .lookup = $0 { true } else { false } }
  }

  /// All inputs of two elements.
  private func checkAll(_ circuit: Circuit, _ changed: Circuit) {
    let ranges = circuit.inputs[0].elements.map(\.format.range)
    for x in ranges[0].lower...ranges[0].upper {
      for y in ranges[1].lower...ranges[1].upper {
        #expect(changed.evaluate([x, y]) == circuit.evaluate([x, y]))
        #expect(changed.firstRangeViolation([x, y]) == nil)
      }
    }
  }

  @Test("two rectifiers become one, in whichever form they test the sign") func rectifiers() throws {
    for isSimplified in [false, true] {
      var w = Window([Self.signed, Self.signed])
      let (x, y) = (w.rectified(w.inputs[0]), w.rectified(w.inputs[1]))
      var circuit = w.circuit(w.maximum(x, y))
      if isSimplified { circuit = try #require(Simplification().run(circuit)) }
      let changed = try #require(MaximumMotion().run(circuit))
      #expect(changed.verify().isEmpty)
      #expect(selections(circuit) == 3 && selections(changed) == 2)
      checkAll(circuit, changed)
    }
  }

  @Test("a rectifier beside what is never negative goes") func rectifierAlone() throws {
    for isFirst in [true, false] {
      var w = Window([Self.signed, Self.positive])
      let x = w.rectified(w.inputs[0])
      let circuit = w.circuit(isFirst ? w.maximum(x, w.inputs[1]) : w.maximum(w.inputs[1], x))
      let changed = try #require(MaximumMotion().run(circuit))
      #expect(selections(circuit) == 2 && selections(changed) == 1)
      checkAll(circuit, changed)
    }
  }

  @Test("a window of four has one rectifier, or one table, in the end") func window() throws {
    for isTable in [false, true] {
      var w = Window(Array(repeating: Self.signed, count: 4))
      let elements = w.inputs.map { isTable ? w.looked($0, isRising: true) : w.rectified($0) }
      let left = w.maximum(elements[0], elements[1])
      let right = w.maximum(elements[2], elements[3])
      let circuit = w.circuit(w.maximum(left, right))
      let changed = circuit.optimized()
      #expect(selections(changed) == (isTable ? 3 : 4))
      #expect(lookups(changed) == (isTable ? 1 : 0))
      var random = SeededGenerator(seed: 1)
      for _ in 0..<500 {
        let inputs = circuit.randomInputs(using: &random)
        #expect(changed.evaluate(inputs) == circuit.evaluate(inputs))
        #expect(changed.firstRangeViolation(inputs) == nil)
      }
    }
  }

  @Test("functions that fall, differ, or are read elsewhere stay") func others() throws {
    var w = Window([Self.signed, Self.signed])
    let (x, y) = (w.inputs[0], w.inputs[1])
    let falling = w.maximum(w.looked(x, isRising: false), w.looked(y, isRising: false))
    #expect(MaximumMotion().run(w.circuit(falling)) == nil)

    w = Window([Self.signed, Self.signed])
    let mixed = w.maximum(w.looked(x, isRising: true), w.rectified(y))
    #expect(MaximumMotion().run(w.circuit(mixed)) == nil)

    w = Window([Self.signed, Self.signed])
    let shown = w.rectified(x)
    #expect(MaximumMotion().run(w.circuit(w.maximum(shown, w.rectified(y)), shown)) == nil)

    // The lesser of two: the operands of the comparison the other way round.
    w = Window([Self.signed, Self.signed])
    let (a, b) = (w.rectified(x), w.rectified(y))
    let lesser = w.b.select(w.b.compare(.less, a, b, origin: w.layer), a, b, origin: w.layer)
    #expect(MaximumMotion().run(w.circuit(lesser)) == nil)
  }

  @Test("a maximum of which high bits are read compares high bits") func highBits() throws {
    var w = Window([Format(Interval(-128, 127), exponent: 0), Format(Interval(0, 100), exponent: 0)])
    let maximum = w.maximum(w.inputs[0], w.inputs[1])
    let circuit = w.circuit(w.b.slice(maximum, low: 3, origin: w.layer))
    let changed = try #require(DemandedBits().run(circuit))
    checkAll(circuit, changed)
    for case .compare(_, let a, let b) in changed.operations.map(\.kind) {
      #expect(max(changed[a].format.width, changed[b].format.width) == 5)
    }
  }
}
