import Circuit

/// What a circuit is expected to take, in total and by layer.
public struct Estimate: Hashable, Sendable {
  public var total: Resources
  /// By layer: indexed as `Circuit.origins`.
  public var byOrigin: [Resources]
  /// The synthesis flow whose counts are estimated.
  public var flow: String
  /// The relative error to expect of `lut`, such as 0.1.
  public var band: Double
}

extension Circuit {
  /// The resources of the circuit, pure or timed, on a part.
  ///
  /// Look-up tables are counted as yosys' `synth_xilinx` counts them when every sum of two terms keeps a carry chain
  /// of its own and a sum of three is the ternary adder of one table a bit: logical tables, two small ones not packed
  /// into one. Flip-flops are register bits; where `foldingDelays`, delays of three and more cycles are shift
  /// registers (a flip-flop and a look-up table a bit), as that flow makes them by default.
  ///
  /// - Complexity: O(operations and operands, and entries of tables).
  public func estimate(on part: Part, foldingDelays: Bool = false) -> Estimate {
    var costs = OperationCosts(self, part: part)
    var byOrigin = [Resources](repeating: Resources(), count: origins.count)
    for value in values { byOrigin[self[value].origin] += costs.resources(of: value) }
    if foldingDelays && part.hasShiftRegisters { foldDelays(in: &byOrigin) }
    var total = Resources()
    for resources in byOrigin { total += resources }
    let isCalibrated = part.lutInputs == 6 && part.vendor == .amd
    return Estimate(
      total: total, byOrigin: byOrigin,
      flow: isCalibrated
        ? "yosys 0.23 synth_xilinx, one carry chain a sum (cpa), ternary adders of one LUT a bit"
        : "counting rules of the AMD flow on \(part.lutInputs)-input tables; not calibrated for \(part.family)",
      band: isCalibrated ? 0.1 : 0.3)
  }

  /// Turns chains of at least three registers into shift registers of up to 16 bits and a last flip-flop.
  private func foldDelays(in byOrigin: inout [Resources]) {
    // A register ends a chain unless a register is its only user.
    var users = [Int](repeating: 0, count: operations.count)
    var registerUsers = users
    for operation in operations {
      for operand in operation.kind.operands { users[operand.index] += 1 }
      if case .register(let operand) = operation.kind { registerUsers[operand.index] += 1 }
    }
    for port in outputs { for element in port.elements { users[element.value.index] += 1 } }
    var lengths = users.map { _ in 0 }
    for value in values {
      guard case .register(let operand) = self[value].kind else { continue }
      let continues = lengths[operand.index] > 0 && users[operand.index] == 1
      lengths[value.index] = continues ? lengths[operand.index] + 1 : 1
      if users[value.index] == 1 && registerUsers[value.index] == 1 { continue }
      let length = lengths[value.index]
      guard length >= 3 else { continue }
      let width = self[value].format.width
      byOrigin[self[value].origin].ff -= (length - 1) * width
      byOrigin[self[value].origin].srl += (length - 1 + 15) / 16 * width
    }
  }
}
