import Diagnostics
import FixedPoint
import Graph

// A scan's body is typed once for all steps. Each state has a type that is decided like that of an activation; what a
// step leaves in a state is converted into it. Inside that type, the range of a state is what the body can reach: the
// body is typed again with it, as long as that narrows the range.

extension Typer {
  mutating func visitScan(_ node: Node, _ scan: Scan) throws -> NodeID {
    let states = scan.nextStates.indices.map { stateType($0, of: scan, node) }
    var node = node
    for (number, state) in states.enumerated() {
      let operand = scan.sequences + number
      node.operands[operand] = try initialState(node.operands[operand], state, node)
    }
    let body = try typedBody(scan, states, node)
    for diagnostic in body.notices { sink.report(diagnostic) }
    node.primitive = .scan(Scan(body: body.graph, sequences: scan.sequences))
    return try append(node, body.graph[body.graph.outputs[0].node].typeSource ?? .exact)
  }

  /// The declared type of a state and what decided it: an entry for its layer, the quantizer of the model that the body
  /// ends with, or what the policy says of activations. Configurations speak of the first state by the layer's name: it
  /// is the layer's result. hls4ml has one type for all states.
  func stateType(_ number: Int, of scan: Scan, _ node: Node) -> StateType {
    let own = scan.body[scan.nextStates[number]]
    var named = own
    if number == 0 || policy.followsHLS4ML(node) { named.name = node.layer.name }
    func uniform(_ decision: TypePolicy.Decision) -> StateType {
      StateType(
        quantizer: .fixed(PerElement(repeating: decision.type, count: own.count)), source: decision.source,
        node: named)
    }
    if let decision = policy.layerChoice(.result, of: named) ?? policy.layerChoice(.result, of: own) {
      return uniform(decision)
    }
    if case .quantize(let quantizer) = own.primitive {
      return StateType(quantizer: quantizer, source: .model, node: named)
    }
    if case .type(let decision)? = policy.choice(.result, of: named) { return uniform(decision) }
    return uniform(
      policy.activation(of: own)
        ?? TypePolicy.Decision(type: TypePolicy.defaultActivation, source: .byDefault))
  }

  /// The initial value of a state, converted where its type does not hold it.
  private mutating func initialState(
    _ operand: NodeID, _ state: StateType, _ node: Node
  ) throws -> NodeID {
    guard let type = result[operand].type, try !state.wholeType(type.count).holds(type) else {
      return operand
    }
    return try add(
      .quantize(state.quantizer), [operand], "\(result[operand].name)_state", node, source: state.source)
  }

  private typealias Body = (graph: Graph, notices: [Diagnostic])

  /// The body with the narrowest types of states that this finds.
  private mutating func typedBody(_ scan: Scan, _ states: [StateType], _ node: Node) throws -> Body {
    let operands = node.operands.compactMap { result[$0].type }
    var slices: [TensorType] = []
    for operand in operands.prefix(scan.sequences) {
      guard let slice = try Scan.sliceType(operand, steps: node.shape[0]) else {
        throw CompilationFailed(
          "T510", "the factors of the operand of '\(node.name)' differ from step to step",
          at: .layer(node.layer.name), notes: ["give the operand a fixed-point type"])
      }
      slices.append(slice)
    }
    let initial = operands.dropFirst(scan.sequences)
    var inputs = slices
    for (state, type) in zip(states, initial) { inputs.append(state.wholeType(type.count)) }
    var best = try body(scan, states, inputs, node)
    for _ in 0..<Typer.maximumNarrowings {
      var narrower = slices
      for (number, type) in initial.enumerated() {
        let left = best.graph[best.graph.outputs[1 + number].node].type
        narrower.append(try left.flatMap { try $0.union(with: type) } ?? inputs[scan.sequences + number])
      }
      if narrower == inputs { break }
      // Tables over a narrower range have finer steps, with which a state may reach further.
      guard let next = try? body(scan, states, narrower, node),
        try next.graph.keepsStates(narrower, slices.count)
      else { break }
      (best, inputs) = (next, narrower)
    }
    return best
  }

  /// How often a body is typed again at most.
  private static let maximumNarrowings = 3

  /// The body for inputs of these types, with states converted at its end.
  private mutating func body(
    _ scan: Scan, _ states: [StateType], _ inputs: [TensorType], _ node: Node
  ) throws -> Body {
    var typer = Typer(scan.body, policy.inside(node))
    for (id, type) in zip(scan.body.inputs, inputs) { typer.inputTypes[id] = type }
    typer.fits = fits
    for index in scan.body.nodes.indices {
      let typed = try typer.visit(NodeID(index))
      // Whatever reads a state reads it in its type.
      let state = scan.nextStates.firstIndex(of: NodeID(index))
      typer.typed.append(try state.map { try typer.converted(typed, states[$0]) } ?? typed)
    }
    fits = typer.fits
    typer.result.outputs = scan.body.outputs.map {
      Graph.Output(name: $0.name, node: typer.typed[$0.node.index])
    }
    typer.result = typer.result.withoutUnused()
    try typer.sink.throwIfErrors()
    return (typer.result, typer.sink.diagnostics)
  }

  /// What a step leaves in a state, converted where the state's type does not hold it.
  private mutating func converted(_ next: NodeID, _ state: StateType) throws -> NodeID {
    let node = result[next]
    guard let type = node.type, try !state.wholeType(type.count).holds(type) else { return next }
    return try add(.quantize(state.quantizer), [next], "\(node.name)_state", node, source: state.source)
  }
}

/// The type that a state is declared to have.
struct StateType {
  var quantizer: Quantizer
  var source: TypeSource
  /// The node by whose name a configuration speaks of the state.
  var node: Node

  /// The type of all that the quantizer can yield.
  func wholeType(_ count: Int) -> TensorType { quantizer.wholeType(count) }
}

extension Graph {
  /// Whether a typed body leaves in its states values of the types that its inputs have from `first` on.
  fileprivate func keepsStates(_ inputs: [TensorType], _ first: Int) throws(WidthOverflow) -> Bool {
    for (number, output) in outputs.dropFirst().enumerated() {
      guard let type = self[output.node].type, try inputs[first + number].holds(type) else { return false }
    }
    return true
  }
}
