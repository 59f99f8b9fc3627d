import FixedPoint
import Graph

/// What rounding the leaves of a forest may cost on calibration data.
public struct LeafTarget: Hashable, Sendable {
  /// The root mean square of a score's error, as a part of the standard deviation of the scores.
  public var scoreError = 0.01
  /// The part of samples whose greatest score stays the same one; of forests with several scores.
  public var agreement = 0.999

  public init() {}
}

/// Types for the leaves of a forest, and what they cost on the samples that they were chosen by.
public struct LeafChoice: Hashable, Sendable {
  /// One per score, all with the same step.
  public var types: [FixedType]
  /// As in `LeafTarget`.
  public var scoreError: Double
  public var agreement: Double
  public var samples: Int
}

/// The leaves that samples reach, so that types for leaves can be tried one after the other.
struct LeafCalibration {
  private let forest: Forest
  /// Sample after sample, the leaf of each tree.
  private var reached: [Int32] = []
  private let samples: Int
  /// Sample after sample, the exact scores.
  private var scores: [Double] = []
  /// Of all scores, from their means.
  private var variance = 0.0

  /// - Parameter rows: samples of the features.
  init(_ forest: Forest, rows: [[Double]]) {
    self.forest = forest
    samples = rows.count
    reached.reserveCapacity(rows.count * forest.trees.count)
    for row in rows {
      let rounded = forest.arithmetic.features == .binary32 ? row.map { Double(Float($0)) } : row
      for tree in forest.trees { reached.append(Int32(tree.leaf { rounded[$0] })) }
    }
    let count = forest.outputs.count
    let exact = sums(base: forest.base.map { $0 / forest.divisor }) { tree, i in
      forest.trees[tree].leaves[i] * forest.trees[tree].weight / forest.divisor
    }
    var spread = 0.0
    for k in 0..<count {
      let own = stride(from: k, to: exact.count, by: count).map { exact[$0] }
      let mean = own.reduce(0, +) / Double(max(1, own.count))
      spread += own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
    self.scores = exact
    self.variance = spread / Double(max(1, exact.count))
  }

  /// Sample after sample the sums of base values and leaves.
  ///
  /// - Parameter leaf: the contribution of an entry of a tree's leaves.
  private func sums(base: [Double], _ leaf: (Int, Int) -> Double) -> [Double] {
    let contributions = forest.trees.indices.map { tree in
      forest.trees[tree].leaves.indices.map { leaf(tree, $0) }
    }
    var result: [Double] = []
    result.reserveCapacity(samples * base.count)
    for sample in 0..<samples {
      var sums = base
      for (t, tree) in forest.trees.enumerated() {
        let first = Int(reached[sample * forest.trees.count + t]) * tree.targets.count
        for (slot, target) in tree.targets.enumerated() {
          sums[Int(target)] += contributions[t][first + slot]
        }
      }
      result += sums
    }
    return result
  }

  /// The types of the coarsest step that meets the target; of steps down to 2^−24 of the largest leaf the finest where
  /// none does. Nil without samples, or where all leaves are 0.
  func choice(_ target: LeafTarget = LeafTarget()) -> LeafChoice? {
    let all = forest.outputs.indices.map { forest.contributions(toScore: $0) }
    let largest = all.joined().map(\.magnitude).max() ?? 0
    guard samples > 0, largest > 0, largest.isFinite else { return nil }
    let top = Int(largest.exponent)
    var choice: LeafChoice?
    for exponent in stride(from: top, through: top - 24, by: -1) {
      let tried = cost(all.map { LeafCalibration.covering($0, exponent: exponent) }, exponent: exponent)
      choice = tried
      if tried.scoreError <= target.scoreError, tried.agreement >= target.agreement { break }
    }
    return choice
  }

  /// The narrowest type with a given step that covers all values.
  private static func covering(_ values: [Double], exponent: Int) -> FixedType {
    let step = Double(sign: .plus, exponent: exponent, significand: 1)
    let raw = values.map { Int128(($0 / step).rounded(.toNearestOrEven)) }
    let format = Format(Interval(min(0, raw.min() ?? 0), max(1, raw.max() ?? 0)), exponent: exponent)
    var type = format.type
    type.rounding = .rndConv
    type.overflow = .sat
    return type
  }

  private func cost(_ types: [FixedType], exponent: Int) -> LeafChoice {
    let step = Double(sign: .plus, exponent: exponent, significand: 1)
    func rounded(_ x: Double) -> Double { (x / step).rounded(.toNearestOrEven) * step }
    let tried = sums(base: forest.base.map { rounded($0 / forest.divisor) }) { tree, i in
      rounded(forest.trees[tree].leaves[i] * forest.trees[tree].weight / forest.divisor)
    }
    let squares = zip(tried, scores).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let error = (squares / Double(tried.count)).squareRoot()
    let count = forest.outputs.count
    let agreeing = (0..<samples).count { sample in
      let range = (sample * count)..<((sample + 1) * count)
      return tried[range].firstGreatest == scores[range].firstGreatest
    }
    // Scores that never change have no deviation to compare with.
    let relative = variance > 0 ? error / variance.squareRoot() : error == 0 ? 0 : .infinity
    return LeafChoice(
      types: types, scoreError: relative, agreement: Double(agreeing) / Double(samples), samples: samples)
  }
}
