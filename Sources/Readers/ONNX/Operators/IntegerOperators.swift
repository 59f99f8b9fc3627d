import Diagnostics
import FixedPoint
import Graph

// Operators on the integers of quantized tensors, as onnxruntime's quantizer writes them in its operator form. Each is
// the operator on the integers' values, which is exact, and a quantizer behind it; onnxruntime's own binary32 factor
// between the two can move a value that lies next to a tie.
extension ONNXOperator {
  static let integerOperators = [
    ONNXOperator(
      ["QLinearConv", "ConvInteger"],
      attributes: ["kernel_shape", "strides", "pads", "auto_pad", "dilations", "group"]
    ) { (call, builder) throws(CompilationFailed) in
      call.kind == "ConvInteger"
        ? try integerProduct(call, &builder, as: "Conv", axis: 0)
        : try quantizedProduct(call, &builder, as: "Conv", axis: 0, bias: 8, result: 6)
    },
    ONNXOperator(["MatMulInteger"]) { (call, builder) throws(CompilationFailed) in
      try integerProduct(call, &builder, as: "MatMul", axis: -1)
    },
    ONNXOperator(["QLinearMatMul"]) { (call, builder) throws(CompilationFailed) in
      try quantizedProduct(call, &builder, as: "MatMul", axis: -1, bias: nil, result: 6)
    },
    ONNXOperator(["QGemm"], attributes: ["alpha", "transA", "transB"]) {
      (call, builder) throws(CompilationFailed) in
      try quantizedProduct(
        call, &builder, as: "Gemm", axis: call.flag("transB") ? 0 : 1, bias: 6, result: 7)
    },
    ONNXOperator(["QLinearAdd"]) { (call, builder) throws(CompilationFailed) in
      try combine(call, &builder, as: "Add")
    },
    ONNXOperator(["QLinearMul"]) { (call, builder) throws(CompilationFailed) in
      try combine(call, &builder, as: "Mul")
    },
    ONNXOperator(["QLinearConcat"], attributes: ["axis"], emit: emitQuantizedConcat),
    ONNXOperator(
      ["QLinearAveragePool"],
      attributes: [
        "kernel_shape", "strides", "pads", "auto_pad", "ceil_mode", "count_include_pad", "channels_last",
      ]
    ) { (call, builder) throws(CompilationFailed) in try unary(call, &builder, as: "AveragePool") },
    ONNXOperator(["QLinearGlobalAveragePool"], attributes: ["channels_last"]) {
      (call, builder) throws(CompilationFailed) in try unary(call, &builder, as: "GlobalAveragePool")
    },
    ONNXOperator(["QLinearSigmoid"]) { (call, builder) throws(CompilationFailed) in
      try unary(call, &builder, as: "Sigmoid")
    },
    ONNXOperator(["QLinearLeakyRelu"], attributes: ["alpha"]) { (call, builder) throws(CompilationFailed) in
      try unary(call, &builder, as: "LeakyRelu")
    },
  ]

  /// The operator on values in place of integers.
  private static func emit(
    _ kind: String, _ call: ONNXCall, _ operands: [ONNXValue?], _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> ONNXValue {
    if call.flag("channels_last") { throw call.failure("I408", "'channels_last' is not supported") }
    guard let importer = all[kind], let result = try importer.emit(call.replacing(operands), &builder).first
    else { throw call.failure("I408", "gives nothing") }
    return result
  }

  /// The product of integers, with their zero points taken away.
  private static func integerProduct(
    _ call: ONNXCall, _ builder: inout GraphBuilder, as kind: String, axis: Int
  ) throws(CompilationFailed) -> [ONNXValue] {
    let x = try call.dequantized(0, scale: nil, zeroPoint: 2, axis: 1, &builder)
    let matrix = try call.dequantized(1, scale: nil, zeroPoint: 3, axis: axis, &builder)
    return [try emit(kind, call, [x, matrix], &builder)]
  }

  /// Operands (x, scale, zero point, matrix, scale, zero point) and a bias in the product's scale.
  private static func quantizedProduct(
    _ call: ONNXCall, _ builder: inout GraphBuilder, as kind: String, axis: Int, bias: Int?, result: Int
  ) throws(CompilationFailed) -> [ONNXValue] {
    let x = try call.dequantized(0, scale: 1, zeroPoint: 2, axis: 1, &builder)
    let matrix = try call.dequantized(3, scale: 4, zeroPoint: 5, axis: axis, &builder)
    var operands: [ONNXValue?] = [x, matrix]
    if let bias, let integers = try call.constant(bias) {
      operands.append(.constant(try call.productBias(integers)))
    }
    let y = try emit(kind, call, operands, &builder)
    // Without a scale the result is the product itself.
    if call.operand(result) == nil { return [y] }
    return [try call.requantized(y, scale: result, &builder)]
  }

  /// Operands (a, scale, zero point, b, scale, zero point, scale, zero point).
  private static func combine(_ call: ONNXCall, _ builder: inout GraphBuilder, as kind: String)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let a = try call.dequantized(0, scale: 1, zeroPoint: 2, axis: 1, &builder)
    let b = try call.dequantized(3, scale: 4, zeroPoint: 5, axis: 1, &builder)
    let y = try emit(kind, call.withReaders([false, false]), [a, b], &builder)
    return [try call.requantized(y, scale: 6, roundsBehindZeroPoint: true, &builder)]
  }

  /// Operands (x, scale, zero point, scale, zero point).
  private static func unary(_ call: ONNXCall, _ builder: inout GraphBuilder, as kind: String)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.dequantized(0, scale: 1, zeroPoint: 2, axis: 1, &builder)
    return [
      try call.requantized(
        try emit(kind, call, [x], &builder), scale: 3, roundsBehindZeroPoint: kind == "AveragePool", &builder)
    ]
  }

  /// Operands (scale, zero point, then x, scale, zero point of each).
  private static func emitQuantizedConcat(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    var operands: [ONNXValue?] = []
    for index in stride(from: 2, to: call.operands.count, by: 3) {
      operands.append(
        try call.dequantized(index, scale: index + 1, zeroPoint: index + 2, axis: 1, &builder))
    }
    return [try call.requantized(try emit("Concat", call, operands, &builder), scale: 0, &builder)]
  }
}

extension ONNXCall {
  /// The bias of a product, integers in the product of the scales of its operands 1 and 4.
  fileprivate func productBias(_ integers: ONNXConstant) throws(CompilationFailed) -> ONNXConstant {
    let x = try requireConstant(1)
    let matrix = try requireConstant(4)
    guard let first = x.uniform.flatMap({ Rational(exactly: $0) }),
      matrix.count == 1 || matrix.count == integers.count
    else { throw failure("I413", "expected one scale for operand 1 and one for each bias") }
    var raw: [Int64] = []
    var scales: [Rational] = []
    for (i, value) in integers.values.enumerated() {
      guard let integer = Int64(exactly: value), integer.magnitude < 1 << 40,
        let own = Rational(exactly: matrix.values[matrix.count == 1 ? 0 : i]), own.numerator > 0,
        let scale = try? first.multiplied(by: own)
      else { throw failure("I413", "has a bias beyond exact arithmetic") }
      raw.append(integer)
      scales.append(scale)
    }
    return integers.quantized(raw, PerElement(scales))
  }

  /// A result as the integers of a scale and the zero point behind it.
  fileprivate func requantized(
    _ value: ONNXValue, scale: Int, roundsBehindZeroPoint: Bool = false, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> ONNXValue {
    guard case .tensor(let node) = value else { throw failure("I408", "expected a tensor") }
    let quantizer = replacing([value, operand(scale), operand(scale + 1)])
    return .integers(
      ONNXIntegers(
        operand: node, quantization: try quantizer.bounded(stated: nil, builder),
        roundsBehindZeroPoint: roundsBehindZeroPoint))
  }
}
