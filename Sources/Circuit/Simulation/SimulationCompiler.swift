import FixedPoint

/// Makes a program of a circuit: chooses lanes, fuses what one instruction can do, and lets values share slots.
struct SimulationCompiler {
  typealias Instruction = SimulationProgram.Instruction

  /// A result before slots are assigned.
  private struct Register {
    var lane: Lane
    var constant: Int128?
  }

  private let circuit: Circuit
  private let uses: UseCounts
  private var program = SimulationProgram()
  /// Instructions whose slots are registers still.
  private var code: [Instruction] = []
  private var registers: [Register] = []
  /// The register that holds each value exactly, or -1.
  private var exact: [Int32]
  /// Other lanes' copies of a value, and constants, made once.
  private var copies: [Copy: Int32] = [:]
  private var constants: [Constant: Int32] = [:]
  private var tables: [Copy: Int32] = [:]

  private struct Copy: Hashable {
    var index: Int
    var lane: Lane
  }

  private struct Constant: Hashable {
    var value: Int128
    var lane: Lane
  }

  /// - Requires: a circuit that the verifier accepts.
  static func compile(_ circuit: Circuit) -> SimulationProgram {
    var compiler = SimulationCompiler(circuit)
    for value in circuit.values where compiler.uses.isComputed(value) { compiler.emit(value) }
    let outputs = circuit.outputs.flatMap { $0.elements.map { compiler.register($0.value) } }
    return compiler.finish(outputs)
  }

  private init(_ circuit: Circuit) {
    self.circuit = circuit
    uses = UseCounts(circuit)
    exact = Array(repeating: -1, count: circuit.operations.count)
    program.inputs = circuit.inputs.flatMap { $0.elements.map(\.format.range) }
  }

  private func range(_ value: Value) -> Interval { circuit[value].format.range }
  private func lane(_ value: Value) -> Lane { Lane(range(value)) }

  private mutating func newRegister(_ lane: Lane, constant: Int128? = nil) -> Int32 {
    registers.append(Register(lane: lane, constant: constant))
    return Int32(registers.count - 1)
  }

  private mutating func append(_ instruction: Instruction) -> Int32 {
    var instruction = instruction
    instruction.target = newRegister(instruction.lane)
    code.append(instruction)
    return instruction.target
  }

  private mutating func constant(_ value: Int128, _ lane: Lane) -> Int32 {
    let key = Constant(value: value, lane: lane)
    if let known = constants[key] { return known }
    let register = newRegister(lane, constant: value)
    constants[key] = register
    return register
  }

  /// The register that holds a value exactly. Inputs are loaded when they are first needed.
  private mutating func register(_ value: Value) -> Int32 {
    if exact[value.index] >= 0 { return exact[value.index] }
    switch circuit[value].kind {
    case .constant(let constant): exact[value.index] = self.constant(constant, lane(value))
    case .register(let operand): exact[value.index] = register(operand)
    case .input(let port, let element):
      let first = circuit.inputs[..<port].reduce(0) { $0 + $1.elements.count }
      exact[value.index] = append(
        Instruction(opcode: .load, lane: lane(value), a: Int32(first + element)))
    default: preconditionFailure("\(value) is used before it is computed")
    }
    return exact[value.index]
  }

  /// A register of another lane with the value modulo 2^bits.
  private mutating func register(_ value: Value, in lane: Lane) -> Int32 {
    if case .constant(let constant) = circuit[value].kind { return self.constant(constant, lane) }
    let whole = register(value)
    let source = registers[Int(whole)].lane
    if source == lane { return whole }
    let key = Copy(index: Int(whole), lane: lane)
    if let known = copies[key] { return known }
    let copy = append(Instruction(opcode: .convert, lane: lane, source: source, a: whole))
    copies[key] = copy
    return copy
  }
}

// MARK: - Operations

extension SimulationCompiler {
  private mutating func emit(_ value: Value) {
    let lane = lane(value)
    switch circuit[value].kind {
    case .input, .constant, .register: return
    case .sum(let terms): exact[value.index] = sum(terms, lane)
    case .multiply(let a, let b):
      exact[value.index] = append(
        Instruction(opcode: .multiply, lane: lane, a: register(a, in: lane), b: register(b, in: lane)))
    case .slice(let operand, let low): exact[value.index] = slice(operand, low, to: range(value))
    case .compare(let relation, let a, let b):
      let wide = max(self.lane(a), self.lane(b))
      exact[value.index] = append(
        Instruction(opcode: relation.opcode, lane: wide, a: register(a, in: wide), b: register(b, in: wide)))
    case .select(let condition, let ifTrue, let ifFalse):
      exact[value.index] = select(condition, ifTrue, ifFalse, lane)
    case .lookup(let operand, let table): exact[value.index] = lookup(operand, table, lane)
    case .bitwise(let kind, let operands):
      var result = register(operands[0], in: lane)
      for operand in operands.dropFirst() {
        result = append(
          Instruction(opcode: kind.opcode, lane: lane, a: result, b: register(operand, in: lane)))
      }
      exact[value.index] = result
    case .reduce(let kind, let operand): exact[value.index] = reduce(kind, operand)
    }
  }

  private mutating func reduce(_ kind: Bitwise, _ operand: Value) -> Int32 {
    let lane = lane(operand)
    let a = register(operand, in: lane)
    switch kind {
    case .and:
      let ones = (Int128(1) << range(operand).width) - 1
      return append(Instruction(opcode: .equal, lane: lane, a: a, b: constant(ones, lane)))
    case .or: return append(Instruction(opcode: .notEqual, lane: lane, a: a, b: constant(0, lane)))
    case .xor: return append(Instruction(opcode: .parity, lane: lane, a: a))
    }
  }

  private mutating func slice(_ operand: Value, _ low: Int, to result: Interval) -> Int32 {
    let source = range(operand)
    let width = result.width
    if width == 0 { return constant(0, .int16) }
    let floor = Interval(source.lower >> Int128(min(low, 127)), source.upper >> Int128(min(low, 127)))
    let type = FixedType(width: width, integerBits: width, isSigned: result.isSigned).rawRange
    let isWhole = type.contains(floor)
    // Only the bits from `low` on matter, and none above the result's where these are cut.
    let lane = low == 0 && !isWhole ? Lane(result) : max(Lane(source), Lane(result))
    let a = register(operand, in: lane)
    if isWhole && low == 0 { return a }
    let opcode: SimulationProgram.Opcode =
      isWhole ? .shiftRight : result.isSigned ? .signedBitField : .bitField
    return append(
      Instruction(
        opcode: opcode, lane: lane, shifts: (UInt8(min(low, lane.bits - 1)), UInt8(width), 0), a: a))
  }

  private mutating func select(
    _ condition: Value, _ ifTrue: Value, _ ifFalse: Value, _ lane: Lane
  ) -> Int32 {
    let c = register(ifTrue, in: lane)
    let d = register(ifFalse, in: lane)
    if uses.isFused(condition), case .compare(let relation, let a, let b) = circuit[condition].kind {
      let wide = max(self.lane(a), self.lane(b))
      if wide <= lane {
        return append(
          Instruction(
            opcode: relation.selectOpcode, lane: lane, a: register(a, in: lane), b: register(b, in: lane),
            c: c, d: d))
      }
      exact[condition.index] = append(
        Instruction(opcode: relation.opcode, lane: wide, a: register(a, in: wide), b: register(b, in: wide)))
    }
    return append(
      Instruction(opcode: .select, lane: lane, a: register(condition, in: lane), c: c, d: d))
  }

  private mutating func lookup(_ operand: Value, _ table: Int, _ result: Lane) -> Int32 {
    let contents = circuit.tables[table]
    // The position in the table must fit, too.
    let lane = contents.entries.count > 1 << 15 ? max(result, .int32) : result
    let key = Copy(index: table, lane: lane)
    let first = tables[key] ?? Int32(program.entries[lane.index].count)
    if tables[key] == nil {
      tables[key] = first
      program.entries[lane.index] += contents.entries
    }
    return append(
      Instruction(
        opcode: .lookup, lane: lane, a: register(operand, in: lane), b: first,
        c: Int32(contents.entries.count), d: constant(contents.first, lane)))
  }
}

// MARK: - Sums

extension SimulationCompiler {
  /// A term in its lane: coefficient · register, the coefficient often ±2^shift.
  private struct Product {
    var register: Int32
    var coefficient: Int128

    /// The shift of a power of two.
    var shift: UInt8? {
      let magnitude = coefficient.magnitude
      return magnitude.nonzeroBitCount == 1 ? UInt8(magnitude.trailingZeroBitCount) : nil
    }

    var place: (Int, UInt128) { (coefficient < 0 ? 1 : 0, coefficient.magnitude) }
  }

  private mutating func sum(_ terms: [Term], _ lane: Lane) -> Int32 {
    var products: [Product] = []
    for term in terms {
      var (operand, coefficient) = (term.value, Int128(1) << term.shift)
      if uses.isFused(term.value), let (multiplied, factor) = circuit.constantMultiple(term.value) {
        (operand, coefficient) = (multiplied, factor << term.shift)
      }
      // Beyond the lane's bits, nothing is left of a term.
      if coefficient.trailingZeroBitCount >= lane.bits { continue }
      products.append(
        Product(
          register: register(operand, in: lane), coefficient: term.isNegative ? -coefficient : coefficient))
    }
    if products.isEmpty { return constant(0, lane) }
    // Positive ones first, among them those that need no shift.
    products.sort { $0.place < $1.place }
    if products.contains(where: { $0.shift == nil }) { return dot(products, lane) }
    var result = Product(register: few(Array(products.prefix(3)), lane), coefficient: 1)
    var rest = products.dropFirst(3)
    while !rest.isEmpty {
      result.register = few([result] + rest.prefix(2), lane)
      rest = rest.dropFirst(2)
    }
    return result.register
  }

  /// Up to three powers of two, positive ones first.
  private mutating func few(_ products: [Product], _ lane: Lane) -> Int32 {
    let negative = products.count { $0.coefficient < 0 }
    let opcode: SimulationProgram.Opcode
    switch (products.count, negative) {
    case (1, 0):
      if products[0].coefficient == 1 { return products[0].register }
      opcode = .shift
    case (1, _): opcode = .negate
    case (2, 0): opcode = .add
    case (2, 1): opcode = .subtract
    case (2, _): opcode = .negateBoth
    case (_, 0): opcode = .addThree
    case (_, 1): opcode = .addTwoSubtract
    case (_, 2): opcode = .addSubtractTwo
    default: opcode = .negateThree
    }
    func shift(_ i: Int) -> UInt8 { i < products.count ? products[i].shift ?? 0 : 0 }
    func register(_ i: Int) -> Int32 { i < products.count ? products[i].register : -1 }
    return append(
      Instruction(
        opcode: opcode, lane: lane, shifts: (shift(0), shift(1), shift(2)), a: register(0), b: register(1),
        c: register(2)))
  }

  private mutating func dot(_ products: [Product], _ lane: Lane) -> Int32 {
    let first = program.terms[lane.index].count
    program.terms[lane.index] += products.map {
      SimulationProgram.DotTerm(slot: $0.register, coefficient: $0.coefficient)
    }
    return append(
      Instruction(opcode: .dot, lane: lane, a: Int32(first), b: Int32(products.count)))
  }
}

extension Circuit {
  /// The operand and the factor of a product with a constant.
  fileprivate func constantMultiple(_ value: Value) -> (operand: Value, factor: Int128)? {
    guard case .multiply(let a, let b) = self[value].kind else { return nil }
    if case .constant(let factor) = self[a].kind { return (b, factor) }
    if case .constant(let factor) = self[b].kind { return (a, factor) }
    return nil
  }
}

/// How often results are used, and which of them their only user computes itself.
private struct UseCounts {
  private var counts: [Int]
  private var fused: [Bool]

  init(_ circuit: Circuit) {
    counts = Array(repeating: 0, count: circuit.operations.count)
    fused = Array(repeating: false, count: circuit.operations.count)
    for port in circuit.outputs { for element in port.elements { counts[element.value.index] += 1 } }
    for value in circuit.values.reversed() where counts[value.index] > 0 {
      for operand in circuit[value].kind.operands { counts[operand.index] += 1 }
    }
    var bySums = Array(repeating: 0, count: circuit.operations.count)
    var bySelections = bySums
    for value in circuit.values where counts[value.index] > 0 {
      switch circuit[value].kind {
      case .sum(let terms):
        // Shifted further, a large factor would leave Int128.
        for term in terms where term.shift <= 60 { bySums[term.value.index] += 1 }
      case .select(let condition, _, _): bySelections[condition.index] += 1
      default: break
      }
    }
    for index in counts.indices where counts[index] > 0 {
      switch circuit.operations[index].kind {
      // A product costs its sum nothing, however many sums there are.
      case .multiply:
        guard bySums[index] == counts[index], let (_, factor) = circuit.constantMultiple(Value(index)) else {
          continue
        }
        fused[index] = factor != 0 && factor.magnitude < 1 << 60
      case .compare: fused[index] = counts[index] == 1 && bySelections[index] == 1
      default: break
      }
    }
  }

  /// Whether an instruction of its own computes the value.
  func isComputed(_ value: Value) -> Bool { counts[value.index] > 0 && !fused[value.index] }
  func isFused(_ value: Value) -> Bool { fused[value.index] }
}

// MARK: - Slots

extension SimulationCompiler {
  /// Assigns slots by a linear scan: a register's slot is free again after its last use. The target of an instruction
  /// never shares a slot with its operands.
  private mutating func finish(_ outputs: [Int32]) -> SimulationProgram {
    var lastUse = Array(repeating: -1, count: registers.count)
    for (index, instruction) in code.enumerated() {
      for operand in operands(instruction) { lastUse[Int(operand)] = index }
    }
    for output in outputs { lastUse[Int(output)] = code.count }
    var slots = Array(repeating: Int32(-1), count: registers.count)
    var free: [[Int32]] = Array(repeating: [], count: Lane.allCases.count)
    func newSlot(_ lane: Lane, _ program: inout SimulationProgram) -> Int32 {
      if let slot = free[lane.index].popLast() { return slot }
      program.slotCounts[lane.index] += 1
      return Int32(program.slotCounts[lane.index] - 1)
    }
    for (index, register) in registers.enumerated() {
      guard let constant = register.constant, lastUse[index] >= 0 else { continue }
      slots[index] = newSlot(register.lane, &program)
      program.constants.append(
        SimulationProgram.Constant(lane: register.lane, slot: slots[index], value: constant))
    }
    program.instructions.reserveCapacity(code.count)
    for (index, instruction) in code.enumerated() {
      let target = Int(instruction.target)
      slots[target] = newSlot(instruction.lane, &program)
      let operands = operands(instruction)
      program.instructions.append(assigned(instruction, slots))
      for operand in operands.map(Int.init)
      where lastUse[operand] == index && registers[operand].constant == nil {
        // An operand may come twice; its slot is free once.
        lastUse[operand] = -1
        free[registers[operand].lane.index].append(slots[operand])
      }
    }
    program.outputs = outputs.map {
      SimulationProgram.Output(lane: registers[Int($0)].lane, slot: slots[Int($0)])
    }
    return program
  }

  /// The registers that an instruction reads.
  private func operands(_ instruction: Instruction) -> [Int32] {
    switch instruction.opcode {
    case .load: return []
    case .dot:
      let first = Int(instruction.a)
      return program.terms[instruction.lane.index][first..<(first + Int(instruction.b))].map(\.slot)
    case .lookup: return [instruction.a, instruction.d]
    default: return [instruction.a, instruction.b, instruction.c, instruction.d].filter { $0 >= 0 }
    }
  }

  /// The instruction with slots instead of registers. Terms of dot products are rewritten in place.
  private mutating func assigned(_ instruction: Instruction, _ slots: [Int32]) -> Instruction {
    var result = instruction
    func slot(_ register: Int32) -> Int32 { register < 0 ? -1 : slots[Int(register)] }
    result.target = slot(instruction.target)
    switch instruction.opcode {
    case .load: break
    case .dot:
      let first = Int(instruction.a)
      for index in first..<(first + Int(instruction.b)) {
        let register = program.terms[instruction.lane.index][index].slot
        program.terms[instruction.lane.index][index].slot = slots[Int(register)]
      }
    case .lookup:
      result.a = slot(instruction.a)
      result.d = slot(instruction.d)
    default:
      result.a = slot(instruction.a)
      result.b = slot(instruction.b)
      result.c = slot(instruction.c)
      result.d = slot(instruction.d)
    }
    return result
  }
}

extension Relation {
  fileprivate var opcode: SimulationProgram.Opcode {
    switch self {
    case .less: .less
    case .lessOrEqual: .lessOrEqual
    case .equal: .equal
    case .notEqual: .notEqual
    }
  }

  fileprivate var selectOpcode: SimulationProgram.Opcode {
    switch self {
    case .less: .selectLess
    case .lessOrEqual: .selectLessOrEqual
    case .equal: .selectEqual
    case .notEqual: .selectNotEqual
    }
  }
}

extension Bitwise {
  fileprivate var opcode: SimulationProgram.Opcode {
    switch self {
    case .and: .and
    case .or: .or
    case .xor: .xor
    }
  }
}
