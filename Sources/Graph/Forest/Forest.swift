/// An ensemble of decision trees: each score is a base value plus one leaf of each of its trees.
///
/// score[k] = (base[k] + Σ over trees t with target k of weight_t · leaf_t) / divisor. `Forest` holds the model as its
/// framework wrote it, and how the framework computes it, down to the rounding of every sum (`scores`).
public struct Forest: Hashable, Sendable, Codable {
  /// One name per feature.
  public var features: [String]
  /// One name per score.
  public var outputs: [String]
  public var trees: [DecisionTree]
  /// One per score.
  public var base: [Double]
  /// What averaging models divide the sum by: the number of trees or the sum of their weights.
  public var divisor: Double
  public var arithmetic: Arithmetic
  /// In a typed graph, the exponent of each score: leaves and base values are multiples of 2^exponent, weights and
  /// divisor are in them already, and sums are exact.
  public internal(set) var leafExponents: [Int]?

  public init(
    features: [String], outputs: [String], trees: [DecisionTree], base: [Double], divisor: Double = 1,
    arithmetic: Arithmetic
  ) {
    precondition(base.count == outputs.count)
    self.features = features
    self.outputs = outputs
    self.trees = trees
    self.base = base
    self.divisor = divisor
    self.arithmetic = arithmetic
  }

  /// The framework's own number formats and order of summation.
  public struct Arithmetic: Hashable, Sendable, Codable {
    /// What features are rounded to before they are compared.
    public var features: Precision
    /// What every product and partial sum is rounded to.
    public var sums: Precision
    /// Whether the sum starts with the base value or ends with it.
    public var startsWithBase: Bool

    public init(features: Precision, sums: Precision, startsWithBase: Bool) {
      self.features = features
      self.sums = sums
      self.startsWithBase = startsWithBase
    }

    public enum Precision: String, Hashable, Sendable, Codable {
      case binary32, binary64

      public func round(_ value: Double) -> Double { self == .binary32 ? Double(Float(value)) : value }
    }
  }

  /// Whether every index is in its range, every number finite, and no tree deeper than it may be.
  public var isWellFormed: Bool {
    !features.isEmpty && !outputs.isEmpty && base.count == outputs.count && base.allSatisfy(\.isFinite)
      && divisor.isFinite && divisor != 0 && leafExponents.map { $0.count == outputs.count } ?? true
      && trees.allSatisfy { $0.isWellFormed(features: features.count, scores: outputs.count) }
  }

  public var splitCount: Int { trees.reduce(0) { $0 + $1.splitCount } }
  public var leafCount: Int { trees.reduce(0) { $0 + $1.leafCount } }
}
