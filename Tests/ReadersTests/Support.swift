import Diagnostics
import Foundation

@testable import Readers

/// The first diagnostic of a failure, or nil when `body` succeeds or fails otherwise.
func failure(_ body: () throws -> Void) -> Diagnostic? {
  do {
    try body()
    return nil
  } catch {
    return (error as? CompilationFailed)?.diagnostics.first
  }
}

/// The models beside the package, if they are there.
enum Shared {
  static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/models")

  static var isPresent: Bool { FileManager.default.fileExists(atPath: models.path) }

  /// All files below the models with that extension, sorted.
  static func files(withExtension wanted: String) -> [String] {
    guard let walker = FileManager.default.enumerator(atPath: models.path) else { return [] }
    return walker.compactMap { $0 as? String }.filter { $0.hasSuffix(".\(wanted)") }.sorted()
      .map { models.appendingPathComponent($0).path }
  }
}

/// The committed fixtures, which `make_fixtures.py` wrote.
enum Fixture {
  static func path(_ name: String) -> String {
    Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name)").path
  }

  static func bytes(_ name: String) throws -> [UInt8] { try InputFile.bytes(at: path(name)) }
}

/// A temporary folder that goes with its owner.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("fpgaml-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try Data(bytes).write(to: url.appendingPathComponent(name))
    return path(name)
  }
}

/// A small random generator with a seed (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
/// 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Damaged copies of a file: truncated, with flipped bits, with overwritten bytes and words, with parts
/// moved.
struct Mutants: Sequence {
  let original: [UInt8]
  let count: Int

  init(of original: [UInt8], count: Int = defaultCount) {
    self.original = original
    self.count = count
  }

  /// Whether the long form of the tests was asked for.
  static var isLong: Bool { ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] == "1" }

  /// 40, or 200 in the long form.
  static var defaultCount: Int { isLong ? 200 : 40 }

  func makeIterator() -> AnyIterator<(seed: UInt64, bytes: [UInt8])> {
    var seed: UInt64 = 0
    return AnyIterator {
      guard seed < UInt64(count) else { return nil }
      defer { seed += 1 }
      return (seed, mutant(seed))
    }
  }

  func mutant(_ seed: UInt64) -> [UInt8] {
    var random = SplitMix(seed: seed &* 7919 &+ 1)
    var bytes = original
    switch seed % 5 {
    case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
    case 1, 2:
      for _ in 0..<Int.random(in: 1...20, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
      }
    case 3:
      for _ in 0..<Int.random(in: 1...4, using: &random) where bytes.count > 8 {
        let at = Int.random(in: 0..<bytes.count - 8, using: &random)
        let word: UInt64 =
          [0, .max, 1 << 31, 1 << 40, 0xFFFF_FFFF, UInt64(at)].randomElement(using: &random) ?? 0
        for byte in 0..<8 { bytes[at + byte] = UInt8(truncatingIfNeeded: word >> (8 * UInt64(byte))) }
      }
    default:
      let length = Int.random(in: 1...Swift.max(1, bytes.count / 8), using: &random)
      let from = Int.random(in: 0...bytes.count - length, using: &random)
      let to = Int.random(in: 0...bytes.count - length, using: &random)
      bytes.replaceSubrange(to..<to + length, with: original[from..<from + length])
    }
    return bytes
  }
}
