import Diagnostics
import FixedPoint
import Graph

/// The integers clamp(round(x / scale) + zero point) of a tensor.
struct ONNXIntegers: Sendable {
  var operand: NodeID
  /// Its bounds are those of the integers, zero points included.
  var quantization: Quantization
  /// Whether the zero point is added before rounding, where an odd one moves ties.
  var roundsBehindZeroPoint = false

  /// The values (q − zero point) · scale of the integers.
  func values(_ call: ONNXCall, _ builder: inout GraphBuilder) throws(CompilationFailed) -> NodeID {
    let zeroPoints = quantization.zeroPoints.values
    if roundsBehindZeroPoint, zeroPoints.contains(where: { $0.truncatingRemainder(dividingBy: 2) != 0 }) {
      let value = try quantization.apply(.mode(.rndConv), call.replacing([.tensor(operand)]), &builder)
      if case .tensor(let node) = value { return node }
    }
    let bounds = quantization.bounds.indices.map { quantization.bounds[$0].moved(by: -Int64(zeroPoints[$0])) }
    let quantizer = IntegerQuantizer(
      scales: PerElement(quantization.scales), bounds: PerElement(bounds), rounding: .mode(.rndConv))
    return try builder.quantize(operand, quantizer, call)
  }

  /// The integers themselves.
  func integers(_ call: ONNXCall, _ builder: inout GraphBuilder) throws(CompilationFailed) -> NodeID {
    let x = try values(call, &builder)
    var inverse: [Rational] = []
    for scale in quantization.scales {
      guard let quotient = try? Rational.one.divided(by: scale) else {
        throw call.failure("I413", "has a scale beyond exact arithmetic")
      }
      inverse.append(quotient)
    }
    let shape = builder.shape(x)
    let zero = quantization.zeroPoints.values.map { Int64($0) }
    if zero.allSatisfy({ $0 == 0 }) && inverse.allSatisfy({ $0 == .one }) { return x }
    return try builder.affine(
      x,
      scale: Weights(
        raw: zero.map { _ in 1 }, exponent: 0, shape: shape, scales: PerElement(inverse)),
      shift: Weights(raw: zero, exponent: 0, shape: shape), call, "integers")
  }

  /// The integers within bounds given as integers too, as Clip between QuantizeLinear and DequantizeLinear tells widths
  /// below 8 bits.
  func clipped(_ lower: Double?, _ upper: Double?, _ call: ONNXCall) throws(CompilationFailed) -> ONNXIntegers
  {
    let low = lower ?? -0x1p40
    let high = upper ?? 0x1p40
    guard let low = Int64(exactly: low), let high = Int64(exactly: high), low <= high else {
      throw call.failure("I413", "clips integers to \(low)...\(high)")
    }
    var result = self
    result.quantization.bounds = quantization.bounds.map {
      .init(lower: min(max($0.lower, low), high), upper: max(min($0.upper, high), low))
    }
    return result
  }
}

// QCDQ: integers between QuantizeLinear and DequantizeLinear, their width told by a Clip.
extension ONNXOperator {
  static let linearQuantizationOperators = [
    ONNXOperator(
      ["QuantizeLinear"], attributes: ["axis", "saturate", "output_dtype", "block_size", "precision"],
      emit: emitQuantizeLinear),
    ONNXOperator(
      ["DequantizeLinear"], attributes: ["axis", "block_size", "output_dtype"], emit: emitDequantizeLinear),
  ]

  private static func emitQuantizeLinear(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let type = call.attributes["output_dtype"].flatMap { ONNXElementType(rawValue: Int($0.i)) }
    let quantization = try call.bounded(stated: type, builder)
    guard case .constant(let constant)? = call.operand(0) else {
      return [.integers(ONNXIntegers(operand: try call.tensor(0, &builder), quantization: quantization))]
    }
    let values = constant.values.indices.map { i in
      let quotient = Float(constant.values[i]) / Float(quantization.scales[i].doubleValue)
      let integer = Double(quotient.rounded(.toNearestOrEven)) + quantization.zeroPoints.values[i]
      let bounds = quantization.bounds[i]
      return min(max(integer, Double(bounds.lower)), Double(bounds.upper))
    }
    return [.constant(ONNXConstant(shape: constant.shape, values: values, isInteger: true))]
  }

  private static func emitDequantizeLinear(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    [try call.dequantized(0, scale: 1, zeroPoint: 2, axis: call.int("axis", default: 1), &builder)]
  }
}

extension ONNXCall {
  /// The values of an operand's integers, or of numbers that are taken for such: (q − zero point) · scale.
  ///
  /// - Parameters:
  ///   - scale, zeroPoint: the operands that hold them; without a scale it is 1.
  ///   - axis: where there is more than one of them, the axis of the operand along which they lie.
  func dequantized(
    _ index: Int, scale: Int?, zeroPoint: Int, axis: Int, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> ONNXValue {
    let own = try parameters(of: index, scale: scale, zeroPoint: zeroPoint, axis: axis, builder)
    switch operand(index) {
    case .constant(let constant):
      var integers: [Int64] = []
      for (i, value) in constant.values.enumerated() {
        guard let integer = Int64(exactly: value), integer.magnitude < 1 << 40 else {
          throw failure("I413", "expected integers, found \(value)")
        }
        integers.append(integer - Int64(own.zeroPoints.values[i]))
      }
      return .constant(constant.quantized(integers, PerElement(own.scales)))
    case .integers(let integers)
    where own.scales == integers.quantization.scales
      && own.zeroPoints.values == integers.quantization.zeroPoints.values:
      return .tensor(try integers.values(self, &builder))
    default:
      let x = try tensor(index, &builder)
      let offsets = own.zeroPoints.values.map { -Int64($0) }
      if offsets.allSatisfy({ $0 == 0 }) && own.scales.allSatisfy({ $0 == .one }) { return .tensor(x) }
      let shape = builder.shape(x)
      let scales = PerElement(own.scales)
      return .tensor(
        try builder.affine(
          x, scale: Weights(raw: offsets.map { _ in 1 }, exponent: 0, shape: shape, scales: scales),
          shift: offsets.allSatisfy { $0 == 0 }
            ? nil : Weights(raw: offsets, exponent: 0, shape: shape, scales: scales), self))
    }
  }

  /// The quantization of operand 1 by operands 2 and 3, with the bounds of the zero point's type: uint8 without one.
  func bounded(stated: ONNXElementType?, _ builder: GraphBuilder) throws(CompilationFailed) -> Quantization {
    var quantization = try parameters(
      of: 0, scale: 1, zeroPoint: 2, axis: int("axis", default: 1), builder)
    let range = try integerRange(stated)
    quantization.bounds = Array(
      repeating: .init(lower: Int64(range.lowerBound), upper: Int64(range.upperBound)),
      count: quantization.scales.count)
    return quantization
  }

  /// Scales and zero points of an operand: one, or one for each index of an axis.
  fileprivate func parameters(
    of index: Int, scale: Int?, zeroPoint: Int, axis given: Int, _ builder: GraphBuilder
  ) throws(CompilationFailed) -> Quantization {
    if int("block_size", default: 0) != 0 { throw failure("I413", "has scales for blocks") }
    guard let full = fullShape(operand(index), builder) else {
      throw failure("I408", "has no operand \(index + 1)")
    }
    var isConstant = false
    if case .constant? = operand(index) { isConstant = true }
    let isWhole = isConstant || context.isSingleSample
    let shape = isWhole ? full : Array(full.dropFirst())
    func spread(_ index: Int) throws(CompilationFailed) -> ONNXConstant? {
      guard var constant = try constant(index) else { return nil }
      if constant.count == 1 {
        constant = constant.reshaped([])
      } else {
        let axis = try self.axis(given, rank: full.count)
        guard constant.shape == [full[axis]] else {
          throw failure("I409", "parameters of shape \(constant.shape) do not fit axis \(axis) of \(full)")
        }
        if !isWhole && axis == 0 { throw failure("I405", "has a scale for each sample") }
        var aligned = shape.map { _ in 1 }
        aligned[isWhole ? axis : axis - 1] = constant.count
        constant = constant.reshaped(aligned)
      }
      guard let result = constant.broadcast(to: shape) else {
        throw failure("I409", "parameters do not fit a tensor of shape \(shape)")
      }
      return result
    }
    let one = ONNXConstant(
      shape: shape, values: Array(repeating: 1, count: shape.elementCount), isInteger: false)
    guard let scales = try scale.map({ (index) throws(CompilationFailed) in try spread(index) }) ?? one else {
      throw failure("I408", "has no operand \((scale ?? 0) + 1)")
    }
    return try quantization(scales: scales, zeroPoints: try spread(zeroPoint), shape)
  }

  /// The integers that the result of QuantizeLinear can be.
  fileprivate func integerRange(_ stated: ONNXElementType?) throws(CompilationFailed) -> ClosedRange<Int> {
    switch try constant(2)?.elementType ?? stated ?? .uint8 {
    case .uint8: return 0...255
    case .int8: return -128...127
    case .uint16: return 0...65535
    case .int16: return -32768...32767
    case .uint4: return 0...15
    case .int4: return -8...7
    default: throw failure("I413", "expected a zero point of 4, 8 or 16 bits")
    }
  }
}
