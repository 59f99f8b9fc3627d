import FixedPoint
import Graph

/// A repeatable sequence of random numbers (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed &* 0xD134_2543_DE82_EF95 &+ 1 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Random forests over few features with few thresholds, so that features repeat on paths and subtrees coincide.
struct RandomForest {
  private var random: SplitMix
  let featureCount: Int
  let scoreCount: Int

  init(seed: UInt64) {
    random = SplitMix(seed: seed)
    featureCount = Int.random(in: 1...5, using: &random)
    scoreCount = Int.random(in: 1...3, using: &random)
  }

  /// A forest whose leaves are quantized already, of any relation and any mix of targets.
  mutating func forest() throws -> Forest {
    let leafBits = Int.random(in: 1...12, using: &random)
    let depth = Int.random(in: 0...8, using: &random)
    var trees: [DecisionTree] = []
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let targets =
        Bool.random(using: &random) ? [Int.random(in: 0..<scoreCount, using: &random)] : Array(0..<scoreCount)
      var nodes: [DecisionTree.Node] = []
      _ = grow(depth, targets.count, leafBits, into: &nodes)
      trees.append(
        try DecisionTree(
          targets: targets, featureCount: featureCount, nodeCount: nodes.count, root: nodes.count - 1
        ) { nodes[$0] })
    }
    let forest = Forest(
      features: (0..<featureCount).map { "f\($0)" }, outputs: (0..<scoreCount).map { "s\($0)" }, trees: trees,
      base: (0..<scoreCount).map { _ in Double(Int.random(in: -100...100, using: &random)) / 4 },
      arithmetic: .init(features: .binary64, sums: .binary64, startsWithBase: true))
    let type = FixedType(width: 20, integerBits: 16, rounding: .rnd, overflow: .sat)
    return forest.quantized(Array(repeating: type, count: scoreCount))
  }

  /// Appends a subtree, children first, and returns its number.
  private mutating func grow(_ depth: Int, _ width: Int, _ bits: Int, into nodes: inout [DecisionTree.Node])
    -> Int
  {
    if depth == 0 || Int.random(in: 0..<8, using: &random) == 0 {
      nodes.append(
        .leaf((0..<width).map { _ in Double(Int.random(in: -1 << bits...1 << bits, using: &random)) / 16 }))
    } else {
      let yes = grow(depth - 1, width, bits, into: &nodes)
      let no = grow(depth - 1, width, bits, into: &nodes)
      nodes.append(
        .split(
          .init(
            feature: Int.random(in: 0..<featureCount, using: &random),
            SplitRelation.allCases.randomElement(using: &random) ?? .less, threshold(), whenTrue: yes,
            whenFalse: no,
            missingIsTrue: Bool.random(using: &random),
            missingMagnitude: Int.random(in: 0..<6, using: &random) == 0 ? 1e-35 : nil)))
    }
    return nodes.count - 1
  }

  /// On the features' grids, between their steps, or beyond all of them.
  private mutating func threshold() -> Double {
    switch Int.random(in: 0..<10, using: &random) {
    case 0: [1e300, -1e300, 5e-324, -5e-324, 1e-35, -1e-35].randomElement(using: &random) ?? 0
    case 1: Double.random(in: -9...9, using: &random)
    default: Double(Int.random(in: -32...32, using: &random)) / 8
    }
  }

  /// Types of the features: wide and narrow, signed and unsigned, coarse and fine.
  mutating func types() -> [FixedType] {
    (0..<featureCount).map { _ in
      FixedType(
        width: Int.random(in: 1...7, using: &random), integerBits: Int.random(in: 1...5, using: &random),
        isSigned: Bool.random(using: &random))
    }
  }

  mutating func sample(_ types: [FixedType]) -> [Int128] {
    types.map { type in
      Int128(Int.random(in: Int(type.rawRange.lower)...Int(type.rawRange.upper), using: &random))
    }
  }
}
