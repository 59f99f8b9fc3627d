import Driver
import Foundation
import Graph
import Testing

@testable import Readers

/// Outputs of a model for a file of samples, beside those that a framework gave.
struct RecordedOutput {
  var found: [Double]
  var expected: [Double]

  init(_ request: PredictionRequest, dataset: String) throws {
    let golden = try HDF5File(path: request.samples).root
    expected = try golden.requireDataset(dataset).doubles()
    found = try #require(request.run().vectors.arrays.first).values
  }

  var largestDifference: Double {
    found.count == expected.count ? zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
  }
}

@Suite("Example models")
struct ExamplesTests {
  static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let models = package.appendingPathComponent("examples/models").path

  static func output(
    of file: String, _ dataset: String, selection: OutputSelection = .model, isFloat: Bool = false
  ) throws -> RecordedOutput {
    let stem = file.prefix { $0 != "." }
    let request = PredictionRequest(
      model: ModelRequest(path: "\(models)/\(file)", output: selection),
      samples: "\(models)/\(stem)_golden.h5", isFloat: isFloat, trace: [])
    return try RecordedOutput(request, dataset: dataset)
  }

  @Test(
    "quantized models: the integers are the framework's numbers",
    arguments: [
      ("jet_tagger_qkeras.h5", "logits"), ("chirp_qkeras.h5", "logits"), ("jet_tagger_hgq2.keras", "output"),
    ])
  func exact(file: String, dataset: String) throws {
    let output = try Self.output(of: file, dataset, selection: dataset == "logits" ? .logits : .model)
    #expect(output.found == output.expected)
    #expect(Set(output.expected).count > 100)
  }

  @Test(
    "floating point within 1e-5",
    arguments: ["jet_tagger_float.h5", "jet_tagger_qkeras.h5", "chirp_qkeras.h5", "jet_tagger_hgq2.keras"])
  func float(file: String) throws {
    let output = try Self.output(of: file, "output", isFloat: true)
    #expect(output.largestDifference <= 1e-5 * max(1, output.expected.map(abs).max() ?? 1))
  }

  @Test("the default types of a float model find nearly every jet that float32 finds")
  func floatModelOnIntegers() throws {
    let output = try Self.output(of: "jet_tagger_float.h5", "logits", selection: .logits)
    func choices(_ values: [Double]) -> [Int] {
      stride(from: 0, to: values.count, by: 5).map { start in
        (0..<5).max { values[start + $0] < values[start + $1] } ?? 0
      }
    }
    let agreeing = zip(choices(output.found), choices(output.expected)).filter { $0 == $1 }.count
    #expect(agreeing >= 490, "\(agreeing) of 500")
  }
}
