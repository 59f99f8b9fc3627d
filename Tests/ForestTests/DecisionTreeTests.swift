import FixedPoint
import Graph
import Testing

@Suite("Trees of a file's nodes")
struct DecisionTreeTests {
  private func leaf(
    _ relation: SplitRelation, _ threshold: Double, _ x: Double, missingIsTrue: Bool, zero: Double? = nil
  )
    throws -> Double
  {
    let split = DecisionTree.Split(
      feature: 0, relation, threshold, whenTrue: 1, whenFalse: 2, missingIsTrue: missingIsTrue,
      missingMagnitude: zero)
    let nodes: [DecisionTree.Node] = [.split(split), .leaf([1]), .leaf([0])]
    let tree = try DecisionTree(targets: [0], featureCount: 1, nodeCount: 3) { nodes[$0] }
    return try #require(tree.values(ofLeaf: tree.leaf { _ in x }).first)
  }

  @Test("every relation, around, on and far from its threshold", arguments: SplitRelation.allCases)
  func relations(_ relation: SplitRelation) throws {
    let values = [-1e300, -2, -0.0, 0, 5e-324, 1, 1.5.nextDown, 1.5, 1.5.nextUp, 2, 1e300]
    for threshold in [0, 1.5, -1.5, 5e-324] {
      for x in values {
        let holds =
          switch relation {
          case .less: x < threshold
          case .lessOrEqual: x <= threshold
          case .greater: x > threshold
          case .greaterOrEqual: x >= threshold
          case .equal: x == threshold
          case .notEqual: x != threshold
          }
        #expect(
          try leaf(relation, threshold, x, missingIsTrue: false) == (holds ? 1 : 0), "\(x) \(threshold)")
      }
      #expect(try leaf(relation, threshold, .nan, missingIsTrue: true) == 1)
      #expect(try leaf(relation, threshold, .nan, missingIsTrue: false) == 0)
      #expect(try leaf(relation, threshold, 1e-36, missingIsTrue: true, zero: 1e-35) == 1)
      #expect(try leaf(relation, threshold, -1e-36, missingIsTrue: false, zero: 1e-35) == 0)
      #expect(try leaf(relation, threshold, .nan, missingIsTrue: true, zero: 1e-35) == 1)
      #expect(
        try leaf(relation, threshold, 3, missingIsTrue: true, zero: 1e-35)
          == leaf(relation, threshold, 3, missingIsTrue: true))
    }
  }

  private func malformation(_ nodes: [DecisionTree.Node]) -> DecisionTree.Malformation? {
    do throws(DecisionTree.Malformation) {
      _ = try DecisionTree(targets: [0], featureCount: 1, nodeCount: nodes.count) { nodes[$0] }
      return nil
    } catch {
      return error
    }
  }

  private func split(_ yes: Int, _ no: Int, feature: Int = 0, at threshold: Double = 0) -> DecisionTree.Node {
    .split(.init(feature: feature, .less, threshold, whenTrue: yes, whenFalse: no, missingIsTrue: true))
  }

  @Test func malformedTreesAreNamed() {
    #expect(malformation([split(1, 0), .leaf([1])]) == .repeatedNode(0))
    #expect(malformation([split(1, 1), .leaf([1])]) == .repeatedNode(1))
    #expect(malformation([split(1, 2), .leaf([1])]) == .unknownChild(node: 0, child: 2))
    #expect(malformation([split(1, -1), .leaf([1])]) == .unknownChild(node: 0, child: -1))
    #expect(
      malformation([split(1, 2, feature: 1), .leaf([1]), .leaf([2])]) == .unknownFeature(node: 0, feature: 1))
    #expect(malformation([split(1, 2, at: .nan), .leaf([1]), .leaf([2])]) == .notANumber(node: 0))
    #expect(malformation([split(1, 2), .leaf([.infinity]), .leaf([2])]) == .notANumber(node: 1))
    #expect(malformation([]) == .unknownChild(node: 0, child: 0))
    let chain = (0..<600).map { split(600, $0 + 1, at: Double($0)) } + [.leaf([1])]
    #expect(malformation(chain) == .repeatedNode(600))
    let comb =
      (0..<600).flatMap { [split(2 * $0 + 1, 2 * $0 + 2), DecisionTree.Node.leaf([1])] } + [.leaf([2])]
    #expect(malformation(comb) == .tooDeep)
  }
}

@Suite("Forests on integers")
struct IntegerForestTests {
  /// All inputs, where they are few; thresholds on, between and beyond the steps of the features.
  @Test("integers decide as values do, pruned or not", arguments: 0..<300)
  func integersAreExact(seed: UInt64) throws {
    var random = RandomForest(seed: seed)
    let forest = try random.forest()
    let types = random.types()
    let operand = TensorType(PerElement(types.map { Format($0) }))
    let row = try forest.rows(operand)[0]
    for _ in 0..<60 {
      let sample = random.sample(types)
      let values = zip(types, sample).map { $0.value($1) }
      let scores = zip(row.scores(sample[...]), row.exponents).map {
        Double($0) * Double(sign: .plus, exponent: $1, significand: 1)
      }
      #expect(scores == forest.scores(values))
    }
    for tree in row.trees {
      // Nothing implied is left: along every path outcomes stay open, and children differ.
      #expect(tree.splits.allSatisfy { $0.left != $0.right })
      #expect(Set(tree.splits).count == tree.splits.count)
    }
  }

  @Test func quantizingRoundsLeavesWithWeightAndDivisorInThem() throws {
    let nodes: [DecisionTree.Node] = [
      .split(.init(feature: 0, .less, 0, whenTrue: 1, whenFalse: 2, missingIsTrue: true)), .leaf([1]),
      .leaf([-0.3]),
    ]
    let tree = try DecisionTree(targets: [0], weight: 3, featureCount: 1, nodeCount: 3) { nodes[$0] }
    let forest = Forest(
      features: ["x"], outputs: ["y"], trees: [tree], base: [1], divisor: 4,
      arithmetic: .init(features: .binary32, sums: .binary64, startsWithBase: false))
    #expect(forest.scores([-1]) == [1])
    #expect(forest.exactTypes(width: 16) == nil)
    let typed = forest.quantized([FixedType(width: 6, integerBits: 2, rounding: .rndConv, overflow: .sat)])
    #expect(typed.scores([-1]) == [1])
    #expect(typed.scores([1]) == [0.25 - 4 / 16])
    #expect(typed.leafExponents == [-4])
  }
}
