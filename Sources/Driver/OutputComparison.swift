import Diagnostics
import FixedPoint
import Graph
import Verification

/// Two typed graphs on the same seeded samples: whether their outputs are the same numbers, and where they part.
struct OutputComparison: Hashable {
  /// 0 where the graphs are equal, so that nothing needs to be run.
  var samples = 0
  /// Samples with an output that changed.
  var differing = 0
  /// The first node, in the order of computation, whose values changed.
  var firstChanged: String?
  var maximumDifference = 0.0

  /// - Requires: both graphs have inputs and outputs of the same shapes.
  init(_ old: Graph, _ new: Graph, samples count: Int, seed: UInt64) throws(CompilationFailed) {
    if old.nodes == new.nodes && old.outputs.map(\.node) == new.outputs.map(\.node) { return }
    let inputs = OutputComparison.inputs(for: old, count: count, seed: seed)
    let (oldInputs, newInputs) = (inputs.converted(for: old).raw, inputs.converted(for: new).raw)
    let (oldSimulator, newSimulator) = (
      try ReferenceSimulator.checked(old), try ReferenceSimulator.checked(new)
    )
    let pairs = OutputComparison.pairs(old, new)
    var first = pairs.count
    samples = inputs.count
    for sample in 0..<samples {
      let a = try oldSimulator.checkedRun(oldInputs[sample])
      let b = try newSimulator.checkedRun(newInputs[sample])
      for (number, pair) in pairs.enumerated() where number < first {
        let isSame = same(old[pair.old].type, a[pair.old.index], new[pair.new].type, b[pair.new.index])
        if !isSame { first = number }
      }
      var isDifferent = false
      for (x, y) in zip(old.outputs, new.outputs) {
        let (from, to) = (a[x.node.index], b[y.node.index])
        if same(old[x.node].type, from, new[y.node].type, to) { continue }
        isDifferent = true
        guard let s = old[x.node].type, let t = new[y.node].type else { continue }
        for i in from.indices {
          let distance = abs(s.value(from[i], element: i) - t.value(to[i], element: i))
          maximumDifference = max(maximumDifference, distance)
        }
      }
      differing += isDifferent ? 1 : 0
    }
    if first < pairs.count { firstChanged = new[pairs[first].new].name }
  }

  /// Real numbers that the first graph's inputs hold exactly: corner cases, then random ones.
  private static func inputs(for graph: Graph, count: Int, seed: UInt64) -> InputSamples {
    let types = graph.inputs.map { graph[$0].type }
    let stimuli = Stimuli(formats: types.map { $0?.formats.array ?? [] }, count: count, seed: seed)
    return InputSamples(
      values: stimuli.samples.map { sample in
        zip(sample, types).map { tensor, type in
          tensor.enumerated().map { i, raw in type?.value(raw, element: i) ?? 0 }
        }
      })
  }

  /// Nodes of one name and size in both graphs, in the order of the new one.
  private static func pairs(_ old: Graph, _ new: Graph) -> [(old: NodeID, new: NodeID)] {
    var indices: [String: Int] = [:]
    for (index, node) in old.nodes.enumerated() { indices[node.name] = index }
    return new.nodes.indices.compactMap { index in
      let node = new.nodes[index]
      guard let match = indices[node.name], old.nodes[match].count == node.count else { return nil }
      return (NodeID(match), NodeID(index))
    }
  }

  /// Whether raw integers of two types stand for the same numbers.
  private func same(_ s: TensorType?, _ a: [Int128], _ t: TensorType?, _ b: [Int128]) -> Bool {
    guard let s, let t, a.count == b.count else { return false }
    return a.indices.allSatisfy { i in
      if s.scales[i] != t.scales[i] { return s.value(a[i], element: i) == t.value(b[i], element: i) }
      let (x, y) = (a[i], b[i])
      if x == 0 || y == 0 { return x == y }
      let (p, q) = (x.trailingZeroBitCount, y.trailingZeroBitCount)
      return x >> Int128(p) == y >> Int128(q) && s.formats[i].exponent + p == t.formats[i].exponent + q
    }
  }
}
