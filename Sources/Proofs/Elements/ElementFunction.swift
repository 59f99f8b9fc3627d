import FixedPoint
import Graph

/// What an element of a tensor is, as a function of integers that the prover has names for.
indirect enum ElementFunction: Hashable, Sendable {
  /// An integer of known form, inside bounds.
  case value(Form, Interval)
  /// Σ factor · operand + constant.
  case sum([Term], constant: Int128)
  case product([ElementFunction])
  /// The quantizer, for operands inside a range.
  case quantize(ElementQuantizer, Interval, ElementFunction)
  case rectify(ElementRectifier, ElementFunction)
  /// A table, or straight pieces, of one of the graph's nodes.
  case table(node: Int, table: Int, ElementFunction)
  /// The entry at an index, the first below and the last above.
  case entry([Int128], ElementFunction)
  /// 1 where a comparison of the two holds.
  case comparison(Combination, ElementFunction, ElementFunction)
  /// The second where the first is not 0, the third elsewhere.
  case selection(ElementFunction, ElementFunction, ElementFunction)
  case extreme(isMaximum: Bool, [ElementFunction])
  /// The index of the greatest operand, of equal ones the lowest.
  case argmax([ElementFunction])

  struct Term: Hashable, Sendable {
    var operand: ElementFunction
    var factor: Int128
  }

  /// The forms at the leaves.
  func leaves(_ body: (Form, Interval) -> Void) {
    switch self {
    case .value(let form, let bounds): body(form, bounds)
    case .sum(let terms, _): for term in terms { term.operand.leaves(body) }
    case .product(let operands), .extreme(_, let operands), .argmax(let operands):
      for operand in operands { operand.leaves(body) }
    case .quantize(_, _, let operand), .rectify(_, let operand), .table(_, _, let operand),
      .entry(_, let operand):
      operand.leaves(body)
    case .comparison(_, let a, let b): for operand in [a, b] { operand.leaves(body) }
    case .selection(let a, let b, let c): for operand in [a, b, c] { operand.leaves(body) }
    }
  }
}

extension ElementFunction {
  /// The function's value where its forms have known values.
  ///
  /// - Parameter form: the integer that a form is.
  /// - Returns: nil for an operand outside a table.
  func value(_ graph: Graph, _ form: (Form) -> Int128) throws(WidthOverflow) -> Int128? {
    switch self {
    case .value(let leaf, _): return form(leaf)
    case .sum(let terms, let constant):
      var result = constant
      for term in terms {
        guard let operand = try term.operand.value(graph, form) else { return nil }
        result += operand * term.factor
      }
      return result
    case .product(let operands):
      return try ElementFunction.values(operands, graph, form).map { $0.reduce(1, *) }
    case .quantize(let quantizer, _, let operand):
      guard let value = try operand.value(graph, form) else { return nil }
      return try quantizer.apply(value)
    case .rectify(let rectifier, let operand): return try operand.value(graph, form).map(rectifier.apply)
    case .table(let node, let number, let operand):
      guard let value = try operand.value(graph, form) else { return nil }
      return graph.nodes[node].tabulated(number, value)
    case .entry(let entries, let operand):
      return try operand.value(graph, form).map { entries[Int(max(0, min($0, Int128(entries.count - 1))))] }
    case .comparison(let kind, let a, let b):
      guard let a = try a.value(graph, form), let b = try b.value(graph, form) else { return nil }
      return kind.holds(a, b) ? 1 : 0
    case .selection(let condition, let then, let otherwise):
      guard let condition = try condition.value(graph, form) else { return nil }
      return try condition != 0 ? then.value(graph, form) : otherwise.value(graph, form)
    case .extreme(let isMaximum, let operands):
      let values = try ElementFunction.values(operands, graph, form)
      return isMaximum ? values?.max() : values?.min()
    case .argmax(let operands):
      guard let values = try ElementFunction.values(operands, graph, form), let greatest = values.max() else {
        return nil
      }
      return values.firstIndex(of: greatest).map { Int128($0) }
    }
  }

  private static func values(
    _ operands: [ElementFunction], _ graph: Graph, _ form: (Form) -> Int128
  ) throws(WidthOverflow) -> [Int128]? {
    var values: [Int128] = []
    for operand in operands {
      guard let value = try operand.value(graph, form) else { return nil }
      values.append(value)
    }
    return values
  }
}

extension Node {
  /// The value of one of the node's tables, or of its straight pieces; nil outside them.
  fileprivate func tabulated(_ number: Int, _ raw: Int128) -> Int128? {
    guard case .map(let map) = primitive else { return nil }
    switch map.form {
    case .tables(let tables, _):
      let index = raw - Int128(tables[number].first)
      return tables[number].entries.indices.contains(Int(clamping: index))
        ? Int128(tables[number].entries[Int(index)]) : nil
    case .pieces(let pieces, _): return pieces[number].domain.contains(raw) ? pieces[number].value(raw) : nil
    default: return nil
    }
  }
}
