import FixedPoint

/// The one integer-exact meaning of a typed graph, against which everything else is checked: plain, node by node, on raw
/// integers.
public struct ReferenceSimulator: Sendable {
  public let graph: Graph
  private let programs: [NodeProgram]

  /// - Throws: `WidthOverflow` never for a graph that the typer made.
  public init(_ graph: Graph) throws(WidthOverflow) {
    self.graph = graph
    var programs: [NodeProgram] = []
    for node in graph.nodes { programs.append(try NodeProgram(node, in: graph)) }
    self.programs = programs
  }

  /// The raw integers of every node's tensor for one sample.
  ///
  /// - Parameter inputs: the raw integers of each input tensor, in model order, inside their ranges.
  public func run(_ inputs: [[Int128]]) throws(WidthOverflow) -> [[Int128]] {
    var values: [[Int128]] = []
    values.reserveCapacity(programs.count)
    var next = 0
    for (program, node) in zip(programs, graph.nodes) {
      if node.primitive.isInput {
        values.append(inputs[next])
        next += 1
      } else {
        values.append(try program.run(node.operands.map { values[$0.index] }))
      }
    }
    return values
  }
}

/// A node with all that does not depend on the sample worked out.
private enum NodeProgram: Sendable {
  case input
  case constant([Int128])
  case linear(rows: [(first: Int, row: LinearRow)], accumulators: [AccumulatedRow])
  case contract(Contraction)
  case gather(Gather, columns: [[Int128]], bounds: Interval)
  case combine(Combination, steps: [[Int128]])
  case rectify([ElementRectifier])
  case lookup([FunctionTable], PerElement<Int>)
  case interpolate([PiecewiseLinear], PerElement<Int>)
  case quantize([ElementQuantizer])
  case reduce(Reduction, length: Int, steps: [Int128])
  case rearrange([ElementSource], padding: Int128)
  case forest(Forest, rows: [IntegerForest])
  case scan(ScanProgram, steps: Int)

  init(_ node: Node, in graph: Graph) throws(WidthOverflow) {
    guard let type = node.type else { preconditionFailure("'\(node.name)' has no type") }
    let operands = node.operands.compactMap { graph[$0].type }
    let shapes = node.operands.map { graph[$0].shape }
    switch node.primitive {
    case .input: self = .input
    case .constant(let weights): self = .constant((0..<node.count).map { weights.term($0)?.raw ?? 0 })
    case .linear(let linear):
      if let accumulator = linear.accumulator {
        self = .linear(rows: [], accumulators: try linear.accumulatedRows(operands[0], accumulator))
      } else {
        var rows: [(first: Int, row: LinearRow)] = []
        try linear.forEachRow(operands[0]) { rows.append(($0, $1)) }
        self = .linear(rows: rows, accumulators: [])
      }
    case .contract: self = .contract(try Contraction(operands, shapes))
    case .gather(let gather):
      self = .gather(gather, columns: try gather.integerColumns.map(\.raw), bounds: gather.bounds)
    case .combine(let kind): self = .combine(kind, steps: try kind.steps(operands, result: type))
    case .map(let map):
      switch map.form {
      case .rectifier(let rectifier): self = .rectify(try rectifier.elements(operands[0]))
      case .tables(let tables, let tableOfElement): self = .lookup(tables, tableOfElement)
      case .pieces(let pieces, let piecesOfElement): self = .interpolate(pieces, piecesOfElement)
      case nil: preconditionFailure("'\(node.name)' has no form")
      }
    case .quantize(let quantizer): self = .quantize(try quantizer.elements(operands[0]))
    case .reduce(let kind):
      let length = shapes[0].last ?? 1
      let steps = try kind.steps(operands[0], length: length, result: type)
      self = .reduce(kind, length: length, steps: steps)
    case .rearrange(let rearrangement):
      let lowest = try rearrangement.padding == .lowest ? operands[0].lowestValue.format.range.lower : 0
      self = .rearrange(rearrangement.sources(shapes), padding: lowest)
    case .forest(let forest): self = .forest(forest, rows: try forest.rows(operands[0]))
    case .scan(let scan): self = .scan(try ScanProgram(scan, operands), steps: shapes[0][0])
    }
  }

  func run(_ operands: [[Int128]]) throws(WidthOverflow) -> [Int128] {
    switch self {
    case .input: return []
    case .constant(let values): return values
    case .linear(let rows, let accumulators):
      var result = rows.flatMap { $0.row.apply(operands[0], first: $0.first) }
      for row in accumulators { result += try row.apply(operands[0]) }
      return result
    case .contract(let contraction): return contraction.apply(operands[0], operands[1])
    case .gather(let gather, let columns, let bounds):
      return operands[0].flatMap { index in
        (0..<gather.columns).map { columns[$0][Int(min(max(index, bounds.lower), bounds.upper))] }
      }
    case .combine(let kind, let steps):
      return operands[0].indices.map { i in
        if kind == .select {
          return operands[0][i] != 0 ? operands[1][i] * steps[1][i] : operands[2][i] * steps[2][i]
        }
        var result = operands[0][i] * steps[0][i]
        for (operand, step) in zip(operands, steps).dropFirst() {
          let next = operand[i] * step[i]
          switch kind {
          case .add: result += next
          case .subtract: result -= next
          case .multiply: result *= next
          case .maximum: result = max(result, next)
          case .minimum: result = min(result, next)
          case .less, .lessOrEqual, .equal, .notEqual: result = kind.holds(result, next) ? 1 : 0
          case .select: break
          }
        }
        return result
      }
    case .rectify(let elements): return zip(elements, operands[0]).map { $0.apply($1) }
    case .lookup(let tables, let tableOfElement):
      return operands[0].indices.map { Int128(tables[tableOfElement[$0]].value(operands[0][$0])) }
    case .interpolate(let pieces, let piecesOfElement):
      return operands[0].indices.map { pieces[piecesOfElement[$0]].value(operands[0][$0]) }
    case .quantize(let elements):
      var result: [Int128] = []
      result.reserveCapacity(elements.count)
      for (element, raw) in zip(elements, operands[0]) { result.append(try element.apply(raw)) }
      return result
    case .reduce(let kind, let length, let steps):
      let values = zip(operands[0], steps).map { $0 * $1 }
      return stride(from: 0, to: values.count, by: length).map { kind.apply(values[$0..<($0 + length)]) }
    case .rearrange(let sources, let padding):
      return sources.map { source in
        switch source {
        case .element(let operand, let index): operands[operand][index]
        case .padding: padding
        }
      }
    case .scan(let program, let steps): return try program.run(operands, steps: steps)
    case .forest(let forest, let rows):
      let length = forest.features.count
      return rows.enumerated().flatMap { position, row in
        row.scores(operands[0][(position * length)..<((position + 1) * length)])
      }
    }
  }
}

extension LinearRow {
  /// The results for the operand elements from `first` on.
  func apply(_ operand: [Int128], first: Int) -> [Int128] {
    var result = constants
    let inputs = coefficients.count / outputs
    for k in 0..<inputs where operand[first + k] != 0 {
      let value = operand[first + k]
      for n in 0..<outputs { result[n] += value * Int128(coefficients[k * outputs + n]) }
    }
    return result
  }
}

extension Reduction {
  func apply(_ values: ArraySlice<Int128>) -> Int128 {
    switch self {
    case .sum: return values.reduce(0, +)
    case .maximum: return values.max() ?? 0
    case .minimum: return values.min() ?? 0
    case .argmax:
      var best = values.startIndex
      for i in values.indices where values[i] > values[best] { best = i }
      return Int128(best - values.startIndex)
    }
  }
}

extension TensorType {
  /// The largest unit of which the units of some elements are multiples.
  public func commonUnit(_ elements: Range<Int>) throws(WidthOverflow) -> Unit {
    var unit = unit(elements.lowerBound)
    for i in elements.dropFirst() { unit = try unit.common(with: self.unit(i)) }
    return unit
  }
}
