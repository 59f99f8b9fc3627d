import Diagnostics
import Graph

/// A model as its file describes it.
public struct ReadModel: Sendable {
  /// The untyped graph of the model.
  public var graph: Graph
  /// What a user should know: attributes without effect, approximations of the framework.
  public var notices: [Diagnostic]

  public init(graph: Graph, notices: [Diagnostic]) {
    self.graph = graph
    self.notices = notices
  }
}
