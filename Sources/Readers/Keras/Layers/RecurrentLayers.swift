import Diagnostics
import Graph

extension LayerImporter {
  /// Attributes of every recurrent layer. Unrolling and the implementation change no result, dropout acts in training,
  /// and what masks would do is said where masks are made.
  private static let recurrentAttributes = [
    "units", "activation", "use_bias", "return_sequences", "return_state", "go_backwards", "stateful",
    "unroll",
    "time_major", "dropout", "recurrent_dropout", "implementation", "zero_output_for_mask",
  ]
  private static let recurrentQuantizers = [
    "kernel_quantizer", "recurrent_quantizer", "bias_quantizer", "state_quantizer",
  ]
  private static let hgq2RecurrentQuantizers = [
    "iq_conf", "kq_conf", "rkq_conf", "bq_conf", "sq_conf", "paq_conf", "oq_conf", "enable_iq", "enable_oq",
    "enable_ebops", "beta0", "parallelization_factor",
  ]

  static let recurrentLayers: [LayerImporter] =
    ["", "Q"].flatMap { prefix in
      let attributes = recurrentAttributes + (prefix.isEmpty ? [] : recurrentQuantizers)
      return [
        LayerImporter(["\(prefix)SimpleRNN"], attributes: attributes, emit: emitRecurrent),
        LayerImporter(
          ["\(prefix)LSTM"], attributes: attributes + ["recurrent_activation", "unit_forget_bias"],
          emit: emitRecurrent),
        LayerImporter(
          ["\(prefix)GRU"], attributes: attributes + ["recurrent_activation", "reset_after"],
          emit: emitRecurrent),
      ]
    } + [
      LayerImporter(
        ["hgq>QSimpleRNN"],
        attributes: recurrentAttributes + hgq2RecurrentQuantizers + ["enable_sq", "standalone"],
        emit: emitRecurrent),
      LayerImporter(
        ["hgq>QGRU"],
        attributes: recurrentAttributes + hgq2RecurrentQuantizers
          + ["recurrent_activation", "reset_after", "praq_conf", "rhq_conf", "standalone"],
        emit: emitRecurrent),
    ]

  private static func emitRecurrent(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    try RecurrentLayer(call, builder).emit(&builder)
  }
}

/// A recurrent layer of Keras, QKeras or HGQ2: a cell, and what the layer does with the sequence.
struct RecurrentLayer {
  private let call: LayerCall
  private var cell: RecurrentCell
  private let inputs: [NodeID]
  private let returnsSequences: Bool
  private let returnsState: Bool
  private let isReversed: Bool

  init(_ call: LayerCall, _ builder: GraphBuilder) throws(CompilationFailed) {
    self.call = call
    inputs = try call.inputs()
    for name in ["stateful", "time_major"] where try call.bool(name, default: false) {
      let reason =
        name == "stateful" ? "samples would depend on those before them" : "samples come first here"
      throw call.failure("I114", "'\(name)' is set: \(reason)")
    }
    if try call.bool("enable_oq", default: false) {
      throw call.failure("I114", "'enable_oq' is set, with which HGQ2 itself can't compute")
    }
    returnsSequences = try call.bool("return_sequences", default: false)
    returnsState = try call.bool("return_state", default: false)
    isReversed = try call.bool("go_backwards", default: false) != call.isFlipped
    guard let x = inputs.first, builder.rank(x) == 2 else {
      throw call.failure("I113", "expected a sequence of vectors")
    }
    cell = try RecurrentLayer.cell(call, features: builder.shape(x)[1], builder)
    let states = cell.kind.states.count
    guard inputs.count == 1 || inputs.count == 1 + states else {
      throw call.failure(
        "I113", "expected a sequence and \(states) initial states, found \(inputs.count) operands")
    }
    for state in inputs.dropFirst() where builder.shape(state) != [cell.units] {
      throw call.failure(
        "I116", "an initial state has the shape \(builder.shape(state)) for \(cell.units) units")
    }
  }

  func emit(_ builder: inout GraphBuilder) throws(CompilationFailed) -> [NodeID] {
    var x = inputs[0]
    if call.layer.kind.hasPrefix("hgq>") { x = try HGQ2Cell(call).input(x, &builder) }
    let count = builder.shape(x)[0]
    if isReversed { x = try builder.reversed(x, call, "reversed") }
    let withCell = returnsState && cell.kind == .lstm
    let isPlain = returnsSequences && !withCell
    var all = try cell.apply(
      x, initial: inputs.count > 1 ? Array(inputs.dropFirst()) : nil, withCell: withCell, call,
      isPlain ? nil : "steps", &builder)
    var states: [NodeID] = []
    if returnsState {
      let last = try builder.steps(all, from: count - 1, count: 1, call, "last")
      for (i, name) in cell.kind.states.enumerated() {
        let range = (i * cell.units)..<((i + 1) * cell.units)
        states.append(withCell ? try builder.channels(last, range, call, "last_\(name)") : last)
      }
    }
    if withCell && returnsSequences { all = try builder.channels(all, 0..<cell.units, call, nil) }
    var y = all
    if !returnsSequences {
      y = try builder.steps(all, from: count - 1, count: 1, call, withCell ? "last_states" : nil)
      if withCell { y = try builder.channels(y, 0..<cell.units, call, nil) }
    }
    return [y] + states
  }
}

// MARK: The cell

extension RecurrentLayer {
  private static func cell(
    _ call: LayerCall, features: Int, _ builder: GraphBuilder
  ) throws(CompilationFailed) -> RecurrentCell {
    let units = try call.count("units")
    var kind: RecurrentCell.Kind = .simple
    if call.layer.kind.hasSuffix("LSTM") { kind = .lstm }
    if call.layer.kind.hasSuffix("GRU") {
      kind = .gru(resetsAfter: try call.bool("reset_after", default: true))
    }
    let width = kind.gates * units
    let usesBias = try call.bool("use_bias", default: true)
    let names = ["kernel", "recurrent_kernel"] + (usesBias ? ["bias"] : [])
    let weights = try call.component("cell").weights(names, builder)
    let convert: WeightConversion
    if call.layer.kind.hasPrefix("hgq>") {
      convert = HGQ2Cell(call).conversion(builder)
    } else {
      if call.layer.kind == "QGRU", call.attribute("recurrent_quantizer") == nil {
        throw call.failure(
          "I114",
          "there is no 'recurrent_quantizer', without which QKeras takes the kernel for the recurrent one")
      }
      let quantized = try LayerImporter.quantization(call, ["kernel", "recurrent", "bias"])
      // The quantizer of the recurrent kernel has a shorter name.
      convert = { (variable) throws(CompilationFailed) in
        var variable = variable
        if variable.name == "recurrent_kernel" { variable.name = "recurrent" }
        return try quantized(variable)
      }
    }
    func variable(_ name: String, _ shape: [Int]) throws(CompilationFailed) -> Weights {
      try convert(LayerVariable(name: name, values: weights.array(name, shape), shape: shape))
    }
    var cell = RecurrentCell(
      kind: kind, units: units,
      kernel: try variable("kernel", [features, width]).reshaped([1, features, width]),
      recurrentKernel: try variable("recurrent_kernel", [units, width]).reshaped([1, units, width]),
      activation: try activation(call, "activation"),
      recurrentActivation: kind == .simple ? { _, x, _ in x } : try activation(call, "recurrent_activation"))
    if usesBias, kind == .gru(resetsAfter: true) {
      let both = try variable("bias", [2, width])
      cell.bias = both.reordered(Array(0..<width), shape: [1, width])
      cell.recurrentBias = both.reordered(Array(width..<(2 * width)), shape: [1, width])
    } else if usesBias {
      cell.bias = try variable("bias", [width]).reshaped([1, width])
    }
    if call.layer.kind.hasPrefix("hgq>") {
      try HGQ2Cell(call).quantize(&cell)
    } else if let value = call.attribute("state_quantizer") {
      let quantizer = try QKerasQuantizer(value)
      cell.stateQuantizer = { (builder, x, role) throws(CompilationFailed) in
        try builder.quantize(x, quantizer, call, role: role)
      }
    }
    return cell
  }

  static func activation(_ call: LayerCall, _ attribute: String) throws(CompilationFailed)
    -> RecurrentCell.Nonlinearity
  {
    // Keras has no function where the attribute is null.
    guard let value = call.attribute(attribute) else { return { _, x, _ in x } }
    let dialect: QuantizerDialect = call.layer.kind.hasPrefix("Q") ? .qkeras : .keras
    return { (builder, x, role) throws(CompilationFailed) in
      try builder.activate(x, value, call, isLayer: false, dialect: dialect, role: role)
    }
  }
}

/// The quantizers of a recurrent layer of HGQ2.
struct HGQ2Cell {
  private let layer: HGQ2Layer
  private let call: LayerCall

  init(_ call: LayerCall) {
    self.call = call
    layer = HGQ2Layer(call.component("cell"))
  }

  private func quantizer(_ part: String, shape: [Int], _ builder: GraphBuilder) throws(CompilationFailed)
    -> HGQ2Quantizer
  {
    try layer.quantizer(part, shape: shape, builder)
  }

  private func nonlinearity(_ part: String) -> RecurrentCell.Nonlinearity {
    { (builder, x, role) throws(CompilationFailed) in
      try quantizer(part, shape: builder.shape(x), builder).apply(x, &builder, role)
    }
  }

  func conversion(_ builder: GraphBuilder) -> WeightConversion {
    { (variable) throws(CompilationFailed) in
      let parts = ["kernel": "kq", "recurrent_kernel": "rkq", "bias": "bq"]
      return try quantizer(parts[variable.name] ?? "kq", shape: variable.shape, builder).convert(variable)
    }
  }

  func input(_ x: NodeID, _ builder: inout GraphBuilder) throws(CompilationFailed) -> NodeID {
    guard try call.bool("enable_iq", default: true) else { return x }
    return try quantizer("iq", shape: builder.shape(x), builder).apply(x, &builder, "iq")
  }

  /// Puts the quantizers behind and before the cell's functions: a GRU quantizes what its functions give, a simple cell
  /// what its function reads.
  func quantize(_ cell: inout RecurrentCell) throws(CompilationFailed) {
    let hasStateQuantizer = try call.bool("enable_sq", default: cell.kind != .simple)
    if hasStateQuantizer { cell.stateQuantizer = nonlinearity("sq") }
    let (activation, after) = (cell.activation, nonlinearity("paq"))
    if cell.kind == .simple {
      cell.activation = { (builder, x, role) throws(CompilationFailed) in
        try activation(&builder, after(&builder, x, "\(role)_paq"), role)
      }
      return
    }
    cell.activation = { (builder, x, role) throws(CompilationFailed) in
      try after(&builder, activation(&builder, x, "\(role)_activated"), role)
    }
    let (gates, afterGates) = (cell.recurrentActivation, nonlinearity("praq"))
    cell.recurrentActivation = { (builder, x, role) throws(CompilationFailed) in
      try afterGates(&builder, gates(&builder, x, "\(role)_activated"), role)
    }
    cell.resetQuantizer = nonlinearity("rhq")
  }
}

extension LayerCall {
  /// The call with the weights of one of the layer's components.
  func component(_ key: String) -> LayerCall {
    let inner = KerasLayer(
      name: layer.name, kind: layer.kind, config: layer.config, address: layer.address.component(key))
    return LayerCall(layer: inner, name: name, operands: operands)
  }
}
