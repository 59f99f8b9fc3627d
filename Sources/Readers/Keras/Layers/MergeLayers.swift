import Diagnostics
import FixedPoint
import Functions
import Graph

// Keras 3 writes arithmetic on tensors, as in `x * 2 + y`, as operators named like the merging layers; their
// operands may be numbers.
extension LayerImporter {
  static let mergeLayers = [
    merge("Add", .add), merge("Subtract", .subtract), merge("Multiply", .multiply),
    merge("Maximum", .maximum),
    merge("Minimum", .minimum),
    LayerImporter(["Average"], emit: emitAverage),
    LayerImporter(["Concatenate", "HGQ>PConcatenate"], attributes: ["axis"], emit: emitConcatenate),
    LayerImporter(["Divide", "TrueDivide"], emit: emitDivide),
    LayerImporter(["Negative"]) { (call, builder) throws(CompilationFailed) in
      [try builder.affine(try call.input(), factor: Rational(-1), call)]
    },
  ]

  private static func merge(_ kind: String, _ combination: Combination) -> LayerImporter {
    LayerImporter([kind]) { (call, builder) throws(CompilationFailed) in
      if call.operands.contains(where: \.isLiteral) { return [try builder.operate(combination, call)] }
      return [try builder.merge(combination, try call.inputs(), call)]
    }
  }

  private static func emitAverage(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let inputs = try call.inputs()
    let sum = try builder.merge(.add, inputs, call, "sum")
    return [try builder.affine(sum, factor: Rational(1, Int128(inputs.count)), call)]
  }

  private static func emitConcatenate(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let inputs = try call.inputs()
    guard let first = inputs.first else { throw call.failure("I113", "expected operands") }
    if inputs.count == 1 { return inputs }
    let shapes = inputs.map { builder.shape($0) }
    let rank = builder.rank(first)
    var axis = rank - 1
    if let value = call.attribute("axis") { axis = try call.axis(value, rank: rank) }
    for shape in shapes {
      var expected = shapes[0]
      if shape.count == expected.count { expected[axis] = shape[axis] }
      guard shape == expected else {
        throw call.failure("I116", "operands of shapes \(shapes[0]) and \(shape) do not fit")
      }
    }
    return [try builder.add(.rearrange(.concatenate(axis: axis)), inputs, call)]
  }

  private static func emitDivide(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    guard call.operands.count == 2 else { throw call.failure("I113", "expected two operands") }
    if case .node(let divisor) = call.operands[1] {
      let inverse = try builder.add(.map(Map(.reciprocal)), [divisor], call, "reciprocal")
      switch call.operands[0] {
      case .node(let x): return [try builder.combine(.multiply, [x, inverse], call)]
      case .literal(let value): return [try builder.scale(inverse, by: try value.requireDouble(), call)]
      }
    }
    guard case .node(let x) = call.operands[0], case .literal(let value) = call.operands[1] else {
      throw call.failure("I113", "expected a tensor among the operands")
    }
    let divisor = try value.requireDouble()
    guard divisor != 0, divisor.isFinite else { throw value.failure("I114", "a division by \(divisor)") }
    if let exact = Rational(exactly: divisor), exact.numerator.magnitude < 1 << 24 {
      return [try builder.affine(x, factor: Rational(exact.denominator, exact.numerator), call)]
    }
    return [try builder.scale(x, by: 1 / divisor, call)]
  }
}

extension LayerCall.Operand {
  fileprivate var isLiteral: Bool { if case .literal = self { true } else { false } }
}

extension GraphBuilder {
  /// Combines two or more tensors; `subtract` takes exactly two.
  mutating func merge(
    _ combination: Combination, _ inputs: [NodeID], _ call: LayerCall, _ role: String? = nil
  )
    throws(CompilationFailed) -> NodeID
  {
    guard inputs.count >= 2, combination != .subtract || inputs.count == 2 else {
      throw call.failure("I113", "a merge of \(inputs.count) operands is not possible")
    }
    return try combine(combination, inputs, call, role)
  }

  /// An operation on a tensor and a number.
  fileprivate mutating func operate(_ combination: Combination, _ call: LayerCall)
    throws(CompilationFailed) -> NodeID
  {
    let x: NodeID
    let value: JSONValue
    var isNumberFirst = false
    switch (call.operands.count, call.operands.first, call.operands.last) {
    case (2, .node(let node), .literal(let literal)): (x, value) = (node, literal)
    case (2, .literal(let literal), .node(let node)):
      (x, value) = (node, literal)
      isNumberFirst = true
    default: throw call.failure("I113", "expected two operands, one of them a tensor")
    }
    let number = try value.requireDouble()
    guard number.isFinite else { throw value.failure("I114", "expected a finite number, found \(number)") }
    switch combination {
    case .add: return try affine(x, factor: .one, shift: number, call)
    case .subtract:
      return try affine(
        x, factor: isNumberFirst ? Rational(-1) : .one, shift: isNumberFirst ? number : -number, call)
    case .multiply: return try scale(x, by: number, call)
    case .maximum, .minimum, .less, .lessOrEqual, .equal, .notEqual, .select:
      let constant = try constant(number, shape: shape(x), call, "constant")
      return try combine(combination, isNumberFirst ? [constant, x] : [x, constant], call)
    }
  }

  /// x · number.
  mutating func scale(_ x: NodeID, by number: Double, _ call: LayerCall, _ role: String? = nil)
    throws(CompilationFailed) -> NodeID
  {
    let channels = shape(x).last ?? 1
    return try affine(
      x, scale: .coefficients(number, channels: channels), call, role)
  }
}
