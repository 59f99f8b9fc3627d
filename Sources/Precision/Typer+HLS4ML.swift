import FixedPoint
import Foundation
import Graph

// What a configuration's `auto` makes of layers without tables, as hls4ml 1.3 infers it. Inferred types hold every exact
// result unless `maximum` limits them, so that sums stay exact here: only the declared type is kept for what follows.

extension Typer {
  /// A linear layer whose result is inferred.
  ///
  /// - Parameter model: the layer with the weights that the model has.
  mutating func hls4mlLinear(
    _ node: Node, model: Linear, _ typeSource: TypeSource, _ id: NodeID
  ) throws(WidthOverflow) -> NodeID {
    guard let inference = policy.inference(node), case .linear(var linear) = node.primitive else {
      return try append(node, typeSource)
    }
    let input = declaredType(node.operands[0])
    if node.layer.kind == "Average" { return try limited(append(node, typeSource), input, node, id) }
    if node.isInner { return try append(node, typeSource) }
    if model.weights.isBinary, node.hasBinaryWeights, linear.accumulator == nil {
      // hls4ml has no rule for weights of one bit: accumulator and result take the default.
      var node = node
      linear.accumulator = inference.standard
      node.primitive = .linear(linear)
      return try append(node, .configuration("Model.Precision.default"))
    }
    let weight = declaredWeights(model.weights, .weight, node)
    let bias = model.bias.map { declaredWeights($0, .bias, node) } ?? Typer.absentBias
    let type =
      node.layer.kind.hasSuffix("BatchNormalization")
      ? inference.scaled(input, scale: weight, bias: bias)
      : inference.weightedSum(input, weight: weight, bias: bias, terms: linear.inputs)
    guard inference.maximum != nil, linear.accumulator == nil,
      !node.layer.kind.hasSuffix("BatchNormalization")
    else { return try limited(append(node, typeSource), type, node, id) }
    // A limited accumulator may wrap and truncate.
    var node = node
    if try !exactType(of: node).fits(type) { linear.accumulator = type }
    node.primitive = .linear(linear)
    return try limited(append(node, .configuration("auto")), type, node, id)
  }

  /// Biases of layers without one.
  private static let absentBias = FixedType(width: 1, integerBits: 1, isSigned: false)

  private func exactType(of node: Node) throws(WidthOverflow) -> TensorType { try result.exactType(node) }

  /// The type that hls4ml gives weights: what they are converted into, or what covers the model's own integers.
  private func declaredWeights(_ weights: Weights, _ role: TypePolicy.Role, _ node: Node) -> FixedType {
    if let type = policy.configuration?.entry(role, of: node)?.type { return type }
    switch weights.storage {
    case .real(let values): return policy.weights(role, values, of: node).type
    case .exact(let raw, let exponent, _):
      return Format(Interval(Int128(raw.min() ?? 0), Int128(raw.max() ?? 0)), exponent: exponent).type
    }
  }

  /// Keeps an inferred type; converts into it where a `maximum` made it too small for the exact result.
  mutating func limited(_ exact: NodeID, _ type: FixedType, _ node: Node, _ id: NodeID) throws(WidthOverflow)
    -> NodeID
  {
    declaredTypes[exact] = type
    if isQuantizedNext(id) || result[exact].type?.fits(type) != false { return exact }
    return try convert(
      exact, to: TypePolicy.Decision(type: type, source: .configuration("auto")), name: "\(node.name)_result")
  }

  /// An elementwise layer whose result is inferred; nil for every other node.
  mutating func hls4mlMerge(_ node: Node, _ kind: Combination, _ id: NodeID) throws(WidthOverflow) -> NodeID?
  {
    guard let inference = policy.inference(node), node.layer.kind != "PReLU" else { return nil }
    let isInner = node.layer.kind == "Average"
    guard isInner || policy.isAutomatic(.result, of: node) else { return nil }
    var type = declaredType(node.operands[0])
    for operand in node.operands.dropFirst() {
      let other = declaredType(operand)
      switch kind {
      case .add: type = inference.sum(type, other)
      case .subtract: type = inference.sum(type, other, isDifference: true)
      case .multiply: type = inference.product(type, other)
      case .maximum, .minimum: type = inference.extreme(type, other)
      // hls4ml has none of these.
      case .less, .lessOrEqual, .equal, .notEqual, .select: return nil
      }
    }
    let exact = try append(node, .exact)
    if isInner {
      declaredTypes[exact] = type
      return exact
    }
    return try limited(exact, type, node, id)
  }

  mutating func hls4mlConcatenation(_ exact: NodeID, _ node: Node, _ id: NodeID) throws(WidthOverflow)
    -> NodeID
  {
    guard let inference = policy.inference(node), policy.isAutomatic(.result, of: node) else { return exact }
    var type = declaredType(node.operands[0])
    for operand in node.operands.dropFirst() {
      type = inference.concatenation(type, declaredType(operand))
    }
    return try limited(exact, type, node, id)
  }
}

// MARK: - Casts

extension Typer {
  /// The result of a layer of Keras 2 without activation: where it has a type of its own, hls4ml casts it by an activation
  /// `…_linear` that it puts behind.
  mutating func hls4mlCast(_ operand: NodeID, _ node: Node, _ id: NodeID) throws(WidthOverflow) -> NodeID {
    guard let inference = policy.inference(node), source.framework.hasPrefix("keras 2"),
      Typer.takesNormalisation.contains(node.hls4mlClass), node.name == node.layer.name,
      let said = policy.result(of: node), !isQuantizedNext(id),
      !consumers[id.index].contains(where: { source[$0].layer == node.layer })
    else { return operand }
    let name = "\(node.name)_linear"
    let scopes = [
      policy.configuration?.layerNames[name.lowercased()], policy.configuration?.layerTypes["activation"],
    ]
    let type = scopes.compactMap { $0?.type("result") }.first ?? nil
    let decision = TypePolicy.Decision(type: type ?? inference.standard, source: .configuration("auto"))
    return decision.type == said.type ? operand : try convert(operand, to: decision, name: name)
  }
}

// MARK: - Merged and scaled layers

extension Typer {
  /// A layer with real weights and an inferred result takes the batch normalisation behind it into its weights, in
  /// binary32, as hls4ml does.
  mutating func mergedNormalisation(_ linear: Linear, _ node: Node, _ id: NodeID) -> Linear {
    guard policy.isAutomatic(.result, of: node), Typer.takesNormalisation.contains(node.hls4mlClass),
      let next = normalisation(behind: id), case .linear(let scale) = source[next].primitive,
      case .real(let kernel) = linear.weights.storage, case .real(let factors) = scale.weights.storage,
      linear.outputs * linear.groups == factors.count || linear.outputs == factors.count && linear.groups == 1
    else { return linear }
    let bias = linear.bias?.values ?? Array(repeating: 0, count: factors.count)
    let shift = scale.bias?.values ?? Array(repeating: 0, count: factors.count)
    guard linear.bias.map({ !$0.isExact }) ?? true, bias.count == factors.count, shift.count == factors.count
    else { return linear }
    func product(_ a: Double, _ b: Double) -> Float { Float(a) * Float(b) }
    var result = linear
    result.weights = Weights(
      real: kernel.indices.map { i in
        let output = i / (linear.inputs * linear.outputs) * linear.outputs + i % linear.outputs
        return Double(product(factors[output], kernel[i]))
      }, shape: linear.weights.shape)
    result.bias = Weights(
      real: bias.indices.map { Double(product(factors[$0], bias[$0]) + Float(shift[$0])) },
      shape: [linear.groups, linear.outputs])
    merged.insert(next)
    return result
  }

  private static let takesNormalisation: Set<String> = [
    "Dense", "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D",
  ]

  /// The batch normalisation that alone reads a tensor.
  private func normalisation(behind id: NodeID) -> NodeID? {
    guard consumers[id.index].count == 1, !source.outputs.contains(where: { $0.node == id }) else {
      return nil
    }
    let next = consumers[id.index][0]
    guard source[next].layer.kind.hasSuffix("BatchNormalization"), case .linear = source[next].primitive
    else { return nil }
    return next
  }

  /// A quantized layer whose quantizer has factors: hls4ml computes it without them, and without its bias, and applies
  /// both in a layer behind, named `…_alpha`, which a batch normalisation takes in. Nil for every other layer.
  mutating func hls4mlScaled(_ linear: Linear, _ node: Node, _ id: NodeID) throws(WidthOverflow) -> NodeID? {
    guard let factors = linear.weights.factors, linear.groups == 1,
      let plain = linear.weights.withoutFactors, let inference = policy.inference(node)
    else { return nil }
    let scales = (0..<linear.outputs).map { factors[$0] }
    let bias = linear.bias?.values ?? Array(repeating: 0, count: linear.outputs)
    var node = node
    var unscaled = linear
    unscaled.weights = plain
    unscaled.bias = nil
    unscaled.accumulator = policy.accumulator(of: node)?.type
    node.primitive = .linear(unscaled)
    var sum = try append(node, policy.accumulator(of: node)?.source ?? .exact)
    let biasType = linear.bias.map { declaredWeights($0, .bias, node) } ?? Typer.absentBias
    let input = declaredType(node.operands[0])
    if let said = policy.result(of: node) {
      sum = try convert(sum, to: said, name: "\(node.name)_result")
    } else {
      let type = inference.weightedSum(
        input, weight: declaredWeights(plain, .weight, node), bias: biasType, terms: linear.inputs)
      sum = try limited(sum, type, node, id)
    }
    if let next = normalisation(behind: id), case .linear(let scale) = source[next].primitive,
      case .real(let after) = scale.weights.storage, after.count == linear.outputs
    {
      merged.insert(next)
      let shift = scale.bias?.values ?? Array(repeating: 0, count: after.count)
      return try normalised(
        sum, source[next], next,
        scales: after.indices.map { after[$0] * Double(Float(scales[$0].doubleValue)) },
        shift: after.indices.map { after[$0] * bias[$0] + shift[$0] })
    }
    return try alpha(sum, node, scales, bias: linear.bias, biasType, inference)
  }

  /// A batch normalisation with other numbers than the model's.
  private mutating func normalised(
    _ operand: NodeID, _ node: Node, _ id: NodeID, scales: [Double], shift: [Double]
  ) throws(WidthOverflow) -> NodeID {
    guard case .linear(let model) = node.primitive else { return operand }
    var node = node
    node.operands = [operand]
    var linear = model
    linear.weights = quantized(
      Weights(real: scales.map { Double(Float($0)) }, shape: linear.weights.shape), .weight, node)
    linear.bias = quantized(
      Weights(real: shift.map { Double(Float($0)) }, shape: [linear.groups, linear.outputs]), .bias, node)
    node.primitive = .linear(linear)
    if policy.isAutomatic(.result, of: node) {
      return try hls4mlLinear(node, model: model, .exact, id)
    }
    return try converted(append(node, .exact), node, id)
  }

  /// Factors that are powers of two become shifts, whose exponents have few bits, and the result takes the default; others
  /// are converted into the default themselves, and the result is inferred.
  private mutating func alpha(
    _ operand: NodeID, _ node: Node, _ scales: [Rational], bias: Weights?, _ biasType: FixedType,
    _ inference: HLS4MLInference
  ) throws(WidthOverflow) -> NodeID {
    let exponents = scales.map { $0.isPowerOfTwo ? Int($0.doubleValue.exponent) : nil }
    let channels = scales.count
    var linear = Linear(
      groups: channels, inputs: 1, outputs: 1,
      weights: Weights(raw: Array(repeating: 1, count: channels), exponent: 0, shape: [channels, 1, 1]))
    linear.bias = bias
    linear.bias?.shape = [channels, 1]
    let name = "\(node.name)_alpha"
    let isShift = exponents.allSatisfy { $0 != nil }
    let values: [Double]
    if isShift {
      // Signed exponents of one bit more than the largest has, at least two.
      let bits = max((exponents.compactMap { $0?.magnitude }.max() ?? 0) + 1, 2)
      let limit = 1 << (bits - 2)
      values = exponents.map { exponent in
        Double(sign: .plus, exponent: min(max(exponent ?? 0, -limit), limit - 1), significand: 1)
      }
    } else {
      values = scales.map { scale in
        let raw = inference.standard.convert(
          Double(Float(scale.doubleValue)).printed(decimals: inference.standard.fractionBits))
        return inference.standard.value(raw ?? 0)
      }
    }
    linear.weights = Weights(exactly: values, shape: [channels, 1, 1]) ?? linear.weights
    let scaled = try add(.linear(linear), [operand], name, node, source: .configuration("auto"))
    if isShift {
      return try convert(
        scaled, to: TypePolicy.Decision(type: inference.standard, source: .configuration("auto")),
        name: "\(name)_result")
    }
    declaredTypes[scaled] = inference.scaled(
      declaredType(operand), scale: inference.standard, bias: biasType)
    return scaled
  }
}

extension Node {
  /// Whether the framework's quantizers make weights of one bit where all are 1 or −1.
  fileprivate var hasBinaryWeights: Bool {
    layer.kind.hasPrefix("Q") || ["MatMul", "Gemm"].contains(layer.kind)
  }
}

extension Weights {
  fileprivate var isBinary: Bool { isExact && values.allSatisfy { $0.magnitude == 1 } }
}

extension TensorType {
  /// Whether a type holds every value exactly.
  func fits(_ type: FixedType) -> Bool {
    isUnscaled
      && formats.distinct.allSatisfy { format in
        let shift = format.exponent - type.exponent
        guard format.range != .zero else { return true }
        guard shift >= 0, let range = try? format.range.shifted(left: shift) else { return false }
        return type.reachableRange.contains(range)
      }
  }
}

extension Double {
  /// The number that its decimal text with so many decimals stands for.
  func printed(decimals: Int) -> Double { Double(String(format: "%.\(max(decimals, 0))f", self)) ?? self }
}
