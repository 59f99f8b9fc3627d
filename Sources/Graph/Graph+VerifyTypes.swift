import Diagnostics
import FixedPoint

extension Graph {
  /// What is wrong with the types of a graph that was read back: types that are not those of the exact results, numbers
  /// without an integer form.
  ///
  /// - Requires: the graph is well-formed.
  public func verifyTypes() -> [Diagnostic] {
    var sink = DiagnosticSink()
    for node in nodes {
      if let problem = typingProblem(node) {
        sink.error("C101", "'\(node.name)' \(problem)", at: .layer(node.layer.name))
      }
      // The types behind would be computed from a wrong one.
      if sink.hasErrors { break }
    }
    return sink.diagnostics
  }

  fileprivate func typingProblem(_ node: Node) -> String? {
    guard let type = node.type else { return "has no type, but other nodes do" }
    if let types = node.inputTypes, types.count != node.count || !types.distinct.allSatisfy(\.isSound) {
      return "has input types that do not fit its elements"
    }
    switch node.primitive {
    case .scan(let scan):
      let operands = node.operands.compactMap { self[$0].type }
      if let problem = scan.bodyProblem(operands, steps: node.shape[0]) { return problem }
    case .input:
      guard let types = node.inputTypes else { return "is an input without the types of its elements" }
      return type == TensorType(types.map { Format($0) }) ? nil : "has another type than its elements"
    case .constant(let weights) where !weights.isExact: return "has real numbers in a typed graph"
    case .linear(let linear)
    where !linear.weights.isExact || linear.bias?.isExact == false || linear.accumulator?.isSound == false:
      return "has real weights in a typed graph"
    case .gather(let gather):
      guard gather.table.isExact else { return "has real numbers in a typed graph" }
      if let operand = self[node.operands[0]].type, !gather.covers(operand) {
        return "has a table that does not cover its operand"
      }
    case .map(let map):
      if let problem = map.problem(operand: self[node.operands[0]].type) { return problem }
    case .quantize(.fixed(let types, _)) where !types.distinct.allSatisfy(\.isSound):
      return "has types beyond \(FixedType.maximumWidth) bits"
    default: break
    }
    guard let exact = try? exactType(node) else {
      return "needs more than \(FixedType.maximumWidth) bits for an exact result"
    }
    return exact == type ? nil : "has a type that is not the one of its exact result"
  }
}

extension Scan {
  /// What is wrong with the types of the body, or with those of operands and states for it, if anything.
  fileprivate func bodyProblem(_ operands: [TensorType], steps: Int) -> String? {
    for node in body.nodes {
      let problem =
        node.primitive.isInput ? (node.type == nil ? "has no type" : nil) : body.typingProblem(node)
      if let problem { return "has a body where '\(node.name)' \(problem)" }
    }
    do {
      return try typingProblem(operands, steps: steps)
    } catch {
      return "needs more than \(FixedType.maximumWidth) bits for its states"
    }
  }
}

extension Map {
  /// Why the form of the function does not fit its operand, if it does not.
  fileprivate func problem(operand: TensorType?) -> String? {
    switch form {
    case nil: return "has a function without an integer form"
    case .rectifier: return nil
    case .tables(let tables, let tableOfElement):
      guard let operand else { return "has an operand without a type" }
      let fits = (0..<operand.count).allSatisfy { i in
        let table = tables[tableOfElement[i]]
        let range = operand.formats[i].range
        return range.lower >= Int128(table.first)
          && range.upper < Int128(table.first) + Int128(table.entries.count)
      }
      return fits ? nil : "has tables that do not cover its operand"
    case .pieces(let pieces, let piecesOfElement):
      guard let operand else { return "has an operand without a type" }
      let fits = (0..<operand.count).allSatisfy { i in
        pieces[piecesOfElement[i]].domain.contains(operand.formats[i].range)
      }
      return fits ? nil : "has pieces that do not cover its operand"
    }
  }
}

extension FixedType {
  /// Whether a type that was read back is within the limits.
  fileprivate var isSound: Bool {
    (0...FixedType.maximumWidth).contains(width) && (-1024...1024).contains(integerBits)
  }
}
