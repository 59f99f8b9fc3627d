import Diagnostics
import FixedPoint
import Testing

struct FixedTypeTests {
  @Test(arguments: [
    ("ap_fixed<16,6>", "fixed<16,6>"),
    ("ap_fixed<16,6,AP_RND,AP_SAT>", "fixed<16,6,RND,SAT>"),
    ("ap_fixed<16,6,AP_RND_CONV,AP_SAT,0>", "fixed<16,6,RND_CONV,SAT>"),
    ("ap_ufixed<8,0,AP_RND_CONV,AP_SAT>", "ufixed<8,0,RND_CONV,SAT>"),
    ("fixed<16,6,RND,SAT>", "fixed<16,6,RND,SAT>"),
    ("ufixed<8,0>", "ufixed<8,0>"),
    ("ap_int<8>", "fixed<8,8>"),
    ("ap_uint<8>", "ufixed<8,8>"),
    ("int<8>", "fixed<8,8>"),
    ("uint<8>", "ufixed<8,8>"),
    ("ac_fixed<16,6,true>", "fixed<16,6>"),
    ("ac_fixed<16,6,false,AC_RND,AC_SAT>", "ufixed<16,6,RND,SAT>"),
    ("ac_int<8, false>", "ufixed<8,8>"),
    (" AP_FIXED < 16 , 6 , ap_rnd_inf >", "fixed<16,6,RND_INF,WRAP>"),
    ("fixed<8,-3,TRN,SAT_SYM>", "fixed<8,-3,TRN,SAT_SYM>"),
    ("fixed<4,20>", "fixed<4,20>"),
    ("ufixed<0,0>", "ufixed<0,0>"),
    ("fixed<120,60>", "fixed<120,60>"),
  ])
  func spellings(text: String, canonical: String) throws {
    #expect(try FixedType(parsing: text).description == canonical)
  }

  @Test(arguments: [
    "", "auto", "fixed", "fixed<", "fixed<>", "fixed<16>", "fixed<16,>", "fixed<16,6", "fixed 16,6>",
    "fixed<a,6>",
    "fixed<1 6,6>", "fixed<16,6.5>", "fixed<-1,0>", "fixed<16,6,>", "fixed<16,6,SAT>", "fixed<16,6,RND,RND>",
    "fixed<16,6,RND,SAT,x>", "fixed<16,6,RND,SAT,0,0>", "fixed<16,6,AP_AP_RND>", "float<32>", "int<8,8>",
    "int<>",
    "ap_fixed<16,6,true>", "ac_fixed<16,6,RND>", "ac_ufixed<16,6>", "ac_fixed<16,6,true,AC_RND,AC_SAT,0>",
    "fixed<99999999999999999999,6>", "fixed<16,6>>", "<16,6>", "fixed<16,6>;",
  ])
  func malformed(text: String) {
    let error = #expect(throws: CompilationFailed.self) { try FixedType(parsing: text) }
    #expect(error?.diagnostics.map(\.code) == ["T001"])
    #expect(error?.description.contains("'\(text)'") == true)
  }

  @Test(arguments: [
    ("ap_fixed<16,6,AP_RND,AP_WRAP_SM>", "AP_WRAP_SM"), ("fixed<16,6,RND,SAT,1>", "1 saturation bits"),
    ("fixed<121,6>", "more than 120 bits"), ("fixed<8,1025>", "1024 integer"),
    ("fixed<8,-9223372036854775808>", "1024 integer"),
    ("ac_fixed<8,2,true,AC_RND_CONV_ODD>", "AC_RND_CONV_ODD"),
  ])
  func unsupported(text: String, reason: String) {
    let error = #expect(throws: CompilationFailed.self) { try FixedType(parsing: text) }
    #expect(error?.diagnostics.map(\.code) == ["T002"])
    #expect(error?.description.contains(reason) == true)
  }

  @Test func textRoundTrips() throws {
    for width in [0, 1, 2, 17, 120] {
      for integerBits in [-5, 0, 1, 17, 200] {
        for isSigned in [false, true] {
          for rounding in Rounding.allCases {
            for overflow in Overflow.allCases {
              let type = FixedType(
                width: width, integerBits: integerBits, isSigned: isSigned, rounding: rounding,
                overflow: overflow)
              #expect(try FixedType(parsing: type.description) == type)
              #expect(try FixedType(parsing: type.apSpelling) == type)
            }
          }
        }
      }
    }
  }

  @Test func ranges() {
    let signed = FixedType(width: 4, integerBits: 2, overflow: .satSym)
    #expect(signed.rawRange == Interval(-8, 7))
    #expect(signed.reachableRange == Interval(-7, 7))
    #expect(signed.fractionBits == 2 && signed.exponent == -2)
    #expect(
      FixedType(width: 4, integerBits: 2, isSigned: false, overflow: .satSym).reachableRange
        == Interval(0, 15))
    #expect(FixedType(width: 1, integerBits: 1, overflow: .satSym).reachableRange == Interval(-1, 0))
    #expect(FixedType(width: 0, integerBits: 0).rawRange == .zero)
    let widest = Int128(1) << 119
    #expect(FixedType(width: 120, integerBits: 120).rawRange == Interval(-widest, widest - 1))
    #expect(FixedType(width: 120, integerBits: 120, isSigned: false).rawRange == Interval(0, 2 * widest - 1))
  }

  @Test func valuesOfRawIntegers() {
    #expect(FixedType(width: 8, integerBits: 3).value(-9) == -9.0 / 32)
    #expect(
      FixedType(width: 8, integerBits: -1000).value(1) == Double(sign: .plus, exponent: -1008, significand: 1)
    )
    // The unit is subnormal, the value rounds only once.
    #expect(
      FixedType(width: 60, integerBits: -1024).value(1 << 59)
        == Double(sign: .plus, exponent: -1025, significand: 1))
  }

  @Test func narrowestTypeOfFormat() {
    #expect(Format(Interval(-8, 7), exponent: -2).type == FixedType(width: 4, integerBits: 2))
    #expect(Format(Interval(0, 8), exponent: 3).type == FixedType(width: 4, integerBits: 7, isSigned: false))
    #expect(Format(.zero, exponent: 5).type.width == 0)
    #expect(
      Format(FixedType(width: 3, integerBits: 1, overflow: .satSym)) == Format(Interval(-3, 3), exponent: -2))
    #expect(Format(Interval(-8, 7), exponent: -2).description == "-8...7 e-2")
    // The widest interval that arithmetic yields still has a type, and that type an interval.
    let bound = Int128(1) << Interval.maximumBits
    #expect(Format(Interval(-bound, bound), exponent: 0).type.rawRange.contains(Interval(-bound, bound)))
  }
}
