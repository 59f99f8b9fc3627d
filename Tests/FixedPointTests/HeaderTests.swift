import Diagnostics
import FixedPoint
import Foundation
import Testing

/// Conversions re-derived on the spot by g++ from the ap_types headers, where both are installed
/// (scripts/install-ap-types.sh).
@Suite(.enabled(if: Headers.folder != nil, "the ap_types headers are not installed"))
struct HeaderTests {
  /// 300 of the pairs that the digests cover, all raw integers of each, at random absolute exponents.
  @Test func narrowConversions() throws {
    var generator = SeededGenerator(seed: 2)
    let pairs = (0..<300).map { _ in
      let base = Int.random(in: -12...12, using: &generator)
      let source = generator.type(widths: 1...6, exponent: base, modes: false)
      let difference = Int.random(in: -7...7, using: &generator)
      let target = generator.type(widths: 1...6, exponent: base - difference, modes: true)
      let range = source.rawRange
      return Headers.Pair(
        source: source, target: target, raws: (0..<(1 << source.width)).map { range.lower + Int128($0) })
    }
    try compare(pairs)
  }

  /// Types of up to 120 bits at random distances.
  @Test func wideConversions() throws {
    var generator = SeededGenerator(seed: 3)
    let pairs = (0..<100).map { _ in
      let source = generator.type(
        widths: 1...120, exponent: Int.random(in: -60...60, using: &generator), modes: false)
      let target = generator.type(
        widths: 1...120, exponent: source.exponent + Int.random(in: -130...130, using: &generator),
        modes: true)
      let range = source.rawRange
      let random = (0..<12).map { _ in range.wrap(generator.integer(bits: source.width)) }
      return Headers.Pair(
        source: source, target: target,
        raws: [range.lower, range.lower / 2, range.upper, range.upper / 2 + 1].map(range.wrap) + random)
    }
    try compare(pairs)
  }

  @Test func binary64Conversions() throws {
    var generator = SeededGenerator(seed: 4)
    let cases = (0..<60).map { _ in
      let target = generator.type(
        widths: 1...70, exponent: Int.random(in: -40...20, using: &generator), modes: true)
      let values = (0..<16).map { _ in
        // From far below the least significant bit to far beyond the range, with ties among them.
        Double(
          sign: .plus, exponent: target.exponent + Int.random(in: -60...target.width + 4, using: &generator),
          significand: Double(generator.integer(bits: 12)))
      }
      return (target: target, values: values)
    }
    let results = try Headers.run(
      cases.map { target, values in
        let list = values.map { "\($0)" }.joined(separator: ", ")
        return "fromDouble<\(target.apSpelling), \(target.width)>({\(list)});"
      })
    for (index, (target, values)) in cases.enumerated() {
      let ours = try values.map { try #require(target.convert($0)) }
      #expect(results[index] == ours.map { Headers.unsigned($0, target) }, "\(values) to \(target)")
    }
  }

  private func compare(_ pairs: [Headers.Pair]) throws {
    let results = try Headers.run(pairs.map(\.statement))
    for (pair, theirs) in zip(pairs, results) {
      let ours = pair.raws.map {
        Headers.unsigned(pair.target.convert($0, exponent: pair.source.exponent), pair.target)
      }
      #expect(ours == theirs, "\(pair.source) to \(pair.target) of \(pair.raws)")
    }
  }
}

/// The ap_types headers, driven through g++.
private enum Headers {
  struct Pair {
    var source: FixedType
    var target: FixedType
    var raws: [Int128]

    var statement: String {
      let words = raws.map { raw in
        let bits = UInt128(truncatingIfNeeded: raw)
        return "{\(UInt64(truncatingIfNeeded: bits >> 64))u, \(UInt64(truncatingIfNeeded: bits))u}"
      }
      let types = "\(source.apSpelling), \(source.width), \(target.apSpelling), \(target.width)"
      return "convert<\(types)>({\(words.joined(separator: ", "))});"
    }
  }

  /// `$FPGAML_AP_TYPES`, else the user's cache folder, if the headers are there.
  static let folder: String? = {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
    let folder = environment["FPGAML_AP_TYPES"] ?? cache + "/fpgaml/ap_types"
    return FileManager.default.fileExists(atPath: folder + "/ap_fixed.h") ? folder : nil
  }()

  /// The bits of a raw integer of a type, as the program prints them.
  static func unsigned(_ raw: Int128, _ type: FixedType) -> String {
    let bits = UInt128(truncatingIfNeeded: raw) & ((UInt128(1) << type.width) - 1)
    return "\(UInt64(bits >> 64)):\(UInt64(truncatingIfNeeded: bits))"
  }

  /// Compiles and runs a program of these statements; the words of each line that it prints.
  static func run(_ statements: [String]) throws -> [[String]] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("fpgaml-headers-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appendingPathComponent("main.cpp")
    let binary = folder.appendingPathComponent("main").path
    try (prologue + "int main() {\n" + statements.joined(separator: "\n") + "\n}\n")
      .write(to: source, atomically: true, encoding: .utf8)
    // NDEBUG: see Scripts/conversion_digests.py.
    _ = try output(
      of: "/usr/bin/env",
      [
        "g++", "-std=c++14", "-O0", "-w", "-DNDEBUG", "-I" + (Headers.folder ?? ""), source.path, "-o",
        binary,
      ])
    return try output(of: binary, []).split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
  }

  private static func output(of program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(program) \(arguments) failed")
    return String(decoding: data, as: UTF8.self)
  }

  private static let prologue = #"""
    #include "ap_fixed.h"
    #include <cstdint>
    #include <cstdio>
    #include <initializer_list>

    struct Words { uint64_t high, low; };

    template <class T, int W> static void print(T value) {
      ap_uint<128> bits = 0;
      bits.range(W - 1, 0) = value.range(W - 1, 0);
      ap_uint<128> high = bits >> 64;
      std::printf("%llu:%llu ", (unsigned long long)high.to_uint64(), (unsigned long long)bits.to_uint64());
    }

    template <class S, int SW, class T, int W> static void convert(std::initializer_list<Words> raws) {
      for (Words raw : raws) {
        ap_uint<128> bits = raw.high;
        bits = (bits << 64) | ap_uint<128>(raw.low);
        S source;
        source.range(SW - 1, 0) = bits.range(SW - 1, 0);
        T target = source;
        print<T, W>(target);
      }
      std::printf("\n");
    }

    template <class T, int W> static void fromDouble(std::initializer_list<double> values) {
      for (double value : values) print<T, W>(T(value));
      std::printf("\n");
    }

    """#
}

extension SeededGenerator {
  /// A random type with the given exponent; with the default modes unless `modes`.
  fileprivate mutating func type(widths: ClosedRange<Int>, exponent: Int, modes: Bool) -> FixedType {
    let width = Int.random(in: widths, using: &self)
    var type = FixedType(
      width: width, integerBits: width + exponent, isSigned: Bool.random(using: &self))
    if modes {
      type.rounding = Rounding.allCases[Int.random(in: 0..<Rounding.allCases.count, using: &self)]
      type.overflow = Overflow.allCases[Int.random(in: 0..<Overflow.allCases.count, using: &self)]
    }
    return type
  }
}
