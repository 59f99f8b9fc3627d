import Circuit
import Diagnostics
import FixedPoint
import Graph

/// How the function of a scan repeats: its circuit is one step.
public struct StepFunction: Hashable, Sendable {
  public var steps: Int
  /// How many of the operands are read slice by slice; the others are initial states.
  public var sequences: Int
}

extension NodeLowering {
  /// The steps one behind the other. Linear maps of the body are solved for the types of the body, so that all steps share
  /// one adder graph.
  mutating func lower(_ scan: Scan, _ operands: [Tensor], _ steps: Int, _ origin: Int) throws(WidthOverflow)
    -> [Value]
  {
    let shifts = ScanShifts(scan, operands.map(\.type))
    var aligned: [[Value]] = []
    for (operand, shift) in zip(operands, shifts.operands) {
      aligned.append(try shifted(operand.values, left: shift, origin))
    }
    var states = Array(aligned.dropFirst(scan.sequences))
    var result: [Value] = []
    for step in 0..<steps {
      startInstance()
      let slices = aligned.prefix(scan.sequences).map { values in
        let length = values.count / steps
        return Array(values[(step * length)..<((step + 1) * length)])
      }
      let tensors = try lowered(scan.body, inputs: slices + states)
      result += tensors[scan.result.index]
      states = []
      for (next, shift) in zip(scan.nextStates, shifts.nextStates) {
        states.append(try shifted(tensors[next.index], left: shift, origin))
      }
    }
    return result
  }

  /// Lowers a body over given inputs into this circuit.
  ///
  /// - Returns: the values of each of the body's tensors.
  private mutating func lowered(_ body: Graph, inputs: [[Value]]) throws(WidthOverflow) -> [[Value]] {
    var inner = NodeLowering(body, name: "", solutions: solutions)
    inner.usesTypes = true
    inner.isInsideInstance = true
    for (id, values) in zip(body.inputs, inputs) { inner.tensors[id.index] = values }
    swap(&inner.builder, &builder)
    defer {
      swap(&inner.builder, &builder)
      solutions = inner.solutions
    }
    for index in body.nodes.indices where !body.nodes[index].primitive.isInput {
      try inner.lower(NodeID(index))
    }
    return inner.tensors
  }

  mutating func shifted(_ values: [Value], left shifts: [Int], _ origin: Int) throws(WidthOverflow)
    -> [Value]
  {
    var result: [Value] = []
    for (value, shift) in zip(values, shifts) {
      let exponent = builder[value].format.exponent - shift
      result.append(
        shift == 0 ? value : try builder.sum([Term(value, shift: shift)], exponent: exponent, origin: origin))
    }
    return result
  }
}

extension Graph {
  /// One step of a scan as a circuit: the body's inputs are its input ports; its output ports are the step's result and
  /// then the next states, in the formats that the states have.
  func step(
    _ scan: Scan, named name: String, _ solutions: inout AdderGraphSolutions
  ) throws(WidthOverflow) -> Circuit {
    let body = scan.body
    var lowering = NodeLowering(body, name: name, solutions: solutions)
    lowering.usesTypes = true
    for index in body.nodes.indices { try lowering.lower(NodeID(index)) }
    lowering.output(scan.result, name: body.outputs[0].name)
    let shifts = ScanShifts(scan, []).nextStates
    for (number, output) in body.outputs.dropFirst().enumerated() {
      let state = body.inputs[scan.sequences + number]
      let origin = lowering.builder.origin(body[output.node].layer.name)
      let values = try lowering.shifted(lowering.tensors[output.node.index], left: shifts[number], origin)
      let elements = zip(lowering.type(state).formats.array, values).map { Port.Element($0, value: $1) }
      lowering.builder.output(output.name, shape: body[state].shape, elements: elements)
    }
    solutions = lowering.solutions
    return lowering.builder.circuit
  }
}

extension Graph {
  /// Products with weights in all steps of a scan beyond which nothing is tried: each takes a few look-up tables, of
  /// which the largest part has two million.
  private static let maximumProducts = 1_000_000

  /// Refuses scans that no part holds unrolled, before time is spent on them.
  ///
  /// - Throws: P020, with exit status 3.
  func refuseLargeScans() throws(CompilationFailed) {
    for node in nodes {
      guard case .scan(let scan) = node.primitive else { continue }
      let products = scan.body.productCount
      guard products > Graph.maximumProducts / node.shape[0] else { continue }
      throw CompilationFailed(
        [
          Diagnostic(
            .error, "P020",
            "layer '\(node.layer.name)' does not fit unrolled: \(node.shape[0]) steps of \(products) products with weights",
            at: .layer(node.layer.name),
            notes: ["make it smaller or its sequence shorter; predict computes it as it is"])
        ], status: .infeasible)
    }
  }

  /// Weights other than 0, counted each time that they are multiplied with.
  private var productCount: Int {
    nodes.reduce(0) { sum, node in
      switch node.primitive {
      case .linear(let linear):
        let rows = node.count / max(1, linear.outputs * linear.groups)
        return sum + rows * linear.weights.values.count(where: { $0 != 0 })
      case .scan(let scan): return sum + node.shape[0] * scan.body.productCount
      default: return sum
      }
    }
  }
}
