import Diagnostics
import Graph

extension GraphBuilder {
  /// What one step of a scan makes: its result, and the next value of each state.
  typealias Step = (result: NodeID, states: [NodeID])

  /// A scan over the first axis of tensors; its result has the results of all steps along a new first axis.
  ///
  /// - Parameters:
  ///   - initial: the initial value of each state.
  ///   - names: roles of the body's inputs: slices, then states.
  ///   - step: builds the body from its inputs.
  mutating func scan(
    _ sequences: [NodeID], initial: [NodeID], names: [String], _ call: some LayerSite, _ role: String?,
    _ step: (inout GraphBuilder, _ slices: [NodeID], _ states: [NodeID]) throws(CompilationFailed) -> Step
  ) throws(CompilationFailed) -> NodeID {
    let shapes = sequences.map { Array(shape($0).dropFirst()) } + initial.map { shape($0) }
    let name = role.map { "\(call.name)_\($0)" } ?? call.name
    let (body, _) = try subgraph(named: "\(name)_step") {
      (builder: inout GraphBuilder) throws(CompilationFailed) in
      var inputs: [NodeID] = []
      for (shape, name) in zip(shapes, names) {
        inputs.append(try builder.add(.input(shape: shape), [], call, name))
      }
      let made = try step(
        &builder, Array(inputs.prefix(sequences.count)), Array(inputs.dropFirst(sequences.count)))
      for node in [made.result] + made.states { builder.addOutput(node, name: builder.graph[node].name) }
    }
    return try add(.scan(Scan(body: body, sequences: sequences.count)), sequences + initial, call, role)
  }

  /// Elements of the first axis; a single one without that axis.
  mutating func steps(
    _ x: NodeID, from start: Int, by step: Int = 1, count: Int, _ call: some LayerSite, _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    let shape = shape(x)
    var ranges = shape.map { (start: 0, step: 1, count: $0) }
    ranges[0] = (start, step, count)
    if count == 1 {
      // An axis of length 1 vanishes: the view reads it at one index.
      var view = AffineView.part(ranges)
      view.shape.removeFirst()
      for axis in view.strides.indices { view.strides[axis].removeFirst() }
      return try add(.rearrange(.view(view)), [x], call, role)
    }
    return try add(.rearrange(.view(.part(ranges))), [x], call, role)
  }

  /// The tensor with its first axis the other way round.
  mutating func reversed(_ x: NodeID, _ call: some LayerSite, _ role: String?) throws(CompilationFailed)
    -> NodeID
  {
    let count = shape(x).first ?? 1
    if count == 1 { return x }
    return try steps(x, from: count - 1, by: -1, count: count, call, role)
  }

  /// A part of the last axis.
  mutating func channels(
    _ x: NodeID, _ range: Range<Int>, _ call: some LayerSite, _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    var ranges = shape(x).map { (start: 0, step: 1, count: $0) }
    ranges[ranges.count - 1] = (range.lowerBound, 1, range.count)
    return try add(.rearrange(.view(.part(ranges))), [x], call, role)
  }
}
