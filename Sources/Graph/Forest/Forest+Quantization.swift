import FixedPoint

extension Forest {
  /// What leaves add to a score, weights and divisor applied in binary64.
  public func contributions(toScore score: Int) -> [Double] {
    var values: [Double] = []
    for tree in trees {
      for (slot, target) in tree.targets.enumerated() where Int(target) == score {
        for i in stride(from: slot, to: tree.leaves.count, by: tree.targets.count) {
          values.append(tree.leaves[i] * tree.weight / divisor)
        }
      }
    }
    return values
  }

  /// How many trees add to a score.
  public func treeCount(ofScore score: Int) -> Int {
    trees.count { $0.targets.contains(Int32(score)) }
  }

  /// The forest with each score's leaves converted into a type, and its base value rounded to the type's step; sums are
  /// exact from there on.
  ///
  /// - Parameter types: one per score.
  public func quantized(_ types: [FixedType]) -> Forest {
    precondition(types.count == outputs.count)
    var result = self
    result.divisor = 1
    result.leafExponents = types.map(\.exponent)
    let converters = types.map { RealConverter($0) }
    for t in trees.indices {
      let tree = trees[t]
      result.trees[t].weight = 1
      for i in tree.leaves.indices {
        let converter = converters[Int(tree.targets[i % tree.targets.count])]
        result.trees[t].leaves[i] = converter.nearest(tree.leaves[i] * tree.weight / divisor)
      }
    }
    for (k, type) in types.enumerated() {
      var unbounded = type
      unbounded.width = FixedType.maximumWidth
      unbounded.integerBits = FixedType.maximumWidth + type.exponent
      unbounded.isSigned = true
      result.base[k] = RealConverter(unbounded).nearest(base[k] / divisor)
    }
    result.arithmetic.sums = .binary64
    return result
  }

  /// Types of at most `width` bits that hold every leaf and base value of each score as they are, or nil where a score
  /// needs more bits or is not a binary fraction.
  public func exactTypes(width: Int) -> [FixedType]? {
    var types: [FixedType] = []
    for score in outputs.indices {
      guard isExact(score) else { return nil }
      let values = contributions(toScore: score) + [base[score] / divisor]
      guard let weights = Weights(exactly: values, shape: [values.count]),
        case .exact(let raw, let exponent, _) = weights.storage
      else { return nil }
      let format = Format(
        Interval(Int128(min(0, raw.min() ?? 0)), Int128(max(1, raw.max() ?? 0))), exponent: exponent)
      if format.width > width { return nil }
      types.append(format.type)
    }
    return types
  }

  /// Whether binary64 holds all contributions to a score without rounding.
  private func isExact(_ score: Int) -> Bool {
    func dividesExactly(_ value: Double) -> Bool { (-value).addingProduct(value / divisor, divisor) == 0 }
    guard dividesExactly(base[score]) else { return false }
    return trees.allSatisfy { tree in
      !tree.targets.contains(Int32(score))
        || tree.leaves.allSatisfy { leaf in
          let product = leaf * tree.weight
          return (-product).addingProduct(leaf, tree.weight) == 0 && dividesExactly(product)
        }
    }
  }
}

extension RealConverter {
  /// A finite real number converted into the type.
  fileprivate func nearest(_ x: Double) -> Double { convert(x).map { type.value($0.raw) } ?? 0 }
}
