import Diagnostics
import FixedPoint
import Graph

// Keras 3 turns arithmetic between tensors, as in `x * 2 + y`, into operators of `keras.src.ops.numpy`.
extension LayerImporter {
  static let operatorLayers = [
    operation("ops>Add", .add), operation("ops>Subtract", .subtract), operation("ops>Multiply", .multiply),
    operation("ops>Maximum", .maximum), operation("ops>Minimum", .minimum),
    LayerImporter(["ops>Divide", "ops>TrueDivide"], emit: emitDivide),
    LayerImporter(["ops>Negative"]) { (call, builder) throws(CompilationFailed) in
      [try builder.affine(try call.input(), factor: Rational(-1), call)]
    },
    LayerImporter(["ops>Concatenate"], attributes: ["axis"], emit: emitConcatenate),
  ]

  private static func operation(_ kind: String, _ combination: Combination) -> LayerImporter {
    LayerImporter([kind]) { (call, builder) throws(CompilationFailed) in
      [try builder.operate(combination, call)]
    }
  }

  private static func emitDivide(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    guard call.operands.count == 2, case .node(let x) = call.operands[0], case .literal(let value) = call.operands[1]
    else { throw call.failure("I113", "only a division by a number is supported") }
    let divisor = try value.requireDouble()
    guard divisor != 0, divisor.isFinite else { throw value.failure("I114", "a division by \(divisor)") }
    if let exact = Rational(exactly: divisor), exact.numerator.magnitude < 1 << 24 {
      return [try builder.affine(x, factor: Rational(exact.denominator, exact.numerator), call)]
    }
    return [try builder.scale(x, by: 1 / divisor, call)]
  }
}

extension GraphBuilder {
  /// An operation on tensors and numbers.
  mutating func operate(_ combination: Combination, _ call: LayerCall) throws(CompilationFailed) -> NodeID {
    guard call.operands.count == 2 else {
      throw call.failure("I113", "expected two operands, found \(call.operands.count)")
    }
    switch (call.operands[0], call.operands[1]) {
    case (.node(let a), .node(let b)): return try combine(combination, [a, b], call)
    case (.node(let x), .literal(let value)):
      let number = try finite(value)
      switch combination {
      case .add: return try affine(x, factor: .one, shift: number, call)
      case .subtract: return try affine(x, factor: .one, shift: -number, call)
      default: return try operate(combination, x, number, call)
      }
    case (.literal(let value), .node(let x)):
      let number = try finite(value)
      switch combination {
      case .add: return try affine(x, factor: .one, shift: number, call)
      case .subtract: return try affine(x, factor: Rational(-1), shift: number, call)
      default: return try operate(combination, x, number, call)
      }
    case (.literal, .literal): throw call.failure("I113", "expected a tensor among the operands")
    }
  }

  /// Multiplication, maximum or minimum with a number.
  private mutating func operate(_ combination: Combination, _ x: NodeID, _ number: Double, _ call: LayerCall)
    throws(CompilationFailed) -> NodeID
  {
    if combination == .multiply { return try scale(x, by: number, call) }
    let constant = try constant(number, shape: shape(x), call, "constant")
    return try combine(combination, [x, constant], call)
  }

  /// x · number.
  mutating func scale(_ x: NodeID, by number: Double, _ call: LayerCall, _ role: String? = nil)
    throws(CompilationFailed) -> NodeID
  {
    let channels = shape(x).last ?? 1
    return try affine(
      x, scale: .coefficients(Array(repeating: number, count: channels), shape: [channels]), call, role)
  }

  private func finite(_ value: JSONValue) throws(CompilationFailed) -> Double {
    let number = try value.requireDouble()
    guard number.isFinite else { throw value.failure("I114", "expected a finite number, found \(number)") }
    return number
  }
}
