import Diagnostics
import Graph

/// A decision forest as a reader found it in a model file.
struct ForestModel: Hashable, Sendable {
  var forest: Forest
  /// The framework and, where the file says it, its version, such as `xgboost 3.2.0`.
  var framework: String
  /// The framework's word for what was trained, such as `binary:logistic`.
  var kind: String

  /// The graph of the model: its features and its scores.
  func graph(name: String) -> Graph {
    var graph = Graph(name: name, framework: framework)
    let input = graph.add(
      .input(shape: [forest.features.count]), name: "input",
      layer: Layer(name: "input", kind: "features", path: ""))
    let scores = graph.add(
      .forest(forest), [input], name: "forest", layer: Layer(name: "forest", kind: kind, path: ""))
    graph.outputs = [Graph.Output(name: "score", node: scores)]
    return graph
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
