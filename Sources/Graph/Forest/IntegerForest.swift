import FixedPoint

/// A forest on raw integers: what a typed forest computes at one position of its operand.
///
/// A sample goes left at a split if its raw integer is less than the threshold; the raw score is the base plus one raw
/// leaf of each tree. x < t on values is x < ⌈t / unit⌉ on integers, so thresholds lose nothing.
public struct IntegerForest: Hashable, Sendable {
  /// The ranges of the features' raw integers.
  public var features: [Interval]
  public var trees: [Tree]
  /// One per score.
  public var base: [Int128]
  /// The exponent of each score.
  public var exponents: [Int]

  public struct Tree: Hashable, Sendable {
    /// As in `DecisionTree`: a child `c >= 0` is a split with a smaller index, `c < 0` the leaf `~c`.
    public var splits: [Split]
    public var root: Int32
    /// The scores that leaves contribute to.
    public var targets: [Int]
    /// Leaf after leaf, one value per target.
    public var leaves: [Int64]

    public func values(ofLeaf leaf: Int) -> ArraySlice<Int64> {
      leaves[leaf * targets.count..<(leaf + 1) * targets.count]
    }

    public var leafCount: Int { leaves.count / targets.count }
  }

  public struct Split: Hashable, Sendable {
    public var feature: Int
    public var threshold: Int128
    public var left: Int32
    public var right: Int32

    public init(feature: Int, threshold: Int128, left: Int32, right: Int32) {
      self.feature = feature
      self.threshold = threshold
      self.left = left
      self.right = right
    }
  }

  /// The raw scores of a sample of raw features.
  public func scores(_ sample: ArraySlice<Int128>) -> [Int128] {
    var scores = base
    for tree in trees {
      var node = tree.root
      while node >= 0 {
        let split = tree.splits[Int(node)]
        node = sample[sample.startIndex + split.feature] < split.threshold ? split.left : split.right
      }
      for (target, value) in zip(tree.targets, tree.values(ofLeaf: Int(~node))) {
        scores[target] += Int128(value)
      }
    }
    return scores
  }

  /// The exact range of every score if each leaf were reachable on its own.
  func ranges() throws(WidthOverflow) -> [Interval] {
    var ranges = base.map { Interval($0) }
    for tree in trees {
      for (slot, target) in tree.targets.enumerated() {
        let values = stride(from: slot, to: tree.leaves.count, by: tree.targets.count).map { tree.leaves[$0] }
        let range = Interval(Int128(values.min() ?? 0), Int128(values.max() ?? 0))
        ranges[target] = try ranges[target].adding(range)
      }
    }
    return ranges
  }
}

extension Forest {
  /// The integer form at each position of an operand: one row of features after the other. Paths that no sample can
  /// take are gone, and so are splits that decide nothing.
  ///
  /// - Requires: leaves are exact, the operand has no scales.
  public func rows(_ operand: TensorType) throws(WidthOverflow) -> [IntegerForest] {
    var known: [[Format]: IntegerForest] = [:]
    var rows: [IntegerForest] = []
    for start in stride(from: 0, to: operand.count, by: features.count) {
      let formats = (start..<(start + features.count)).map { operand.formats[$0] }
      if let row = known[formats] {
        rows.append(row)
      } else {
        rows.append(try integerForest(formats))
        known[formats] = rows[rows.count - 1]
      }
    }
    return rows
  }

  func exactType(_ operand: TensorType) throws(WidthOverflow) -> TensorType {
    var elements: [(format: Format, scale: Rational)] = []
    for row in try rows(operand) {
      elements += zip(try row.ranges(), row.exponents).map { (Format($0, exponent: $1), .one) }
    }
    return TensorType(elements: elements)
  }

  private func integerForest(_ formats: [Format]) throws(WidthOverflow) -> IntegerForest {
    guard let exponents = leafExponents else { preconditionFailure("leaves have no exponents") }
    func raw(_ value: Double, _ target: Int) throws(WidthOverflow) -> Int64 {
      guard let raw = Int64(exactly: scaled(value, by: -exponents[target])) else { throw WidthOverflow() }
      return raw
    }
    let unpruned = IntegerForest(
      features: formats.map(\.range),
      trees: try trees.map { tree throws(WidthOverflow) in
        let targets = tree.targets.map { Int($0) }
        return IntegerForest.Tree(
          splits: tree.features.indices.map { i in
            let format = formats[Int(tree.features[i])]
            return .init(
              feature: Int(tree.features[i]), threshold: threshold(tree.thresholds[i], format),
              left: tree.lefts[i], right: tree.rights[i])
          },
          root: tree.root, targets: targets,
          leaves: try tree.leaves.enumerated().map { i, value throws(WidthOverflow) in
            try raw(value, targets[i % targets.count])
          })
      },
      base: try base.enumerated().map { k, value throws(WidthOverflow) in Int128(try raw(value, k)) },
      exponents: exponents)
    return unpruned.pruned()
  }

  /// The least integer of a feature's grid that is not below a threshold, or one beyond its range.
  private func threshold(_ threshold: Double, _ format: Format) -> Int128 {
    let ceiling = scaled(threshold, by: -format.exponent).rounded(.up)
    // A tiny threshold may have vanished altogether.
    let steps = ceiling == 0 && threshold > 0 ? 1 : ceiling
    if steps <= Double(nearest: format.range.lower) { return format.range.lower }
    if steps > Double(nearest: format.range.upper) { return format.range.upper + 1 }
    return Int64(exactly: steps).map { Int128($0) } ?? Int128(steps)
  }

  /// value · 2^exponent; exact unless it leaves the range of binary64.
  private func scaled(_ value: Double, by exponent: Int) -> Double {
    // In two steps, since 2^exponent may be out of range where the product is not.
    let half = exponent / 2
    return value * Double(sign: .plus, exponent: half, significand: 1)
      * Double(sign: .plus, exponent: exponent - half, significand: 1)
  }
}
