import Diagnostics
import FixedPoint
import Functions
import Graph

extension LayerImporter {
  static let activationLayers = [
    LayerImporter(["Activation"], attributes: ["activation"], emit: emitActivation),
    LayerImporter(
      ["ReLU", "LeakyReLU", "ELU", "ThresholdedReLU"],
      attributes: ["max_value", "negative_slope", "threshold", "alpha", "theta"], emit: emitRectifier),
    LayerImporter(["PReLU"], attributes: ["shared_axes"], emit: emitPReLU),
    LayerImporter(["Softmax"], attributes: ["axis"], emit: emitSoftmax),
  ]

  private static func emitActivation(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let value = try call.config.require("activation")
    return [try builder.activate(try call.input(), value, call, isLayer: true, dialect: .keras)]
  }

  private static func emitRectifier(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    guard let activation = try Activation(kind: call.layer.kind, config: call.config) else {
      throw call.failure("I117", "the kind is not supported")
    }
    return [try builder.apply(activation, try call.input(), call, role: nil)]
  }

  private static func emitSoftmax(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    var axis = -1
    if let value = call.attribute("axis") {
      let axes = try value.array == nil ? [value.requireInt()] : value.requireInts()
      guard axes.count == 1 else {
        throw value.failure("I114", "a softmax over \(axes.count) axes is not supported")
      }
      axis = axes[0]
    }
    return [try builder.apply(.softmax(axis: axis, logarithm: false), x, call, role: nil)]
  }

  /// max(x, 0) + alpha · min(x, 0), with a learnt alpha for each element.
  private static func emitPReLU(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let shape = builder.shape(x)
    var slopeShape = shape
    for value in try call.attribute("shared_axes")?.requireInts() ?? [] {
      let axis = value < 0 ? value + shape.count : value - 1
      guard shape.indices.contains(axis) else {
        throw call.failure("I114", "there is no axis \(value) to share")
      }
      slopeShape[axis] = 1
    }
    let slopes = try call.weights(["alpha"], builder).array("alpha", slopeShape)
    if let slope = slopes.first, slopes.allSatisfy({ $0 == slope }) {
      return [try builder.apply(.rectifier(negativeSlope: slope), x, call, role: nil)]
    }
    let positive = try builder.apply(.relu, x, call, role: "positive")
    let negative = try builder.combine(.subtract, [x, positive], call, "negative")
    // As many slopes as channels may also stand along another axis.
    let isPerChannel = slopeShape.last == shape.last && slopes.count == shape.last
    let values = isPerChannel ? slopes : slopes.broadcast(slopeShape, to: shape)
    let scaled = try builder.affine(
      negative, scale: Weights(real: values, shape: [values.count]), call, "scaled")
    return [try builder.combine(.add, [positive, scaled], call)]
  }
}

extension Array {
  /// The elements of a tensor of one shape seen in a larger one by numpy's rule.
  ///
  /// - Requires: the shapes fit.
  func broadcast(_ shape: [Int], to target: [Int]) -> [Element] {
    if shape == target { return self }
    return Rearrangement.view(.broadcast(shape, to: target)).sources([shape]).compactMap { source in
      if case .element(_, let index) = source { self[index] } else { nil }
    }
  }
}
