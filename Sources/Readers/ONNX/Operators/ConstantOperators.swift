import Diagnostics
import Graph
import ONNXProto

extension ONNXOperator {
  static let constantOperators = [
    ONNXOperator(
      ["Constant"],
      attributes: ["value", "value_float", "value_floats", "value_int", "value_ints"], emit: emitConstant),
    ONNXOperator(["ConstantOfShape"], attributes: ["value"], emit: emitConstantOfShape),
    ONNXOperator(["Shape"], attributes: ["start", "end"], emit: emitShape),
    ONNXOperator(["Identity"]) { (call, _) throws(CompilationFailed) in [try call.firstOperand] },
    ONNXOperator(["Dropout"], attributes: ["ratio", "seed", "is_test", "training_mode"]) {
      (call, _) throws(CompilationFailed) in
      [try call.firstOperand]
    },
    ONNXOperator(["Cast"], attributes: ["to", "saturate", "round_mode"], emit: emitCast),
    ONNXOperator(["CastLike"], attributes: ["saturate", "round_mode"]) {
      (call, builder) throws(CompilationFailed) in
      // Of a tensor that the model computes no more is known than that it holds numbers.
      guard case .constant(let like)? = call.operand(1) else { return [try call.firstOperand] }
      let type = like.elementType ?? (like.isInteger ? .int64 : .float)
      return try emitCast(call.replacing("to", type.rawValue), &builder)
    },
    // Numbers in hardware are neither.
    ONNXOperator(["IsNaN"]) { (call, builder) throws(CompilationFailed) in
      [try never(call, &builder) { $0.isNaN }]
    },
    ONNXOperator(["IsInf"], attributes: ["detect_negative", "detect_positive"]) {
      (call, builder) throws(CompilationFailed) in [try never(call, &builder) { $0.isInfinite }]
    },
    ONNXOperator(["Size"]) { (call, builder) throws(CompilationFailed) in
      guard let shape = call.fullShape(call.operand(0), builder) else {
        throw call.failure("I408", "has no operand 1")
      }
      return [.constant(ONNXConstant(shape: [], values: [Double(shape.elementCount)], isInteger: true))]
    },
    ONNXOperator(["Range"]) { (call, _) throws(CompilationFailed) in
      guard let parts = call.constants, parts.count == 3, let start = parts[0].uniform,
        let limit = parts[1].uniform, let step = parts[2].uniform, step != 0,
        ((limit - start) / step).magnitude < 1e6
      else { throw call.failure("I408", "expected three constants") }
      let count = max(Int(((limit - start) / step).rounded(.up)), 0)
      let values = (0..<count).map { start + Double($0) * step }
      return [.constant(ONNXConstant(shape: [count], values: values, isInteger: parts[0].isInteger))]
    },
  ]

  /// What no tensor's element is, as 0 for each of them.
  private static func never(
    _ call: ONNXCall, _ builder: inout GraphBuilder, _ holds: @Sendable (Double) -> Bool
  ) throws(CompilationFailed) -> ONNXValue {
    if let folded = try call.folded({ holds($0[0]) ? 1 : 0 }) { return folded }
    guard let shape = call.fullShape(call.operand(0), builder) else {
      throw call.failure("I408", "has no operand 1")
    }
    let zeros = Array(repeating: 0.0, count: try call.checkedCount(shape))
    return .constant(ONNXConstant(shape: shape, values: zeros, isInteger: true, elementType: .bool))
  }

  private static func emitConstant(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if let value = call.attributes["value"] {
      var reader = ONNXTensorReader(file: call.context.file)
      return [.constant(try reader.constant(value.t, name: call.name))]
    }
    let constant: ONNXConstant
    if let value = call.attributes["value_float"] {
      constant = ONNXConstant(shape: [], values: [Double(value.f)], isInteger: false)
    } else if let value = call.attributes["value_floats"] {
      constant = ONNXConstant(
        shape: [value.floats.count], values: value.floats.map(Double.init), isInteger: false)
    } else if let value = call.attributes["value_int"] {
      constant = ONNXConstant(shape: [], values: [Double(value.i)], isInteger: true)
    } else if let value = call.attributes["value_ints"] {
      constant = ONNXConstant(shape: [value.ints.count], values: value.ints.map(Double.init), isInteger: true)
    } else {
      throw call.failure("I408", "has no value")
    }
    return [.constant(constant)]
  }

  private static func emitConstantOfShape(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let shape = try call.integers(0) ?? []
    let count = try call.checkedCount(shape)
    var value = ONNXConstant(shape: [1], values: [0], isInteger: false)
    if let attribute = call.attributes["value"] {
      var reader = ONNXTensorReader(file: call.context.file)
      value = try reader.constant(attribute.t, name: call.name)
    }
    guard let number = value.uniform else { throw call.failure("I408", "'value' has no elements") }
    return [
      .constant(
        ONNXConstant(
          shape: shape, values: Array(repeating: number, count: count), isInteger: value.isInteger))
    ]
  }

  private static func emitShape(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder) else {
      throw call.failure("I408", "has no operand 1")
    }
    func bound(_ name: String, _ fallback: Int) -> Int {
      let value = call.int(name, default: fallback)
      return min(max(value < 0 ? value + shape.count : value, 0), shape.count)
    }
    let start = bound("start", 0)
    let end = max(bound("end", shape.count), start)
    let extents = Array(shape[start..<end])
    return [
      .constant(ONNXConstant(shape: [extents.count], values: extents.map(Double.init), isInteger: true))
    ]
  }

  /// A change of the element type, which tensors of the graph do not have.
  private static func emitCast(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if case .label(let label)? = call.operand(0) { return [.label(label)] }
    guard let type = ONNXElementType(rawValue: call.int("to", default: 1)) else {
      throw call.failure("I408", "casts to the type \(call.int("to", default: 1)), expected a number")
    }
    let operand = try call.firstOperand
    guard case .constant(var constant) = operand else {
      if !type.isInteger { return [operand] }
      let x = try call.tensor(0, &builder)
      if type == .bool { return [.tensor(try builder.truth(x, call, nil))] }
      return [.tensor(try builder.rounded(x, .trnZero, call, nil))]
    }
    constant.isInteger = type.isInteger
    if type == .bool {
      constant.values = constant.values.map { $0 == 0 ? 0 : 1 }
    } else if type.isInteger {
      constant.values = constant.values.map { $0.rounded(.towardZero) }
    } else {
      constant.values = constant.values.map { type == .double ? $0 : Double(Float($0)) }
    }
    return [.constant(constant)]
  }
}

extension ONNXCall {
  var firstOperand: ONNXValue {
    get throws(CompilationFailed) {
      guard let operand = operand(0) else { throw failure("I408", "has no operand 1") }
      return operand
    }
  }

  /// The number of elements of a shape that the file asks for.
  ///
  /// - Throws: I409 for one that can't be built.
  func checkedCount(_ shape: [Int]) throws(CompilationFailed) -> Int {
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow, product <= GraphBuilder.maximumElements, shape.count <= 16 else {
        throw failure("I409", "a tensor of shape \(shape) can't be built")
      }
      count = product
    }
    return count
  }
}
