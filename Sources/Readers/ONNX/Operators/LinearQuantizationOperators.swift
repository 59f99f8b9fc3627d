import Diagnostics
import FixedPoint
import Graph

/// The integers clamp(round(x / scale) + zero point) of a tensor.
struct ONNXIntegers: Sendable {
  var operand: NodeID
  /// Its bounds are those of the integers, zero points included.
  var quantization: Quantization

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
    var quantization = try call.linearQuantization(builder)
    // The zero point's type is the result's; uint8 without one.
    let type = call.attributes["output_dtype"].flatMap { ONNXElementType(rawValue: Int($0.i)) }
    let range = try call.integerRange(type)
    quantization.bounds = Array(
      repeating: .init(lower: Int64(range.lowerBound), upper: Int64(range.upperBound)),
      count: quantization.scales.count)
    guard case .constant(let constant)? = call.operand(0) else {
      return [.integers(ONNXIntegers(operand: try call.tensor(0, &builder), quantization: quantization))]
    }
    let values = constant.values.indices.map { i in
      let quotient = Float(constant.values[i]) / Float(quantization.scales[i].doubleValue)
      let integer = Double(quotient.rounded(.toNearestOrEven)) + quantization.zeroPoints.values[i]
      return min(max(integer, Double(range.lowerBound)), Double(range.upperBound))
    }
    return [.constant(ONNXConstant(shape: constant.shape, values: values, isInteger: true))]
  }

  private static func emitDequantizeLinear(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    switch call.operand(0) {
    case .constant(let constant):
      let quantization = try call.linearQuantization(builder)
      var integers: [Int64] = []
      for (i, value) in constant.values.enumerated() {
        guard let integer = Int64(exactly: value), integer.magnitude < 1 << 40 else {
          throw call.failure("I413", "expected integers, found \(value)")
        }
        integers.append(integer - Int64(quantization.zeroPoints.values[i]))
      }
      return [.constant(constant.quantized(integers, PerElement(quantization.scales)))]
    case .integers(let integers):
      let own = try call.linearQuantization(builder)
      let made = integers.quantization
      guard own.scales == made.scales, own.zeroPoints.values == made.zeroPoints.values else {
        throw call.failure("I413", "has other scales or zero points than the QuantizeLinear before it")
      }
      let bounds = made.bounds.indices.map { made.bounds[$0].moved(by: -Int64(made.zeroPoints.values[$0])) }
      let quantizer = IntegerQuantizer(
        scales: PerElement(made.scales), bounds: PerElement(bounds), rounding: .mode(.rndConv))
      return [.tensor(try builder.quantize(integers.operand, quantizer, call))]
    default: throw call.failure("I413", "expected the integers of QuantizeLinear, or constant ones")
    }
  }
}

extension ONNXCall {
  /// Scales and zero points of QuantizeLinear or DequantizeLinear: one, or one for each index of an axis.
  fileprivate func linearQuantization(_ builder: GraphBuilder) throws(CompilationFailed) -> Quantization {
    if int("block_size", default: 0) != 0 { throw failure("I413", "has scales for blocks") }
    guard let full = fullShape(operand(0), builder) else { throw failure("I408", "has no operand 1") }
    var isConstant = false
    if case .constant? = operand(0) { isConstant = true }
    let isWhole = isConstant || context.isSingleSample
    let shape = isWhole ? full : Array(full.dropFirst())
    func spread(_ index: Int) throws(CompilationFailed) -> ONNXConstant? {
      guard var constant = try constant(index) else { return nil }
      if constant.count == 1 {
        constant = constant.reshaped([])
      } else {
        let axis = try self.axis(int("axis", default: 1), rank: full.count)
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
    guard let scales = try spread(1) else { throw failure("I408", "has no operand 2") }
    return try quantization(scales: scales, zeroPoints: try spread(2), shape)
  }

  /// The integers that the result of QuantizeLinear can be.
  fileprivate func integerRange(_ stated: ONNXElementType?) throws(CompilationFailed) -> ClosedRange<Int> {
    switch try constant(2)?.elementType ?? stated ?? .uint8 {
    case .uint8: return 0...255
    case .int8: return -128...127
    case .uint16: return 0...65535
    case .int16: return -32768...32767
    default: throw failure("I413", "expected a zero point of 8 or 16 bits")
    }
  }
}
