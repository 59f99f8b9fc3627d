import Diagnostics
import FixedPoint
import Graph

extension LayerImporter {
  static let einsumAttributes = ["equation", "output_shape", "bias_axes", "activation"]

  static let contractionLayers = [
    LayerImporter(["Dot"], attributes: ["axes", "normalize"]) { (call, builder) throws(CompilationFailed) in
      [try builder.dot(try call.inputs(), call)]
    },
    LayerImporter(["EinsumDense"], attributes: einsumAttributes) {
      (call, builder) throws(CompilationFailed) in
      let hasBias = call.attribute("bias_axes") != nil
      let weights = try call.weights(hasBias ? ["kernel", "bias"] : ["kernel"], builder)
      let y = try builder.einsumDense(try call.input(), call, weights) {
        Weights(real: $0.values, shape: $0.shape)
      }
      return [try builder.activate(y, call)]
    },
    LayerImporter(
      ["Embedding"], attributes: ["input_dim", "output_dim", "input_length", "weights"],
      emit: emitEmbedding),
  ]

  private static func emitEmbedding(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    if try call.bool("mask_zero", default: false) {
      throw call.failure("I114", "'mask_zero' makes later layers skip time steps")
    }
    let shape = [try call.count("input_dim"), try call.count("output_dim")]
    let table = try call.weights(["embeddings"], builder).array("embeddings", shape)
    return [try builder.gather(x, Weights(real: table, shape: shape), call)]
  }
}

extension GraphBuilder {
  /// Rows of a table, picked by the elements of a tensor.
  ///
  /// - Throws: I115 for a table of more than 2^16 rows.
  mutating func gather(_ x: NodeID, _ table: Weights, _ call: some LayerSite, _ role: String? = nil)
    throws(CompilationFailed) -> NodeID
  {
    guard table.shape.count == 2, (1...1 << 16).contains(table.shape[0]), table.shape[1] > 0 else {
      throw call.failure("I115", "a table of shape \(table.shape) can't be built")
    }
    return try add(.gather(Gather(table: table)), [x], call, role)
  }

  /// Keras' batch dot product over one axis of each of two tensors.
  mutating func dot(_ inputs: [NodeID], _ call: LayerCall) throws(CompilationFailed) -> NodeID {
    guard inputs.count == 2 else {
      throw call.failure("I113", "expected two operands, found \(inputs.count)")
    }
    let value = try call.config.require("axes")
    let numbers = try value.array == nil ? [value.requireInt(), value.requireInt()] : value.requireInts()
    guard numbers.count == 2 else { throw value.failure("I114", "expected two axes, found \(numbers)") }
    var axes: [Int] = []
    for (number, x) in zip(numbers, inputs) {
      let axis = number < 0 ? number + rank(x) : number - 1
      guard axis >= 0, axis < rank(x) else {
        throw value.failure("I114", "axis \(number) is not one of the \(rank(x)) axes behind the batch")
      }
      axes.append(axis)
    }
    var operands = inputs
    if try call.bool("normalize", default: false) {
      let form = NormalizationForm(isCentred: false, isAveraged: false, epsilon: 0, least: 1e-12)
      for i in 0..<2 {
        operands[i] = try onAxis(axes[i], operands[i], call) {
          (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
          try builder.normalize(x, form, call, "normalized\(i)")
        }
      }
    }
    let left = (0..<rank(operands[0])).map { $0 == axes[0] ? 0 : 10 + $0 }
    let right = (0..<rank(operands[1])).map { $0 == axes[1] ? 0 : 20 + $0 }
    let result = left.filter { $0 != 0 } + right.filter { $0 != 0 }
    let y = try contract(operands[0], left, with: operands[1], right, result: result, call)
    return try result.isEmpty ? reshape(y, [1], call, "shaped") : y
  }

  /// A dense layer over the axes that an equation names, with a bias for some of the results' axes; without activation.
  mutating func einsumDense(
    _ x: NodeID, _ call: LayerCall, _ weights: [String: WeightArray], _ convert: WeightConversion
  ) throws(CompilationFailed) -> NodeID {
    let value = try call.config.require("equation")
    let text = try value.requireString()
    let sides = text.split(separator: ",", maxSplits: 1)
    let kernelTerm = sides.last?.split(separator: "-").first ?? ""
    guard let equation = EinsumEquation(text, ranks: [rank(x) + 1, kernelTerm.filter(\.isLetter).count]),
      let sample = equation.operands[0].first, equation.result.first == sample,
      !equation.operands[1].contains(sample)
    else { throw value.failure("I114", "'\(text)' does not keep the samples apart") }
    let labels = Array(equation.operands[0].dropFirst())
    let result = Array(equation.result.dropFirst())
    guard let kernel = weights["kernel"], kernel.shape.count == equation.operands[1].count else {
      throw call.failure("I109", "the kernel does not fit '\(text)'")
    }
    let matrix = try convert(LayerVariable(name: "kernel", values: kernel.values, shape: kernel.shape))
    return try biased(
      try contract(x, labels, with: matrix, equation.operands[1], result: result, call), labels: result, call,
      weights["bias"], convert)
  }

  /// Adds the bias of an einsum layer: one number for each index of the axes that `bias_axes` names.
  private mutating func biased(
    _ y: NodeID, labels: [Int], _ call: LayerCall, _ bias: WeightArray?, _ convert: WeightConversion
  ) throws(CompilationFailed) -> NodeID {
    guard let bias, let text = call.attribute("bias_axes")?.string else { return y }
    let wanted = text.unicodeScalars.map { Int($0.value) }
    let axes = labels.indices.filter { wanted.contains(labels[$0]) }
    let extents = axes.map { shape(y)[$0] }
    guard axes.count == wanted.count, bias.values.count == extents.elementCount else {
      throw call.failure("I109", "the bias of shape \(bias.shape) does not fit the axes '\(text)'")
    }
    let shift = try convert(LayerVariable(name: "bias", values: bias.values, shape: bias.shape))
    // Results of the product itself take the bias along.
    if case .linear(var linear) = graph[y].primitive, axes == Array((rank(y) - axes.count)..<rank(y)),
      axes.count == 1, linear.groups * linear.outputs == extents[0]
    {
      linear.bias = shift.reshaped([linear.groups, linear.outputs])
      replace(y, with: .linear(linear))
      return y
    }
    let count = extents.elementCount
    let ones = Weights(raw: Array(repeating: 1, count: count), exponent: 0, shape: [count])
    return try onAxes(axes, y, call) {
      (builder: inout GraphBuilder, y: NodeID) throws(CompilationFailed) -> NodeID in
      try builder.affine(y, scale: ones, shift: shift.reshaped([count]), call, "biased")
    }
  }
}
