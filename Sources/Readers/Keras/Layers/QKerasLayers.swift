import Diagnostics
import FixedPoint
import Graph

extension LayerImporter {
  private static let kernelQuantizers = ["kernel_quantizer", "bias_quantizer"]
  private static let depthwiseQuantizers = ["depthwise_quantizer", "bias_quantizer"]
  private static let foldingAttributes = [
    "axis", "epsilon", "center", "scale", "folding_mode", "ema_freeze_delay", "renorm", "virtual_batch_size",
  ]

  static let qkerasLayers =
    [
      LayerImporter(["QActivation"], attributes: ["activation"], emit: emitQActivation),
      LayerImporter(
        ["QDense"], attributes: ["units", "use_bias", "activation"] + kernelQuantizers, emit: emitQDense),
      LayerImporter(
        ["QDenseBatchnorm"],
        attributes: ["units", "use_bias", "activation"] + kernelQuantizers + foldingAttributes,
        emit: emitQDenseBatchnorm),
      LayerImporter(
        ["QConv2DBatchnorm"], attributes: convolutionAttributes + kernelQuantizers + foldingAttributes,
        emit: emitQConvolutionBatchnorm),
      LayerImporter(
        ["QDepthwiseConv2DBatchnorm"],
        attributes: depthwiseAttributes + depthwiseQuantizers + foldingAttributes,
        emit: emitQDepthwiseBatchnorm),
      LayerImporter(
        ["QConv2DTranspose"], attributes: convolutionAttributes + kernelQuantizers + ["output_padding"]
      ) { (call, builder) throws(CompilationFailed) in
        let y = try builder.convolveTransposed(
          try call.input(), rank: 2, call, try quantization(call, ["kernel", "bias"]))
        return [try builder.activate(y, call, dialect: .qkeras)]
      },
      LayerImporter(
        ["QBatchNormalization"],
        attributes: [
          "axis", "epsilon", "center", "scale", "activation", "gamma_quantizer", "beta_quantizer",
          "mean_quantizer",
          "variance_quantizer",
        ], emit: emitQBatchNormalization),
      LayerImporter(
        ["QAveragePooling2D"], attributes: poolingAttributes + ["average_quantizer", "activation"],
        emit: emitQAveragePooling),
      LayerImporter(
        ["QGlobalAveragePooling2D"],
        attributes: ["data_format", "keepdims", "average_quantizer", "activation"],
        emit: emitQGlobalAveragePooling),
    ]
    + [1, 2].map { rank in
      LayerImporter(["QConv\(rank)D"], attributes: convolutionAttributes + kernelQuantizers) {
        (call, builder) throws(CompilationFailed) in
        let y = try builder.convolve(
          try call.input(), rank: rank, call, try quantization(call, ["kernel", "bias"]))
        return [try builder.activate(y, call, dialect: .qkeras)]
      }
    }
    + [
      LayerImporter(["QDepthwiseConv2D"], attributes: depthwiseAttributes + depthwiseQuantizers) {
        (call, builder) throws(CompilationFailed) in
        let y = try builder.convolveDepthwise(
          try call.input(), rank: 2, call, try quantization(call, ["depthwise", "bias"]))
        return [try builder.activate(y, call, dialect: .qkeras)]
      }
    ]
    + [1, 2].map { rank in
      LayerImporter(
        ["QSeparableConv\(rank)D"],
        attributes: depthwiseAttributes + depthwiseQuantizers + ["pointwise_quantizer"]
      ) { (call, builder) throws(CompilationFailed) in
        let y = try builder.convolveSeparable(
          try call.input(), rank: rank, call, try quantization(call, ["depthwise", "pointwise", "bias"]))
        return [try builder.activate(y, call, dialect: .qkeras)]
      }
    }

  /// The conversion of a layer's variables by the quantizers `<variable>_quantizer` of its configuration; a
  /// variable without one stays real.
  static func quantization(_ call: LayerCall, _ names: [String]) throws(CompilationFailed)
    -> WeightConversion
  {
    var quantizers: [String: QKerasQuantizer] = [:]
    for name in names {
      guard let value = call.attribute("\(name)_quantizer") else { continue }
      let quantizer = try QKerasQuantizer(value)
      quantizers[name] = name == "bias" ? quantizer : quantizer.onKernel
    }
    return { [quantizers] variable throws(CompilationFailed) in
      guard let quantizer = quantizers[variable.name] else {
        return Weights(real: variable.values, shape: variable.shape)
      }
      return try quantizer.weights(variable.values, shape: variable.shape)
    }
  }

  private static func emitQActivation(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let value = try call.config.require("activation")
    return [try builder.activate(try call.input(), value, call, isLayer: true, dialect: .qkeras)]
  }

  private static func emitQDense(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let usesBias = try call.bool("use_bias", default: true)
    let weights = try call.weights(usesBias ? ["kernel", "bias"] : ["kernel"], builder)
    let inputs = builder.shape(try call.input()).last ?? 1
    let kernel = try weights.array("kernel", [inputs, try call.count("units")])
    let bias = usesBias ? try weights.array("bias", [try call.count("units")]) : nil
    return [
      try builder.dense(kernel, bias, call, try quantization(call, ["kernel", "bias"]), dialect: .qkeras)
    ]
  }

  /// A dense layer into which its batch normalisation is folded before the kernel is quantized.
  private static func emitQDenseBatchnorm(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let units = try call.count("units")
    let inputs = builder.shape(try call.input()).last ?? 1
    let (kernel, bias) = try foldedVariables(call, builder, kernelShape: [inputs, units], channels: units)
    return [
      try builder.dense(kernel, bias, call, try quantization(call, ["kernel", "bias"]), dialect: .qkeras)
    ]
  }

  private static func emitQConvolutionBatchnorm(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let filters = try call.count("filters")
    let shape =
      try call.extents("kernel_size", rank: 2)
      + [(builder.shape(x).last ?? 1) / (try call.count("groups", default: 1)), filters]
    let (kernel, bias) = try foldedVariables(call, builder, kernelShape: shape, channels: filters)
    let weights = [
      "kernel": WeightArray(values: kernel, shape: shape, location: call.location),
      "bias": WeightArray(values: bias, shape: [filters], location: call.location),
    ]
    let y = try builder.convolve(
      x, rank: 2, call, weights, usesBias: true, try quantization(call, ["kernel", "bias"]))
    return [try builder.activate(y, call, dialect: .qkeras)]
  }

  private static func emitQDepthwiseBatchnorm(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let multiplier = try call.count("depth_multiplier", default: 1)
    let channels = builder.shape(x).last ?? 1
    let shape = try call.extents("kernel_size", rank: 2) + [channels, multiplier]
    let (outputs, overflow) = channels.multipliedReportingOverflow(by: multiplier)
    if overflow { throw call.failure("I115", "\(channels) · \(multiplier) channels can't be built") }
    let (kernel, bias) = try foldedVariables(
      call, builder, kernel: "depthwise_kernel", kernelShape: shape, channels: outputs)
    let weights = [
      "depthwise_kernel": WeightArray(values: kernel, shape: shape, location: call.location),
      "bias": WeightArray(values: bias, shape: [outputs], location: call.location),
    ]
    let y = try builder.convolveDepthwise(
      x, rank: 2, call, weights, kernel: "depthwise_kernel", usesBias: true,
      try quantization(call, ["depthwise", "bias"]))
    return [try builder.activate(y, call, dialect: .qkeras)]
  }

  /// inv · kernel and inv · (bias − mean) + β with inv = γ · rsqrt(variance + ε), in float32.
  ///
  /// - Parameters:
  ///   - channels: what is normalised, the last index of the kernel's elements.
  private static func foldedVariables(
    _ call: LayerCall, _ builder: GraphBuilder, kernel name: String = "kernel", kernelShape: [Int],
    channels: Int
  ) throws(CompilationFailed) -> (kernel: [Double], bias: [Double]) {
    let usesBias = try call.bool("use_bias", default: true)
    let normalisation = try BatchStatistics.names(call)
    let weights = try call.weights(
      [name] + (usesBias ? ["bias"] : []) + ["iteration"],
      inner: ("batchnorm", normalisation.trainable + normalisation.moving), builder)
    let statistics = try BatchStatistics(call, weights, channels: channels)
    let inverse = statistics.gamma.indices.map { channel in
      (1 / (statistics.variance[channel] + statistics.epsilon).squareRoot()) * statistics.gamma[channel]
    }
    let kernel = try weights.array(name, kernelShape).enumerated().map { i, value in
      Double(inverse[i % channels] * Float(value))
    }
    let bias =
      usesBias ? try weights.array("bias", [channels]).map(Float.init) : Array(repeating: 0, count: channels)
    let folded = bias.indices.map { channel in
      Double(inverse[channel] * (bias[channel] - statistics.mean[channel]) + statistics.beta[channel])
    }
    return (kernel, folded)
  }

  /// A batch normalisation whose four variables are quantized.
  private static func emitQBatchNormalization(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let axis = try normalizedAxis(call, rank: builder.rank(x))
    let channels = builder.shape(x)[axis]
    var statistics = try BatchStatistics(call, builder, channels: channels)
    func quantized(_ name: String, _ values: [Float], isFitted: Bool) throws(CompilationFailed) -> [Float] {
      guard let value = call.attribute("\(name)_quantizer") else { return values }
      let quantizer = try QKerasQuantizer(value)
      let weights = try (isFitted ? quantizer.onKernel : quantizer).weights(
        values.map(Double.init), shape: [channels])
      return weights.values.map(Float.init)
    }
    if try call.bool("scale", default: true) {
      statistics.gamma = try quantized("gamma", statistics.gamma, isFitted: true)
    }
    if try call.bool("center", default: true) {
      statistics.beta = try quantized("beta", statistics.beta, isFitted: false)
    }
    statistics.mean = try quantized("mean", statistics.mean, isFitted: false)
    statistics.variance = try quantized("variance", statistics.variance, isFitted: true)
    let (scale, shift) = statistics.scaleAndShift
    let result = try builder.onAxis(axis, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      try builder.affine(
        x, scale: Weights(real: scale.map(Double.init), shape: [channels]),
        shift: Weights(real: shift.map(Double.init), shape: [channels]), call)
    }
    return [try builder.activate(result, call, dialect: .qkeras)]
  }

  private static func emitQAveragePooling(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let windows = try builder.poolingWindows(call, rank: 2)
    let y = try quantizedAverage(call, windows, &builder, isGlobal: false)
    return [try builder.activate(y, call, dialect: .qkeras)]
  }

  private static func emitQGlobalAveragePooling(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let windows = try builder.globalWindows(call, rank: 2)
    let y = try builder.global(call, try quantizedAverage(call, windows, &builder, isGlobal: true))
    return [try builder.activate(y, call, dialect: .qkeras)]
  }

  /// An average whose factor 1 / area is quantized.
  private static func quantizedAverage(
    _ call: LayerCall, _ windows: Windows, _ builder: inout GraphBuilder, isGlobal: Bool
  ) throws(CompilationFailed) -> NodeID {
    let x = try call.input()
    guard let value = call.attribute("average_quantizer") else {
      return try builder.averagePool(x, windows, call, isGlobal: isGlobal)
    }
    guard windows.coverage.allSatisfy({ $0 == windows.count }) else {
      throw call.failure(
        "I114", "an 'average_quantizer' with windows that reach beyond the tensor is not supported")
    }
    let factor = try QKerasQuantizer(value).weights([Double(1 / Float(windows.count))], shape: [1])
    let sum = try builder.sumPool(x, windows, call)
    let channels = builder.shape(sum).last ?? 1
    let scale = factor.reordered(Array(repeating: 0, count: channels), shape: [channels])
    return try builder.affine(sum, scale: scale, call, isGlobal ? "average" : nil)
  }
}

extension GraphBuilder {
  /// A dense layer with the given variables, and its activation.
  mutating func dense(
    _ kernel: [Double], _ bias: [Double]?, _ call: LayerCall, _ convert: WeightConversion,
    dialect: QuantizerDialect
  ) throws(CompilationFailed) -> NodeID {
    let x = try call.input()
    let inputs = shape(x).last ?? 1
    let outputs = kernel.count / inputs
    let weights = try convert(LayerVariable(name: "kernel", values: kernel, shape: [inputs, outputs]))
    let shift = try bias.map { (values) throws(CompilationFailed) in
      try convert(LayerVariable(name: "bias", values: values, shape: [outputs]))
    }
    let linear = Linear(
      inputs: inputs, outputs: outputs, weights: weights.reshaped([1, inputs, outputs]),
      bias: shift.map { $0.reshaped([1, outputs]) })
    return try activate(try add(.linear(linear), [x], call), call, dialect: dialect)
  }
}
