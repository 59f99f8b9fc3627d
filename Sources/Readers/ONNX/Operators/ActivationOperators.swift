import Diagnostics
import FixedPoint
import Functions
import Graph

extension ONNXOperator {
  static let activationOperators =
    [
      ("Relu", Function.relu(maximum: nil, negativeSlope: 0, threshold: 0)), ("Sigmoid", .sigmoid),
      ("Tanh", .tanh), ("Softplus", .softplus), ("Softsign", .softsign), ("Erf", .erf), ("Exp", .exp),
      ("Log", .log), ("Sqrt", .sqrt), ("Reciprocal", .reciprocal), ("Sign", .sign),
      ("Mish", .mish), ("HardSwish", .hardSilu), ("Sin", .sin), ("Cos", .cos), ("Atan", .atan),
      ("Sinh", .sinh), ("Cosh", .cosh),
    ].map { kind, function in
      ONNXOperator([kind]) { (call, builder) throws(CompilationFailed) in
        try map(function, call, &builder)
      }
    } + [
      ONNXOperator(["LeakyRelu"], attributes: ["alpha"]) { (call, builder) throws(CompilationFailed) in
        let alpha = try call.float("alpha", default: Double(Float(0.01)))
        return try map(.relu(maximum: nil, negativeSlope: alpha, threshold: 0), call, &builder)
      },
      ONNXOperator(["ThresholdedRelu"], attributes: ["alpha"]) { (call, builder) throws(CompilationFailed) in
        let alpha = try call.float("alpha", default: 1)
        return try map(.relu(maximum: nil, negativeSlope: 0, threshold: alpha), call, &builder)
      },
      ONNXOperator(["Elu"], attributes: ["alpha"]) { (call, builder) throws(CompilationFailed) in
        try map(.elu(alpha: try call.float("alpha", default: 1)), call, &builder)
      },
      ONNXOperator(["Celu"], attributes: ["alpha"]) { (call, builder) throws(CompilationFailed) in
        let alpha = try call.float("alpha", default: 1)
        if alpha == 0 { throw call.failure("I408", "'alpha' is 0") }
        return try map(.celu(alpha: alpha), call, &builder)
      },
      ONNXOperator(["Selu"], attributes: ["alpha", "gamma"]) { (call, builder) throws(CompilationFailed) in
        guard Float(try call.float("alpha", default: 1.6732632)) == 1.6732632,
          Float(try call.float("gamma", default: 1.050701)) == 1.050701
        else { throw call.failure("I408", "expected the standard's 'alpha' and 'gamma'") }
        return try map(.selu, call, &builder)
      },
      ONNXOperator(["HardSigmoid"], attributes: ["alpha", "beta"]) {
        (call, builder) throws(CompilationFailed) in
        let slope = try call.float("alpha", default: Double(Float(0.2)))
        let offset = try call.float("beta", default: 0.5)
        if call.constants == nil, let y = try builder.exactRamp(call, slope, offset) { return [.tensor(y)] }
        return try map(.hardSigmoid(slope: slope, offset: offset), call, &builder)
      },
      ONNXOperator(["Gelu"], attributes: ["approximate"]) { (call, builder) throws(CompilationFailed) in
        try map(.gelu(approximate: call.text("approximate", default: "none") == "tanh"), call, &builder)
      },
      ONNXOperator(["Swish"], attributes: ["alpha"]) { (call, builder) throws(CompilationFailed) in
        guard try call.float("alpha", default: 1) == 1 else { throw call.failure("I408", "'alpha' is not 1") }
        return try map(.silu, call, &builder)
      },
      ONNXOperator(["Abs"]) { (call, builder) throws(CompilationFailed) in
        if let folded = try call.folded({ $0[0].magnitude }) { return [folded] }
        return [.tensor(try builder.magnitude(try call.tensor(0, &builder), call, nil))]
      },
      ONNXOperator(["Shrink"], attributes: ["lambd", "bias"], emit: emitShrink),
      ONNXOperator(["PRelu"], emit: emitPRelu),
      ONNXOperator(["Clip"], attributes: ["min", "max", "consumed_inputs"], emit: emitClip),
      ONNXOperator(["Softmax"], attributes: ["axis"]) { (call, builder) throws(CompilationFailed) in
        try softmax(call, &builder, logarithm: false)
      },
      ONNXOperator(["LogSoftmax"], attributes: ["axis"]) { (call, builder) throws(CompilationFailed) in
        try softmax(call, &builder, logarithm: true)
      },
      ONNXOperator(
        ["BatchNormalization"], attributes: ["epsilon", "momentum", "spatial", "training_mode", "is_test"],
        emit: emitBatchNormalization),
    ]

  private static func map(_ function: Function, _ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if let folded = try call.folded({ function.value($0[0]) }) { return [folded] }
    return [.tensor(try builder.add(.map(Map(function)), [try call.tensor(0, &builder)], call))]
  }

  /// x moved toward 0 by the bias where it is beyond the threshold, else 0.
  private static func emitShrink(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let threshold = try call.float("lambd", default: 0.5)
    let bias = try call.float("bias", default: 0)
    if let folded = try call.folded({
      $0[0] > threshold ? $0[0] - bias : $0[0] < -threshold ? $0[0] + bias : 0
    }) {
      return [folded]
    }
    return [.tensor(try builder.shrink(try call.tensor(0, &builder), threshold: threshold, bias: bias, call))]
  }

  /// max(x, 0) + slope · min(x, 0).
  private static func emitPRelu(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.tensor(0, &builder)
    let slopes = try call.perSample(try call.requireConstant(1), rank: call.fullRank(x, builder))
    if let slope = slopes.uniform {
      return [
        .tensor(
          try builder.add(
            .map(Map(.relu(maximum: nil, negativeSlope: slope, threshold: 0))), [x], call))
      ]
    }
    let rectifier = Function.relu(maximum: nil, negativeSlope: 0, threshold: 0)
    let positive = try builder.add(.map(Map(rectifier)), [x], call, "positive")
    let negative = try builder.combine(.subtract, [x, positive], call, "negative")
    let weights = slopes.weights(isQuantizedModel: call.context.isQuantized)
    let scaled = try builder.affine(negative, scale: weights, shift: nil, broadcast: call)
    return [.tensor(try builder.combine(.add, [positive, scaled], call, "sum"))]
  }

  private static func emitClip(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    func bound(_ name: String, _ index: Int) throws(CompilationFailed) -> Double? {
      if let attribute = call.attributes[name] { return Double(attribute.f) }
      guard let constant = try call.constant(index) else { return nil }
      guard let value = constant.uniform, !value.isNaN else {
        throw call.failure("I408", "expected one number as operand \(index + 1)")
      }
      return value
    }
    // The largest float stands for no bound.
    let limit = Double(Float.greatestFiniteMagnitude)
    let lower = try bound("min", 1).flatMap { $0 <= -limit ? nil : $0 }
    let upper = try bound("max", 2).flatMap { $0 >= limit ? nil : $0 }
    if case .integers(let integers)? = call.operand(0) {
      return [.integers(try integers.clipped(lower, upper, call))]
    }
    if let constants = call.constants {
      let low = lower ?? -.infinity
      let high = upper ?? .infinity
      var result = constants[0]
      result.values = result.values.map { min(max($0, low), high) }
      if result.values != constants[0].values { result.quantized = nil }
      return [.constant(result)]
    }
    var x = try call.tensor(0, &builder)
    if lower == 0, upper ?? 1 > 0 {
      let function = Function.relu(maximum: upper, negativeSlope: 0, threshold: 0)
      return [.tensor(try builder.add(.map(Map(function)), [x], call))]
    }
    if let lower {
      let constant = try builder.constant(lower, shape: builder.shape(x), call, "lower")
      x = try builder.combine(.maximum, [x, constant], call, upper == nil ? nil : "maximum")
    }
    if let upper {
      let constant = try builder.constant(upper, shape: builder.shape(x), call, "upper")
      x = try builder.combine(.minimum, [x, constant], call)
    }
    return [.tensor(x)]
  }

  private static func softmax(_ call: ONNXCall, _ builder: inout GraphBuilder, logarithm: Bool)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.tensor(0, &builder)
    let rank = call.fullRank(x, builder)
    let isOld = call.context.opset < 13
    let axis = try call.sampleAxis(call.int("axis", default: isOld ? 1 : -1), rank: rank)
    guard isOld, axis != builder.rank(x) - 1 else {
      return [.tensor(try builder.softmax(x, axis: axis, logarithm: logarithm, call))]
    }
    // Up to operator set 12 all axes from that one on are one.
    let shape = builder.shape(x)
    let flat = try builder.reshape(
      x, Array(shape[..<axis]) + [shape[axis...].reduce(1, *)], call, "flat")
    let y = try builder.softmax(flat, axis: axis, logarithm: logarithm, call, "softmax")
    return [.tensor(try builder.reshape(y, shape, call))]
  }

  private static func emitBatchNormalization(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.sample(0, &builder)
    if call.flag("training_mode") { throw call.failure("I408", "is in training mode") }
    let channels = builder.shape(x)[0]
    var parts: [[Float]] = []
    for index in 1...4 {
      let constant = try call.requireConstant(index)
      guard constant.shape == [channels] else {
        throw call.failure(
          "I409", "operand \(index + 1) has the shape \(constant.shape), expected [\(channels)]")
      }
      parts.append(constant.values.map(Float.init))
    }
    let epsilon = Float(try call.float("epsilon", default: Double(Float(1e-5))))
    let scale = zip(parts[0], parts[3]).map { $0 / ($1 + epsilon).squareRoot() }
    let shift = (0..<channels).map { parts[1][$0] - parts[2][$0] * scale[$0] }
    guard (scale + shift).allSatisfy(\.isFinite) else {
      throw call.failure("I408", "has a variance that is not positive")
    }
    func weights(_ values: [Float]) -> Weights {
      ONNXConstant(shape: [channels], values: values.map(Double.init), isInteger: false)
        .weights(isQuantizedModel: call.context.isQuantized)
    }
    let short = call.context.isQuantized ? builder.shortened(x, factors: scale, offsets: shift) : nil
    let result = try builder.onAxis(0, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      try builder.affine(
        x, scale: short?.scale ?? weights(scale), shift: short?.shift ?? weights(shift), call)
    }
    return [try call.result(result, &builder)]
  }
}

extension GraphBuilder {
  /// clip(slope · x + offset, 0, 1) for short binary fractions, which a clipped line gives exactly; nil for others.
  fileprivate mutating func exactRamp(_ call: ONNXCall, _ slope: Double, _ offset: Double)
    throws(CompilationFailed) -> NodeID?
  {
    let x = try call.tensor(0, &self)
    let count = shape(x).last ?? 1
    let scale = Weights.coefficients(slope, channels: count)
    let shift = Weights.coefficients(offset, channels: count)
    guard scale.isExact, shift.isExact else { return nil }
    let line = try affine(x, scale: scale, shift: shift, call, "line")
    return try add(.map(Map(.relu(maximum: 1, negativeSlope: 0, threshold: 0))), [line], call)
  }
}
