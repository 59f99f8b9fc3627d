import FixedPoint
import Graph

extension RandomGraph {
  /// A scan over a random body, whose states start as constants.
  mutating func addScan(_ operand: NodeID) throws(WidthOverflow) {
    let steps = graph[operand].shape[0]
    guard let type = graph[operand].type, let slices = try Scan.sliceType(type, steps: steps) else {
      return try append(.rearrange(.reshape([graph[operand].count])), [operand])
    }
    let states = (0..<pick(0...2)).map { _ in
      PerElement(repeating: stateType(), count: pick(1...3))
    }
    var body = RandomGraph(generator: generator)
    body.graph.name = "body"
    body.addInput("slice", Array(graph[operand].shape.dropFirst()), slices)
    for (number, types) in states.enumerated() {
      body.addInput("state\(number)", [types.count], TensorType(types.map { Format($0) }))
    }
    for _ in 0..<pick(1...3) { try body.addNode() }
    let result = NodeID(body.graph.nodes.count - 1)
    body.graph.outputs = [Graph.Output(name: "result", node: result)]
    for (number, types) in states.enumerated() {
      body.graph.outputs.append(
        Graph.Output(name: "next\(number)", node: try body.nextState(number, types, result)))
    }
    generator = body.generator
    var initial: [NodeID] = []
    for types in states {
      let raw = types.array.map { type in
        Int64(Int128.random(in: type.reachableRange.lower...type.reachableRange.upper, using: &generator))
      }
      let exponent = types.uniform?.exponent ?? 0
      try append(.constant(Weights(raw: raw, exponent: exponent, shape: [raw.count])), [])
      initial.append(NodeID(graph.nodes.count - 1))
    }
    try append(.scan(Scan(body: body.graph, sequences: 1)), [operand] + initial)
  }

  /// A type for states with something in it.
  private mutating func stateType() -> FixedType {
    var type = fixedType()
    type.width = max(type.width, 2)
    return type
  }

  private mutating func addInput(_ name: String, _ shape: [Int], _ type: TensorType) {
    let id = graph.add(.input(shape: shape), name: name, layer: Layer(name: name, kind: "input", path: ""))
    graph[id].type = type
    graph[id].typeSource = .exact
  }

  /// What the step made and the state, in a matrix, converted into the state's type.
  private mutating func nextState(
    _ number: Int, _ types: PerElement<FixedType>, _ result: NodeID
  ) throws(WidthOverflow) -> NodeID {
    try append(.rearrange(.reshape([graph[result].count])), [result])
    let flat = NodeID(graph.nodes.count - 1)
    try append(.rearrange(.concatenate(axis: 0)), [flat, NodeID(1 + number)])
    let count = graph[flat].count + types.count
    let raw = (0..<(count * types.count)).map { _ in pick(2) == 0 ? 0 : Int64(pick(-20...20)) }
    let weights = Weights(raw: raw, exponent: pick(-6...0), shape: [1, count, types.count])
    try append(
      .linear(Linear(inputs: count, outputs: types.count, weights: weights)), [NodeID(graph.nodes.count - 1)])
    try append(.quantize(.fixed(types)), [NodeID(graph.nodes.count - 1)])
    return NodeID(graph.nodes.count - 1)
  }
}
