import Circuit
import FixedPoint
import Functions
import Graph
import Lowering
import Testing

/// input -> linear -> rectifier, where asked for -> quantizer, at so many positions.
func layer(
  _ type: FixedType, isRectified: Bool, isShown: Bool = false, positions: Int = 1
) throws -> Graph {
  var graph = Graph(name: "layer", framework: "none")
  func append(_ primitive: Primitive, _ operands: [NodeID]) throws -> NodeID {
    let layer = Layer(name: "layer\(graph.nodes.count)", kind: primitive.kind, path: "")
    let id = graph.add(primitive, operands, name: layer.name, layer: layer)
    graph[id].type = try graph.exactType(graph[id])
    graph[id].typeSource = .exact
    return id
  }
  let input = graph.add(
    .input(shape: positions == 1 ? [2] : [positions, 2]), name: "x",
    layer: Layer(name: "x", kind: "InputLayer", path: ""))
  let inputTypes = PerElement(
    repeating: FixedType(width: 5, integerBits: 3, isSigned: true, rounding: .trn, overflow: .wrap),
    count: 2 * positions)
  graph[input].inputTypes = inputTypes
  graph[input].type = TensorType(inputTypes.map { Format($0) })
  graph[input].typeSource = .model
  let weights = Weights(raw: [5, -3, 0, 7, 2, 1], exponent: -2, shape: [1, 2, 3])
  let bias = Weights(raw: [3, 0, -6], exponent: -3, shape: [1, 3])
  var last = try append(.linear(Linear(inputs: 2, outputs: 3, weights: weights, bias: bias)), [input])
  let linear = last
  if isRectified {
    let rectifier = Rectifier(maximum: nil, negativeSlope: Rational(0), threshold: Rational(0))
    last = try append(
      .map(Map(.relu(maximum: nil, negativeSlope: 0, threshold: 0), form: .rectifier(rectifier))), [last])
  }
  last = try append(.quantize(.fixed(PerElement(repeating: type, count: 3 * positions))), [last])
  graph.outputs = [Graph.Output(name: "y", node: last)]
  if isShown { graph.outputs.append(Graph.Output(name: "z", node: linear)) }
  return graph
}

private func sums(_ circuit: Circuit) -> Int {
  circuit.operations.count { if case .sum(let terms) = $0.kind { terms.count > 1 } else { false } }
}

@Suite("Rounding by the constants of linear layers")
struct RoundingOffsetsTests {
  @Test("every rounding and overflow, over all inputs", arguments: Rounding.allCases, Overflow.allCases)
  func exhaustive(rounding: Rounding, overflow: Overflow) throws {
    for isSigned in [false, true] {
      for isRectified in [false, true] {
        for width in [3, 6] {
          for integerBits in [2, 4, 6] {
            let type = FixedType(
              width: width, integerBits: integerBits, isSigned: isSigned, rounding: rounding,
              overflow: overflow)
            let graph = try layer(type, isRectified: isRectified, isShown: width == 3 && integerBits == 2)
            try check(graph, "\(type), rectified: \(isRectified)")
          }
        }
      }
    }
  }

  private func check(_ graph: Graph, _ comment: Comment) throws {
    let lowered = try graph.lowered(LoweringOptions(effort: .fast)).circuit
    #expect(lowered.verify().isEmpty, comment)
    let circuit = lowered.optimized()
    let simulator = try ReferenceSimulator(graph)
    var mismatches = 0
    for a in Int128(-16)...15 {
      for b in Int128(-16)...15 {
        let values = try simulator.run([[a, b]])
        let expected = graph.outputs.flatMap { values[$0.node.index] }
        if lowered.evaluate([a, b]) != expected || circuit.evaluate([a, b]) != expected { mismatches += 1 }
      }
    }
    #expect(mismatches == 0, comment)
  }

  @Test("rounding to the nearest adds no adders", arguments: [Rounding.rnd, .rndMinInf, .rndInf, .rndZero])
  func noAdders(rounding: Rounding) throws {
    let type = { FixedType(width: 4, integerBits: 3, isSigned: false, rounding: $0, overflow: .sat) }
    let floor = try layer(type(.trn), isRectified: true).lowered(LoweringOptions(effort: .fast)).circuit
    let nearest = try layer(type(rounding), isRectified: true).lowered(LoweringOptions(effort: .fast)).circuit
    // The third result's constant was a multiple of a step before.
    #expect(sums(nearest) <= sums(floor) + 1)
  }

  @Test("values that somebody else reads stay what they are")
  func shownValues() throws {
    let type = FixedType(width: 4, integerBits: 3, isSigned: false, rounding: .rnd, overflow: .sat)
    try check(try layer(type, isRectified: true, isShown: true), "shown")
  }
}

@Suite("The depth of adder graphs")
struct GraphDepthTests {
  /// Two-operand adders count 1, three-operand ones as much as two.
  private func depth(_ circuit: Circuit) -> Int {
    var depths: [Int] = []
    for operation in circuit.operations {
      let latest = operation.kind.operands.reduce(0) { max($0, depths[$1.index]) }
      if case .sum(let terms) = operation.kind {
        depths.append(latest + terms.count - 1)
      } else {
        depths.append(latest)
      }
    }
    return depths.max() ?? 0
  }

  @Test("limits make graphs flatter and change no bit")
  func limits() throws {
    let type = FixedType(width: 6, integerBits: 4, isSigned: false, rounding: .rnd, overflow: .sat)
    let graph = try layer(type, isRectified: true)
    let free = try graph.lowered(LoweringOptions()).circuit
    var last = Int.max
    for percent in [200, 130, 100] {
      let circuit = try graph.lowered(LoweringOptions(depth: .limited(percent: percent))).circuit
      #expect(circuit.verify().isEmpty)
      #expect(depth(circuit) <= last)
      last = depth(circuit)
      for a in Int128(-16)...15 {
        for b in Int128(-16)...15 { #expect(circuit.evaluate([a, b]) == free.evaluate([a, b])) }
      }
    }
  }
}
