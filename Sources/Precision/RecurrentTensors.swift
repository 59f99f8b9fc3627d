import Graph

// hls4ml computes a recurrent layer in few types (`nnet_recurrent.h`, hls4ml 1.3): both matrix products, their sums, what
// the functions give and what a reset gate multiplies are of type `accum`; states are of type `result`, into which the
// products that make them are converted at once; the recurrent matrix and its bias have types of their own.

extension TypePolicy {
  /// hls4ml's name of a tensor inside a recurrent layer; nil where it stays exact there.
  func recurrentTensor(_ role: Role, of node: Node) -> String? {
    let isRecurrent = node.name.hasSuffix("_recurrent") || node.name.hasSuffix("_reset")
    switch (role, node.primitive) {
    case (.weight, .linear): return isRecurrent ? "recurrent_weight" : "weight"
    case (.bias, .linear): return isRecurrent ? "recurrent_bias" : "bias"
    case (.result, .linear): return nil
    case (.result, .combine):
      return ["_gates", "_sum", "_reset"].contains { node.name.hasSuffix($0) } ? "accum" : nil
    case (.result, .map): return "accum"
    default: return role.rawValue
    }
  }

  /// The policy for the step of a recurrent layer.
  func inside(_ node: Node) -> TypePolicy {
    var policy = self
    policy.isRecurrent = followsHLS4ML(node)
    return policy
  }

  /// Whether a configuration asks for hls4ml's arithmetic in a recurrent layer.
  func followsHLS4ML(_ node: Node) -> Bool {
    guard let configuration, !isFullyQuantized, !configuration.asksForOwnTables(node) else { return false }
    return ["LSTM", "GRU"].contains { node.layer.kind == $0 }
  }
}
