import FixedPoint
import Foundation
import Testing

@testable import Functions

/// Functions by the names that the recorded values use.
private let functions: [String: Function] = [
  "exp": .exp, "log": .log, "reciprocal": .reciprocal, "sqrt": .sqrt, "rsqrt": .rsqrt, "square": .square,
  "abs": .abs, "sign": .sign, "sigmoid": .sigmoid, "tanh": .tanh, "softplus": .softplus,
  "softsign": .softsign, "selu": .selu, "silu": .silu, "mish": .mish, "erf": .erf,
  "logSigmoid": .logSigmoid, "hardSilu": .hardSilu, "hardSwish": .hardSwish(shift: 2, maximum: 4),
  "elu": .elu(alpha: 0.7), "celu": .celu(alpha: 1.5), "gelu": .gelu(approximate: false),
  "geluTanh": .gelu(approximate: true), "hardSigmoid": .hardSigmoid(slope: 0.2, offset: 0.5),
  "hardTanh": .hardTanh, "squareplus": .squareplus(b: 4), "softShrink": .softShrink(threshold: 0.5),
  "hardShrink": .hardShrink(threshold: 0.5), "tanhShrink": .tanhShrink, "sparsePlus": .sparsePlus,
  "sin": .sin, "cos": .cos, "atan": .atan, "sinh": .sinh, "cosh": .cosh,
  "eluFalling": .elu(alpha: -0.7), "celuFalling": .celu(alpha: -1.5),
]
private let isLong = ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] == "1"

@Suite("Correctly rounded functions")
struct FunctionsTests {
  /// A value that mpmath computed with 60 digits.
  struct Recorded {
    var function: String
    var raw: Int128
    var exponent: Int
    var resultExponent: Int
    /// The value in quarters of the result's step, and whether it is that number.
    var floor: Int128
    var isExact: Bool
  }

  static func recorded() throws -> [Recorded] {
    let url = try #require(
      Bundle.module.url(forResource: "functions", withExtension: "json", subdirectory: "Fixtures"))
    let entries = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [[Any]])
    return try entries.map { entry in
      let raw = try #require(entry[1] as? Int)
      let digits = try #require(entry[4] as? String)
      return Recorded(
        function: try #require(entry[0] as? String), raw: Int128(raw),
        exponent: try #require(entry[2] as? Int), resultExponent: try #require(entry[3] as? Int),
        floor: try #require(Int128(digits)), isExact: try #require(entry[5] as? Bool))
    }
  }

  @Test("values that mpmath computed, by every rounding mode")
  func recordedValues() throws {
    let entries = try Self.recorded()
    #expect(Set(entries.map(\.function)) == Set(functions.keys) && entries.count == 40 * functions.count)
    for entry in entries {
      let function = try #require(functions[entry.function])
      for rounding in Rounding.allCases {
        // Integer bits for the largest exponential; a width that the compiler has.
        let integerBits = min(100 + entry.resultExponent, 60)
        let result = FixedType(
          width: integerBits - entry.resultExponent, integerBits: integerBits, rounding: rounding,
          overflow: .sat)
        let expected = result.convert(
          2 * entry.floor + (entry.isExact ? 0 : 1), exponent: entry.resultExponent - 3)
        let found = try function.rounded(at: entry.raw, exponent: entry.exponent, to: result)
        #expect(found == expected, "\(entry) by \(rounding)")
      }
    }
  }

  /// What the search for digits takes for granted: a bound that excludes the value makes it round wrongly, or never end.
  @Test("values lie within their strict bounds", arguments: functions.keys.sorted())
  func bounds(_ name: String) throws {
    let function = try #require(functions[name])
    for x in [-9, -2.5, -0.75, 0.5, 3, 8] {
      guard case .transcendental = function.exactValue(at: Fraction(x)) else { continue }
      let (lower, upper) = function.strictBounds(at: Fraction(x))
      let value = function.value(x)
      if let lower { #expect(Fraction(value + 1e-12) > lower, "\(name) at \(x)") }
      if let upper { #expect(Fraction(value - 1e-12) < upper, "\(name) at \(x)") }
    }
  }

  /// Where libm's value, taken to be right to 2^-45, decides how it is rounded, that is the entry: over every input type up
  /// to 12 bits (8 in the short form). What it does not decide are ties and values within 2^-45 of one.
  @Test("every input up to 12 bits against libm", arguments: functions.keys.sorted())
  func exhaustive(_ name: String) throws {
    let function = try #require(functions[name])
    var decided = 0
    var total = 0
    for width in isLong ? Array(1...12) : [1, 5, 8] {
      for integerBits in isLong ? [-2, 0, 1, 3, 5] : [1, 4] {
        for (fractionBits, rounding, overflow) in [
          (10, Rounding.rnd, Overflow.sat), (7, .trn, .sat), (4, .rndConv, .satSym),
        ] {
          let input = FixedType(width: width, integerBits: integerBits)
          let type = FixedType(
            width: fractionBits + 6, integerBits: 6, rounding: rounding, overflow: overflow)
          let entries = try function.table(for: Format(input), result: type)
          for (raw, entry) in zip(input.rawRange.lower..., entries) {
            total += 1
            let value = function.value(input.value(raw))
            guard value.isFinite else { continue }
            let error = max(value.magnitude, 0x1p-20) * 0x1p-45
            guard let low = type.convert(value - error), low == type.convert(value + error) else { continue }
            decided += 1
            #expect(entry == low, "\(name)(\(input.value(raw))) to \(type)")
          }
        }
      }
    }
    // Functions that are rational piece by piece often give ties and whole steps.
    #expect(decided * 3 > total, "\(decided) of \(total)")
  }

  /// Enclosures hold libm's value at the operand and on both ends of what it may stand for.
  @Test("enclosures around an operand", arguments: functions.keys.sorted())
  func samples(_ name: String) throws {
    let function = try #require(functions[name])
    let input = FixedType(width: 8, integerBits: 4)
    let type = FixedType(width: 20, integerBits: 8, rounding: .rnd, overflow: .sat)
    for spread in [0, 0.25, 0.5] {
      let samples = try function.samples(over: Format(input), spread: spread, result: type)
      for (i, raw) in (Int(input.rawRange.lower)...Int(input.rawRange.upper)).enumerated() {
        for offset in [-1, -0.3, 0, 0.7, 1] {
          let x = input.value(Int128(raw)) + offset * spread * 0x1p-4
          let value = function.value(x)
          // Not defined, or a pole, of which the sign of a zero decides.
          if value.isNaN || value.isInfinite { continue }
          let range = type.reachableRange
          let steps = min(max(value * 0x1p12, Double(range.lower)), Double(range.upper))
          let distance = abs(steps - samples.middles[i])
          #expect(distance <= samples.radii[i] + 1e-6, "\(name) at \(x)")
        }
      }
    }
  }
}
