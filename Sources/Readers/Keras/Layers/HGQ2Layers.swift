import Diagnostics
import FixedPoint
import Foundation
import Functions
import Graph

extension LayerImporter {
  /// What every layer of HGQ2 has; costs of operations (EBOPs) act in training only.
  static let hgq2Attributes = [
    "enable_ebops", "ebops_factor", "beta0", "enable_oq", "enable_iq", "oq_conf", "iq_conf",
    "parallelization_factor",
  ]
  static let hgq2Weights = hgq2Attributes + ["kq_conf", "bq_conf"]

  static let hgq2Layers: [LayerImporter] =
    [
      LayerImporter(["hgq>Quantizer"], attributes: ["config"], emit: emitQuantizer),
      LayerImporter(
        ["hgq>QDense"], attributes: hgq2Weights + ["units", "use_bias", "activation"], emit: emitQDense2),
      LayerImporter(
        ["hgq>QBatchNormDense"],
        attributes: hgq2Weights + ["units", "use_bias", "activation", "scale", "epsilon"],
        emit: emitQBatchNormDense),
      LayerImporter(
        ["hgq>QBatchNormalization"], attributes: hgq2Weights + ["axis", "center", "scale", "epsilon"],
        emit: emitQBatchNormalization2),
      LayerImporter(
        ["hgq>QUnaryFunctionLUT"],
        attributes: hgq2Attributes + [
          "activation", "allow_heterogeneous_table", "allow_heterogeneous_input",
        ],
        emit: emitQUnaryFunction),
      LayerImporter(
        ["hgq>QSoftmax"],
        attributes: hgq2Attributes + [
          "axes", "axis", "stable", "exp_oq_conf", "exp_iq_conf", "inv_oq_conf", "inv_iq_conf",
          "allow_heterogeneous_table", "input_scaler",
        ], emit: emitQSoftmax),
      merge2("QAdd", .add), merge2("QSubtract", .subtract), merge2("QMultiply", .multiply),
      merge2("QMaximum", .maximum), merge2("QMinimum", .minimum),
      LayerImporter(["hgq>QAveragePow2"], attributes: hgq2Attributes + ["iq_confs"], emit: emitQAveragePow2),
      LayerImporter(
        ["hgq>QSum", "hgq>QMeanPow2"], attributes: hgq2Attributes + ["axes", "scale", "keepdims"],
        emit: emitQSum),
    ]
    + [1, 2, 3].flatMap { rank in [convolution2(rank: rank)] + pooling2(rank: rank) }

  private static func emitQuantizer(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let quantizer = try HGQ2Quantizer(
      try call.config.require("config"), ["quantizer"], shape: builder.shape(x), call, builder)
    return [try quantizer.apply(x, &builder, nil)]
  }

  private static func emitQDense2(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let layer = HGQ2Layer(call)
    let x = try layer.quantizedInput(&builder)
    let usesBias = try call.bool("use_bias", default: true)
    let weights = try call.weights((usesBias ? ["kernel", "bias"] : ["kernel"]) + layer.bookkeeping, builder)
    let inputs = builder.shape(x).last ?? 1
    let units = try call.count("units")
    return [
      try layer.dense(
        x, kernel: try weights.array("kernel", [inputs, units]),
        bias: usesBias ? try weights.array("bias", [units]) : nil, &builder)
    ]
  }

  /// A batch normalisation in front of a dense layer, folded into its variables as HGQ2 0.2 folds it.
  private static func emitQBatchNormDense(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let layer = HGQ2Layer(call)
    let x = try layer.quantizedInput(&builder)
    let hasScale = try call.bool("scale", default: true)
    let names =
      ["kernel", "bias"] + (hasScale ? ["bn_gamma"] : []) + layer.bookkeeping + [
        "moving_mean", "moving_variance",
      ]
    let weights = try call.weights(names, builder)
    let inputs = builder.shape(x).last ?? 1
    let units = try call.count("units")
    let kernel = try weights.array("kernel", [inputs, units]).map(Float.init)
    let mean = try weights.array("moving_mean", [inputs]).map(Float.init)
    let variance = try weights.array("moving_variance", [inputs]).map(Float.init)
    let gamma =
      hasScale ? try weights.array("bn_gamma", [inputs]).map(Float.init) : Array(repeating: 1, count: inputs)
    let epsilon = Float(try call.double("epsilon", default: 0.001))
    guard variance.allSatisfy({ $0 + epsilon > 0 }) else {
      throw call.failure("I107", "a variance is not above 0")
    }
    let scale = (0..<inputs).map { gamma[$0] / (variance[$0] + epsilon).squareRoot() }
    let fused = kernel.indices.map { Double(scale[$0 / units] * kernel[$0]) }
    let bias = try weights.array("bias", [units]).enumerated().map { n, bias in
      // The dot product is summed exactly, then rounded: the framework's order of summation is not defined.
      let offset = (0..<inputs).reduce(0.0) { $0 + Double(mean[$1]) * Double(kernel[$1 * units + n]) }
      return Double(Float(bias) + -Float(offset))
    }
    return [try layer.dense(x, kernel: fused, bias: bias, &builder)]
  }

  private static func emitQBatchNormalization2(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let layer = HGQ2Layer(call)
    let x = try layer.quantizedInput(&builder)
    let axis = try normalizedAxis(call, rank: builder.rank(x))
    let channels = builder.shape(x)[axis]
    let center = try call.bool("center", default: true)
    let trainable = (try call.bool("scale", default: true) ? ["bn_gamma"] : []) + (center ? ["bn_beta"] : [])
    var weights = try call.weights(
      trainable + ["moving_mean", "moving_variance"] + layer.bookkeeping, builder)
    weights["gamma"] = weights["bn_gamma"]
    weights["beta"] = weights["bn_beta"]
    var statistics = try BatchStatistics(call, weights, channels: channels)
    // HGQ2 0.2 takes 1 for the shift of a normalisation without one.
    if !center { statistics.beta = Array(repeating: 1, count: channels) }
    let (scale, shift) = statistics.scaleAndShift
    let kernel = try layer.quantizer("kq", shape: [channels], builder).convert(
      LayerVariable(name: "scale", values: scale.map(Double.init), shape: [channels]))
    let bias = try layer.quantizer("bq", shape: [channels], builder).convert(
      LayerVariable(name: "shift", values: shift.map(Double.init), shape: [channels]))
    let y = try builder.onAxis(axis, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      try builder.affine(x, scale: kernel, shift: bias, call)
    }
    return [try layer.quantizedOutput(y, &builder)]
  }

  private static func emitQUnaryFunction(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let layer = HGQ2Layer(call)
    let x = try layer.quantizedInput(&builder)
    let value = try call.config.require("activation")
    let y = try builder.activate(x, value, call, isLayer: true, dialect: .keras)
    return [try layer.quantizedOutput(y, &builder)]
  }

  private static func merge2(_ kind: String, _ combination: Combination) -> LayerImporter {
    LayerImporter(["hgq>\(kind)"], attributes: hgq2Attributes + ["iq_confs"]) {
      (call, builder) throws(CompilationFailed) in
      let layer = HGQ2Layer(call)
      let y = try builder.merge(combination, try layer.quantizedInputs(&builder), call)
      return [try layer.quantizedOutput(y, &builder)]
    }
  }

  /// The sum times the power of two that is nearest to one over the number of operands.
  private static func emitQAveragePow2(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let layer = HGQ2Layer(call)
    let inputs = try layer.quantizedInputs(&builder)
    let sum = try builder.merge(.add, inputs, call, "sum")
    let y = try builder.scale(sum, by: HGQ2Layer.nearestPowerOfTwo(1 / Double(inputs.count)), call)
    return [try layer.quantizedOutput(y, &builder)]
  }

  private static func emitQSum(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let layer = HGQ2Layer(call)
    let x = try layer.quantizedInput(&builder)
    let shape = builder.shape(x)
    let value = try call.config.require("axes")
    var axes: [Int] = []
    for element in value.array.map({ Array($0) }) ?? [value] {
      axes.append(try call.axis(element, rank: shape.count))
    }
    let kept = shape.indices.filter { !axes.contains($0) }
    let count = shape.indices.filter { axes.contains($0) }.map { shape[$0] }.elementCount
    let last = try builder.transpose(x, kept + shape.indices.filter { axes.contains($0) }, call)
    let flat = try builder.reshape(last, kept.map { shape[$0] } + [count], call, "flat")
    let isMean = call.layer.kind == "hgq>QMeanPow2"
    let factor =
      isMean ? HGQ2Layer.nearestPowerOfTwo(1 / Double(count)) : try call.double("scale", default: 1)
    var y = try builder.add(.reduce(.sum), [flat], call, factor == 1 ? nil : "sum")
    let keepsAxes = try call.bool("keepdims", default: false)
    // A sum over everything leaves one element, which keeps an axis to live on.
    let target = keepsAxes ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] } : kept.map { shape[$0] }
    if target.isEmpty || keepsAxes {
      y = try builder.reshape(y, target.isEmpty ? [1] : target, call, "shaped")
    }
    if factor != 1 { y = try builder.scale(y, by: factor, call) }
    return [try layer.quantizedOutput(y, &builder)]
  }

  private static func convolution2(rank: Int) -> LayerImporter {
    LayerImporter(["hgq>QConv\(rank)D"], attributes: hgq2Weights + convolutionAttributes) {
      (call, builder) throws(CompilationFailed) in
      let layer = HGQ2Layer(call)
      let x = try layer.quantizedInput(&builder)
      let usesBias = try call.bool("use_bias", default: true)
      let weights = try call.weights(
        (usesBias ? ["kernel", "bias"] : ["kernel"]) + layer.bookkeeping, builder)
      let reader = builder
      let y = try builder.convolve(x, rank: rank, call, weights, usesBias: usesBias) {
        (variable) throws(CompilationFailed) in
        let part = variable.name == "kernel" ? "kq" : "bq"
        return try layer.quantizer(part, shape: variable.shape, reader).convert(variable)
      }
      return [try layer.quantizedOutput(try builder.activate(y, call), &builder)]
    }
  }

  private static func pooling2(rank: Int) -> [LayerImporter] {
    func pool(
      _ names: [String], isGlobal: Bool,
      _ body:
        @escaping @Sendable (inout GraphBuilder, NodeID, Windows, LayerCall) throws(CompilationFailed) ->
        NodeID
    ) -> LayerImporter {
      LayerImporter(
        names.map { "hgq>\($0)\(rank)D" },
        attributes: hgq2Attributes + (isGlobal ? ["keepdims", "data_format"] : poolingAttributes)
      ) { (call, builder) throws(CompilationFailed) in
        let layer = HGQ2Layer(call)
        let windows =
          try isGlobal
          ? builder.globalWindows(call, rank: rank) : builder.poolingWindows(call, rank: rank)
        let x = try layer.quantizedInput(&builder)
        let y = try body(&builder, x, windows, call)
        return [try layer.quantizedOutput(isGlobal ? try builder.global(call, y) : y, &builder)]
      }
    }
    return [false, true].flatMap { isGlobal in
      let prefix = isGlobal ? "QGlobal" : "Q"
      return [
        pool(["\(prefix)MaxPooling", "\(prefix)MaxPool"], isGlobal: isGlobal) {
          (builder: inout GraphBuilder, x, windows, call) throws(CompilationFailed) in
          try builder.maxPool(x, windows, call, isGlobal: isGlobal)
        },
        pool(["\(prefix)AveragePooling", "\(prefix)AvgPool"], isGlobal: isGlobal) {
          (builder: inout GraphBuilder, x, windows, call) throws(CompilationFailed) in
          try builder.averagePool(x, windows, call, isGlobal: isGlobal)
        },
      ]
    }
  }

  /// exp(−scaler · (max − x)) · (1 / Σ), each of both functions between quantizers of its own.
  private static func emitQSoftmax(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let layer = HGQ2Layer(call)
    let x = try layer.quantizedInput(&builder)
    let rank = builder.rank(x)
    var axes: Set<Int> = []
    if let value = call.attribute("axes") ?? call.attribute("axis") {
      for element in value.array.map({ Array($0) }) ?? [value] {
        axes.insert(try call.axis(element, rank: rank))
      }
    }
    builder.sink.notice(
      "I255", "layer '\(call.name)': the 1e-7 that HGQ2 adds before a reciprocal is left out",
      at: call.location)
    let y = try layer.softmax(
      x, axes: axes.isEmpty ? [rank - 1] : axes.sorted(), &builder,
      scaler: try call.double("input_scaler", default: 1),
      isStable: try call.bool("stable", default: true))
    return [try layer.quantizedOutput(y, &builder)]
  }
}

/// What the layers of HGQ2 have in common: quantizers of inputs, variables and outputs.
struct HGQ2Layer {
  let call: LayerCall

  init(_ call: LayerCall) { self.call = call }

  /// The variables that only training reads; they stand between trained variables and moving averages.
  var bookkeeping: [String] { call.config["enable_ebops"]?.bool == false ? [] : ["beta", "ebops"] }

  /// The quantizer of a part: `iq`, `kq`, `bq`, `oq`.
  func quantizer(_ part: String, shape: [Int], _ builder: GraphBuilder) throws(CompilationFailed)
    -> HGQ2Quantizer
  {
    try HGQ2Quantizer(
      try call.config.require("\(part)_conf"), [part, "quantizer"], shape: shape, call, builder)
  }

  /// The layer's only operand, quantized where the layer does so.
  func quantizedInput(_ builder: inout GraphBuilder) throws(CompilationFailed) -> NodeID {
    let x = try call.input()
    guard try call.bool("enable_iq", default: true) else { return x }
    return try quantizer("iq", shape: builder.shape(x), builder).apply(x, &builder, "iq")
  }

  /// The operands of a merge, each with a quantizer of its own.
  func quantizedInputs(_ builder: inout GraphBuilder) throws(CompilationFailed) -> [NodeID] {
    let inputs = try call.inputs()
    guard try call.bool("enable_iq", default: true) else { return inputs }
    let value = try call.config.require("iq_confs")
    let configs = value.array.map { Array($0) } ?? Array(repeating: value, count: inputs.count)
    guard configs.count == inputs.count else {
      throw value.failure("I254", "\(configs.count) quantizers for \(inputs.count) operands")
    }
    var result: [NodeID] = []
    for (i, x) in inputs.enumerated() {
      let part = ["iq", "quantizers", i == 0 ? "quantizer" : "quantizer_\(i)", "quantizer"]
      let quantizer = try HGQ2Quantizer(configs[i], part, shape: builder.shape(x), call, builder)
      result.append(try quantizer.apply(x, &builder, "iq\(i)"))
    }
    return result
  }

  /// The result, quantized where the layer does so.
  func quantizedOutput(_ y: NodeID, _ builder: inout GraphBuilder) throws(CompilationFailed) -> NodeID {
    guard try call.bool("enable_oq", default: false) else { return y }
    return try quantizer("oq", shape: builder.shape(y), builder).apply(y, &builder, "oq")
  }

  /// A dense layer, its activation and the quantizer of its results.
  func dense(_ x: NodeID, kernel: [Double], bias: [Double]?, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> NodeID
  {
    let inputs = builder.shape(x).last ?? 1
    let units = kernel.count / inputs
    let weights = try quantizer("kq", shape: [inputs, units], builder).convert(
      LayerVariable(name: "kernel", values: kernel, shape: [inputs, units]))
    var shift: Weights?
    if let bias {
      shift = try quantizer("bq", shape: [units], builder).convert(
        LayerVariable(name: "bias", values: bias, shape: [units]))
    }
    let linear = Linear(
      inputs: inputs, outputs: units, weights: weights.reshaped([1, inputs, units]),
      bias: shift?.reshaped([1, units]))
    let y = try builder.add(.linear(linear), [x], call)
    return try quantizedOutput(try builder.activate(y, call), &builder)
  }

  /// HGQ2's softmax over some axes.
  ///
  /// - Parameters:
  ///   - part: where the softmax's own parts are in the layer.
  ///   - configuration: what stands before the names of its quantizers' configurations.
  func softmax(
    _ x: NodeID, axes: [Int], _ builder: inout GraphBuilder, part prefix: [String] = [],
    configuration: String = "", scaler: Double, isStable: Bool
  ) throws(CompilationFailed) -> NodeID {
    func table(_ name: String, _ part: String, _ x: NodeID) throws(CompilationFailed) -> NodeID {
      let config = try call.config.require("\(configuration)\(name)_\(part)_conf")
      let place = prefix + ["\(name)_table", part, "quantizer"]
      let quantizer = try HGQ2Quantizer(config, place, shape: builder.shape(x), call, builder)
      return try quantizer.apply(x, &builder, "\(name)_\(part)")
    }
    // The quantizers know the tensor's own axes, so that none is moved; those that are summed stay, of length 1.
    func reduced(_ reduction: Reduction, _ x: NodeID, _ role: String) throws(CompilationFailed) -> NodeID {
      try builder.reduce(reduction, x, axes, keepsAxes: true, call, role)
    }
    var exponent = x
    if isStable {
      let greatest = try reduced(.maximum, x, "max")
      let difference = try builder.combine(.subtract, [greatest, x], call, "difference")
      exponent = try builder.scale(try table("exp", "iq", difference), by: -scaler, call, "negated")
    } else if scaler != 1 {
      exponent = try builder.scale(x, by: scaler, call, "scaled")
    }
    let exponential = try table("exp", "oq", try builder.add(.map(Map(.exp)), [exponent], call, "exp"))
    let divisor = try table("inv", "iq", try reduced(.sum, exponential, "sum"))
    let inverse = try table(
      "inv", "oq", try builder.add(.map(Map(.reciprocal)), [divisor], call, "reciprocal"))
    return try builder.combine(.multiply, [exponential, inverse], call)
  }

  static func nearestPowerOfTwo(_ x: Double) -> Double {
    // Python rounds halves to even.
    let exponent = log2(x).rounded(.toNearestOrEven)
    return Double(sign: .plus, exponent: Int(exponent), significand: 1)
  }
}
