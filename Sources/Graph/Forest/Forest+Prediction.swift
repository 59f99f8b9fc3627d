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
}
