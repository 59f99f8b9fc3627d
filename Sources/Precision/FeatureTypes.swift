import FixedPoint
import Graph

extension Graph {
  /// Types for the features of forests, from samples: each feature the narrowest type of at most 16 bits, rounding to
  /// nearest and saturating, that holds its samples as they are or that changes at most one in four thousand of the
  /// forests' comparisons on them. Nil where something other than a forest reads the input.
  func featureTypes(of input: NodeID, samples: [[Double]]) -> PerElement<FixedType>? {
    var thresholds = Array(repeating: Set<Double>(), count: self[input].count)
    var isRead = false
    for node in nodes where node.operands.contains(input) {
      guard case .forest(let forest) = node.primitive else { return nil }
      isRead = true
      for tree in forest.trees {
        for (feature, threshold) in zip(tree.features, tree.thresholds) {
          // The same forest stands at every position of the operand.
          for element in stride(from: Int(feature), to: thresholds.count, by: forest.features.count) {
            thresholds[element].insert(threshold)
          }
        }
      }
    }
    guard isRead, !samples.isEmpty else { return nil }
    return PerElement(
      thresholds.indices.map { i in
        FeatureSamples(samples.map { $0[i] }.filter(\.isFinite).sorted()).type(thresholds[i].sorted())
      })
  }
}

/// The samples of one feature, ascending.
private struct FeatureSamples {
  let values: [Double]

  init(_ values: [Double]) { self.values = values }

  func type(_ thresholds: [Double]) -> FixedType {
    let ends = [values.first ?? 0, values.last ?? 0]
    var type = FixedType(width: 1, integerBits: 1)
    for width in 1...16 {
      type = TypePolicy.covering(ends, width: width)
      type.rounding = .rnd
      if thresholds.isEmpty { break }
      let isExact = values.allSatisfy { value in type.convert(value).map { type.value($0) == value } ?? false
      }
      if isExact || changes(type, thresholds) * 4000 <= values.count * thresholds.count { break }
    }
    return type
  }

  /// How many comparisons of a sample with a threshold come out differently once samples are converted. Conversion is
  /// monotone, so that on either side the samples below the threshold are the first ones.
  private func changes(_ type: FixedType, _ thresholds: [Double]) -> Int {
    thresholds.reduce(0) { sum, threshold in
      let real = count { $0 < threshold }
      let converted = count { value in type.convert(value).map { type.value($0) < threshold } ?? false }
      return sum + abs(real - converted)
    }
  }

  /// The number of samples before the first that does not satisfy the predicate, which holds for no later one.
  private func count(_ predicate: (Double) -> Bool) -> Int {
    var low = 0
    var high = values.count
    while low < high {
      let middle = (low + high) / 2
      if predicate(values[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
