import Diagnostics
import Foundation
import Graph

extension Graph {
  /// The graph of a graph.json, typed or not.
  ///
  /// - Throws: C011 where it is damaged, C101 where its types are not those of its results.
  public static func decoded(_ data: Data, file: String) throws(CompilationFailed) -> Graph {
    let graph: Graph
    do {
      graph = try JSONDecoder().decode(Graph.self, from: data)
    } catch {
      throw CompilationFailed("C011", "not a graph of fpgaml: \(error)", at: .file(file))
    }
    var problems = graph.verify()
    if problems.isEmpty && graph.nodes.contains(where: { $0.type != nil }) { problems = graph.verifyTypes() }
    guard problems.isEmpty else {
      let message = problems.map(\.message).joined(separator: "; ")
      throw CompilationFailed(
        [Diagnostic(.error, "C011", "not a graph of fpgaml: \(message)", at: .file(file))] + problems)
    }
    return graph
  }
}
