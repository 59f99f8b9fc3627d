import Diagnostics

/// What the proofs found out about a design.
public struct ProofResult: Hashable, Sendable {
  /// What is known of one node of the graph.
  public enum Verdict: Hashable, Sendable {
    /// Every element is right for all values of the node's operands.
    case proved
    /// Not proved: right for the samples that were run.
    case simulated(samples: Int)
    /// Something is wrong, here or in what it reads.
    case failed
  }

  /// A node with its verdict.
  public struct NodeVerdict: Hashable, Sendable {
    public var name: String
    public var verdict: Verdict
    /// Why the node is not proved, where that is known.
    public var reason: String?
  }

  /// The nodes that compute something, in order.
  public var nodes: [NodeVerdict]
  public var failures: [ProofFailure]
  /// Whether all paths have the promised registers.
  public var isTimingProved: Bool
  /// The adders that were read.
  public var adders: Int
  /// The samples that signals were looked up with.
  public var samples: Int

  public var passed: Bool { failures.isEmpty }
  /// The names of the nodes that are proved.
  public var proved: [String] { nodes.filter { $0.verdict == .proved }.map(\.name) }

  let files: [VerilogFile]

  /// The failures as errors: V031 for registers and control, V032 for values.
  public var problems: [Diagnostic] {
    failures.map { failure in
      let place = failure.place?.location(in: files)
      let node = failure.node.map { "'\($0)'" + (failure.element.map { "[\($0)]" } ?? "") + ": " } ?? ""
      let signal = failure.signal.map { ", at signal '\($0)'" } ?? ""
      return Diagnostic(
        .error, failure.kind == .timing ? "V031" : "V032", node + failure.message + signal, at: place)
    }
  }
}
