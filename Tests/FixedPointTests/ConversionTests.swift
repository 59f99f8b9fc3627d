import FixedPoint
import Testing

struct ConversionTests {
  @Test func roundingOfQuarters() {
    // −1.75 … 1.75 in quarters.
    let quarters = Array(Int128(-7)...7)
    let expected: [Rounding: [Int128]] = [
      .trn: [-2, -2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1],
      .trnZero: [-1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1],
      .rnd: [-2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2],
      .rndZero: [-2, -1, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2],
      .rndInf: [-2, -2, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2, 2],
      .rndMinInf: [-2, -2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 2],
      .rndConv: [-2, -2, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2],
    ]
    for rounding in Rounding.allCases {
      #expect(quarters.map { rounding.shift($0, right: 2) } == expected[rounding], "\(rounding)")
    }
  }

  /// Wide shifts follow from narrow ones: zeros below change nothing, other low bits only whether it is a tie.
  @Test(arguments: Rounding.allCases)
  func roundingAtTheExtremes(rounding: Rounding) {
    for value in Int128(-2050)...2050 {
      for count in [1, 2, 10, 11, 12] {
        #expect(rounding.shift(value << 110, right: 110 + count) == rounding.shift(value, right: count))
        for low in [Int128(-1), 1] {
          #expect(
            rounding.shift(value << 110 + low, right: 110 + count)
              == rounding.shift(value << 2 + low, right: 2 + count))
        }
      }
    }
    // Far below half a unit: as a quarter.
    for raw: Int128 in [1, 77, (1 << 125) - 1] {
      for count in [127, 128, 129, 500, 1 << 40] {
        #expect(rounding.shift(raw, right: count) == rounding.shift(1, right: 2))
        #expect(rounding.shift(-raw, right: count) == rounding.shift(-1, right: 2))
      }
    }
    #expect(rounding.shift(0, right: 1000) == 0)
    #expect(rounding.shift(-3, right: -118) == Int128(-3) << 118)
    #expect(rounding.shift(5, right: 0) == 5)
  }

  @Test func liftsBeyondInt128() {
    let bits = Int128(1) << 119
    func convert(_ raw: Int128, _ overflow: Overflow, isSigned: Bool = true, exponent: Int) -> Int128 {
      FixedType(width: 120, integerBits: 120, isSigned: isSigned, overflow: overflow)
        .convert(raw, exponent: exponent)
    }
    for exponent in [118, 119, 120, 127, 128, 129, 1000] {
      #expect(convert(3, .sat, exponent: exponent) == bits - 1)
      #expect(convert(-3, .sat, exponent: exponent) == -bits)
      #expect(convert(-3, .satSym, exponent: exponent) == 1 - bits)
      #expect(convert(-3, .sat, isSigned: false, exponent: exponent) == 0)
      #expect(convert(3, .satZero, exponent: exponent) == 0)
      #expect(convert(0, .sat, exponent: exponent) == 0)
    }
    #expect(convert(3, .wrap, exponent: 118) == -(Int128(1) << 118))
    #expect(convert(3, .wrap, exponent: 119) == -bits)
    #expect(convert(3, .wrap, exponent: 120) == 0)
    #expect(convert((1 << 60) + 1, .wrap, exponent: 70) == Int128(1) << 70)
    #expect(convert(-1, .wrap, isSigned: false, exponent: 118) == bits + bits / 2)
    #expect(FixedType(width: 0, integerBits: 0, overflow: .sat).convert(9, exponent: 500) == 0)
    #expect(FixedType(width: 0, integerBits: 0, overflow: .wrap).convert(9, exponent: -1) == 0)
  }

  @Test func binary64Values() {
    let type = FixedType(width: 8, integerBits: 4, rounding: .rndConv, overflow: .sat)
    #expect(type.convert(1.03125) == 16)  // a tie, to even
    #expect(type.convert(1.09375) == 18)
    #expect(type.convert(1.09375.nextDown) == 17)
    #expect(type.convert(-0.0) == 0)
    #expect(type.convert(1e300) == 127 && type.convert(-1e300) == -128)
    #expect(type.convert(Double.leastNonzeroMagnitude) == 0)
    #expect(type.convert(.nan) == nil && type.convert(.infinity) == nil && type.convert(-.infinity) == nil)
    let floor = FixedType(width: 8, integerBits: 4)
    #expect(floor.convert(-Double.leastNonzeroMagnitude) == -1)
    #expect(floor.convert(1e300) == 0)
    let tiny = FixedType(width: 8, integerBits: -1066)
    #expect(tiny.convert(3 * Double.leastNonzeroMagnitude) == 3)
    #expect(tiny.convert(-Double.leastNonzeroMagnitude) == -1)
  }

  @Test func significands() {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<1000 {
      let value = Double(bitPattern: generator.next())
      guard value.isFinite, value != 0 else { continue }
      guard let (significand, exponent) = value.integerSignificand else {
        Issue.record("\(value) has no significand")
        continue
      }
      #expect(significand & 1 == 1)
      #expect(Double(sign: .plus, exponent: exponent, significand: Double(significand)) == value)
    }
    #expect(Double.leastNonzeroMagnitude.integerSignificand.map { $0 == (1, -1074) } == true)
    #expect(Double.zero.integerSignificand == nil && Double.nan.integerSignificand == nil)
  }

  /// The range of a converted format equals that of all its converted values; wrapping may give the whole type.
  @Test(arguments: Overflow.allCases)
  func intervals(overflow: Overflow) {
    for rounding in [Rounding.trn, .trnZero, .rndConv, .rndInf] {
      for isSigned in [false, true] {
        for width in [0, 1, 3] {
          for shift in [-4, -1, 0, 1, 2, 5] {
            let type = FixedType(
              width: width, integerBits: width + shift, isSigned: isSigned, rounding: rounding,
              overflow: overflow)
            checkIntervals(type)
          }
        }
      }
    }
  }

  private func checkIntervals(_ type: FixedType) {
    for lower in -11...11 {
      let first = type.convert(Int128(lower), exponent: 0)
      var (least, greatest) = (first, first)
      for upper in lower...11 {
        let last = type.convert(Int128(upper), exponent: 0)
        (least, greatest) = (min(least, last), max(greatest, last))
        let exact = Interval(least, greatest)
        let interval = type.convert(Format(Interval(Int128(lower), Int128(upper)), exponent: 0))
        let agrees =
          type.overflow == .wrap
          ? interval == exact || (interval.contains(exact) && interval == type.rawRange) : interval == exact
        if !agrees { Issue.record("\(lower)...\(upper) to \(type) is \(interval), not \(exact)") }
      }
    }
  }

  @Test func intervalsAtTheExtremes() {
    let bound = Int128(1) << 120
    let whole = Interval(-bound, bound)
    for exponent in [-200, -6, 0, 3, 7, 200] {
      for overflow in Overflow.allCases {
        let type = FixedType(width: 120, integerBits: 120, overflow: overflow)
        let range = type.convert(Format(whole, exponent: exponent))
        #expect(type.reachableRange.contains(range))
        for raw in [-bound, -bound / 3, 0, bound / 3, bound] {
          #expect(range.contains(type.convert(raw, exponent: exponent)))
        }
      }
    }
    let type = FixedType(width: 8, integerBits: 8, overflow: .satZero)
    #expect(type.convert(Format(Interval(1, bound), exponent: 8)) == .zero)
    #expect(type.convert(Format(Interval(1, bound), exponent: 100)) == .zero)
    #expect(type.convert(Format(Interval(1, bound), exponent: 2)) == Interval(0, 124))
    #expect(type.convert(Format(Interval(-bound, 1), exponent: 2)) == Interval(-128, 4))
    #expect(type.convert(Format(Interval(-bound, -1), exponent: 100)) == .zero)
  }
}
