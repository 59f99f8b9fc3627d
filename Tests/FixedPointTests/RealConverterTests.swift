import FixedPoint
import Testing

@Suite("Many values into one type")
struct RealConverterTests {
  @Test("the same integers as one by one, near every tie, end and power of two", arguments: Rounding.allCases)
  func same(rounding: Rounding) {
    var generator = SeededGenerator(seed: 11)
    for overflow in Overflow.allCases {
      for width in [0, 1, 2, 7, 16, 50, 51, 90] {
        for (integerBits, isSigned) in [(width / 2, true), (-4, false), (width + 3, true), (240, true)] {
          let type = FixedType(
            width: width, integerBits: integerBits, isSigned: isSigned, rounding: rounding, overflow: overflow
          )
          let converter = RealConverter(type)
          for _ in 0..<60 {
            let quarters = Double(Int64.random(in: -40...40, using: &generator)) / 4
            let step = Double(sign: .plus, exponent: type.exponent, significand: 1)
            let scaled = Double(
              sign: .plus, exponent: Int.random(in: -4...56, using: &generator), significand: 1)
            for value in [
              quarters * step, quarters * scaled * step, (quarters * step).nextUp, quarters.nextDown,
            ] {
              #expect(converter.convert(value)?.raw == type.convert(value), "\(value) into \(type)")
              let expected = type.convert(value).map { type.value($0) }
              #expect(converter.value(value)?.bitPattern == expected?.bitPattern, "\(value) into \(type)")
            }
          }
          for value in [Double.leastNonzeroMagnitude, -Double.leastNonzeroMagnitude, 1e300, -1e300, 0x1p-701]
          {
            #expect(converter.convert(value)?.raw == type.convert(value), "\(value) into \(type)")
          }
          #expect(converter.convert(.nan) == nil && converter.convert(.infinity) == nil)
          #expect(converter.value(.nan) == nil && converter.value(.infinity) == nil)
        }
      }
    }
  }

  @Test("wrapping is noticed, and nothing else")
  func wrapping() {
    let wrap = RealConverter(FixedType(width: 8, integerBits: 4))
    #expect(wrap.convert(7.9375)?.hasWrapped == false)
    #expect(wrap.convert(8)?.hasWrapped == true)
    // Once around the whole range.
    #expect(wrap.convert(16 + 7.9375)?.hasWrapped == true)
    #expect(wrap.convert(-8.01)?.hasWrapped == true)
    #expect(wrap.convert(1e30)?.hasWrapped == true)
    let saturating = RealConverter(FixedType(width: 8, integerBits: 4, overflow: .sat))
    #expect(saturating.convert(8)?.hasWrapped == false)
  }
}
