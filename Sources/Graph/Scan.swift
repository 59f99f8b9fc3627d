/// A body that is applied step by step along the first axis, with states carried from each step to the next.
///
/// The operands are tensors of which step t reads the slice at index t of the first axis, and behind them the initial
/// value of each state. The body's inputs stand in the same order: slices, then states. Its outputs are the result of the
/// step, then the states for the next one. The scan's result has the results of all steps along a new first axis.
/// Another axis or direction, and the last result alone, are views before and behind.
///
/// A typed body has one type for each of its tensors, the same in every step: slices have the types that cover those of
/// all steps, and states types that hold both their initial values and what any step leaves in them.
public struct Scan: Hashable, Sendable, Codable {
  public var body: Graph
  /// How many of the operands are sliced; the others are initial states.
  public var sequences: Int

  public init(body: Graph, sequences: Int) {
    self.body = body
    self.sequences = sequences
  }

  /// The body's node that gives the result of a step.
  public var result: NodeID { body.outputs[0].node }

  /// The body's nodes that give the states for the next step.
  public var nextStates: [NodeID] { body.outputs.dropFirst().map(\.node) }
}

extension Graph {
  /// Every node, those of a scan's body before the scan.
  public var nodesWithBodies: [Node] {
    nodes.flatMap { node -> [Node] in
      if case .scan(let scan) = node.primitive { scan.body.nodesWithBodies + [node] } else { [node] }
    }
  }
}

extension Scan {
  func resultShape(_ operands: [[Int]]) -> [Int] { [operands[0][0]] + body[result].shape }

  /// Why operands of these shapes do not fit, if they do not.
  func problem(with operands: [[Int]]) -> String? {
    if let problem = body.verify().first { return "has a body that is wrong: \(problem.message)" }
    let inputs = body.inputs
    guard inputs.count == operands.count, (1...inputs.count).contains(sequences) else {
      return "has \(operands.count) operands for the \(inputs.count) inputs of its body"
    }
    guard body.outputs.count == 1 + inputs.count - sequences else {
      return "has a body of \(body.outputs.count) outputs for \(inputs.count - sequences) states"
    }
    for (input, operand) in zip(inputs, operands).prefix(sequences) {
      guard operand.first == operands[0].first, !operand.isEmpty,
        body[input].shape == Array(operand.dropFirst())
      else {
        return "has a body for slices of shape \(body[input].shape), but an operand of shape \(operand)"
      }
    }
    for (number, next) in nextStates.enumerated() {
      let (input, operand) = (inputs[sequences + number], operands[sequences + number])
      guard body[input].shape == operand, body[next].shape == operand else {
        return "has a state of shape \(body[input].shape) with the initial shape \(operand)"
      }
    }
    return nil
  }
}
