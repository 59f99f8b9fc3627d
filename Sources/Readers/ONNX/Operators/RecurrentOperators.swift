import Diagnostics
import Functions
import Graph
import ONNXProto

extension ONNXOperator {
  private static let recurrentAttributes = [
    "hidden_size", "direction", "layout", "activations", "activation_alpha", "activation_beta", "clip",
    "output_sequence",
  ]

  static let recurrentOperators = [
    ONNXOperator(["RNN"], attributes: recurrentAttributes, emit: emitRecurrent),
    ONNXOperator(["LSTM"], attributes: recurrentAttributes + ["input_forget"], emit: emitRecurrent),
    ONNXOperator(["GRU"], attributes: recurrentAttributes + ["linear_before_reset"], emit: emitRecurrent),
  ]

  private static func emitRecurrent(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if call.context.isSingleSample {
      throw call.failure("I405", "needs an axis of samples that no other operator moves or joins")
    }
    return try RecurrentOperator(call, &builder).emit(&builder)
  }
}

/// A recurrent operator of ONNX: X, W, R, B, sequence_lens, initial_h, initial_c, P give Y, Y_h, Y_c.
private struct RecurrentOperator {
  let call: ONNXCall
  let kind: RecurrentCell.Kind
  let units: Int
  /// One for each direction, whether it goes backwards.
  let directions: [Bool]
  let isBatchFirst: Bool
  /// Without the samples: [steps, features].
  let x: NodeID
  let steps: Int
  let features: Int

  init(_ call: ONNXCall, _ builder: inout GraphBuilder) throws(CompilationFailed) {
    self.call = call
    switch call.kind {
    case "LSTM": kind = .lstm
    case "GRU": kind = .gru(resetsAfter: call.flag("linear_before_reset"))
    default: kind = .simple
    }
    switch call.text("direction", default: "forward") {
    case "forward": directions = [false]
    case "reverse": directions = [true]
    case "bidirectional": directions = [false, true]
    case let other: throw call.failure("I408", "has the direction '\(other)'")
    }
    isBatchFirst = call.int("layout", default: 0) == 1
    guard let operand = call.sampled(0), builder.rank(operand.node) == 2 else {
      throw call.failure("I408", "expected a sequence of vectors")
    }
    guard operand.axis == (isBatchFirst ? 0 : 1) else {
      throw call.failure(
        "I405", "the samples of operand 1 stand where the operator has its steps",
        notes: ["export with batch_first, or leave the samples' axis open"])
    }
    x = operand.node
    let shape = builder.shape(x)
    (steps, features) = (shape[0], shape[1])
    let recurrent = try call.requireConstant(2).shape
    units = call.int("hidden_size", default: recurrent.last ?? 0)
    guard units > 0, recurrent == [directions.count, kind.gates * units, units] else {
      throw call.failure("I409", "the recurrent matrix has the shape \(recurrent) for \(units) units")
    }
    try refuseWhatIsNotRead()
  }

  /// Clipping, coupled gates, peepholes and sequences of several lengths.
  private func refuseWhatIsNotRead() throws(CompilationFailed) {
    for name in ["clip", "input_forget"] where call.attributes[name].map({ $0.f != 0 || $0.i != 0 }) ?? false
    {
      throw call.failure("I408", "'\(name)' is not supported")
    }
    if let lengths = try call.integers(4), !lengths.allSatisfy({ $0 == steps }) {
      throw call.failure("I408", "has sequences of the lengths \(lengths), expected \(steps)")
    }
    if let peepholes = try call.constant(7), peepholes.uniform != 0 {
      throw call.failure("I408", "has peepholes, which are not supported")
    }
  }

  func emit(_ builder: inout GraphBuilder) throws(CompilationFailed) -> [ONNXValue] {
    let needsCell = kind == .lstm && call.isOutputRead.count > 2 && call.isOutputRead[2]
    var sequences: [NodeID] = []
    var finals: [[NodeID]] = Array(repeating: [], count: kind.states.count)
    for (number, isReversed) in directions.enumerated() {
      let role = directions.count == 1 ? nil : isReversed ? "backward" : "forward"
      func named(_ name: String) -> String { role.map { "\($0)_\(name)" } ?? name }
      let cell = try cell(number)
      let initial = try initialStates(number, named, &builder)
      let operand = isReversed ? try builder.reversed(x, call, named("reversed")) : x
      var all = try cell.apply(operand, initial: initial, withCell: needsCell, call, named("steps"), &builder)
      let last = try builder.steps(all, from: steps - 1, count: 1, call, named("last"))
      for (i, state) in kind.states.enumerated() where i == 0 || needsCell {
        let range = (i * units)..<((i + 1) * units)
        finals[i].append(needsCell ? try builder.channels(last, range, call, named("last_\(state)")) : last)
      }
      if needsCell { all = try builder.channels(all, 0..<units, call, named("sequence")) }
      if isReversed { all = try builder.reversed(all, call, named("restored")) }
      sequences.append(try builder.reshape(all, [steps, 1, units], call, named("direction")))
    }
    let joined =
      sequences.count == 1
      ? sequences[0] : try builder.add(.rearrange(.concatenate(axis: 1)), sequences, call)
    var results: [ONNXValue] = [SampledTensor(node: joined, axis: isBatchFirst ? 0 : 2).value]
    for (state, parts) in zip(kind.states, finals) where !parts.isEmpty {
      var rows: [NodeID] = []
      for (number, part) in parts.enumerated() {
        rows.append(try builder.reshape(part, [1, units], call, "final_\(state)_\(number)"))
      }
      let final =
        rows.count == 1
        ? rows[0] : try builder.add(.rearrange(.concatenate(axis: 0)), rows, call, "final_\(state)")
      results.append(SampledTensor(node: final, axis: isBatchFirst ? 0 : 1).value)
    }
    return results
  }
}

// MARK: Operands

extension RecurrentOperator {
  /// ONNX has the gates of an LSTM as i, o, f, c; those of a GRU as Keras: z, r, h.
  private var gateOrder: [Int] { kind == .lstm ? [0, 2, 3, 1] : Array(0..<kind.gates) }

  private func cell(_ direction: Int) throws(CompilationFailed) -> RecurrentCell {
    let width = kind.gates * units
    let input = try call.requireConstant(1)
    guard input.shape == [directions.count, width, features] else {
      throw call.failure("I409", "the matrix has the shape \(input.shape) for \(features) features")
    }
    /// Rows of outputs become columns, in Keras's order of gates.
    func matrix(_ constant: ONNXConstant, inputs: Int) -> Weights {
      let order = (0..<inputs).flatMap { k in
        rows.map { row in (direction * width + row) * inputs + k }
      }
      return constant.reordered(order, shape: [1, inputs, width])
        .weights(isQuantizedModel: call.context.isQuantized)
    }
    let functions = try functions(direction)
    var cell = RecurrentCell(
      kind: kind, units: units, kernel: matrix(input, inputs: features),
      recurrentKernel: matrix(try call.requireConstant(2), inputs: units),
      activation: functions[functions.count > 1 ? 1 : 0], recurrentActivation: functions[0])
    if functions.count > 2 { cell.outputActivation = functions[2] }
    if let bias = try call.constant(3) { try setBias(of: &cell, bias, direction) }
    return cell
  }

  /// The rows of a matrix in Keras's order of gates.
  private var rows: [Int] { gateOrder.flatMap { gate in (0..<units).map { gate * units + $0 } } }

  /// Input biases, then recurrent ones; where nothing stands between them they are one.
  private func setBias(of cell: inout RecurrentCell, _ bias: ONNXConstant, _ direction: Int)
    throws(CompilationFailed)
  {
    let width = kind.gates * units
    guard bias.shape == [directions.count, 2 * width] else {
      throw call.failure("I409", "the biases have the shape \(bias.shape)")
    }
    func part(_ offset: Int) -> ONNXConstant {
      bias.reordered(rows.map { direction * 2 * width + offset + $0 }, shape: [1, width])
    }
    let (input, recurrent) = (part(0), part(width))
    if recurrent.uniform != 0 {
      cell.recurrentBias = recurrent.weights(isQuantizedModel: call.context.isQuantized)
    }
    if input.uniform != 0 { cell.bias = input.weights(isQuantizedModel: call.context.isQuantized) }
  }

  /// The initial states of a direction; nil for zeros.
  private func initialStates(
    _ direction: Int, _ named: (String) -> String, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> [NodeID]? {
    let indices = Array([5, 6].prefix(kind.states.count))
    var isZero = true
    for index in indices where call.operand(index) != nil {
      if case .constant(let constant)? = call.operand(index), constant.uniform == 0 { continue }
      isZero = false
    }
    if isZero { return nil }
    var states: [NodeID] = []
    for (index, state) in zip(indices, kind.states) {
      states.append(try initialState(index, direction, named("\(state)_initial"), &builder))
    }
    return states
  }

  private func initialState(_ index: Int, _ direction: Int, _ role: String, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> NodeID
  {
    if let tensor = call.sampled(index) {
      guard tensor.axis == (isBatchFirst ? 0 : 1), builder.shape(tensor.node) == [directions.count, units]
      else {
        throw call.failure("I409", "an initial state has the shape \(builder.shape(tensor.node))")
      }
      return try builder.steps(tensor.node, from: direction, count: 1, call, role)
    }
    guard let constant = try call.constant(index) else {
      return try builder.constant(0, shape: [units], call, role)
    }
    let shape = constant.shape
    let sampleAxis = isBatchFirst ? 0 : 1
    guard shape.count == 3, shape[1 - sampleAxis] == directions.count, shape[2] == units else {
      throw call.failure("I409", "an initial state has the shape \(shape)")
    }
    func row(_ sample: Int) -> [Int] {
      let first = isBatchFirst ? sample * directions.count + direction : direction * shape[1] + sample
      return (0..<units).map { first * units + $0 }
    }
    let values = constant.reordered(row(0), shape: [units])
    guard (0..<shape[sampleAxis]).allSatisfy({ row($0).map { constant.values[$0] } == values.values }) else {
      throw call.failure("I405", "an initial state differs between samples")
    }
    return try builder.add(
      .constant(values.weights(isQuantizedModel: call.context.isQuantized)), [], call, role)
  }
}

// MARK: Functions

extension RecurrentOperator {
  /// The functions of a direction: of gates, of candidates, and of an LSTM's state on its way out.
  private func functions(_ direction: Int) throws(CompilationFailed) -> [RecurrentCell.Nonlinearity] {
    let defaults: [String] =
      switch kind {
      case .simple: ["Tanh"]
      case .lstm: ["Sigmoid", "Tanh", "Tanh"]
      case .gru: ["Sigmoid", "Tanh"]
      }
    var names = call.attributes["activations"]?.strings.map { String(decoding: $0, as: UTF8.self) } ?? []
    if names.isEmpty { names = directions.flatMap { _ in defaults } }
    guard names.count == defaults.count * directions.count else {
      throw call.failure(
        "I408", "has \(names.count) activations, expected \(defaults.count * directions.count)")
    }
    // Parameters are listed for those functions that have some, in order.
    var alphas = (call.attributes["activation_alpha"]?.floats ?? [])[...]
    var betas = (call.attributes["activation_beta"]?.floats ?? [])[...]
    var result: [RecurrentCell.Nonlinearity] = []
    for name in names { result.append(try nonlinearity(name, &alphas, &betas)) }
    return Array(result[(direction * defaults.count)..<((direction + 1) * defaults.count)])
  }

  private func nonlinearity(
    _ name: String, _ alphas: inout ArraySlice<Float>, _ betas: inout ArraySlice<Float>
  )
    throws(CompilationFailed) -> RecurrentCell.Nonlinearity
  {
    func alpha(_ fallback: Double) -> Double { alphas.popFirst().map(Double.init) ?? fallback }
    func beta(_ fallback: Double) -> Double { betas.popFirst().map(Double.init) ?? fallback }
    let call = call
    let function: Function
    switch name.lowercased() {
    case "tanh": function = .tanh
    case "sigmoid": function = .sigmoid
    case "relu": function = .relu(maximum: nil, negativeSlope: 0, threshold: 0)
    case "softsign": function = .softsign
    case "softplus": function = .softplus
    case "leakyrelu": function = .relu(maximum: nil, negativeSlope: alpha(0.01), threshold: 0)
    case "thresholdedrelu": function = .relu(maximum: nil, negativeSlope: 0, threshold: alpha(1))
    case "elu": function = .elu(alpha: alpha(1))
    case "hardsigmoid": function = .hardSigmoid(slope: alpha(0.2), offset: beta(0.5))
    case "affine":
      let (slope, shift) = (alpha(1), beta(0))
      return { (builder, x, role) throws(CompilationFailed) in
        let count = builder.shape(x).last ?? 1
        return try builder.affine(
          x, scale: .coefficients(slope, channels: count),
          shift: .coefficients(shift, channels: count), call, role)
      }
    default: throw call.failure("I408", "has the activation '\(name)', which is not supported")
    }
    return { (builder, x, role) throws(CompilationFailed) in
      try builder.add(.map(Map(function)), [x], call, role)
    }
  }
}
