/// Something that the RTL does otherwise than it must.
public struct ProofFailure: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable {
    /// Registers between input and output, resets, enables.
    case timing
    /// A value.
    case value
  }

  public var kind: Kind
  /// The graph's node, where one is known.
  public var node: String?
  /// The element of the node's tensor.
  public var element: Int?
  /// The signal of the Verilog, where one is known.
  public var signal: String?
  /// What is wrong, as a clause.
  public var message: String
  var place: VerilogPlace?
}

/// A netlist's stages, or why it has none.
struct TimingProof {
  /// For each word the registers on every path to it from an input; nil where none leads there.
  private(set) var stages: [Int?]
  private(set) var failures: [ProofFailure] = []
  private let netlist: Netlist
  private let interface: DesignInterface

  /// Proves that every path from an input to an output crosses the promised count of registers, that registers change in
  /// every cycle or with `ce`, and that `out_valid` is `in_valid` that many cycles later, cleared by `rst`.
  ///
  /// - Complexity: linear in the netlist.
  init(_ netlist: Netlist, _ interface: DesignInterface) {
    self.netlist = netlist
    self.interface = interface
    stages = Array(repeating: nil, count: netlist.count)
    checkData()
    checkRegisters()
    if interface.hasValid { checkValid() }
  }

  private mutating func fail(_ message: String, _ net: Net?) {
    let signal = net.flatMap { netlist.name(of: $0) }
    failures.append(
      ProofFailure(
        kind: .timing, signal: signal, message: message, place: net.flatMap { netlist.places[$0.index] }))
  }

  private mutating func checkData() {
    let dataPorts = interface.outputs.filter { $0.width > 0 }
    let roots = dataPorts.flatMap { netlist.outputs[$0.name]?.pieces.map(\.net) ?? [] }
    let isLive = netlist.cone(of: roots)
    for index in netlist.nets where isLive[index] {
      let operation = netlist.operations[index]
      switch operation {
      case .element: stages[index] = 0
      case .control(let port): fail("data depends on port '\(port)'", Net(index))
      case .state: fail("data depends on a register that is reset", Net(index))
      case .constant: break
      case .register(let operand):
        if let stage = stages[operand.index] {
          stages[index] = stage + 1
        } else {
          fail("a register of a constant", Net(index))
        }
      default:
        var first: (stage: Int, net: Net)?
        for operand in operation.operands {
          guard let stage = stages[operand.index] else { continue }
          if let first, first.stage != stage {
            fail(
              "paths of \(first.stage) and of \(stage) registers meet, from \(describe(first.net)) and "
                + describe(operand), Net(index))
            break
          }
          first = (stage, operand)
        }
        stages[index] = first?.stage
      }
    }
    for port in dataPorts {
      for piece in netlist.outputs[port.name]?.pieces ?? [] {
        guard let stage = stages[piece.net.index], stage != interface.latency else { continue }
        fail(
          "\(stage) instead of \(interface.latency) registers between inputs and output '\(port.name)'",
          piece.net)
      }
    }
  }

  private func describe(_ net: Net) -> String { netlist.name(of: net).map { "'\($0)'" } ?? "a part of it" }

  private func isControl(_ net: Net?, _ port: String) -> Bool {
    net.map { netlist.operation($0) == .control(port) } ?? false
  }

  private func isRightEnable(_ enable: Net?) -> Bool {
    interface.hasEnable ? isControl(enable, "ce") : enable == nil
  }

  private mutating func checkRegisters() {
    for register in netlist.registers where !isRightEnable(register.enable) {
      fail(
        interface.hasEnable
          ? "a register that changes without 'ce'" : "a register that changes under a condition",
        register.net)
    }
  }

  /// Follows `out_valid` back through one register a stage to `in_valid`.
  private mutating func checkValid() {
    guard var bit = netlist.outputs["out_valid"], bit.width == 1 else { return fail("no 'out_valid'", nil) }
    if interface.latency == 0 { return checkCombinationalValid(bit.pieces[0]) }
    for stage in (1...interface.latency).reversed() {
      let piece = bit.pieces[0]
      guard case .state = netlist.operation(piece.net),
        let register = netlist.resettable.first(where: { $0.state == piece.net })
      else {
        return fail(
          "'out_valid' is no chain of \(interface.latency) registers: none ends stage \(stage)", piece.net)
      }
      guard isControl(register.reset, "rst"), register.resetValue == 0 else {
        return fail("'\(register.name)' is not cleared by 'rst'", piece.net)
      }
      guard isRightEnable(register.enable) else {
        return fail("'\(register.name)' changes under another condition than it must", piece.net)
      }
      bit = register.next.slice(low: piece.low, count: 1)
    }
    if !isControl(bit.pieces[0].net, "in_valid") {
      fail("'out_valid' does not start at 'in_valid' \(interface.latency) cycles before", bit.pieces[0].net)
    }
  }

  private mutating func checkCombinationalValid(_ piece: NetPiece) {
    for case let (isValid, isReset) in [(false, false), (false, true), (true, false), (true, true)] {
      let value = netlist.controlValue(piece.net, ["in_valid": isValid, "rst": isReset]).map {
        $0 >> piece.low & 1
      }
      if value != (isValid && !isReset ? 1 : 0) {
        return fail("'out_valid' is not 'in_valid' without 'rst'", piece.net)
      }
    }
  }
}

extension Netlist {
  /// Which words some words depend on.
  func cone(of roots: [Net]) -> [Bool] {
    var isLive = Array(repeating: false, count: count)
    for root in roots { isLive[root.index] = true }
    for index in nets.reversed() where isLive[index] {
      for operand in operations[index].operands { isLive[operand.index] = true }
    }
    return isLive
  }

  /// The signal that is nearest to a word: its own, or that of the word that it is made into next.
  func name(of net: Net) -> String? { signals.first { $0.net == net }?.name }

  /// A word that depends on control ports alone.
  fileprivate func controlValue(_ net: Net, _ ports: [String: Bool]) -> UInt128? {
    let operands = operation(net).operands.map { controlValue($0, ports) }
    if operands.contains(nil) { return nil }
    let mask = UInt128.ones(width(net))
    switch operation(net) {
    case .control(let port): return ports[port].map { $0 ? 1 : 0 }
    case .constant(let value): return value
    case .not: return operands[0].map { ~$0 & mask }
    case .logic(let kind, _, _):
      guard let a = operands[0], let b = operands[1] else { return nil }
      return kind.apply(a, b)
    default: return nil
    }
  }
}
