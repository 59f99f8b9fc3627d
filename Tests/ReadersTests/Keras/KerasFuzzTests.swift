import Diagnostics
import Graph
import Testing

@testable import Readers

/// Damaged configurations and files: every one reads, or fails with located diagnostics.
@Suite("Damaged Keras models", .serialized)
struct KerasFuzzTests {
  static let folder = RecordedModel.folder

  /// A JSON text with a few of its values replaced.
  static func damaged(_ text: [UInt8], seed: UInt64) -> [UInt8] {
    var random = SplitMix(seed: seed &* 104_729 &+ 3)
    let values = valueRanges(text)
    let others = [
      "0", "-1", "1e30", "null", "NaN", "-Infinity", "99999999999", #""x""#, "[]", "{}", "true", "30000",
      "1.5", "[[1]]",
      #"["x", 0, 0]"#, #""quantized_bits(4)""#, "7", #""channels_first""#,
    ]
    var result = text
    for range in (0..<Int.random(in: 1...3, using: &random)).compactMap({ _ in
      values.randomElement(using: &random)
    })
    .sorted(by: { $0.lowerBound > $1.lowerBound }) {
      guard range.upperBound <= result.count else { continue }
      let other =
        Bool.random(using: &random) ? Array(text[values.randomElement(using: &random) ?? range]) : nil
      result.replaceSubrange(range, with: other ?? Array((others.randomElement(using: &random) ?? "0").utf8))
    }
    return result
  }

  /// Where the numbers, strings and literals of a JSON text stand, names of members among them.
  private static func valueRanges(_ text: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var i = 0
    let separators = Set(Array("{}[]:, \n".utf8))
    while i < text.count {
      let start = i
      if text[i] == UInt8(ascii: "\"") {
        i += 1
        while i < text.count, text[i] != UInt8(ascii: "\"") { i += text[i] == UInt8(ascii: "\\") ? 2 : 1 }
        i += 1
        ranges.append(start..<min(i, text.count))
      } else if separators.contains(text[i]) {
        i += 1
      } else {
        while i < text.count, !separators.contains(text[i]) { i += 1 }
        ranges.append(start..<i)
      }
    }
    return ranges
  }

  private func expectSound(_ body: () throws(CompilationFailed) -> ReadModel, _ seed: UInt64) {
    do throws(CompilationFailed) {
      let model = try body()
      #expect(model.graph.verify().isEmpty, "seed \(seed)")
    } catch {
      #expect(!error.diagnostics.isEmpty && error.status == .badInput)
      let errors = error.diagnostics.filter { $0.severity == .error }
      #expect(!errors.isEmpty && errors.allSatisfy { $0.location != nil }, "seed \(seed): \(errors)")
    }
  }

  @Test(arguments: [
    "keras2/shapes.h5", "keras2/qlayers.h5", "keras2/nested.h5", "trained/hgq1_jets.h5",
    "keras3/hgq2_named.h5",
  ])
  func configurations(_ name: String) throws {
    let file = try HDF5File(path: "\(Self.folder)/\(name)")
    let text = Array(try file.root.requireString("model_config").utf8)
    let weights = try KerasWeights(file)
    for seed in 0..<UInt64(Mutants.defaultCount) {
      let bytes = Self.damaged(text, seed: seed)
      expectSound(
        { () throws(CompilationFailed) in
          let document = try JSONDocument(bytes, file: name)
          return try KerasReader(architecture: document.root, weights: weights, version: "2.14").read(
            name: "m")
        }, seed)
    }
  }

  @Test(arguments: ["trained/qkeras_3layer.h5", "trained/hgq1_jets.h5"])
  func files(_ name: String) throws {
    let folder = try TemporaryFolder()
    for (seed, bytes) in Mutants(of: try InputFile.bytes(at: "\(Self.folder)/\(name)")) {
      let path = try folder.write(bytes, "m.h5")
      expectSound({ () throws(CompilationFailed) in try ModelReader.read(path) }, seed)
    }
  }

  /// The entries are damaged inside an archive that is sound, since else its checksums would tell.
  @Test(arguments: ["keras3/nested.keras", "keras3/hgq2.keras"])
  func archives(_ name: String) throws {
    let folder = try TemporaryFolder()
    let archive = try ZIPArchive(path: "\(Self.folder)/\(name)")
    let config = try archive.contents("config.json")
    let weights = try archive.contents("model.weights.h5")
    let mutants = Mutants(of: weights)
    for seed in 0..<UInt64(Mutants.defaultCount) {
      let isConfig = seed % 2 == 0
      let entries = [
        ("config.json", isConfig ? Self.damaged(config, seed: seed) : config),
        ("model.weights.h5", isConfig ? weights : mutants.mutant(seed)),
      ]
      let path = try folder.write(
        storedZIP(entries.map { (name: $0.0, contents: $0.1) }, file: "m.keras"), "m.keras")
      expectSound({ () throws(CompilationFailed) in try ModelReader.read(path) }, seed)
    }
  }
}
