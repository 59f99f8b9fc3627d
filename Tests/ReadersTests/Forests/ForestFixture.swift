import Graph
import Testing

@testable import Readers

/// Forests that the frameworks trained and predicted (`make.py` beside them): samples with missing values and, in the
/// later rows, with features exactly on thresholds.
struct ForestFixture: CustomTestStringConvertible {
  var name: String
  /// The file of the model, of the name and each of these endings.
  var endings: [String]

  static let all =
    ["dart", "dart_multi", "dart_unified", "rf_multi", "poisson", "reg_missing", "logitraw", "single_leaf"]
    .map {
      ForestFixture(name: "xgb_\($0)", endings: ["ubj", "json"])
    }
    + ["missing", "zero_missing", "rf", "dart", "poisson", "none_missing", "stump"].map {
      ForestFixture(name: "lgbm_\($0)", endings: ["txt"])
    }
    + ["grad", "grad_multi", "grad_reg", "adaboost", "purity", "bagging"].map {
      ForestFixture(name: "tmva_\($0)", endings: ["xml"])
    }

  var testDescription: String { name }

  static func bytes(_ file: String) throws -> [UInt8] { try Fixture.bytes("Forests/\(file)") }

  func models() throws -> [ForestModel] {
    try endings.map { try ForestReader.model(try Self.bytes("\(name).\($0)"), file: "\(name).\($0)") }
  }

  struct Sample {
    var features: [Double]
    /// The framework's scores and predictions.
    var scores: [Double]
    var predictions: [Double]
  }

  /// One line a sample: features, scores, predictions.
  func samples() throws -> [Sample] {
    String(decoding: try Self.bytes("\(name).csv"), as: UTF8.self).split(separator: "\n").map { line in
      let parts = line.split(separator: "|").map { $0.split(separator: " ").compactMap { Double($0) } }
      return Sample(features: parts[0], scores: parts[1], predictions: parts[2])
    }
  }
}
