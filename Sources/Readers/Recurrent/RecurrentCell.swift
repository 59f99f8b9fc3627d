import Diagnostics
import Graph

/// A recurrent cell as all frameworks mean it, its gates in Keras's order: LSTM i, f, g, o; GRU z, r, h.
struct RecurrentCell {
  enum Kind: Hashable, Sendable {
    case simple, lstm
    /// The reset gate is applied after the recurrent matrix, which has a bias of its own, or to the state before it.
    case gru(resetsAfter: Bool)

    var gates: Int {
      switch self {
      case .simple: 1
      case .lstm: 4
      case .gru: 3
      }
    }

    var states: [String] { self == .lstm ? ["h", "c"] : ["h"] }
  }

  /// A function or quantizer of a tensor: adds nodes whose last bears the role.
  typealias Nonlinearity = (inout GraphBuilder, NodeID, String) throws(CompilationFailed) -> NodeID

  var kind: Kind
  var units: Int
  /// Shape [1, inputs, gates · units].
  var kernel: Weights
  /// Shape [1, units, gates · units].
  var recurrentKernel: Weights
  /// Shape [1, gates · units].
  var bias: Weights?
  var recurrentBias: Weights?
  /// tanh, where nothing else is said.
  var activation: Nonlinearity
  /// Of gates: sigmoid, where nothing else is said.
  var recurrentActivation: Nonlinearity = { _, x, _ in x }
  /// Of the cell's state on its way out; `activation`, where nothing else is said.
  var outputActivation: Nonlinearity?
  /// Of what the next step reads of the states.
  var stateQuantizer: Nonlinearity?
  /// HGQ2: of what the reset gate multiplies, or makes before the recurrent matrix.
  var resetQuantizer: Nonlinearity?
}

extension RecurrentCell {
  /// One layer over the first axis of x.
  ///
  /// - Parameters:
  ///   - initial: initial states of shape [units]; nil for zeros.
  ///   - withCell: whether results are [h, c] of an LSTM instead of h.
  /// - Returns: the results of all steps, in the order of the steps.
  func apply(
    _ x: NodeID, initial: [NodeID]?, withCell: Bool = false, _ call: some LayerSite, _ role: String?,
    _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    var states: [NodeID] = []
    for (number, name) in kind.states.enumerated() {
      var state: NodeID
      if let initial {
        state = initial[number]
      } else {
        state = try builder.constant(0, shape: [units], call, prefixed("\(name)_initial", role))
      }
      if let stateQuantizer {
        state = try stateQuantizer(&builder, state, prefixed("\(name)_quantized", role))
      }
      states.append(state)
    }
    let names = [prefixed("x", role)] + kind.states.map { prefixed($0 + "_before", role) }
    return try builder.scan(
      [x], initial: states, names: names, call, role
    ) { (builder: inout GraphBuilder, slices: [NodeID], states: [NodeID]) throws(CompilationFailed) in
      let next = try step(slices[0], states, call, role, &builder)
      var carried = next
      if let stateQuantizer {
        for (i, name) in kind.states.enumerated() {
          carried[i] = try stateQuantizer(&builder, next[i], prefixed("\(name)_state", role))
        }
      }
      guard withCell, next.count > 1 else { return (next[0], carried) }
      let both = try builder.add(.rearrange(.concatenate(axis: 0)), next, call, prefixed("states", role))
      return (both, carried)
    }
  }

  private func prefixed(_ name: String, _ role: String?) -> String { role.map { "\($0)_\(name)" } ?? name }

  /// The states after one step, the result first.
  private func step(
    _ x: NodeID, _ states: [NodeID], _ call: some LayerSite, _ role: String?, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> [NodeID] {
    func named(_ name: String) -> String { prefixed(name, role) }
    let width = kind.gates * units
    let fromInput = try builder.add(
      .linear(
        Linear(inputs: kernel.count / width, outputs: width, weights: kernel, bias: bias)), [x], call,
      named("kernel"))
    switch kind {
    case .simple:
      let fromState = try recurrent(states[0], 0..<1, call, named("recurrent"), &builder)
      let sum = try builder.add(.combine(.add), [fromInput, fromState], call, named("sum"))
      return [try activation(&builder, sum, named("h"))]
    case .lstm:
      let fromState = try recurrent(states[0], 0..<4, call, named("recurrent"), &builder)
      let gates = try builder.add(.combine(.add), [fromInput, fromState], call, named("gates"))
      var parts: [NodeID] = []
      for (i, name) in ["i", "f", "g", "o"].enumerated() {
        let part = try gate(gates, i, call, named("\(name)_sum"), &builder)
        parts.append(try (name == "g" ? activation : recurrentActivation)(&builder, part, named(name)))
      }
      let kept = try builder.add(.combine(.multiply), [parts[1], states[1]], call, named("kept"))
      let added = try builder.add(.combine(.multiply), [parts[0], parts[2]], call, named("added"))
      let cell = try builder.add(.combine(.add), [kept, added], call, named("c"))
      let seen = try (outputActivation ?? activation)(&builder, cell, named("c_activated"))
      return [try builder.add(.combine(.multiply), [parts[3], seen], call, named("h")), cell]
    case .gru(let resetsAfter):
      return [try gru(fromInput, states[0], resetsAfter, call, role, &builder)]
    }
  }

  /// h' = h̃ + z · (h − h̃), which is z · h + (1 − z) · h̃ with one product.
  private func gru(
    _ fromInput: NodeID, _ h: NodeID, _ resetsAfter: Bool, _ call: some LayerSite, _ role: String?,
    _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    func named(_ name: String) -> String { prefixed(name, role) }
    let fromState = try recurrent(h, 0..<(resetsAfter ? 3 : 2), call, named("recurrent"), &builder)
    let inputGates = try builder.channels(fromInput, 0..<(2 * units), call, named("kernel_zr"))
    let stateGates = try builder.channels(fromState, 0..<(2 * units), call, named("recurrent_zr"))
    let gates = try builder.add(.combine(.add), [inputGates, stateGates], call, named("gates"))
    let zr = try recurrentActivation(&builder, gates, named("zr"))
    let z = try gate(zr, 0, call, named("z"), &builder)
    let r = try gate(zr, 1, call, named("r"), &builder)
    let reset: NodeID
    if resetsAfter {
      var part = try gate(fromState, 2, call, named("recurrent_h"), &builder)
      if let resetQuantizer { part = try resetQuantizer(&builder, part, named("recurrent_h_quantized")) }
      reset = try builder.add(.combine(.multiply), [r, part], call, named("reset"))
    } else {
      var part = try builder.add(.combine(.multiply), [r, h], call, named("reset_state"))
      if let resetQuantizer { part = try resetQuantizer(&builder, part, named("reset_state_quantized")) }
      reset = try recurrent(part, 2..<3, call, named("reset"), &builder)
    }
    let candidateInput = try gate(fromInput, 2, call, named("kernel_h"), &builder)
    let sum = try builder.add(.combine(.add), [candidateInput, reset], call, named("candidate_sum"))
    let candidate = try activation(&builder, sum, named("candidate"))
    let difference = try builder.add(.combine(.subtract), [h, candidate], call, named("difference"))
    let kept = try builder.add(.combine(.multiply), [z, difference], call, named("kept"))
    return try builder.add(.combine(.add), [candidate, kept], call, named("h"))
  }

  /// Some gates' columns of the recurrent matrix times a state.
  private func recurrent(
    _ h: NodeID, _ gates: Range<Int>, _ call: some LayerSite, _ role: String, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    let width = kind.gates * units
    let columns = (gates.lowerBound * units)..<(gates.upperBound * units)
    let order = (0..<units).flatMap { row in columns.map { row * width + $0 } }
    let weights = recurrentKernel.reordered(order, shape: [1, units, columns.count])
    let bias = recurrentBias?.reordered(Array(columns), shape: [1, columns.count])
    return try builder.add(
      .linear(Linear(inputs: units, outputs: columns.count, weights: weights, bias: bias)), [h], call, role)
  }

  private func gate(
    _ x: NodeID, _ index: Int, _ call: some LayerSite, _ role: String, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    try builder.channels(x, (index * units)..<((index + 1) * units), call, role)
  }
}
