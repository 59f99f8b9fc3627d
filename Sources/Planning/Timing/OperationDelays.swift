import Circuit
import FixedPoint

/// The timing arcs of each kind of operation on a part.
struct OperationDelays {
  let part: Part
  let fanouts: Fanouts

  private var model: DelayModel { part.delays }

  /// Appends the arcs from the operation's operands to its result.
  func append(_ value: Value, in circuit: Circuit, to arcs: inout [TimingArc]) {
    let operation = circuit[value]
    let width = operation.format.width
    switch operation.kind {
    case .input, .constant, .register: break
    case .sum(let terms): appendSum(terms, width: width, in: circuit, to: &arcs)
    case .multiply(let a, let b): appendProduct(a, b, operation, in: circuit, to: &arcs)
    case .slice(let operand, _):
      // The lowest bit that is left comes later than the operand's lowest by as much as the carry chain took to get
      // there, so that the chain that follows does not wait for it: the highest bits decide.
      if width <= 1 {
        arcs.append(top(operand, 0))
      } else {
        arcs.append(straight(operand, 0))
      }
    case .compare(let relation, let a, let b): appendCompare(relation, a, b, in: circuit, to: &arcs)
    case .select(let condition, let ifTrue, let ifFalse):
      arcs.append(top(condition, net(condition) + model.lut))
      for operand in [ifTrue, ifFalse] { arcs.append(straight(operand, net(operand) + model.lut)) }
    case .lookup(let operand, _):
      let levels = lookupLevels(circuit[operand].format.width)
      arcs.append(top(operand, levels == 0 ? 0 : net(operand) + logic(levels)))
    case .bitwise(_, let operands):
      let levels = treeLevels(operands.count, arity: part.lutInputs)
      for operand in operands { arcs.append(straight(operand, net(operand) + logic(levels))) }
    case .reduce(_, let operand):
      let levels = treeLevels(circuit[operand].format.width, arity: part.lutInputs)
      arcs.append(top(operand, levels == 0 ? 0 : net(operand) + logic(levels)))
    }
  }

  private func net(_ value: Value) -> Int { model.net(fanout: fanouts.loads[value.index]) }

  /// So many look-up tables in a row, with the nets between them.
  private func logic(_ levels: Int) -> Int { levels * model.lut + (levels - 1) * model.net }

  /// Levels of a tree over so many leaves.
  private func treeLevels(_ leaves: Int, arity: Int) -> Int {
    var levels = 0
    var reach = 1
    while reach < leaves {
      levels += 1
      reach *= arity
    }
    return levels
  }

  private func lookupLevels(_ inputs: Int) -> Int {
    inputs == 0 ? 0 : 1 + treeLevels(inputs - part.lutInputs + 1, arity: 3)
  }

  /// Every bit of the result after the bit beside it.
  private func straight(_ operand: Value, _ delay: Int) -> TimingArc {
    TimingArc(
      operand: Int32(operand.index), lowToLow: Int32(delay), lowToHigh: TimingArc.none,
      highToLow: TimingArc.none, highToHigh: Int32(delay))
  }

  /// All bits of the result after all bits of the operand.
  private func top(_ operand: Value, _ delay: Int) -> TimingArc {
    TimingArc(
      operand: Int32(operand.index), lowToLow: TimingArc.none, lowToHigh: TimingArc.none,
      highToLow: Int32(delay), highToHigh: Int32(delay))
  }
}

extension OperationDelays {
  /// One carry chain for two terms, one behind two look-up tables for three where the part has ternary adders, a
  /// tree of those for more. Chains in a row overlap: each follows the one before it bit by bit.
  private func appendSum(_ terms: [Term], width: Int, in circuit: Circuit, to arcs: inout [TimingArc]) {
    if terms.count == 1, !terms[0].isNegative {
      arcs.append(straight(terms[0].value, 0))
      return
    }
    let entry = sumEntry(terms)
    for term in terms {
      let bits = circuit[term.value].format.width
      let start = net(term.value) + entry
      arcs.append(
        TimingArc(
          operand: Int32(term.value.index), lowToLow: Int32(start),
          lowToHigh: Int32(start + model.carry(width - 1 - term.shift)), highToLow: TimingArc.none,
          highToHigh: Int32(start + model.carry(width - term.shift - bits))))
    }
  }

  /// From the nets of the operands to the first bit of the sum.
  private func sumEntry(_ terms: [Term]) -> Int {
    // Negating all terms takes one more: there is nothing to subtract them from.
    let count = terms.count + (terms.count > 1 && terms.allSatisfy(\.isNegative) ? 1 : 0)
    let binary = model.lut + model.carryEntry
    if count <= 2 { return binary }
    guard part.hasTernaryAdders else {
      let levels = treeLevels(count, arity: 2)
      return levels * binary + (levels - 1) * model.net
    }
    let ternary = 2 * model.lut + model.net + model.carryEntry
    let levels = treeLevels(count, arity: 3)
    return levels * ternary + (levels - 1) * model.net
  }

  private func appendProduct(
    _ a: Value, _ b: Value, _ operation: Operation, in circuit: Circuit, to arcs: inout [TimingArc]
  ) {
    let widths = [circuit[a].format.width, circuit[b].format.width]
    let delay: Int
    if Products(part: part).usesMultiplier(widths[0], widths[1], product: operation.format.width) {
      delay = model.multiplier
    } else {
      let levels = max(1, treeLevels(widths.min() ?? 1, arity: 2))
      delay =
        levels * (model.lut + model.carryEntry) + (levels - 1) * model.net
        + model.carry(operation.format.width)
    }
    for operand in [a, b] { arcs.append(top(operand, net(operand) + delay)) }
  }

  /// A look-up table or two where few bits are compared, else a carry chain from the lowest bit up; against 0 the
  /// sign is the answer.
  private func appendCompare(
    _ relation: Relation, _ a: Value, _ b: Value, in circuit: Circuit, to arcs: inout [TimingArc]
  ) {
    let constants = [a, b].map { circuit[$0].format.range.isConstant ? circuit[$0].format.range.lower : nil }
    let width = max(circuit[a].format.width, circuit[b].format.width)
    if relation == .less && constants[1] == 0 || relation == .lessOrEqual && constants[0] == 0 {
      arcs.append(top(constants[1] == 0 ? a : b, 0))
      return
    }
    let isAgainstConstant = constants.contains { $0 != nil }
    let bits = isAgainstConstant ? width : 2 * width
    let isEquality = relation == .equal || relation == .notEqual
    if isEquality || bits <= 2 * part.lutInputs {
      let levels = max(1, treeLevels(bits, arity: part.lutInputs))
      for operand in [a, b] { arcs.append(top(operand, net(operand) + logic(levels))) }
      return
    }
    for operand in [a, b] {
      let start = net(operand) + model.lut + model.carryEntry
      let chain = Int32(start + model.carry(width))
      arcs.append(
        TimingArc(
          operand: Int32(operand.index), lowToLow: chain, lowToHigh: chain, highToLow: Int32(start),
          highToHigh: Int32(start)))
    }
  }
}

/// How products of two variables are made.
struct Products {
  let part: Part

  /// Whether a multiplier block is taken: products of 9 bits and more of operands of at least 2 (the rule of yosys'
  /// `synth_xilinx`), where the part has one.
  func usesMultiplier(_ a: Int, _ b: Int, product: Int) -> Bool {
    part.multiplier != nil && min(a, b) >= 2 && product >= 9
  }
}
