import Diagnostics
import FixedPoint
import Graph

// QONNX: quantizers that yield the values of integers, in float (github.com/fastmachinelearning/qonnx, docs/qonnx-custom-ops).
extension ONNXOperator {
  static let quantizationOperators = [
    ONNXOperator(["Quant", "IntQuant"], attributes: ["signed", "narrow", "rounding_mode"], emit: emitQuant),
    ONNXOperator(["BipolarQuant"], emit: emitBipolarQuant),
    ONNXOperator(["Trunc"], attributes: ["rounding_mode", "signed", "narrow"], emit: emitTrunc),
  ]

  /// Quant(x, scale, zero point, bits): q = clamp(x / scale + zero point), rounded; (q − zero point) · scale.
  ///
  /// The bounds are integers, so that rounding first and clamping then is the same.
  private static func emitQuant(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let rounding = try call.rounding()
    let isSigned = call.int("signed", default: 1) != 0
    let isNarrow = call.flag("narrow")
    var quantization = try call.quantization(scale: 1, zeroPoint: 2, builder)
    let bits = try call.spread(3, to: quantization.shape)
    if isSigned, bits.uniform == 1, quantization.zeroPoints.uniform == 0 {
      return [try bipolar(call, &builder, quantization.scales)]
    }
    for value in bits.values {
      guard let count = Int(exactly: value),
        let bounds = IntegerQuantizer.Bounds(bits: count, isSigned: isSigned, isNarrow: isNarrow)
      else { throw call.failure("I413", "has \(value) bits, expected an integer from 1 to 60") }
      quantization.bounds.append(bounds)
    }
    return [try quantization.apply(rounding, call, &builder)]
  }

  private static func emitBipolarQuant(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let quantization = try call.quantization(scale: 1, zeroPoint: nil, builder)
    return [try bipolar(call, &builder, quantization.scales)]
  }

  /// scale where x ≥ 0, else −scale.
  private static func bipolar(_ call: ONNXCall, _ builder: inout GraphBuilder, _ scales: [Rational])
    throws(CompilationFailed) -> ONNXValue
  {
    let scales = PerElement(scales)
    if case .constant(let constant)? = call.operand(0) {
      let signs: [Int64] = constant.values.map { $0 >= 0 ? 1 : -1 }
      return .constant(constant.quantized(signs, scales))
    }
    let x = try call.tensor(0, &builder)
    let steps = Steps(
      thresholds: [.init(Rational(0), isInclusive: true)], levels: [-1, 1], scale: scales.uniform ?? .one)
    if scales.uniform != nil { return .tensor(try builder.add(.quantize(.steps(steps)), [x], call)) }
    let signs = try builder.add(.quantize(.steps(steps)), [x], call, "sign")
    let scale = Weights(
      raw: Array(repeating: 1, count: scales.count), exponent: 0, shape: builder.shape(x), scales: scales)
    return .tensor(try builder.affine(signs, scale: scale, shift: nil, broadcast: call))
  }

  /// Trunc: the low bits of an integer are rounded away. Version 1 has the operands (x, scale, zero point, bits in, bits
  /// out) and yields the smaller integers in the old scale; version 2 (…, bits in, scale out, bits out).
  private static func emitTrunc(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let rounding = try call.rounding(default: "FLOOR")
    var quantization = try call.quantization(scale: 1, zeroPoint: 2, builder)
    guard quantization.zeroPoints.uniform == 0, let scale = PerElement(quantization.scales).uniform else {
      throw call.failure("I413", "expected one scale and a zero point of 0")
    }
    guard let inBits = try call.requireConstant(3).uniform.flatMap({ Int(exactly: $0) }),
      (1...60).contains(inBits)
    else { throw call.failure("I413", "expected a number of bits") }
    let shift: Int
    let outScale: Rational
    let bounds: IntegerQuantizer.Bounds?
    if call.operands.count >= 6 {
      guard let given = try call.requireConstant(4).uniform, let exact = Rational(exactly: given), given > 0,
        let bits = try call.requireConstant(5).uniform.flatMap({ Int(exactly: $0) })
      else { throw call.failure("I413", "expected one scale and one number of bits") }
      outScale = exact
      let steps = (given / scale.doubleValue)
      shift =
        steps.isFinite && steps > 0 ? Int(steps.exponent) + (steps.significand > 2.0.squareRoot() ? 1 : 0) : 0
      bounds = IntegerQuantizer.Bounds(
        bits: bits, isSigned: call.int("signed", default: 1) != 0, isNarrow: call.flag("narrow"))
    } else {
      guard let outBits = try call.requireConstant(4).uniform.flatMap({ Int(exactly: $0) }) else {
        throw call.failure("I413", "expected a number of bits")
      }
      outScale = scale
      shift = inBits - outBits
      bounds = IntegerQuantizer.Bounds(bits: inBits, isSigned: true, isNarrow: false)
    }
    guard (0...60).contains(shift), let bounds, let x = try? call.tensor(0, &builder) else {
      throw call.failure("I413", "expected a tensor and fewer bits than before")
    }
    // First the integers themselves, then without their low bits.
    let count = builder.shape(x).elementCount
    let integers = try builder.add(
      .quantize(
        IntegerQuantizer.fixed(
          Array(
            repeating: FixedType(width: 62, integerBits: 62, rounding: .rndConv, overflow: .sat), count: count
          ),
          PerElement(repeating: scale, count: count))), [x], call, "integers")
    guard let coarse = try? scale.multiplied(by: Rational(Int128(1) << shift)),
      let factor = try? outScale.divided(by: coarse)
    else { throw call.failure("I413", "has scales beyond exact arithmetic") }
    quantization.bounds = Array(repeating: bounds, count: count)
    let truncated = try builder.quantize(
      integers,
      IntegerQuantizer(
        scales: PerElement(repeating: coarse, count: count), bounds: PerElement(quantization.bounds),
        rounding: rounding), call)
    if factor == .one { return [.tensor(truncated)] }
    return [.tensor(try builder.affine(truncated, factor: factor, call, "scaled"))]
  }
}

/// The parameters of a quantizer, one for each element of what it quantizes.
struct Quantization: Sendable {
  /// Without the samples' axis where a tensor is quantized.
  var shape: [Int]
  var scales: [Rational]
  var zeroPoints: ONNXConstant
  var bounds: [IntegerQuantizer.Bounds] = []

  /// scale · (clamp(round(x / scale + zero point)) − zero point).
  func apply(_ rounding: IntegerRounding, _ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> ONNXValue
  {
    let scales = PerElement(scales)
    if case .constant(let constant)? = call.operand(0) {
      // Infinities saturate.
      guard !constant.values.contains(where: \.isNaN) else {
        throw call.failure("I408", "quantizes constants that are not numbers")
      }
      let integers = constant.values.indices.map { i in
        let zero = zeroPoints.values[i]
        let quotient = Float(constant.values[i]) / Float(scales[i].doubleValue) + Float(zero)
        let clamped = min(max(Double(quotient), Double(bounds[i].lower)), Double(bounds[i].upper))
        return Int64(rounding.round(Float(clamped))) - Int64(zero)
      }
      return .constant(constant.quantized(integers, scales))
    }
    let x = try call.tensor(0, &builder)
    let quantizer = IntegerQuantizer(scales: scales, bounds: PerElement(bounds), rounding: rounding)
    if zeroPoints.uniform == 0 { return .tensor(try builder.quantize(x, quantizer, call)) }
    // Rounding sees the zero point: it moves ties and signs.
    func offset(_ sign: Int64) -> Weights {
      Weights(raw: zeroPoints.values.map { sign * Int64($0) }, exponent: 0, shape: shape, scales: scales)
    }
    let one = Weights(raw: [1], exponent: 0, shape: [])
    let moved = try builder.affine(x, scale: one, shift: offset(1), broadcast: call)
    let rounded = try builder.quantize(moved, quantizer, call)
    return .tensor(try builder.affine(rounded, scale: one, shift: offset(-1), broadcast: call))
  }
}

extension ONNXConstant {
  /// The constant that a quantizer makes: integers times scales.
  func quantized(_ integers: [Int64], _ scales: PerElement<Rational>) -> ONNXConstant {
    let weights = Weights(raw: integers, exponent: 0, shape: shape, scales: scales)
    return ONNXConstant(shape: shape, values: weights.values, isInteger: false, quantized: weights)
  }
}

extension ONNXCall {
  func rounding(default fallback: String = "ROUND") throws(CompilationFailed) -> IntegerRounding {
    let name = text("rounding_mode", default: fallback)
    guard let rounding = IntegerRounding(name) else {
      throw failure(
        "I413", "rounds by '\(name)'",
        notes: ["known are ROUND, HALF_EVEN, HALF_UP, HALF_DOWN, CEIL, FLOOR, UP, DOWN and ROUND_TO_ZERO"])
    }
    return rounding
  }

  /// A parameter for each element of what is quantized.
  func spread(_ index: Int, to shape: [Int]) throws(CompilationFailed) -> ONNXConstant {
    var constant = try requireConstant(index)
    if case .tensor? = operand(0) { constant = try perSample(constant, rank: shape.count + 1) }
    if constant.count == 1 { constant = constant.reshaped([]) }
    guard let result = constant.broadcast(to: shape), constant.count > 0 else {
      throw failure("I409", "parameters of shape \(constant.shape) do not fit a tensor of shape \(shape)")
    }
    return result
  }

  /// Scales and zero points of operand 1's elements.
  func quantization(scale: Int, zeroPoint: Int?, _ builder: GraphBuilder) throws(CompilationFailed)
    -> Quantization
  {
    let shape: [Int]
    switch operand(0) {
    case .tensor(let x): shape = builder.shape(x)
    case .constant(let constant): shape = constant.shape
    default: throw failure("I408", "expected numbers as operand 1")
    }
    return try quantization(
      scales: try spread(scale, to: shape),
      zeroPoints: try zeroPoint.flatMap { index throws(CompilationFailed) in
        operand(index) == nil ? nil : try spread(index, to: shape)
      }, shape)
  }

  func quantization(scales: ONNXConstant, zeroPoints: ONNXConstant?, _ shape: [Int]) throws(CompilationFailed)
    -> Quantization
  {
    var exact: [Rational] = []
    for value in scales.values {
      guard value > 0, let scale = Rational(exactly: value) else {
        throw failure("I413", "has the scale \(value), expected a number above 0 and below 2^120")
      }
      exact.append(scale)
    }
    let zero = ONNXConstant(
      shape: shape, values: Array(repeating: 0, count: shape.elementCount), isInteger: true)
    let points = zeroPoints ?? zero
    if let point = points.values.first(where: { $0 != $0.rounded() || $0.magnitude > 0x1p31 }) {
      throw failure("I413", "has the zero point \(point), expected an integer")
    }
    return Quantization(shape: shape, scales: exact, zeroPoints: points)
  }
}
