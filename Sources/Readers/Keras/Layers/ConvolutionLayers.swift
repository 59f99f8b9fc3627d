import Diagnostics
import FixedPoint
import Graph

extension LayerImporter {
  static let convolutionAttributes = [
    "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups", "activation",
    "use_bias",
  ]
  static let depthwiseAttributes = [
    "depth_multiplier", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation",
    "use_bias",
    // Written by Keras 2's depthwise layers, which inherit them from Conv.
    "filters", "groups",
  ]

  static let convolutionLayers =
    [1, 2, 3].map { rank in
      LayerImporter(["Conv\(rank)D"], attributes: convolutionAttributes) {
        (call, builder) throws(CompilationFailed) in
        let y = try builder.convolve(try call.input(), rank: rank, call) {
          Weights(real: $0.values, shape: $0.shape)
        }
        return [try builder.activate(y, call)]
      }
    }
    + [1, 2].map { rank in
      LayerImporter(["DepthwiseConv\(rank)D"], attributes: depthwiseAttributes) {
        (call, builder) throws(CompilationFailed) in
        let y = try builder.convolveDepthwise(try call.input(), rank: rank, call) {
          Weights(real: $0.values, shape: $0.shape)
        }
        return [try builder.activate(y, call)]
      }
    }
    + [1, 2].map { rank in
      LayerImporter(["SeparableConv\(rank)D"], attributes: depthwiseAttributes) {
        (call, builder) throws(CompilationFailed) in
        let y = try builder.convolveSeparable(try call.input(), rank: rank, call) {
          Weights(real: $0.values, shape: $0.shape)
        }
        return [try builder.activate(y, call)]
      }
    }
}

/// A variable on its way into the graph: its name and values in the framework's shape.
struct LayerVariable: Sendable {
  var name: String
  var values: [Double]
  var shape: [Int]
}

/// How a layer's variables become weights: as they are, or through the layer's quantizers.
typealias WeightConversion = (LayerVariable) throws(CompilationFailed) -> Weights

extension GraphBuilder {
  /// A convolution with an optional bias, without activation.
  mutating func convolve(_ x: NodeID, rank: Int, _ call: LayerCall, _ convert: WeightConversion)
    throws(CompilationFailed) -> NodeID
  {
    let usesBias = try call.bool("use_bias", default: true)
    let weights = try call.weights(usesBias ? ["kernel", "bias"] : ["kernel"], self)
    return try convolve(x, rank: rank, call, weights, usesBias: usesBias, convert)
  }

  mutating func convolve(
    _ x: NodeID, rank: Int, _ call: LayerCall, _ weights: [String: WeightArray], usesBias: Bool,
    _ convert: WeightConversion
  ) throws(CompilationFailed) -> NodeID {
    let shape = shape(x)
    let windows = try Windows(
      call, shape: shape, rank: rank, kernel: "kernel_size",
      paddings: rank == 1 ? ["valid", "same", "causal"] : ["valid", "same"])
    let channels = shape.last ?? 1
    let filters = try call.count("filters")
    let groups = try call.count("groups", default: 1)
    guard channels % groups == 0, filters % groups == 0 else {
      throw call.failure("I114", "\(groups) groups do not divide \(channels) channels and \(filters) filters")
    }
    let kernelShape = windows.kernel + [channels / groups, filters]
    let kernel = try convert(
      LayerVariable(name: "kernel", values: try weights.array("kernel", kernelShape), shape: kernelShape))
    let bias =
      usesBias
      ? try convert(
        LayerVariable(name: "bias", values: try weights.array("bias", [filters]), shape: [filters])) : nil
    let operand = try self.windows(x, windows, groups: groups, call)
    let inputs = windows.count * channels / groups
    let outputs = filters / groups
    // Keras's kernel is [window, channel, group · output]; ours has the group first.
    let order = (0..<groups).flatMap { g in
      (0..<inputs).flatMap { k in (0..<outputs).map { n in k * filters + g * outputs + n } }
    }
    let linear = Linear(
      groups: groups, inputs: inputs, outputs: outputs,
      weights: kernel.reordered(order, shape: [groups, inputs, outputs]),
      bias: bias.map { $0.reshaped([groups, outputs]) })
    return try add(.linear(linear), [operand], call)
  }

  /// A depthwise convolution with an optional bias, without activation.
  mutating func convolveDepthwise(_ x: NodeID, rank: Int, _ call: LayerCall, _ convert: WeightConversion)
    throws(CompilationFailed) -> NodeID
  {
    let usesBias = try call.bool("use_bias", default: true)
    // Keras 3 calls the kernel of a depthwise convolution `kernel`, Keras 2 `depthwise_kernel`.
    let kernel = generation == 2 ? "depthwise_kernel" : "kernel"
    let weights = try call.weights(usesBias ? [kernel, "bias"] : [kernel], self)
    return try convolveDepthwise(x, rank: rank, call, weights, kernel: kernel, usesBias: usesBias, convert)
  }

  mutating func convolveDepthwise(
    _ x: NodeID, rank: Int, _ call: LayerCall, _ weights: [String: WeightArray], kernel name: String,
    usesBias: Bool,
    role: String? = nil, _ convert: WeightConversion
  ) throws(CompilationFailed) -> NodeID {
    let shape = shape(x)
    let windows = try Windows(call, shape: shape, rank: rank, kernel: "kernel_size")
    let channels = shape.last ?? 1
    let multiplier = try call.count("depth_multiplier", default: 1)
    let (outputs, overflow) = channels.multipliedReportingOverflow(by: multiplier)
    guard !overflow else { throw call.failure("I115", "\(channels) · \(multiplier) channels can't be built") }
    let kernelShape = windows.kernel + [channels, multiplier]
    let kernel = try convert(
      LayerVariable(name: "depthwise", values: try weights.array(name, kernelShape), shape: kernelShape))
    let bias =
      usesBias
      ? try convert(
        LayerVariable(name: "bias", values: try weights.array("bias", [outputs]), shape: [outputs])) : nil
    let operand = try channelWindows(x, windows, padding: .zero, call)
    let flat = try reshape(operand, windows.outputs + [channels * windows.count], call, "groups")
    let order = (0..<channels).flatMap { c in
      (0..<windows.count).flatMap { k in (0..<multiplier).map { m in (k * channels + c) * multiplier + m } }
    }
    let linear = Linear(
      groups: channels, inputs: windows.count, outputs: multiplier,
      weights: kernel.reordered(order, shape: [channels, windows.count, multiplier]),
      bias: bias.map { $0.reshaped([channels, multiplier]) })
    return try add(.linear(linear), [flat], call, role)
  }

  /// A depthwise convolution and a pointwise one behind it, without activation.
  mutating func convolveSeparable(_ x: NodeID, rank: Int, _ call: LayerCall, _ convert: WeightConversion)
    throws(CompilationFailed) -> NodeID
  {
    let usesBias = try call.bool("use_bias", default: true)
    let names = ["depthwise_kernel", "pointwise_kernel"] + (usesBias ? ["bias"] : [])
    let weights = try call.weights(names, self)
    let spread = try convolveDepthwise(
      x, rank: rank, call, weights, kernel: "depthwise_kernel", usesBias: false, role: "depthwise", convert)
    let channels = shape(spread).last ?? 1
    let filters = try call.count("filters")
    let shape = Array(repeating: 1, count: rank) + [channels, filters]
    let kernel = try convert(
      LayerVariable(name: "pointwise", values: try weights.array("pointwise_kernel", shape), shape: shape))
    let bias =
      usesBias
      ? try convert(
        LayerVariable(name: "bias", values: try weights.array("bias", [filters]), shape: [filters])) : nil
    let linear = Linear(
      inputs: channels, outputs: filters, weights: kernel.reshaped([1, channels, filters]),
      bias: bias.map { $0.reshaped([1, filters]) })
    return try add(.linear(linear), [spread], call)
  }
}

extension Weights {
  /// The same values in the same order, in another shape.
  func reshaped(_ shape: [Int]) -> Weights {
    var result = self
    result.shape = shape
    return result
  }

  /// The values with element i taken from `order[i]`.
  func reordered(_ order: [Int], shape: [Int]) -> Weights {
    if order.count == count, order.indices.allSatisfy({ order[$0] == $0 }) { return reshaped(shape) }
    switch storage {
    case .real(let values): return Weights(real: order.map { values[$0] }, shape: shape)
    case .exact(let raw, let exponent, let scales):
      func reordered(_ scales: PerElement<Rational>) -> PerElement<Rational> {
        scales.uniform.map { PerElement(repeating: $0, count: order.count) }
          ?? PerElement(order.map { scales[$0] })
      }
      var result = Weights(
        raw: order.map { raw[$0] }, exponent: exponent, shape: shape, scales: reordered(scales))
      result.factors = factors.map(reordered)
      return result
    }
  }
}
