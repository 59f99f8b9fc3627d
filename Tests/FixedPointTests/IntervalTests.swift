import FixedPoint
import Testing

struct IntervalTests {
  @Test(arguments: [
    (0, 0, 0), (0, 1, 1), (1, 1, 1), (0, 2, 2), (0, 255, 8), (0, 256, 9), (7, 7, 3), (-1, -1, 1), (-1, 0, 1),
    (-1, 1, 2), (-2, 1, 2), (-2, 2, 3), (-3, 0, 3), (-128, 127, 8), (-129, 0, 9), (-1, 128, 9),
    (-128, -128, 8),
  ])
  func width(lower: Int, upper: Int, width: Int) {
    #expect(Interval(Int128(lower), Int128(upper)).width == width)
  }

  /// The width is the least in which every value survives, and `wrap` is the identity on the interval.
  @Test func widthIsLeast() {
    for lower in Int128(-20)...20 {
      for upper in lower...20 {
        let interval = Interval(lower, upper)
        let width = interval.width
        func holds(_ width: Int) -> Bool {
          let range = FixedType(width: width, integerBits: width, isSigned: interval.isSigned).rawRange
          return range.contains(interval)
        }
        #expect(holds(width) && (width == 0 || !holds(width - 1)))
        for value in Int128(-70)...70 {
          let wrapped = interval.wrap(value)
          #expect((wrapped - value) % (Int128(1) << width) == 0)
          #expect(!interval.contains(value) || wrapped == value)
        }
      }
    }
  }

  /// Every operation gives the hull of all results.
  @Test func arithmeticIsExact() throws {
    let intervals = [(-3, 4), (0, 0), (-5, -2), (1, 6), (-1, 0), (2, 2)].map { Interval($0.0, $0.1) }
    for a in intervals {
      for b in intervals {
        func hull(_ operation: (Int128, Int128) -> Int128) -> Interval {
          let results = (a.lower...a.upper).flatMap { x in (b.lower...b.upper).map { operation(x, $0) } }
          return Interval(results.min() ?? 0, results.max() ?? 0)
        }
        #expect(try a.adding(b) == hull { $0 + $1 })
        #expect(try a.subtracting(b) == hull { $0 - $1 })
        #expect(try a.multiplied(by: b) == hull { $0 * $1 })
        #expect(try a.scaled(by: b.lower) == hull { x, _ in x * b.lower })
        #expect(a.union(b).contains(a) && a.union(b).contains(b))
        let common = (a.lower...a.upper).filter { b.contains($0) }
        #expect(
          a.intersection(b).map { [$0.lower, $0.upper] }
            == common.first.map { [$0, common[common.count - 1]] })
      }
      #expect(a.negated == Interval(-a.upper, -a.lower))
      #expect(try a.shifted(left: 3) == a.scaled(by: 8))
      #expect(try a.shifted(left: -1) == Interval(a.lower >> 1, a.upper >> 1))
      #expect(a.count == Int(a.upper - a.lower) + 1)
    }
  }

  @Test func boundsAreEnforced() throws {
    let bound = Int128(1) << Interval.maximumBits
    let whole = Interval(-bound, bound)
    #expect(whole.negated == whole)
    #expect(whole.width == 122)
    #expect(whole.count == nil)
    #expect(try whole.adding(.zero) == whole)
    #expect(throws: WidthOverflow.self) { try whole.adding(.bit) }
    #expect(throws: WidthOverflow.self) { try whole.subtracting(.bit) }
    #expect(throws: WidthOverflow.self) { try whole.scaled(by: 2) }
    #expect(throws: WidthOverflow.self) { try whole.scaled(by: .max) }
    #expect(throws: WidthOverflow.self) { try whole.scaled(by: .min) }
    #expect(throws: WidthOverflow.self) { try whole.multiplied(by: whole) }
    #expect(throws: WidthOverflow.self) { try whole.shifted(left: 1) }
    #expect(throws: WidthOverflow.self) { try Interval(1).shifted(left: 121) }
    #expect(throws: WidthOverflow.self) { try Interval(-1).shifted(left: 100_000) }
    #expect(try Interval(1).shifted(left: 120) == Interval(bound))
    #expect(try Interval.zero.shifted(left: 100_000) == .zero)
    #expect(try whole.shifted(left: -100_000) == Interval(-1, 0))
    #expect(try whole.multiplied(by: .zero) == .zero)
    #expect(try Interval(bound / 2).multiplied(by: Interval(-2, 2)) == whole)
  }
}
