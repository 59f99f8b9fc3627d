import Diagnostics
import Graph

/// Reads the boosted decision tree of a TMVA file (ROOT's `MethodBDT`): AdaBoost, RealAdaBoost, Bagging, Grad;
/// classification, multi-class, and regression by Grad or Bagging.
///
/// Semantics are those of today's ROOT, whatever release wrote the file: a sample goes right if its variable, in
/// binary32, is at least the cut, or the reverse where `cType` is 0 (`DecisionTreeNode::GoesRight`); a node with
/// `nType` ≠ 0 is a leaf (`DecisionTree::CheckEvent`); cuts, responses and purities are binary32, sums binary64.
struct TMVAReader {
  private let root: XMLElement
  private let options: [String: String]
  private let featureCount: Int

  /// - Throws: I501 to I503 for what is wrong in the file or not supported.
  static func read(_ file: TMVAFile) throws(CompilationFailed) -> ForestModel {
    let reader = TMVAReader(root: file.root, options: file.options, featureCount: file.features.count)
    return try reader.model(file)
  }

  private func model(_ file: TMVAFile) throws(CompilationFailed) -> ForestModel {
    guard file.method == .decisionTrees else {
      throw root.failure("I503", "method 'MLP' is no forest")
    }
    try refuseWhatChangesInputs()
    guard let boost = options["BoostType"] else {
      throw root.failure("I502", "option 'BoostType' is missing")
    }
    let kind = try Kind(boost: boost, analysis: file.analysis, at: root)
    let classes = file.classes
    if kind == .gradMulticlass, classes.count < 2 {
      throw root.failure("I502", "a multi-class model has no classes")
    }
    let outputs = kind == .gradMulticlass ? classes : scoreNames(1)
    let (trees, weights) = try trees(kind, scores: outputs.count)
    let forest = Forest(
      features: file.features, outputs: outputs, trees: trees,
      base: kind == .gradRegression ? [weights[0]] : Array(repeating: 0, count: outputs.count),
      divisor: try divisor(kind, weights),
      arithmetic: .init(features: .binary32, sums: .binary64, startsWithBase: false))
    return ForestModel(
      forest: forest, transform: kind.transform, framework: file.framework, kind: "BDT \(boost)")
  }

  private func refuseWhatChangesInputs() throws(CompilationFailed) {
    let transformations = root.child("Transformations")
    if let transformations, transformations.children.contains(where: { $0.name == "Transform" }) {
      throw transformations.failure(
        "I503", "the model transforms its variables, which fpgaml does not compile for trees",
        notes: ["train with VarTransform=None: trees need no normalisation"])
    }
    if options["DoPreselection"] == "True" {
      throw root.failure(
        "I503", "the model preselects events, which fpgaml does not compile",
        notes: ["train with DoPreselection=False"])
    }
  }

  /// How trees make scores.
  private enum Kind: Hashable {
    /// Σ weight · leaf / Σ weight, leaf being a node type or a purity.
    case average
    /// The same over responses.
    case averageRegression
    /// Σ response.
    case grad
    case gradMulticlass
    /// Σ response + the first weight.
    case gradRegression

    init(boost: String, analysis: String, at root: XMLElement) throws(CompilationFailed) {
      switch (boost, analysis) {
      case ("Grad", "Classification"): self = .grad
      case ("Grad", "Multiclass"): self = .gradMulticlass
      case ("Grad", "Regression"): self = .gradRegression
      case ("AdaBoost", "Classification"), ("RealAdaBoost", "Classification"), ("Bagging", "Classification"):
        self = .average
      case ("Bagging", "Regression"): self = .averageRegression
      default:
        throw root.failure(
          "I503", "fpgaml does not compile BoostType '\(boost)' for analysis type '\(analysis)'",
          notes: [
            "it compiles Grad, AdaBoost, RealAdaBoost and Bagging; the last three not for several classes"
          ])
      }
    }

    var isAverage: Bool { self == .average || self == .averageRegression }

    var transform: ScoreTransform {
      switch self {
      case .average, .averageRegression, .gradRegression: .identity
      case .grad: .tanh
      case .gradMulticlass: .softmax
      }
    }
  }

  /// The trees, and the boost weight of each.
  private func trees(_ kind: Kind, scores: Int) throws(CompilationFailed) -> ([DecisionTree], [Double]) {
    let isWeighted = kind.isAverage && options["UseWeightedTrees"] != "False"
    var trees: [DecisionTree] = []
    var weights: [Double] = []
    for element in try root.requireChild("Weights").children where element.name == "BinaryTree" {
      let weight = try element.number("boostWeight")
      guard weight.isFinite else {
        throw element.failure("I502", "attribute 'boostWeight' is not a finite number")
      }
      weights.append(isWeighted || !kind.isAverage ? weight : 1)
      trees.append(
        try tree(element, kind, target: trees.count % scores, weight: isWeighted ? weight : 1))
    }
    guard !trees.isEmpty, trees.count % scores == 0 else {
      throw root.failure("I502", "\(trees.count) trees where a multiple of \(scores) is expected")
    }
    return (trees, weights)
  }

  /// Summed in file order, as ROOT sums it.
  private func divisor(_ kind: Kind, _ weights: [Double]) throws(CompilationFailed) -> Double {
    if !kind.isAverage { return 1 }
    let sum = weights.reduce(0, +)
    guard sum > 0x1p-52 else { throw root.failure("I502", "the boost weights sum up to \(sum), not above 0") }
    return sum
  }

  private func tree(
    _ element: XMLElement, _ kind: Kind, target: Int, weight: Double
  ) throws(CompilationFailed) -> DecisionTree {
    guard let top = element.child("Node") else {
      throw element.failure("I502", "'BinaryTree' has no element 'Node'")
    }
    var elements = [top]
    var nodes: [DecisionTree.Node] = []
    // Children are numbered when their parent is read, so that `elements` grows ahead of `nodes`.
    while nodes.count < elements.count {
      let element = elements[nodes.count]
      if try element.integer("nType") != 0 {
        nodes.append(.leaf([try leaf(element, kind)]))
      } else {
        let left = elements.count
        elements += [try child(element, at: "l"), try child(element, at: "r")]
        nodes.append(.split(try split(element, left: left, right: left + 1)))
      }
    }
    return try DecisionTree(
      targets: [target], weight: weight, featureCount: featureCount, nodeCount: nodes.count,
      at: element.location
    ) { nodes[$0] }
  }

  /// The daughter at a position; their order in the file says nothing.
  private func child(_ node: XMLElement, at position: String) throws(CompilationFailed) -> XMLElement {
    guard let child = node.children.first(where: { $0.name == "Node" && $0.attribute("pos") == position })
    else {
      throw node.failure("I502", "a node that is no leaf has no daughter '\(position)'")
    }
    return child
  }

  private func split(_ node: XMLElement, left: Int, right: Int) throws(CompilationFailed)
    -> DecisionTree.Split
  {
    if let coefficients = node.attribute("NCoef"), coefficients != "0" {
      throw node.failure(
        "I503", "the node is a Fisher cut over several variables, which fpgaml does not compile",
        notes: ["train with UseFisherCuts=False"])
    }
    let cut = Double(Float(try node.number("Cut")))
    let cutsSignal = try node.integer("cType") != 0
    // NaN is not at least the cut.
    return DecisionTree.Split(
      feature: try node.integer("IVar"), .less, cut, whenTrue: cutsSignal ? left : right,
      whenFalse: cutsSignal ? right : left, missingIsTrue: true)
  }

  private func leaf(_ node: XMLElement, _ kind: Kind) throws(CompilationFailed) -> Double {
    if kind != .average { return Double(Float(try node.number("res"))) }
    if options["UseYesNoLeaf"] != "False" { return Double(try node.integer("nType")) }
    if node.attribute("purity") != nil { return Double(Float(try node.number("purity"))) }
    // Files of TMVA 4.0 and older have the numbers of events.
    let signal = Float(try node.number("nS"))
    return Double(signal / (signal + Float(try node.number("nB"))))
  }
}
