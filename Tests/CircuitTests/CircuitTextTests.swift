import Circuit
import CircuitTestSupport
import Diagnostics
import FixedPoint
import Testing

@Suite struct CircuitTextTests {
  /// Every kind of operation, in both directions.
  static let example = """
    circuit "a \\"b\\"" latency 1
    layer "fc1"
    layer "odd name\\n"
    table "relu" from -2: 0 0 -5 1 2
    input "x" [2]: %0 s8e-4 [-128,127], %1 s2e0 [-2,1]
    input "empty" [0]: 
    output "y" [1,1]: %13 s14e-4 [-8000,8000]

    %0 = input 0.0 : s8e-4 [-128,127] @fc1
    %1 = input 0.1 : s2e0 [-2,1] @fc1
    %2 = sum -%0<<2 - %1 + %0 : s10e-4 [-385,386] @fc1
    %3 = constant -12 : s5e0 [-12,-12] @"odd name\\n"
    %4 = multiply %2, %3 : s14e-4 [-4632,4620] @fc1
    %5 = slice %4 from 3 : s7e-1 [-64,63] @fc1
    %6 = compare le %5, %3 : u1e0 [0,1] @fc1
    %7 = select %6, %5, %4 : s14e-4 [-4632,4620] @fc1
    %8 = lookup %1 in 0 : s4e0 [-5,1] @fc1
    %9 = slice %7 from 0 : u4e0 [0,15] @fc1
    %10 = bitwise xor %9, %6 : u4e0 [0,15] @fc1
    %11 = reduce and %10 : u1e0 [0,1] @fc1
    %12 = sum %11 + %8 + %7 : s14e-4 [-4637,4622] @fc1
    %13 = register %12 : s14e-4 [-4637,4622] @fc1 #7

    """

  @Test func everyKindReadsAndPrints() throws {
    let circuit = try Circuit(parsing: Self.example)
    #expect(circuit.text == Self.example)
    #expect(circuit.tables[0].entries == [0, 0, -5, 1, 2])
    #expect(circuit.origins[1] == "odd name\n")
    #expect(
      circuit.operations[2].kind
        == .sum([
          Term(Value(0), shift: 2, isNegative: true), Term(Value(1), isNegative: true), Term(Value(0)),
        ]))
  }

  @Test func randomCircuitsSurviveTheRoundTrip() throws {
    for seed in 0..<100 {
      var generator = RandomCircuit()
      generator.instances = seed % 4
      let circuit = generator.make(seed: UInt64(seed))
      #expect(try Circuit(parsing: circuit.text) == circuit)
      let timed = circuit.pipelined(latency: 3, seed: UInt64(seed))
      #expect(try Circuit(parsing: timed.text) == timed)
    }
  }

  @Test(arguments: [
    ("E050", ""), ("E050", "circuit x\n"), ("E050", "circuit \"x"), ("E050", "circuit \"x\" 3\n"),
    ("E050", "circuit \"x\"\n%1 = constant 0 : u0e0 [0,0] @a\n"),
    ("E050", "circuit \"x\"\n%0 = halve %0 : u0e0 [0,0] @a\n"),
    ("E050", "circuit \"x\"\n%0 = compare gt %0, %0 : u0e0 [0,0] @a\n"),
    ("E050", "circuit \"x\"\n%0 = multiply %0 : u0e0 [0,0] @a\n"),
    ("E050", "circuit \"x\"\n%0 = constant 0 : u0e0 [1,0] @a\n"),
    ("E050", "circuit \"x\"\n%0 = constant - : u0e0 [0,0] @a\n"),
    ("E050", "circuit \"x\"\nlayer \"a\n\"\n"),
    ("E051", "circuit \"x\"\n%0 = constant 1329227995784915872903807060280344577 : u0e0 [0,0] @a\n"),
    ("E051", "circuit \"x\"\n%0 = constant 99999999999999999999999999999999999999999 : u0e0 [0,0] @a\n"),
    ("E051", "circuit \"x\" latency -1\n"),
    ("E051", "circuit \"x\"\ninput \"y\" [4294967295,4294967295]: \n"),
    ("E052", "circuit \"x\"\n%0 = constant 5 : u2e0 [5,5] @a\n"),
    ("E052", "circuit \"x\"\n%0 = constant 5 : s3e0 [5,5] @a\n"),
    ("E053", "circuit \"x\"\n%0 = constant 5 : u3e0 [5,5] @a\n"),
  ])
  func malformedTextIsLocated(code: DiagnosticCode, text: String) {
    let failure = #expect(throws: CompilationFailed.self) { try Circuit(parsing: text, file: "f") }
    #expect(failure?.diagnostics.first?.code == code)
    guard case .text(file: "f", let line, let column)? = failure?.diagnostics.first?.location else {
      Issue.record("no location")
      return
    }
    #expect(line >= 1 && column >= 1)
  }

  /// Whatever bytes change, the parser ends with a circuit or an error, and the verifier with a list.
  @Test func mutatedTextNeverTraps() {
    var random = SeededGenerator(seed: 5)
    let original = Array(Self.example.utf8)
    var accepted = 0
    for _ in 0..<3000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 32...126, using: &random)
        case 1: bytes.remove(at: place)
        default: bytes.insert(original[Int.random(in: 0..<original.count, using: &random)], at: place)
        }
      }
      guard let circuit = try? Circuit(parsing: String(decoding: bytes, as: UTF8.self)) else { continue }
      accepted += 1
      if circuit.verify().isEmpty { _ = circuit.evaluate([3, 1]) }
    }
    #expect(accepted > 100)
  }
}
