#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Forest {
  /// The scores as the framework computes them: its precision, its order, ties on thresholds included.
  ///
  /// - Parameter sample: one value per feature; NaN is a missing value.
  public func scores(_ sample: [Double]) -> [Double] {
    precondition(sample.count == features.count, "\(sample.count) values for \(features.count) features")
    let rounded = arithmetic.features == .binary32 ? sample.map(arithmetic.features.round) : sample
    let sums = arithmetic.sums
    var scores = arithmetic.startsWithBase ? base : Array(repeating: 0, count: base.count)
    for tree in trees {
      let leaf = tree.leaf { rounded[$0] }
      for (target, value) in zip(tree.targets, tree.values(ofLeaf: leaf)) {
        let k = Int(target)
        scores[k] = sums.round(scores[k] + sums.round(value * tree.weight))
      }
    }
    for k in scores.indices {
      if !arithmetic.startsWithBase { scores[k] = sums.round(scores[k] + base[k]) }
      if divisor != 1 { scores[k] = sums.round(scores[k] / divisor) }
    }
    return scores
  }

  /// What the framework predicts from scores, computed in binary64; nil where `transform` is unsupported.
  public func prediction(_ scores: [Double]) -> [Double]? {
    switch transform {
    case .identity: return scores
    case .logistic(let slope): return scores.map { 1 / (1 + exp(-slope * $0)) }
    case .symmetricLogistic: return scores.map { 2 / (1 + exp(-2 * $0)) - 1 }
    case .exponential: return scores.map { exp($0) }
    case .softmax:
      let greatest = scores.max() ?? 0
      let powers = scores.map { exp($0 - greatest) }
      let sum = powers.reduce(0, +)
      return powers.map { $0 / sum }
    case .unsupported: return nil
    }
  }
}
