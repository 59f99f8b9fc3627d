import Diagnostics
import Functions
import Graph

/// A decision forest as a reader found it in a model file.
struct ForestModel: Hashable, Sendable {
  var forest: Forest
  var transform: ScoreTransform
  /// The framework and, where the file says it, its version, such as `xgboost 3.2.0`.
  var framework: String
  /// The framework's word for what was trained, such as `binary:logistic`.
  var kind: String

  /// The graph of the model: its features, its scores, and what its framework makes of them.
  func read(name: String, file: String) throws(CompilationFailed) -> ReadModel {
    var builder = GraphBuilder(name: name, framework: framework)
    let features = ForestSite(file: file, name: "input", kind: "features")
    let site = ForestSite(file: file, name: "forest", kind: kind)
    let input = try builder.add(.input(shape: [forest.features.count]), [], features)
    let scores = try builder.add(.forest(forest), [input], site)
    builder.addOutput(try builder.apply(transform, scores, site), name: "score")
    return ReadModel(graph: builder.graph, notices: builder.sink.diagnostics)
  }
}

/// A part of a forest's file, which has no layers of its own.
struct ForestSite: LayerSite {
  var file: String
  var name: String
  var kind: String

  var origin: Layer { Layer(name: name, kind: kind, path: "") }

  func failure(_ code: DiagnosticCode, _ message: String, notes: [String]) -> CompilationFailed {
    CompilationFailed(code, message, at: .file(file), notes: notes)
  }
}

/// The framework's last step from scores to predictions. All but `unsupported` are monotone in a single score, and
/// `softmax` keeps the order of scores, so that cuts and decisions need none of them.
enum ScoreTransform: Hashable, Sendable {
  case identity
  /// 1 / (1 + e^(−slope · x)).
  case logistic(slope: Double)
  /// Over all scores.
  case softmax
  /// 2 / (1 + e^(−2x)) − 1, which is tanh x: TMVA's gradient boosting.
  case tanh
  case exponential
  /// A function that fpgaml does not compute, by the framework's name; the scores are available all the same.
  case unsupported(String)
}

extension GraphBuilder {
  /// What a framework makes of scores; the scores themselves, with a notice I506, where that is not supported.
  mutating func apply(_ transform: ScoreTransform, _ scores: NodeID, _ site: some LayerSite)
    throws(CompilationFailed) -> NodeID
  {
    switch transform {
    case .identity: return scores
    case .logistic(let slope):
      var operand = scores
      if slope != 1 {
        let count = shape(scores).last ?? 1
        let factors = Weights.coefficients(slope, channels: count)
        operand = try affine(scores, scale: factors, site, "scaled")
      }
      return try add(.map(Map(.sigmoid)), [operand], site, "probability")
    case .softmax: return try softmax(scores, axis: rank(scores) - 1, site, "probability")
    case .tanh: return try add(.map(Map(.tanh)), [scores], site, "response")
    case .exponential: return try add(.map(Map(.exp)), [scores], site, "rate")
    case .unsupported(let name):
      sink.notice(
        "I506", "the framework's last function, '\(name)', is left out: the outputs are the scores before it",
        at: .layer(site.name))
      return scores
    }
  }
}

/// The names of a model's scores where the file has none.
func scoreNames(_ count: Int) -> [String] {
  count == 1 ? ["score"] : (0..<count).map { "score_\($0)" }
}

extension DecisionTree {
  /// Makes a tree of a file's nodes; a malformed one becomes an error at `location`.
  ///
  /// - Throws: I501.
  init(
    targets: [Int], weight: Double = 1, featureCount: Int, nodeCount: Int, root: Int = 0,
    at location: @autoclosure () -> Location, node: (Int) -> Node
  ) throws(CompilationFailed) {
    do {
      try self.init(
        targets: targets, weight: weight, featureCount: featureCount, nodeCount: nodeCount, root: root,
        node: node)
    } catch {
      throw CompilationFailed("I501", "\(error)", at: location())
    }
  }
}
