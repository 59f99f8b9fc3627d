import Diagnostics
import FixedPoint
import Foundation
import Testing

/// Conversions between small types, exhaustively, against what the ap_types headers make of them
/// (Scripts/conversion_digests.py writes the digests and says in which order it converts).
struct ConversionDigestTests {
  @Test(arguments: Rounding.allCases, Overflow.allCases)
  func agreesWithHeaders(rounding: Rounding, overflow: Overflow) throws {
    let expected = try ConversionDigestTests.digests()
    for sourceSigned in [false, true] {
      for targetSigned in [false, true] {
        let key = [
          rounding.rawValue, overflow.rawValue, sourceSigned ? "signed" : "unsigned",
          targetSigned ? "signed" : "unsigned",
        ].joined(separator: " ")
        let digest = digest(rounding, overflow, sourceSigned: sourceSigned, targetSigned: targetSigned)
        let text = String(digest, radix: 16)
        #expect(
          String(repeating: "0", count: 16 - text.count) + text == expected[key], "conversions \(key)")
      }
    }
  }

  private func digest(
    _ rounding: Rounding, _ overflow: Overflow, sourceSigned: Bool, targetSigned: Bool
  ) -> UInt64 {
    var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    for sourceWidth in 1...6 {
      let range = FixedType(width: sourceWidth, integerBits: sourceWidth, isSigned: sourceSigned).rawRange
      for targetWidth in 1...6 {
        for difference in -7...7 {
          let target = FixedType(
            width: targetWidth, integerBits: targetWidth - difference, isSigned: targetSigned,
            rounding: rounding, overflow: overflow)
          var raw = range.lower
          while raw <= range.upper {
            let result = UInt8(truncatingIfNeeded: target.convert(raw, exponent: 0))
            digest = (digest ^ UInt64(result)) &* 0x100_0000_01b3
            raw += 1
          }
        }
      }
    }
    return digest
  }

  private static func digests() throws -> [String: String] {
    let url = try #require(
      Bundle.module.url(forResource: "conversion_digests", withExtension: "txt", subdirectory: "Fixtures"))
    var digests: [String: String] = [:]
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#")
    {
      let words = line.split(separator: " ").map(String.init)
      digests[words.dropLast().joined(separator: " ")] = words.last
    }
    return digests
  }
}
