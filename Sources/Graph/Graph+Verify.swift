import Diagnostics

extension Graph {
  /// What is wrong with the graph: operands that do not precede their users, shapes and counts that do not fit.
  public func verify() -> [Diagnostic] {
    var sink = DiagnosticSink()
    for (index, node) in nodes.enumerated() {
      func wrong(_ message: String) {
        sink.error("T040", "'\(node.name)' \(message)", at: .layer(node.layer.name))
      }
      if node.operands.contains(where: { $0.index < 0 || $0.index >= index }) {
        wrong("uses an operand that does not precede it")
        continue
      }
      if !node.shape.isTensorShape || node.primitive.ownShape?.isTensorShape == false {
        wrong("has the shape \(node.shape)")
        continue
      }
      let shapes = node.operands.map { self[$0].shape }
      if let problem = node.primitive.problem(with: shapes) {
        wrong(problem)
      } else if node.primitive.resultShape(shapes) != node.shape {
        wrong("has the shape \(node.shape) instead of \(node.primitive.resultShape(shapes))")
      }
      if let type = node.type, type.count != node.count || type.scales.count != node.count {
        wrong("has \(node.count) elements but types for \(type.count)")
      }
    }
    if Set(nodes.map(\.name)).count != nodes.count { sink.error("T040", "node names repeat") }
    if Set(outputs.map(\.name)).count != outputs.count { sink.error("T040", "output names repeat") }
    if outputs.isEmpty || outputs.contains(where: { !nodes.indices.contains($0.node.index) }) {
      sink.error("T040", "the outputs are not nodes of the graph")
    }
    return sink.diagnostics
  }

  public var isWellFormed: Bool { verify().isEmpty }
}

extension [Int] {
  /// Whether a tensor can have the shape: no empty axis, and fewer than 2^31 elements.
  fileprivate var isTensorShape: Bool {
    allSatisfy { $0 > 0 && $0 < 1 << 31 } && reduce(1.0) { $0 * Double($1) } < Double(1 << 31)
  }
}

extension Primitive {
  /// The shape that the primitive itself gives its result.
  fileprivate var ownShape: [Int]? {
    switch self {
    case .input(let shape), .rearrange(.reshape(let shape)): shape
    case .rearrange(.view(let view)): view.shape
    case .constant(let weights): weights.shape
    default: nil
    }
  }

  /// Why operands of these shapes do not fit, if they do not.
  fileprivate func problem(with operands: [[Int]]) -> String? {
    let expected: ClosedRange<Int> =
      switch self {
      case .input, .constant: 0...0
      case .linear, .map, .quantize, .reduce, .rearrange(.reshape), .rearrange(.view), .forest: 1...1
      case .scan: 1...Int.max
      case .contract: 2...2
      case .gather: 1...1
      case .combine(let kind): kind.operandCount
      case .rearrange(.concatenate): 1...Int.max
      }
    guard expected.contains(operands.count) else { return "has \(operands.count) operands" }
    switch self {
    case .input: return nil
    case .constant(let weights):
      return weights.isWellFormed ? nil : "has constants that do not fit their shape"
    case .linear(let linear):
      let count = linear.groups * linear.outputs
      guard linear.groups > 0, linear.inputs > 0, linear.outputs > 0,
        operands[0].last == linear.groups * linear.inputs,
        linear.weights.count == count * linear.inputs, linear.weights.isWellFormed,
        linear.bias.map({ $0.count == count && $0.isWellFormed }) ?? true
      else { return "has a matrix that does not fit an operand of shape \(operands[0])" }
      return nil
    case .contract:
      let (a, b) = (operands[0], operands[1])
      let fits =
        a.count >= 2 && a.count == b.count && a[a.count - 1] == b[a.count - 2]
        && a.dropLast(2) == b.dropLast(2)
      return fits ? nil : "multiplies matrices of shapes \(a) and \(b)"
    case .gather(let gather):
      let fits =
        gather.table.shape.count == 2 && gather.table.isWellFormed
        && gather.table.shape.allSatisfy { $0 > 0 }
      return fits ? nil : "has a table of shape \(gather.table.shape)"
    case .combine:
      return operands.allSatisfy { $0 == operands[0] } ? nil : "has operands of shapes \(operands)"
    case .map(let map):
      let fits: Bool
      switch map.form {
      case nil, .rectifier: return nil
      case .tables(let tables, let tableOfElement):
        fits =
          tableOfElement.count == operands[0].elementCount && tables.allSatisfy { !$0.entries.isEmpty }
          && tableOfElement.distinct.allSatisfy(tables.indices.contains)
      case .pieces(let pieces, let piecesOfElement):
        fits =
          piecesOfElement.count == operands[0].elementCount && pieces.allSatisfy(\.isWellFormed)
          && piecesOfElement.distinct.allSatisfy(pieces.indices.contains)
      }
      return fits ? nil : "has tables that do not fit its elements"
    case .quantize(.fixed(let types, let scales)):
      return types.count == operands[0].elementCount && scales.count == types.count
        ? nil : "has \(types.count) types for \(operands[0].elementCount) elements"
    case .quantize(.steps(let steps)):
      return steps.levels.count == steps.thresholds.count + 1 ? nil : "has steps that do not fit its levels"
    case .reduce: return operands[0].isEmpty ? "reduces a scalar" : nil
    case .scan(let scan): return scan.problem(with: operands)
    case .forest(let forest):
      return operands[0].last == forest.features.count && forest.isWellFormed
        ? nil : "has trees that do not fit an operand of shape \(operands[0])"
    case .rearrange(.reshape(let shape)):
      return shape.elementCount == operands[0].elementCount ? nil : "reshapes \(operands[0]) to \(shape)"
    case .rearrange(.view(let view)): return view.problem(with: operands[0])
    case .rearrange(.concatenate(let axis)):
      let fits =
        operands[0].indices.contains(axis)
        && operands.allSatisfy { shape in
          shape.count == operands[0].count
            && shape.indices.allSatisfy { $0 == axis || shape[$0] == operands[0][$0] }
        }
      return fits ? nil : "concatenates the shapes \(operands) along axis \(axis)"
    }
  }
}

extension AffineView {
  /// Why an operand of this shape does not fit, if it does not.
  fileprivate func problem(with operand: [Int]) -> String? {
    guard offsets.count == operand.count, strides.count == operand.count,
      strides.allSatisfy({ $0.count == shape.count })
    else { return "has a view that does not fit an operand of shape \(operand)" }
    guard padding == .none else { return nil }
    for axis in operand.indices {
      var low = offsets[axis]
      var high = offsets[axis]
      for (d, stride) in strides[axis].enumerated() {
        let reach = stride * (shape[d] - 1)
        low += min(0, reach)
        high += max(0, reach)
      }
      if low < 0 || high >= operand[axis] {
        return "views elements \(low)...\(high) of axis \(axis) of \(operand)"
      }
    }
    return nil
  }
}

extension Weights {
  fileprivate var isWellFormed: Bool {
    switch storage {
    case .real(let values): values.count == count
    case .exact(let raw, _, let scales): raw.count == count && scales.count == count
    }
  }
}
