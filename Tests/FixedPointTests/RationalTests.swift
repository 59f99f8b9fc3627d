import FixedPoint
import Testing

struct RationalTests {
  @Test func lowestTerms() {
    #expect(Rational(6, -4) == Rational(-3, 2))
    #expect(Rational(0, -7) == Rational(0) && Rational(0).denominator == 1)
    #expect(Rational(6, -4).description == "-3/2" && Rational(8, 2).description == "4")
    #expect(Rational(.max, .max) == .one)
    #expect(Rational(1, 3).doubleValue == 1.0 / 3)
  }

  @Test func floors() {
    for numerator in Int128(-12)...12 {
      for denominator in Int128(1)...5 {
        let floor = Rational(numerator, denominator).floor
        #expect(floor * denominator <= numerator && numerator < (floor + 1) * denominator)
      }
    }
  }

  @Test func powersOfTwo() {
    for (value, isPower) in [
      (Rational(1), true), (Rational(8), true), (Rational(1, 8), true), (Rational(0), false),
      (Rational(3, 4), false),
      (Rational(-2), false), (Rational(4, 3), false), (Rational(-1, 2), false),
    ] {
      #expect(value.isPowerOfTwo == isPower, "\(value)")
    }
  }

  @Test func orderAgreesWithIntegers() {
    var generator = SeededGenerator(seed: 6)
    for _ in 0..<2000 {
      let (a, b) = (generator.integer(bits: 60), generator.integer(bits: 60))
      let (c, d) = (generator.integer(bits: 60).magnitude + 1, generator.integer(bits: 60).magnitude + 1)
      let (left, right) = (Rational(a, Int128(c)), Rational(b, Int128(d)))
      #expect((left < right) == (a * Int128(d) < b * Int128(c)), "\(left) < \(right)")
      #expect((left == right) == (a * Int128(d) == b * Int128(c)))
    }
  }

  @Test func orderAtTheExtremes() {
    let large = Int128.max
    let ordered = [
      Rational(-large), Rational(1 - large), Rational(-large, large - 1), Rational(-1), Rational(-1, large),
      Rational(0), Rational(1, large), Rational(1, large - 1), Rational(large - 2, large - 1),
      Rational(large - 1, large), Rational(1), Rational(large, large - 1), Rational(large - 1, 3),
      Rational(large),
    ]
    for (i, a) in ordered.enumerated() {
      for (j, b) in ordered.enumerated() { #expect((a < b) == (i < j), "\(a) < \(b)") }
    }
  }

  @Test func products() throws {
    #expect(try Rational(3, 4).multiplied(by: Rational(-2, 9)) == Rational(-1, 6))
    #expect(try Rational(3, 4).divided(by: Rational(-9, 2)) == Rational(-1, 6))
    #expect(try Rational(0).divided(by: Rational(5)) == Rational(0))
    // Cancels before it multiplies.
    #expect(try Rational(.max, 7).multiplied(by: Rational(7, .max)) == .one)
    #expect(throws: WidthOverflow.self) { try Rational(.max).multiplied(by: Rational(2)) }
    #expect(throws: WidthOverflow.self) { try Rational(1, .max).multiplied(by: Rational(1, 2)) }
    #expect(throws: WidthOverflow.self) { try Rational(-(1 << 126)).multiplied(by: Rational(2)) }
  }

  /// Both are integer multiples of the unit, by coprime integers.
  @Test func commonUnits() throws {
    let values = [
      Rational(1), Rational(1, 2), Rational(3, 4), Rational(-5, 6), Rational(10, 9), Rational(7),
      Rational(25, 9),
    ]
    for a in values {
      for b in values {
        let unit = try a.commonUnit(with: b)
        let (m, n) = (try a.divided(by: unit), try b.divided(by: unit))
        #expect(m.denominator == 1 && n.denominator == 1 && unit > Rational(0))
        #expect(Rational.gcd(m.numerator.magnitude, n.numerator.magnitude) == 1)
      }
      #expect(try a.commonUnit(with: Rational(0)) == (a < Rational(0) ? a.multiplied(by: Rational(-1)) : a))
    }
    #expect(throws: WidthOverflow.self) { try Rational(1, .max).commonUnit(with: Rational(1, .max - 1)) }
    #expect(Rational.gcd(0, 0) == 1 && Rational.gcd(0, 6) == 6 && Rational.gcd(12, 18) == 6)
  }

  @Test func exactValuesOfBinary64() {
    #expect(Rational(exactly: 0.375) == Rational(3, 8))
    #expect(Rational(exactly: -6) == Rational(-6))
    #expect(Rational(exactly: 0.1) == Rational(3_602_879_701_896_397, 1 << 55))
    #expect(Rational(exactly: 0) == Rational(0))
    #expect(Rational(exactly: 0x1p119) == Rational(1 << 119))
    #expect(Rational(exactly: -0x1p-120) == Rational(-1, 1 << 120))
    for value in [0x1p120, 0x1p-121, 1e300, .nan, .infinity, Double.leastNonzeroMagnitude] {
      #expect(Rational(exactly: value) == nil, "\(value)")
    }
  }
}
