import Diagnostics
import FixedPoint
import Graph

extension LayerImporter {
  static let normalizationLayers = [
    LayerImporter(
      ["BatchNormalization", "BatchNormalizationV1"], attributes: ["axis", "epsilon", "center", "scale"],
      emit: emitBatchNormalization),
    LayerImporter(
      ["Normalization"], attributes: ["axis", "mean", "variance", "invert"], emit: emitNormalization),
    LayerImporter(["Rescaling"], attributes: ["scale", "offset"], emit: emitRescaling),
  ]

  private static func emitBatchNormalization(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let axis = try normalizedAxis(call, rank: builder.rank(x))
    let channels = builder.shape(x)[axis]
    let statistics = try BatchStatistics(call, builder, channels: channels)
    let (scale, shift) = statistics.scaleAndShift
    let result = try builder.onAxis(axis, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      try builder.affine(
        x, scale: Weights(real: scale.map(Double.init), shape: [channels]),
        shift: Weights(real: shift.map(Double.init), shape: [channels]), call)
    }
    return [result]
  }

  /// The axis of a batch normalisation, spelled −1, [3] or {"axis": 3}.
  static func normalizedAxis(_ call: LayerCall, rank: Int) throws(CompilationFailed) -> Int {
    guard let value = call.attribute("axis") else { return rank - 1 }
    if value.array == nil { return try call.axis(value, rank: rank) }
    guard let first = value[0], value.array?.count == 1 else {
      throw value.failure("I114", "a normalisation over several axes is not supported")
    }
    return try call.axis(first, rank: rank)
  }

  /// (x − mean) / max(√variance, 1e-7), or the inverse of that, with numbers of the configuration, or of the weights where
  /// it has none.
  private static func emitNormalization(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let shape = builder.shape(x)
    var statisticsShape = Array(repeating: 1, count: shape.count)
    if let value = call.attribute("axis") {
      let axes = value.array.map { Array($0) } ?? [value]
      for element in axes {
        let axis = try call.axis(element, rank: shape.count)
        statisticsShape[axis] = shape[axis]
      }
    }
    var mean: [Float]
    var variance: [Float]
    if let means = call.attribute("mean"), let variances = call.attribute("variance") {
      mean = try means.flattenedNumbers().map(Float.init)
      variance = try variances.flattenedNumbers().map(Float.init)
    } else {
      let kept = statisticsShape.filter { $0 != 1 }
      let weights = try call.weights(["mean", "variance", "count"], builder)
      mean = try weights.array("mean", kept).map(Float.init)
      variance = try weights.array("variance", kept).map(Float.init)
    }
    let count = statisticsShape.elementCount
    guard mean.count == count, variance.count == count else {
      throw call.failure(
        "I109", "expected \(count) means and variances, found \(mean.count) and \(variance.count)")
    }
    if count != shape.last || statisticsShape.last != count {
      mean = mean.broadcast(statisticsShape, to: shape)
      variance = variance.broadcast(statisticsShape, to: shape)
    }
    let deviation = variance.map { max($0.squareRoot(), 1e-7) }
    let isInverse = try call.bool("invert", default: false)
    let scale = isInverse ? deviation : deviation.map { 1 / $0 }
    let shift = isInverse ? mean : zip(mean, scale).map { -$0 * $1 }
    return [
      try builder.affine(
        x, scale: Weights(real: scale.map(Double.init), shape: [scale.count]),
        shift: Weights(real: shift.map(Double.init), shape: [shift.count]), call)
    ]
  }

  private static func emitRescaling(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let channels = builder.shape(x).last ?? 1
    func numbers(_ name: String, _ fallback: Double) throws(CompilationFailed) -> [Double] {
      let values = try call.attribute(name)?.flattenedNumbers() ?? [fallback]
      if values.count == 1 { return Array(repeating: values[0], count: channels) }
      guard values.count == channels else {
        throw call.failure("I116", "'\(name)' has \(values.count) values for \(channels) channels")
      }
      return values
    }
    let scale = try numbers("scale", 1)
    let offset = try numbers("offset", 0)
    return [
      try builder.affine(
        x, scale: .coefficients(scale, shape: [channels]),
        shift: offset.allSatisfy { $0 == 0 } ? nil : .coefficients(offset, shape: [channels]), call)
    ]
  }
}

/// The variables of a batch normalisation, in the framework's float32.
struct BatchStatistics {
  var gamma: [Float]
  var beta: [Float]
  var mean: [Float]
  var variance: [Float]
  var epsilon: Float

  /// The variables of a layer that has no others.
  init(_ call: LayerCall, _ builder: GraphBuilder, channels: Int) throws(CompilationFailed) {
    let names = try BatchStatistics.names(call)
    try self.init(call, try call.weights(names.trainable + names.moving, builder), channels: channels)
  }

  /// The names of the variables that a layer has, by what training does with them.
  static func names(_ call: LayerCall) throws(CompilationFailed) -> (trainable: [String], moving: [String]) {
    let scale = try call.bool("scale", default: true)
    let center = try call.bool("center", default: true)
    return ((scale ? ["gamma"] : []) + (center ? ["beta"] : []), ["moving_mean", "moving_variance"])
  }

  init(_ call: LayerCall, _ weights: [String: WeightArray], channels: Int) throws(CompilationFailed) {
    func values(_ name: String, _ fallback: Float) throws(CompilationFailed) -> [Float] {
      if weights[name] == nil { return Array(repeating: fallback, count: channels) }
      return try weights.array(name, [channels]).map(Float.init)
    }
    gamma = try values("gamma", 1)
    beta = try values("beta", 0)
    mean = try weights.array("moving_mean", [channels]).map(Float.init)
    variance = try weights.array("moving_variance", [channels]).map(Float.init)
    epsilon = Float(try call.double("epsilon", default: 0.001))
    if let channel = variance.firstIndex(where: { !($0 + epsilon > 0) }) {
      throw call.failure("I107", "the variance of channel \(channel) is \(variance[channel])")
    }
  }

  /// γ / √(variance + ε) and β − mean · scale.
  var scaleAndShift: (scale: [Float], shift: [Float]) {
    let scale = gamma.indices.map { gamma[$0] / (variance[$0] + epsilon).squareRoot() }
    return (scale, scale.indices.map { beta[$0] - mean[$0] * scale[$0] })
  }
}

extension JSONValue {
  /// The numbers of an array of arrays in row-major order, or a single number.
  func flattenedNumbers() throws(CompilationFailed) -> [Double] {
    guard let array else {
      let number = try requireDouble()
      guard number.isFinite else { throw failure("I114", "expected a finite number, found \(number)") }
      return [number]
    }
    var result: [Double] = []
    for element in array { result += try element.flattenedNumbers() }
    return result
  }
}
