import Diagnostics
import FixedPoint
import Functions
import Graph

extension ONNXOperator {
  static let arithmeticOperators = [
    ONNXOperator(["Add"], attributes: ["axis", "broadcast"]) { (call, builder) throws(CompilationFailed) in
      [try add(call, &builder, isNegated: false)]
    },
    ONNXOperator(["Sub"], attributes: ["axis", "broadcast"]) { (call, builder) throws(CompilationFailed) in
      [try add(call, &builder, isNegated: true)]
    },
    ONNXOperator(["Mul"], attributes: ["axis", "broadcast"], emit: emitMultiply),
    ONNXOperator(["Div"], attributes: ["axis", "broadcast"], emit: emitDivide),
    ONNXOperator(["Pow"], emit: emitPower),
    ONNXOperator(["Mod"], attributes: ["fmod"], emit: emitModulo),
    ONNXOperator(["Neg"]) { (call, builder) throws(CompilationFailed) in
      if let folded = try call.folded({ -$0[0] }) { return [folded] }
      return [.tensor(try builder.affine(try call.tensor(0, &builder), factor: Rational(-1), call))]
    },
    nary("Max", .maximum) { max($0, $1) }, nary("Min", .minimum) { min($0, $1) },
    nary("Sum", .add) { $0 + $1 },
    ONNXOperator(["Mean"]) { (call, builder) throws(CompilationFailed) in
      let count = call.operands.count
      let sum = try combineAll(.add, call, &builder, "sum")
      return [.tensor(try builder.affine(sum, factor: Rational(1, Int128(max(count, 1))), call))]
    },
  ]

  private static func nary(
    _ kind: String, _ combination: Combination, _ fold: @escaping @Sendable (Double, Double) -> Double
  ) -> ONNXOperator {
    ONNXOperator([kind]) { (call, builder) throws(CompilationFailed) in
      if let folded = try call.folded({ $0.dropFirst().reduce($0[0], fold) }) { return [folded] }
      if call.operands.count == 1 { return [try call.firstOperand] }
      return [.tensor(try combineAll(combination, call, &builder, nil))]
    }
  }

  private static func combineAll(
    _ combination: Combination, _ call: ONNXCall, _ builder: inout GraphBuilder, _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    try builder.combine(combination, try call.aligned(&builder), call, role)
  }

  /// x + y or x − y.
  private static func add(_ call: ONNXCall, _ builder: inout GraphBuilder, isNegated: Bool)
    throws(CompilationFailed) -> ONNXValue
  {
    if let folded = try call.folded(arity: 2, { isNegated ? $0[0] - $0[1] : $0[0] + $0[1] }) { return folded }
    guard let (x, constant, isSecond) = call.tensorAndConstant else {
      return .tensor(
        try builder.combine(isNegated ? .subtract : .add, try call.aligned(&builder), call))
    }
    let rank = call.fullRank(x, builder)
    let local = try call.perSample(constant, rank: rank)
    if isNegated && isSecond, let wrapped = try builder.signedWrap(x, minus: local, call) {
      return .tensor(wrapped)
    }
    var shift = local.weights(isQuantizedModel: call.context.isQuantized)
    if isNegated && isSecond { shift = shift.negated }
    let isMirrored = isNegated && !isSecond
    if !isMirrored, call.isOnlyReader[isSecond ? 0 : 1], try builder.fuseBias(x, shift) {
      return .tensor(x)
    }
    return .tensor(
      try builder.affine(
        x, scale: Weights(raw: [isMirrored ? -1 : 1], exponent: 0, shape: []), shift: shift,
        broadcast: call))
  }

  private static func emitMultiply(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if let folded = try call.folded(arity: 2, { $0[0] * $0[1] }) { return [folded] }
    guard let (x, constant, isSecond) = call.tensorAndConstant else {
      return [.tensor(try builder.combine(.multiply, try call.aligned(&builder), call))]
    }
    let local = try call.perSample(constant, rank: call.fullRank(x, builder))
    if call.isOnlyReader[isSecond ? 0 : 1], builder.fuseMask(x, local) { return [.tensor(x)] }
    let scale = local.weights(isQuantizedModel: call.context.isQuantized)
    return [.tensor(try builder.affine(x, scale: scale, shift: nil, broadcast: call))]
  }

  private static func emitDivide(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if let constants = call.constants, constants.count == 2, constants.allSatisfy(\.isInteger) {
      guard !constants[1].values.contains(0) else { throw call.failure("I408", "divides by 0") }
      if let folded = try call.folded(arity: 2, { ($0[0] / $0[1]).rounded(.towardZero) }) { return [folded] }
    }
    if let folded = try call.folded(arity: 2, { $0[0] / $0[1] }) { return [folded] }
    if let (x, constant, isSecond) = call.tensorAndConstant, isSecond {
      let local = try call.perSample(constant, rank: call.fullRank(x, builder))
      guard let scale = local.reciprocals(isQuantizedModel: call.context.isQuantized) else {
        throw call.failure("I408", "divides by 0 or by numbers that are not finite")
      }
      return [.tensor(try builder.affine(x, scale: scale, shift: nil, broadcast: call))]
    }
    let divisor = try call.tensor(1, &builder)
    let inverse = try builder.add(.map(Map(.reciprocal)), [divisor], call, "reciprocal")
    if case .constant(let constant)? = call.operand(0) {
      let local = try call.perSample(constant, rank: call.fullRank(inverse, builder))
      let scale = local.weights(isQuantizedModel: call.context.isQuantized)
      return [.tensor(try builder.affine(inverse, scale: scale, shift: nil, broadcast: call))]
    }
    return [.tensor(try builder.combine(.multiply, [try call.tensor(0, &builder), inverse], call))]
  }

  private static func emitPower(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if let folded = try call.folded(arity: 2, { $0[0].power($0[1]) }) { return [folded] }
    let x = try call.tensor(0, &builder)
    guard let exponent = try call.requireConstant(1).uniform else {
      throw call.failure("I408", "expected one number as exponent")
    }
    // Roots of roots, for exponents that are multiples of a quarter.
    switch exponent {
    case 0.25, 0.75:
      let root = try builder.add(.map(Map(.sqrt)), [x], call, "root")
      if exponent == 0.25 { return [.tensor(try builder.add(.map(Map(.sqrt)), [root], call))] }
      let quarter = try builder.add(.map(Map(.sqrt)), [root], call, "quarter")
      return [.tensor(try builder.add(.combine(.multiply), [root, quarter], call))]
    case 1.5:
      let root = try builder.add(.map(Map(.sqrt)), [x], call, "root")
      return [.tensor(try builder.add(.combine(.multiply), [x, root], call))]
    default: return [.tensor(try builder.power(x, exponent, call))]
    }
  }

  /// The remainder of numbers that are never negative by a power of two: a conversion that wraps.
  private static func emitModulo(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if let constants = call.constants, constants.count == 2, !constants[1].values.contains(0),
      let folded = try call.folded(arity: 2, { $0[0].truncatingRemainder(dividingBy: $0[1]) })
    {
      return [folded]
    }
    let x = try call.tensor(0, &builder)
    let shape = builder.shape(x)
    let moduli = try call.perSample(try call.requireConstant(1), rank: call.fullRank(x, builder))
    guard let moduli = moduli.broadcast(to: shape) else {
      throw call.failure("I409", "a modulus of shape \(moduli.shape) does not fit \(shape)")
    }
    guard let operand = builder.exactType(of: x),
      operand.formats.distinct.allSatisfy({ $0.range.lower >= 0 })
    else {
      throw call.failure(
        "I408", "takes a remainder of numbers that may be negative",
        notes: ["a quantizer and an offset before it must keep them from 0 on"])
    }
    var types: [FixedType] = []
    for (i, modulus) in moduli.values.enumerated() {
      let unit = operand.unit(i)
      guard unit.factor == .one, let part = modulus.integerSignificand, part.significand == 1 else {
        throw call.failure("I408", "takes a remainder by \(modulus), expected a power of two")
      }
      let width = max(part.exponent - unit.exponent, 0)
      guard width <= FixedType.maximumWidth else {
        throw call.failure("I408", "takes a remainder of \(width) bits")
      }
      types.append(FixedType(width: width, integerBits: width + unit.exponent, isSigned: false))
    }
    return [.tensor(try builder.add(.quantize(.fixed(PerElement(types))), [x], call))]
  }
}

extension Double {
  fileprivate func power(_ exponent: Double) -> Double {
    switch exponent {
    case 0.5: squareRoot()
    case 1: self
    case 2: self * self
    case -1: 1 / self
    default: Double.nan
    }
  }
}

extension Weights {
  var negated: Weights {
    switch storage {
    case .real(let values): Weights(real: values.map { -$0 }, shape: shape)
    case .exact(let raw, let exponent, let scales):
      Weights(raw: raw.map { -$0 }, exponent: exponent, shape: shape, scales: scales)
    }
  }
}

extension ONNXConstant {
  /// 1 / x, exactly where the model is quantized or x is short; nil where x is 0 or not finite.
  func reciprocals(isQuantizedModel: Bool) -> Weights? {
    guard values.allSatisfy({ $0 != 0 && $0.isFinite }) else { return nil }
    var scales: [Rational] = []
    var signs: [Int64] = []
    for value in values {
      guard let exact = Rational(exactly: value.magnitude) else { break }
      if !isQuantizedModel && exact.numerator >= 1 << 16 { break }
      scales.append(Rational(exact.denominator, exact.numerator))
      signs.append(value < 0 ? -1 : 1)
    }
    if scales.count < count { return Weights(real: values.map { 1 / $0 }, shape: shape) }
    return Weights(raw: signs, exponent: 0, shape: shape, scales: PerElement(scales))
  }
}

// MARK: Operands of elementwise operators

extension ONNXCall {
  /// The only tensor of two operands and the constant beside it.
  var tensorAndConstant: (tensor: NodeID, constant: ONNXConstant, isConstantSecond: Bool)? {
    guard operands.count == 2 else { return nil }
    switch (operands[0], operands[1]) {
    case (.tensor(let x)?, .constant(let constant)?): return (x, constant, true)
    case (.constant(let constant)?, .tensor(let x)?): return (x, constant, false)
    default: return nil
    }
  }

  /// The operands as tensors of one rank; numpy's rule aligns shapes at their ends.
  func aligned(_ builder: inout GraphBuilder) throws(CompilationFailed) -> [NodeID] {
    let rank = operands.map { fullShape($0, builder)?.count ?? 0 }.max() ?? 0
    var result: [NodeID] = []
    for (i, operand) in operands.enumerated() {
      if case .constant(let constant)? = operand {
        let local = try perSample(constant, rank: rank)
        let weights = local.weights(isQuantizedModel: context.isQuantized)
        result.append(try builder.add(.constant(weights), [], self, "constant"))
        continue
      }
      let x = try tensor(i, &builder)
      if fullRank(x, builder) == rank || context.isSingleSample {
        result.append(x)
      } else {
        // The samples' axis meets an axis of one sample: right for one sample at a time only.
        guard batch == 1 else { throw failure("I405", "combines tensors of different ranks") }
        result.append(try builder.reshape(x, [1] + builder.shape(x), self, "aligned"))
      }
    }
    return result
  }

  /// The constant that the operator makes of constants only, nil where an operand is none. Floats are rounded to binary32,
  /// as frameworks compute.
  ///
  /// - Parameter arity: how many operands `body` needs.
  /// - Throws: I408 where there are fewer.
  func folded(arity: Int = 1, _ body: ([Double]) -> Double) throws(CompilationFailed) -> ONNXValue? {
    guard let constants, !constants.isEmpty else { return nil }
    if constants.count < arity { throw failure("I408", "has no operand \(constants.count + 1)") }
    var shape = constants[0].shape
    for other in constants.dropFirst() {
      let rank = max(shape.count, other.shape.count)
      let left = Array(repeating: 1, count: rank - shape.count) + shape
      let right = Array(repeating: 1, count: rank - other.shape.count) + other.shape
      shape = zip(left, right).map { $0 == 1 ? $1 : $0 }
    }
    _ = try checkedCount(shape)
    var columns: [[Double]] = []
    for constant in constants {
      guard let column = constant.broadcast(to: shape) else {
        throw failure("I409", "operands of shapes \(constant.shape) and \(shape) do not fit")
      }
      columns.append(column.values)
    }
    let isInteger = constants.allSatisfy(\.isInteger)
    let values = (0..<shape.elementCount).map { i in
      let value = body(columns.map { $0[i] })
      return isInteger ? value : Double(Float(value))
    }
    return .constant(ONNXConstant(shape: shape, values: values, isInteger: isInteger))
  }
}

// MARK: Constants on tensors

extension GraphBuilder {
  /// x · scale + shift, both seen in the tensor's shape by numpy's rule.
  ///
  /// - Throws: I116 where the shapes do not fit.
  mutating func affine(_ x: NodeID, scale: Weights, shift: Weights?, broadcast call: ONNXCall)
    throws(CompilationFailed) -> NodeID
  {
    let shape = shape(x)
    // Constants of larger shape repeat the tensor.
    var target = shape
    for other in [scale.shape, shift?.shape ?? []] {
      let rank = max(target.count, other.count)
      let left = Array(repeating: 1, count: rank - target.count) + target
      let right = Array(repeating: 1, count: rank - other.count) + other
      target = zip(left, right).map { $0 == 1 ? $1 : $0 }
    }
    if target != shape {
      guard target.count == shape.count else {
        throw call.failure("I116", "operands of shapes \(shape) and \(target) do not fit")
      }
      let repeated = try broadcast(x, to: target, call)
      return try affine(repeated, scale: scale, shift: shift, broadcast: call)
    }
    for other in [scale.shape, shift?.shape ?? []]
    where !zip(other.reversed(), shape.reversed()).allSatisfy({ $0 == 1 || $0 == $1 }) {
      throw call.failure("I116", "operands of shapes \(shape) and \(other) do not fit")
    }
    // Numbers that differ along one axis only are channels.
    let axis = shape.indices.first { axis in
      [scale, shift].compactMap { $0 }.allSatisfy { weights in
        weights.shape.enumerated().allSatisfy { i, extent in
          extent == 1 || i + shape.count - weights.shape.count == axis
        }
      }
    }
    func spread(_ weights: Weights, to target: [Int]) throws(CompilationFailed) -> Weights {
      if weights.count == 1 {
        return weights.reordered(Array(repeating: 0, count: target.elementCount), shape: target)
      }
      let fits =
        weights.shape.count <= target.count
        && zip(weights.shape.reversed(), target.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
      guard fits else {
        throw call.failure("I116", "operands of shapes \(weights.shape) and \(shape) do not fit")
      }
      let order = Array(0..<weights.count).broadcast(weights.shape, to: target)
      return weights.reordered(order, shape: target)
    }
    guard let channels = axis.map({ isUniform(scale, shift) ? shape.count - 1 : $0 }) else {
      return try affine(
        x, scale: try spread(scale, to: shape),
        shift: try shift.map { weights throws(CompilationFailed) in
          try spread(weights, to: shape)
        }, call)
    }
    let count = shape[channels]
    let channelScale = scale.count == 1 ? try spread(scale, to: [count]) : scale.reshaped([count])
    var channelShift: Weights?
    if let shift {
      channelShift = shift.count == 1 ? try spread(shift, to: [count]) : shift.reshaped([count])
    }
    return try onAxis(channels, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      try builder.affine(x, scale: channelScale, shift: channelShift, call)
    }
  }

  private func isUniform(_ scale: Weights, _ shift: Weights?) -> Bool {
    scale.count == 1 && (shift?.count ?? 1) == 1
  }

  /// Makes a shift the bias of the matrix that made the tensor; false where it has one, or another shape.
  mutating func fuseBias(_ x: NodeID, _ shift: Weights) throws(CompilationFailed) -> Bool {
    guard case .linear(var linear) = graph[x].primitive, linear.bias == nil,
      let channels = shape(x).last, channels == linear.groups * linear.outputs,
      shift.count == channels, shift.shape.last == channels
    else { return false }
    linear.bias = shift.reshaped([linear.groups, linear.outputs])
    replace(x, with: .linear(linear))
    return true
  }

  /// Lets a quantizer make 0 of the elements that a constant of zeros and ones takes away.
  mutating func fuseMask(_ x: NodeID, _ mask: ONNXConstant) -> Bool {
    guard case .quantize(.fixed(let types, let scales)) = graph[x].primitive,
      mask.values.allSatisfy({ $0 == 0 || $0 == 1 }), let mask = mask.broadcast(to: shape(x))
    else { return false }
    let none = FixedType(width: 0, integerBits: 0, isSigned: false)
    let masked = PerElement((0..<types.count).map { mask.values[$0] == 0 ? none : types[$0] })
    replace(x, with: .quantize(.fixed(masked, scales: scales)))
    return true
  }

  /// The signed wrap that Sub(Mod(Add(x, c), m), m/2) is, where c − m/2 is a multiple of m; nil for anything else.
  mutating func signedWrap(_ x: NodeID, minus low: ONNXConstant, _ call: ONNXCall)
    throws(CompilationFailed) -> NodeID?
  {
    guard case .quantize(.fixed(let types, let scales)) = graph[x].primitive, scales.uniform == .one,
      types.distinct.allSatisfy({ $0.overflow == .wrap && !$0.isSigned && $0.width > 0 }),
      case .linear(let linear) = graph[graph[x].operands[0]].primitive, linear.isOffset,
      let offsets = linear.bias?.values, let low = low.broadcast(to: shape(x))
    else { return nil }
    var wrapped: [FixedType] = []
    for i in 0..<types.count {
      let modulus = Double(sign: .plus, exponent: types[i].integerBits, significand: 1)
      let offset = offsets[i % offsets.count] - low.values[i]
      guard low.values[i] == modulus / 2, offset.truncatingRemainder(dividingBy: modulus) == 0 else {
        return nil
      }
      var type = types[i]
      type.isSigned = true
      wrapped.append(type)
    }
    let operand = graph[graph[x].operands[0]].operands[0]
    return try add(.quantize(.fixed(PerElement(wrapped))), [operand], call)
  }
}

extension Linear {
  /// Whether it adds its bias and does nothing else.
  fileprivate var isOffset: Bool {
    inputs == 1 && outputs == 1 && bias != nil && weights.values.allSatisfy { $0 == 1 }
  }
}
