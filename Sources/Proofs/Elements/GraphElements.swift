import FixedPoint
import Graph

/// The elements of all tensors of a typed graph under one numbering, and how each is made of others.
struct GraphElements: Sendable {
  /// An element of a tensor; elements follow those of the nodes before.
  typealias Element = Int

  /// How the elements of a node are made.
  enum Rule: Sendable {
    case input
    /// Each is one of other nodes' elements, or a constant.
    case sources([Source])
    case linear(rows: [(first: Element, row: LinearRow)], inputs: Int)
    case accumulated([AccumulatedRow], first: Element)
    /// Operands with what one step of each is worth.
    case combine(Combination, operands: [Element], steps: [[Int128]])
    case rectify([ElementRectifier], first: Element)
    case lookup(tables: PerElement<Int>, first: Element)
    /// Straight pieces.
    case interpolate(pieces: PerElement<Int>, first: Element)
    /// Rows of tables: one list of entries for each column.
    case gather(columns: [[Int128]], first: Element)
    /// Sums of products of two tensors.
    case contract(Contraction, left: Element, right: Element)
    case quantize([ElementQuantizer], first: Element)
    case reduce(Reduction, length: Int, steps: [Int128], first: Element)
    /// Of a kind that is not proved.
    case other
  }

  enum Source: Hashable, Sendable {
    case element(Element)
    case constant(Int128)
  }

  let graph: Graph
  let rules: [Rule]
  /// The first element of each node, and the count of all.
  let firsts: [Int]
  let ranges: [Interval]
  let exponents: [Int]
  /// For each node the quantizers' node that reads it, directly or through a rectifier.
  private let quantizers: [Int?]

  var count: Int { ranges.count }

  /// - Throws: `WidthOverflow` never for a graph that the typer made.
  init(_ graph: Graph) throws(WidthOverflow) {
    self.graph = graph
    var firsts = [0]
    var ranges: [Interval] = []
    var exponents: [Int] = []
    for node in graph.nodes {
      for format in node.type?.formats.array ?? [] {
        ranges.append(format.range)
        exponents.append(format.exponent)
      }
      firsts.append(ranges.count)
    }
    self.firsts = firsts
    self.ranges = ranges
    self.exponents = exponents
    var rules: [Rule] = []
    for node in graph.nodes { rules.append(try GraphElements.rule(node, graph, firsts)) }
    self.rules = rules
    quantizers = GraphElements.quantizers(graph)
  }

  private static func quantizers(_ graph: Graph) -> [Int?] {
    var result: [Int?] = Array(repeating: nil, count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      guard case .quantize = node.primitive else { continue }
      let operand = node.operands[0].index
      result[operand] = index
      if case .map(let map) = graph.nodes[operand].primitive, case .rectifier = map.form {
        result[graph.nodes[operand].operands[0].index] = index
      }
    }
    return result
  }

  /// What a design may add to an element so that a floor rounds it as a quantizer behind does: half a step, or one unit
  /// less where ties go down. Where to look, no more: what is found is proved.
  func roundingOffsets(_ element: Element) -> [Int128] {
    let node = node(element)
    guard let quantizer = quantizers[node], case .quantize(let steps, _) = rules[quantizer],
      case .fixed(let type, let unit) = steps[element - firsts[node]],
      (1...100).contains(type.exponent - unit.exponent)
    else { return [] }
    let half = Int128(1) << Int128(type.exponent - unit.exponent - 1)
    return half == 1 ? [1] : [half, half - 1]
  }

  func elements(_ node: Int) -> Range<Element> { firsts[node]..<firsts[node + 1] }

  /// The node that an element belongs to.
  func node(_ element: Element) -> Int {
    var (low, high) = (0, graph.nodes.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if firsts[middle] <= element { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// The elements that an element is made of.
  func operands(_ element: Element) -> [Element] {
    let node = node(element)
    let index = element - firsts[node]
    switch rules[node] {
    case .input: return []
    case .sources(let sources):
      if case .element(let source) = sources[index] { return [source] }
      return []
    case .linear(let rows, let inputs):
      let outputs = rows[0].row.outputs
      let (first, row) = rows[index / outputs]
      return (0..<inputs).filter { row.coefficients[$0 * outputs + index % outputs] != 0 }.map { first + $0 }
    case .accumulated(let rows, let first): return rows[index].products.map { first + $0.element }
    case .combine(_, let operands, _): return operands.map { $0 + index }
    case .rectify(_, let first), .lookup(_, let first), .interpolate(_, let first), .quantize(_, let first):
      return [first + index]
    case .gather(let columns, let first): return [first + index / columns.count]
    case .contract(let contraction, let left, let right):
      return contraction.products(of: index).flatMap { [left + $0.left, right + $0.right] }
    case .reduce(_, let length, _, let first): return (0..<length).map { first + index * length + $0 }
    case .other: return graph.nodes[node].operands.flatMap { Array(elements($0.index)) }
    }
  }

  // MARK: - Rules

  private static func rule(_ node: Node, _ graph: Graph, _ firsts: [Int]) throws(WidthOverflow) -> Rule {
    guard let type = node.type else { preconditionFailure("'\(node.name)' has no type") }
    let operands = node.operands.compactMap { graph[$0].type }
    let starts = node.operands.map { firsts[$0.index] }
    switch node.primitive {
    case .input: return .input
    case .constant: return .sources(type.formats.array.map { .constant($0.range.lower) })
    case .rearrange(let rearrangement):
      let lowest = try rearrangement.padding == .lowest ? operands[0].lowestValue.format.range.lower : 0
      return .sources(
        rearrangement.sources(node.operands.map { graph[$0].shape }).map { source in
          switch source {
          case .element(let operand, let index): .element(starts[operand] + index)
          case .padding: .constant(lowest)
          }
        })
    case .linear(let linear):
      if let accumulator = linear.accumulator {
        return .accumulated(try linear.accumulatedRows(operands[0], accumulator), first: starts[0])
      }
      var rows: [(first: Element, row: LinearRow)] = []
      try linear.forEachRow(operands[0]) { rows.append((starts[0] + $0, $1)) }
      return .linear(rows: rows, inputs: linear.inputs)
    case .contract:
      let shapes = node.operands.map { graph[$0].shape }
      return .contract(try Contraction(operands, shapes), left: starts[0], right: starts[1])
    case .gather(let gather):
      return .gather(columns: try gather.integerColumns.map(\.raw), first: starts[0])
    case .combine(let kind):
      return .combine(kind, operands: starts, steps: try kind.steps(operands, result: type))
    case .map(let map): return try rule(map, operands[0], starts[0])
    case .quantize(let quantizer): return .quantize(try quantizer.elements(operands[0]), first: starts[0])
    case .reduce(let kind):
      let length = graph[node.operands[0]].shape.last ?? 1
      let steps = try kind.steps(operands[0], length: length, result: type)
      return .reduce(kind, length: length, steps: steps, first: starts[0])
    default: return .other
    }
  }

  private static func rule(_ map: Map, _ operand: TensorType, _ first: Element) throws(WidthOverflow) -> Rule
  {
    switch map.form {
    case .rectifier(let rectifier): return .rectify(try rectifier.elements(operand), first: first)
    case .tables(_, let tableOfElement): return .lookup(tables: tableOfElement, first: first)
    case .pieces(_, let piecesOfElement): return .interpolate(pieces: piecesOfElement, first: first)
    case nil: return .other
    }
  }
}
