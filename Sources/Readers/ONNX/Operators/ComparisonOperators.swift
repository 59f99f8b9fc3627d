import Diagnostics
import FixedPoint
import Functions
import Graph

// Relations are 1 where they hold, else 0; logic works on such numbers.
extension ONNXOperator {
  static let comparisonOperators = [
    compare("Less", .less, isSwapped: false) { $0 < $1 },
    compare("LessOrEqual", .lessOrEqual, isSwapped: false) { $0 <= $1 },
    compare("Greater", .less, isSwapped: true) { $0 > $1 },
    compare("GreaterOrEqual", .lessOrEqual, isSwapped: true) { $0 >= $1 },
    compare("Equal", .equal, isSwapped: false) { $0 == $1 },
    logical("And", .minimum) { $0 != 0 && $1 != 0 }, logical("Or", .maximum) { $0 != 0 || $1 != 0 },
    logical("Xor", .notEqual) { ($0 != 0) != ($1 != 0) },
    ONNXOperator(["Not"]) { (call, builder) throws(CompilationFailed) in
      if let folded = try call.folded({ $0[0] == 0 ? 1 : 0 }) { return [folded] }
      return [.tensor(try builder.negated(try call.tensor(0, &builder), call))]
    },
    ONNXOperator(["Where"]) { (call, builder) throws(CompilationFailed) in
      if let folded = try call.folded({ $0[0] != 0 ? $0[1] : $0[2] }) { return [folded] }
      guard call.operands.count == 3 else { throw call.failure("I408", "expected three operands") }
      // A condition that is the same everywhere leaves one side alone.
      if case .constant(let condition)? = call.operand(0), let value = condition.uniform,
        let chosen = call.operand(value != 0 ? 1 : 2), case .tensor = chosen,
        let shape = call.fullShape(chosen, builder), condition.broadcast(to: shape) != nil,
        let other = call.fullShape(call.operand(value != 0 ? 2 : 1), builder), other.count <= shape.count,
        zip(other.reversed(), shape.reversed()).allSatisfy({ $0 == 1 || $0 == $1 })
      {
        return [chosen]
      }
      return [.tensor(try builder.combine(.select, try call.aligned(&builder), call))]
    },
  ]

  private static func compare(
    _ kind: String, _ combination: Combination, isSwapped: Bool,
    _ holds: @escaping @Sendable (Double, Double) -> Bool
  ) -> ONNXOperator {
    ONNXOperator([kind], attributes: ["axis", "broadcast"]) { (call, builder) throws(CompilationFailed) in
      if let folded = try call.folded({ holds($0[0], $0[1]) ? 1 : 0 }) { return [folded] }
      let operands = try call.aligned(&builder)
      guard operands.count == 2 else { throw call.failure("I408", "expected two operands") }
      return [.tensor(try builder.combine(combination, isSwapped ? operands.reversed() : operands, call))]
    }
  }

  private static func logical(
    _ kind: String, _ combination: Combination, _ holds: @escaping @Sendable (Double, Double) -> Bool
  ) -> ONNXOperator {
    ONNXOperator([kind], attributes: ["axis", "broadcast"]) { (call, builder) throws(CompilationFailed) in
      if let folded = try call.folded({ holds($0[0], $0[1]) ? 1 : 0 }) { return [folded] }
      var operands: [NodeID] = []
      for x in try call.aligned(&builder) { operands.append(try builder.truth(x, call, "truth")) }
      guard operands.count == 2 else { throw call.failure("I408", "expected two operands") }
      return [.tensor(try builder.combine(combination, operands, call))]
    }
  }
}
