import Dispatch

/// Runs a program on batches of samples, lane by lane in structures of arrays.
///
/// The one place of unsafe memory in the simulator. Invariant: every slot of an instruction is below the slot count of
/// its lane, every index into terms and entries below their counts (`SimulationCompiler` assigns them so, and
/// `checkBounds` traps otherwise, once for each program), and the target of an instruction is none of its operands' slots. A slot is `width` words.
/// Positions in tables and the ranges of inputs depend on data and are checked as the program runs. The safe twin, with
/// which tests compare it, is `Circuit.evaluate`.
final class BatchMachine {
  /// Samples in a batch: enough to outweigh the choice of an instruction, few enough for slots to stay in the cache.
  static let width = 128

  private let program: SimulationProgram
  private let words16: LaneMemory<Int16>
  private let words32: LaneMemory<Int32>
  private let words64: LaneMemory<Int64>
  private let words128: LaneMemory<Int128>

  init(_ program: SimulationProgram) {
    self.program = program
    words16 = LaneMemory(program, .int16)
    words32 = LaneMemory(program, .int32)
    words64 = LaneMemory(program, .int64)
    words128 = LaneMemory(program, .int128)
  }

  deinit {
    words16.free()
    words32.free()
    words64.free()
    words128.free()
  }

  /// The outputs for all samples: every thread has a machine of its own, and batches in a row.
  static func run(_ program: SimulationProgram, _ inputs: [Int128], samples: Int, threads: Int) -> [Int128] {
    let (inputCount, outputCount) = (program.inputs.count, program.outputs.count)
    let batches = (samples + width - 1) / width
    let parts = max(1, min(threads, batches))
    return [Int128](unsafeUninitializedCapacity: samples * outputCount) { outputs, count in
      outputs.initialize(repeating: 0)
      count = samples * outputCount
      guard count > 0, let first = outputs.baseAddress else { return }
      // Threads write to parts of their own.
      nonisolated(unsafe) let target = first
      inputs.withUnsafeBufferPointer { inputs in
        // A circuit without inputs never reads them.
        nonisolated(unsafe) let source = inputs.baseAddress ?? UnsafePointer(target)
        DispatchQueue.concurrentPerform(iterations: parts) { part in
          let machine = BatchMachine(program)
          for batch in (part * batches / parts)..<((part + 1) * batches / parts) {
            let first = batch * width
            machine.run(
              source + first * inputCount, target + first * outputCount, samples: min(width, samples - first))
          }
        }
      }
    }
  }

  /// The outputs for all samples, in this thread.
  func run(_ inputs: [Int128], samples: Int) -> [Int128] {
    [Int128](unsafeUninitializedCapacity: samples * program.outputs.count) { outputs, count in
      count = samples * program.outputs.count
      outputs.initialize(repeating: 0)
      guard count > 0, let target = outputs.baseAddress else { return }
      inputs.withUnsafeBufferPointer { inputs in
        let source = inputs.baseAddress ?? UnsafePointer(target)
        for first in stride(from: 0, to: samples, by: Self.width) {
          run(
            source + first * program.inputs.count, target + first * program.outputs.count,
            samples: min(Self.width, samples - first))
        }
      }
    }
  }

  /// Runs one batch.
  ///
  /// - Parameters:
  ///   - inputs: raw integers, sample after sample, `program.inputs.count` each, inside their ranges.
  ///   - outputs: room for those of the outputs.
  ///   - samples: 1...width.
  private func run(_ inputs: UnsafePointer<Int128>, _ outputs: UnsafeMutablePointer<Int128>, samples: Int) {
    program.instructions.withUnsafeBufferPointer { instructions in
      guard var instruction = instructions.baseAddress else { return }
      let end = instruction + instructions.count
      while instruction < end {
        defer { instruction += 1 }
        switch instruction.pointee.lane {
        case .int16: step(instruction, words16, inputs, samples)
        case .int32: step(instruction, words32, inputs, samples)
        case .int64: step(instruction, words64, inputs, samples)
        case .int128: step(instruction, words128, inputs, samples)
        }
      }
    }
    let count = program.outputs.count
    for (index, output) in program.outputs.enumerated() {
      let place = outputs + index
      switch output.lane {
      case .int16: words16.store(output.slot, to: place, stride: count, samples: samples)
      case .int32: words32.store(output.slot, to: place, stride: count, samples: samples)
      case .int64: words64.store(output.slot, to: place, stride: count, samples: samples)
      case .int128: words128.store(output.slot, to: place, stride: count, samples: samples)
      }
    }
  }

  private func step<Word>(
    _ pointer: UnsafePointer<SimulationProgram.Instruction>, _ memory: LaneMemory<Word>,
    _ inputs: UnsafePointer<Int128>, _ samples: Int
  ) {
    let instruction = pointer.pointee
    switch instruction.opcode {
    case .load:
      let index = Int(instruction.a)
      memory.load(
        instruction.target, from: inputs + index, stride: program.inputs.count, samples: samples,
        range: (program.inputs[index].lower, program.inputs[index].upper))
    case .convert:
      switch instruction.source {
      case .int16: memory.convert(instruction, words16)
      case .int32: memory.convert(instruction, words32)
      case .int64: memory.convert(instruction, words64)
      case .int128: memory.convert(instruction, words128)
      }
    default: memory.run(pointer)
    }
  }
}

/// The slots, tables and factors of one lane.
private struct LaneMemory<Word: FixedWidthInteger & SignedInteger & Sendable> {
  private let slots: UnsafeMutablePointer<Word>
  private let entries: UnsafeMutablePointer<Word>
  private let coefficients: UnsafeMutablePointer<Word>
  private let operands: UnsafeMutablePointer<Int32>

  typealias Instruction = SimulationProgram.Instruction
  private static var width: Int { BatchMachine.width }

  init(_ program: SimulationProgram, _ lane: Lane) {
    slots = .allocate(capacity: max(1, program.slotCounts[lane.index] * Self.width))
    slots.initialize(repeating: 0, count: program.slotCounts[lane.index] * Self.width)
    for constant in program.constants where constant.lane == lane {
      let place = slots + Int(constant.slot) * Self.width
      place.update(repeating: Word(truncatingIfNeeded: constant.value), count: Self.width)
    }
    entries = Self.copy(program.entries[lane.index]) { Word(truncatingIfNeeded: $0) }
    coefficients = Self.copy(program.terms[lane.index]) { Word(truncatingIfNeeded: $0.coefficient) }
    operands = Self.copy(program.terms[lane.index]) { $0.slot }
  }

  private static func copy<Element, Result>(
    _ elements: [Element], _ transform: (Element) -> Result
  ) -> UnsafeMutablePointer<Result> {
    let copy = UnsafeMutablePointer<Result>.allocate(capacity: max(1, elements.count))
    for (index, element) in elements.enumerated() { (copy + index).initialize(to: transform(element)) }
    return copy
  }

  func free() {
    slots.deallocate()
    entries.deallocate()
    coefficients.deallocate()
    operands.deallocate()
  }

  @inline(__always)
  private subscript(slot: Int32) -> UnsafeMutablePointer<Word> { slots + Int(slot) &* Self.width }

  /// Lanes beyond the samples repeat the first sample, so that every lane holds values inside their ranges.
  func load(
    _ slot: Int32, from source: UnsafePointer<Int128>, stride: Int, samples: Int,
    range: (lower: Int128, upper: Int128)
  ) {
    let target = self[slot]
    for i in 0..<Self.width {
      let value = source[i < samples ? i &* stride : 0]
      precondition(range.lower <= value && value <= range.upper, "an input is outside its range")
      target[i] = Word(truncatingIfNeeded: value)
    }
  }

  func store(_ slot: Int32, to target: UnsafeMutablePointer<Int128>, stride: Int, samples: Int) {
    let source = self[slot]
    for i in 0..<samples { target[i &* stride] = Int128(source[i]) }
  }

  func convert<Source>(_ instruction: Instruction, _ memory: LaneMemory<Source>) {
    let (target, a) = (self[instruction.target], memory[instruction.a])
    for i in 0..<Self.width { target[i] = Word(truncatingIfNeeded: a[i]) }
  }

  // MARK: - Loops over a batch

  @inline(__always)
  private func each(_ x: Instruction, _ f: (Word) -> Word) {
    let (target, a) = (self[x.target], self[x.a])
    for i in 0..<Self.width { target[i] = f(a[i]) }
  }

  @inline(__always)
  private func each(_ x: Instruction, _ f: (Word, Word) -> Word) {
    let (target, a, b) = (self[x.target], self[x.a], self[x.b])
    for i in 0..<Self.width { target[i] = f(a[i], b[i]) }
  }

  @inline(__always)
  private func each(_ x: Instruction, _ f: (Word, Word, Word) -> Word) {
    let (target, a, b, c) = (self[x.target], self[x.a], self[x.b], self[x.c])
    for i in 0..<Self.width { target[i] = f(a[i], b[i], c[i]) }
  }

  @inline(__always)
  private func choose(_ x: Instruction, _ isTrue: (Word, Word) -> Word) {
    let (target, a, b, c, d) = (self[x.target], self[x.a], self[x.b], self[x.c], self[x.d])
    // Without branches: all ones where the relation holds.
    for i in 0..<Self.width { target[i] = d[i] ^ ((c[i] ^ d[i]) & (0 &- isTrue(a[i], b[i]))) }
  }

  func run(_ pointer: UnsafePointer<Instruction>) {
    let x = pointer.pointee
    let p = Word(truncatingIfNeeded: x.shifts.0)
    let q = Word(truncatingIfNeeded: x.shifts.1)
    let r = Word(truncatingIfNeeded: x.shifts.2)
    switch x.opcode {
    case .load, .convert: break
    case .shift: each(x) { $0 &<< p }
    case .negate: each(x) { 0 &- ($0 &<< p) }
    case .add: each(x) { ($0 &<< p) &+ ($1 &<< q) }
    case .subtract: each(x) { ($0 &<< p) &- ($1 &<< q) }
    case .negateBoth: each(x) { 0 &- ($0 &<< p) &- ($1 &<< q) }
    case .addThree: each(x) { ($0 &<< p) &+ ($1 &<< q) &+ ($2 &<< r) }
    case .addTwoSubtract: each(x) { ($0 &<< p) &+ ($1 &<< q) &- ($2 &<< r) }
    case .addSubtractTwo: each(x) { ($0 &<< p) &- ($1 &<< q) &- ($2 &<< r) }
    case .negateThree: each(x) { 0 &- ($0 &<< p) &- ($1 &<< q) &- ($2 &<< r) }
    case .dot: dot(x)
    case .multiply: each(x) { $0 &* $1 }
    case .shiftRight: each(x) { $0 &>> p }
    case .bitField:
      let mask = ~(~Word(0) &<< q)
      each(x) { ($0 &>> p) & mask }
    case .signedBitField:
      let up = Word(truncatingIfNeeded: Word.bitWidth - Int(x.shifts.1))
      each(x) { (($0 &>> p) &<< up) &>> up }
    case .less: each(x) { $0 < $1 ? 1 : 0 }
    case .lessOrEqual: each(x) { $0 <= $1 ? 1 : 0 }
    case .equal: each(x) { $0 == $1 ? 1 : 0 }
    case .notEqual: each(x) { $0 != $1 ? 1 : 0 }
    case .select:
      let (target, a, c, d) = (self[x.target], self[x.a], self[x.c], self[x.d])
      // The condition is 0 or 1.
      for i in 0..<Self.width { target[i] = d[i] ^ ((c[i] ^ d[i]) & (0 &- a[i])) }
    case .selectLess: choose(x) { $0 < $1 ? 1 : 0 }
    case .selectLessOrEqual: choose(x) { $0 <= $1 ? 1 : 0 }
    case .selectEqual: choose(x) { $0 == $1 ? 1 : 0 }
    case .selectNotEqual: choose(x) { $0 != $1 ? 1 : 0 }
    case .lookup: lookup(x)
    case .and: each(x) { $0 & $1 }
    case .or: each(x) { $0 | $1 }
    case .xor: each(x) { $0 ^ $1 }
    case .parity: each(x) { Word(truncatingIfNeeded: $0.nonzeroBitCount & 1) }
    }
  }

  /// Four products at a time, so that sums are written seldom.
  private func dot(_ x: Instruction) {
    let (first, count, target) = (Int(x.a), Int(x.b), self[x.target])
    let (slots, factors) = (operands + first, coefficients + first)
    let (a, p) = (self[slots[0]], factors[0])
    for i in 0..<Self.width { target[i] = a[i] &* p }
    var k = 1
    while k + 4 <= count {
      let (a, b, c, d) = (self[slots[k]], self[slots[k + 1]], self[slots[k + 2]], self[slots[k + 3]])
      let (p, q, r, s) = (factors[k], factors[k + 1], factors[k + 2], factors[k + 3])
      for i in 0..<Self.width {
        target[i] = target[i] &+ a[i] &* p &+ b[i] &* q &+ c[i] &* r &+ d[i] &* s
      }
      k += 4
    }
    while k < count {
      let (a, p) = (self[slots[k]], factors[k])
      for i in 0..<Self.width { target[i] = target[i] &+ a[i] &* p }
      k += 1
    }
  }

  private func lookup(_ x: Instruction) {
    let (target, a) = (self[x.target], self[x.a])
    let (table, count, first) = (entries + Int(x.b), Int(x.c), self[x.d][0])
    for i in 0..<Self.width {
      let position = Int(truncatingIfNeeded: Word.Magnitude(truncatingIfNeeded: a[i] &- first))
      precondition(0 <= position && position < count, "a table is read outside its domain")
      target[i] = table[position]
    }
  }
}

extension SimulationProgram {
  /// Traps where an index of the program leaves its memory.
  func checkBounds() {
    func isSlot(_ slot: Int32, _ lane: Lane) -> Bool { (0..<slotCounts[lane.index]).contains(Int(slot)) }
    for x in instructions {
      let lane = x.lane.index
      var isBounded = isSlot(x.target, x.lane)
      switch x.opcode {
      case .load: isBounded = isBounded && inputs.indices.contains(Int(x.a))
      case .convert: isBounded = isBounded && isSlot(x.a, x.source)
      case .dot:
        let terms = Int(x.a)..<(Int(x.a) + Int(x.b))
        isBounded = isBounded && !terms.isEmpty && terms.upperBound <= self.terms[lane].count
        isBounded =
          isBounded && self.terms[lane][terms].allSatisfy { isSlot($0.slot, x.lane) && $0.slot != x.target }
      case .lookup:
        isBounded = isBounded && isSlot(x.a, x.lane) && isSlot(x.d, x.lane)
        isBounded = isBounded && x.b >= 0 && Int(x.b) + Int(x.c) <= entries[lane].count
      default:
        isBounded =
          [x.a, x.b, x.c, x.d].allSatisfy { $0 == -1 || (isSlot($0, x.lane) && $0 != x.target) }
          && isBounded
      }
      precondition(isBounded, "an instruction leaves its memory")
    }
    precondition(outputs.allSatisfy { isSlot($0.slot, $0.lane) }, "an output leaves its memory")
  }
}
