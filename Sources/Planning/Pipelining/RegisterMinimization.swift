import Circuit

/// Assigns stages so that the registers between them hold as few bits as possible.
///
/// The least Σ width(u) · (stage of the last consumer − stage(u)) subject to the constraints of order and clock is a
/// minimum cut: node (v, k) lies on the source's side if stage(v) <= k, node (m, k) of an operation with several
/// consumers if all of them lie at k or earlier; a register of u between k and k + 1 is the arc from (u, k) to
/// (m, k). The constraints are arcs that are never cut. Only operations with a choice have nodes.
struct RegisterMinimization {
  let graph: TimingGraph
  let consumers: Adjacency
  let constraints: StageConstraints
  let bounds: StageBounds
  /// The price of one register of each operation.
  let weights: [Int32]
  /// Whether an output port shows the operation.
  let isOutput: [Bool]

  private enum Node {
    /// stage(v) <= k for certain.
    case source
    /// stage(v) > k for certain.
    case sink
    case open(Int32)
  }

  /// The stage of every operation.
  func stages() -> [Int] {
    var cut = MinimumCut()
    let names = (0..<graph.count).map { cut.addNodes(bounds.upper[$0] - bounds.lower[$0]) }
    for index in 0..<graph.count {
      addOrder(of: index, names, to: &cut)
      addRegisters(of: index, names, to: &cut)
    }
    for pair in constraints.earlier.indices {
      let (earlier, later) = (Int(constraints.earlier[pair]), Int(constraints.later[pair]))
      for stage in bounds.lower[later]..<max(bounds.lower[later], bounds.upper[earlier] + 1) {
        imply(node(later, stage, names), node(earlier, stage - 1, names), in: &cut)
      }
    }
    let side = cut.sourceSide()
    return (0..<graph.count).map { index in
      let range = bounds.lower[index]..<bounds.upper[index]
      return range.first { side[Int(names[index]) + $0 - range.lowerBound] } ?? bounds.upper[index]
    }
  }

  private func node(_ index: Int, _ stage: Int, _ names: [Int32]) -> Node {
    if stage < bounds.lower[index] { return .sink }
    if stage >= bounds.upper[index] { return .source }
    return .open(names[index] + Int32(stage - bounds.lower[index]))
  }

  /// a on the source's side implies b there.
  private func imply(_ a: Node, _ b: Node, in cut: inout MinimumCut) {
    addArc(a, b, capacity: MinimumCut.unlimited, in: &cut)
  }

  private func addArc(_ a: Node, _ b: Node, capacity: Int32, in cut: inout MinimumCut) {
    let tail: Int32
    switch a {
    case .source: tail = MinimumCut.source
    case .sink: return
    case .open(let name): tail = name
    }
    switch b {
    case .source: return
    case .sink: if tail != MinimumCut.source { cut.addArc(tail, MinimumCut.sink, capacity: capacity) }
    case .open(let name): cut.addArc(tail, name, capacity: capacity)
    }
  }

  /// A stage reached at k is reached at k + 1; no operation comes before its operands.
  private func addOrder(of index: Int, _ names: [Int32], to cut: inout MinimumCut) {
    let (low, high) = (bounds.lower[index], bounds.upper[index])
    for stage in low..<max(low, high - 1) {
      imply(node(index, stage, names), node(index, stage + 1, names), in: &cut)
    }
    for number in graph.arcs(to: index) {
      let operand = Int(graph.arcs[number].operand)
      for stage in low..<max(low, bounds.upper[operand]) {
        imply(node(index, stage, names), node(operand, stage, names), in: &cut)
      }
    }
  }

  /// The arcs whose cutting stands for registers of an operation.
  private func addRegisters(of index: Int, _ names: [Int32], to cut: inout MinimumCut) {
    let users = consumers[index]
    let weight = weights[index]
    guard graph.isTimed[index], weight > 0, !users.isEmpty || isOutput[index] else { return }
    var lastLower = isOutput[index] ? bounds.last : bounds.first
    var lastUpper = lastLower
    for user in users {
      lastLower = max(lastLower, bounds.lower[Int(user)])
      lastUpper = max(lastUpper, bounds.upper[Int(user)])
    }
    for stage in bounds.lower[index]..<max(bounds.lower[index], lastUpper) {
      let here = node(index, stage, names)
      if stage < lastLower {
        addArc(here, .sink, capacity: weight, in: &cut)
      } else if users.count == 1, let only = users.first {
        addArc(here, node(Int(only), stage, names), capacity: weight, in: &cut)
      } else {
        let meeting = Node.open(cut.addNodes(1))
        addArc(here, meeting, capacity: weight, in: &cut)
        for user in users { imply(meeting, node(Int(user), stage, names), in: &cut) }
      }
    }
  }
}
