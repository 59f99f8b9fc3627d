import CircuitTestSupport
import FixedPoint
import Functions
import Graph

/// Random typed graphs: most primitives on tensors of up to three axes, per-element types of every rounding and
/// overflow, scales that are not powers of two, accumulators. The same seed makes the same graph.
public struct RandomGraph {
  var generator: SeededGenerator
  var graph = Graph(name: "random", framework: "none")

  /// A typed graph with about `nodes` nodes on small tensors.
  public static func make(seed: UInt64, nodes: Int = 6) throws(WidthOverflow) -> Graph {
    var random = RandomGraph(generator: SeededGenerator(seed: seed))
    try random.addInput()
    if random.pick(3) == 0 { try random.addInput() }
    for _ in 0..<nodes { try random.addNode() }
    random.graph.outputs = [Graph.Output(name: "output", node: NodeID(random.graph.nodes.count - 1))]
    if random.pick(4) == 0, random.graph.nodes.count > 2 {
      random.graph.outputs.append(
        Graph.Output(name: "second", node: NodeID(random.graph.nodes.count - 2)))
    }
    return random.graph
  }

  /// Random raw inputs for a typed graph: extremes now and then.
  public static func sample(_ graph: Graph, seed: UInt64) -> [[Int128]] {
    var generator = SeededGenerator(seed: seed)
    return graph.inputs.map { id in
      (graph[id].type?.formats.array ?? []).map { format in
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: format.range.lower
        case 1: format.range.upper
        default: Int128.random(in: format.range.lower...format.range.upper, using: &generator)
        }
      }
    }
  }

  mutating func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &generator) }
  mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }

  mutating func fixedType() -> FixedType {
    let width = pick(10) == 0 ? 0 : pick(1...9)
    return FixedType(
      width: width, integerBits: pick(-2...6), isSigned: pick(3) > 0,
      rounding: Rounding.allCases[pick(Rounding.allCases.count)],
      overflow: Overflow.allCases[pick(Overflow.allCases.count)])
  }

  private mutating func types(_ count: Int) -> PerElement<FixedType> {
    if pick(2) == 0 { return PerElement(repeating: fixedType(), count: count) }
    return PerElement((0..<count).map { _ in fixedType() })
  }

  private mutating func scale() -> Rational {
    pick(3) > 0 ? .one : Rational(Int128(pick(1...40)), Int128(pick(1...40)))
  }

  mutating func append(_ primitive: Primitive, _ operands: [NodeID]) throws(WidthOverflow) {
    let layer = Layer(name: "layer\(graph.nodes.count)", kind: primitive.kind, path: "")
    let id = graph.add(primitive, operands, name: layer.name, layer: layer)
    graph[id].type = try graph.exactType(graph[id])
    graph[id].typeSource = .exact
  }

  private mutating func addInput() throws(WidthOverflow) {
    let shape = [[pick(1...5)], [pick(1...3), pick(1...3)], [pick(1...2), pick(1...2), pick(1...3)]][pick(3)]
    let id = graph.add(
      .input(shape: shape), name: "input_\(graph.nodes.count)",
      layer: Layer(name: "input_\(graph.nodes.count)", kind: "InputLayer", path: ""))
    let types = types(shape.elementCount)
    graph[id].inputTypes = types
    graph[id].type = TensorType(types.map { Format($0) })
    graph[id].typeSource = .model
  }

  mutating func addNode() throws(WidthOverflow) {
    let last = NodeID(graph.nodes.count - 1)
    let operand = pick(3) > 0 ? last : NodeID(pick(graph.nodes.count))
    let node = graph[operand]
    // Keeps widths in check: exact results grow.
    let width = node.type?.formats.distinct.map(\.width).max() ?? 0
    if width > 24 { return try append(.quantize(quantizer(node.count)), [operand]) }
    switch pick(14) {
    case 0, 1:
      if node.shape.isEmpty { return try append(.rearrange(.reshape([1])), [operand]) }
      try append(.linear(linear(node.shape)), [operand])
    case 2, 3: try append(.quantize(quantizer(node.count)), [operand])
    case 4: try append(.map(map(node)), [operand])
    case 5: try append(.rearrange(rearrangement(node.shape)), [operand])
    case 6:
      if node.shape.isEmpty { return try append(.rearrange(.reshape([1])), [operand]) }
      try append(.reduce([Reduction.sum, .maximum, .minimum, .argmax][pick(4)]), [operand])
    case 7:
      let kinds: [Combination] = [.add, .subtract, .multiply, .maximum, .minimum]
      let kind = kinds[pick(kinds.count)]
      // Products of three grow too wide.
      let count = kind == .multiply ? 1 : pick(1...2)
      try append(.combine(kind), [operand] + (0..<count).map { _ in partner(node) })
    case 8:
      if node.shape.isEmpty { return try append(.rearrange(.reshape([1])), [operand]) }
      try append(.rearrange(.concatenate(axis: pick(node.shape.count))), [operand, partner(node)])
    case 9:
      if node.shape.count < 2 { return try append(.rearrange(.reshape([node.count, 1])), [operand]) }
      try addScan(operand)
    case 10: try addComparison(operand, node)
    case 11: try addContraction(operand, node)
    case 12: try addGather(operand, node)
    default:
      let weights = Weights(
        raw: (0..<node.count).map { _ in Int64(pick(-9...9)) }, exponent: pick(-3...3), shape: node.shape)
      try append(.constant(weights), [])
      try append(.combine(.add), [operand, NodeID(graph.nodes.count - 1)])
    }
  }

  /// A node of the same shape.
  private mutating func partner(_ node: Node) -> NodeID {
    let partners = graph.nodes.indices.filter { graph.nodes[$0].shape == node.shape }.map(NodeID.init)
    return partners[pick(partners.count)]
  }

  /// A relation, or a selection by any tensor.
  private mutating func addComparison(_ operand: NodeID, _ node: Node) throws(WidthOverflow) {
    let kinds: [Combination] = [.less, .lessOrEqual, .equal, .notEqual]
    let operands = [operand, partner(node), partner(node)]
    if pick(2) == 0 { return try append(.combine(.select), operands.reversed()) }
    try append(.combine(kinds[pick(kinds.count)]), Array(operands.prefix(2)))
  }

  /// A product with a constant matrix for each of the first axes, or of the tensor with itself turned round.
  private mutating func addContraction(_ operand: NodeID, _ node: Node) throws(WidthOverflow) {
    guard node.shape.count >= 2, node.count <= 12 else {
      return try append(.rearrange(.reshape([1, node.count])), [operand])
    }
    let rank = node.shape.count
    if pick(2) == 0 {
      let order = Array(0..<(rank - 2)) + [rank - 1, rank - 2]
      try append(.rearrange(.view(.transpose(node.shape, order))), [operand])
    } else {
      let shape = Array(node.shape.dropLast(2)) + [node.shape[rank - 1], pick(1...3)]
      let raw = (0..<shape.elementCount).map { _ in Int64(pick(-9...9)) }
      let scales = PerElement((0..<raw.count).map { _ in scale() })
      try append(.constant(Weights(raw: raw, exponent: pick(-2...2), shape: shape, scales: scales)), [])
    }
    try append(.contract, [operand, NodeID(graph.nodes.count - 1)])
  }

  /// Rows of a table, which may be fewer than the indices.
  private mutating func addGather(_ operand: NodeID, _ node: Node) throws(WidthOverflow) {
    let width = pick(0...4)
    let type = FixedType(width: width, integerBits: width, isSigned: false, overflow: .sat)
    try append(.quantize(.fixed(PerElement(repeating: type, count: node.count))), [operand])
    let shape = [pick(1...9), pick(1...3)]
    let raw = (0..<shape.elementCount).map { _ in Int64(pick(-50...50)) }
    let scales = PerElement((0..<raw.count).map { _ in scale() })
    let table = Weights(raw: raw, exponent: pick(-3...2), shape: shape, scales: scales)
    try append(.gather(Gather(table: table)), [NodeID(graph.nodes.count - 1)])
  }

  private mutating func linear(_ shape: [Int]) -> Linear {
    let last = shape.last ?? 1
    let groups = last % 2 == 0 && pick(4) == 0 ? 2 : 1
    let inputs = last / groups
    let outputs = pick(1...4)
    let isScaled = pick(4) == 0
    func scales(_ count: Int, _ random: inout RandomGraph) -> PerElement<Rational>? {
      isScaled ? PerElement((0..<count).map { _ in random.scale() }) : nil
    }
    let count = groups * inputs * outputs
    let raw = (0..<count).map { _ in pick(4) == 0 ? 0 : Int64(pick(-60...60)) }
    var result = Linear(
      groups: groups, inputs: inputs, outputs: outputs,
      weights: Weights(
        raw: raw, exponent: pick(-6...2), shape: [groups, inputs, outputs],
        scales: PerElement((0..<count).map { _ in Rational.one })),
      bias: pick(2) == 0
        ? Weights(
          raw: (0..<(groups * outputs)).map { _ in Int64(pick(-30...30)) }, exponent: pick(-4...2),
          shape: [groups, outputs], scales: scales(groups * outputs, &self)) : nil)
    if pick(6) == 0 {
      var type = fixedType()
      type.width = max(type.width, 3)
      result.accumulator = type
    }
    return result
  }

  private mutating func quantizer(_ count: Int) -> Quantizer {
    if pick(5) == 0 {
      let thresholds = Set(
        (0..<pick(0...4)).map { _ in Rational(Int128(pick(-40...40)), Int128(pick(1...8))) }
      ).sorted()
      return .steps(
        Steps(
          thresholds: thresholds.map { Steps.Threshold($0, isInclusive: pick(2) == 0) },
          levels: (0...thresholds.count).map { _ in Int64(pick(-8...8)) }.sorted(), exponent: pick(-3...1),
          scale: scale()))
    }
    let types = types(count)
    // Wrapping needs a rescaling that is exact everywhere; the rest saturates.
    let scales = types.array.map { $0.overflow == .wrap ? Rational.one : scale() }
    return .fixed(types, scales: PerElement(scales))
  }

  private mutating func map(_ node: Node) -> Map {
    let ranges = node.type?.formats.distinct.map(\.range) ?? []
    let low = ranges.map(\.lower).min() ?? 0
    let high = ranges.map(\.upper).max() ?? 0
    if high - low < 512, pick(2) == 0 {
      let tables = (0..<pick(1...2)).map { _ in
        let entries = (low...high).map { _ in Int64(pick(-50...50)) }
        return FunctionTable(first: Int64(low), entries: entries, exponent: pick(-4...1))
      }
      let tableOfElement = PerElement((0..<node.count).map { _ in pick(tables.count) })
      return Map(.tanh, form: .tables(tables, tableOfElement: tableOfElement))
    }
    if high - low < 1 << 12, pick(2) == 0 { return pieces(Int64(low), Int64(high), node) }
    let rectifier = Rectifier(
      maximum: pick(2) == 0 ? nil : Rational(Int128(pick(1...6))),
      negativeSlope: pick(2) == 0 ? Rational(0) : Rational(Int128(pick(-5...9)), 16),
      threshold: pick(3) > 0 ? Rational(0) : Rational(Int128(pick(-2...4)), 2))
    return Map(.relu(maximum: nil, negativeSlope: 0, threshold: 0), form: .rectifier(rectifier))
  }

  /// Sections of random sizes over a range.
  private mutating func pieces(_ low: Int64, _ high: Int64, _ node: Node) -> Map {
    var sections: [PiecewiseLinear.Section] = []
    var shift = pick(0...6)
    var next = (low >> Int64(shift)) << Int64(shift)
    while next <= high {
      let left = Int((high - next) >> Int64(shift)) + 1
      let count = sections.count == 3 ? left : min(left, pick(1...9))
      // Rough slopes, so that a wrong segment shows.
      sections.append(
        PiecewiseLinear.Section(
          first: next, shift: shift, constants: (0..<count).map { _ in Int64(pick(-4000...4000)) },
          slopes: (0..<count).map { _ in Int64(pick(-30...30)) }))
      next += Int64(count) << Int64(shift)
      shift = min(pick(0...6), next.trailingZeroBitCount)
    }
    let width = pick(3...12)
    let type = FixedType(
      width: width, integerBits: pick(0...6), isSigned: pick(4) > 0, rounding: pick(2) == 0 ? .trn : .rnd,
      overflow: [.wrap, .sat, .satSym, .satZero][pick(4)])
    let pieces = PiecewiseLinear(sections: sections, fractionBits: pick(0...6), type: type)
    return Map(.tanh, form: .pieces([pieces], piecesOfElement: PerElement(repeating: 0, count: node.count)))
  }

  private mutating func rearrangement(_ shape: [Int]) -> Rearrangement {
    switch pick(5) {
    case 0: return .reshape([shape.elementCount])
    case 1: return .view(.transpose(shape, Array(shape.indices.reversed())))
    case 2:
      // Every second element of every axis, from the last one on.
      let strides = shape.indices.map { axis in shape.indices.map { $0 == axis ? -2 : 0 } }
      return .view(
        AffineView(shape: shape.map { ($0 + 1) / 2 }, offsets: shape.map { $0 - 1 }, strides: strides))
    case 3: return .view(.broadcast(shape, to: [2] + shape))
    default:
      guard let last = shape.last else { return .reshape([1]) }
      // Windows of two along the last axis, padded in front.
      var strides = shape.indices.map { axis in (0...shape.count).map { $0 == axis ? 1 : 0 } }
      strides[shape.count - 1][shape.count] = 1
      var offsets = Array(repeating: 0, count: shape.count)
      offsets[shape.count - 1] = -1
      return .view(
        AffineView(
          shape: shape.dropLast() + [last, 2], offsets: offsets, strides: strides,
          padding: pick(2) == 0 ? .zero : .lowest))
    }
  }
}
