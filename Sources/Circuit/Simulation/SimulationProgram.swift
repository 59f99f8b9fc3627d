import FixedPoint

/// A circuit as a flat list of instructions on slots of machine words, ready to be run over batches of samples.
///
/// Every instruction works in one lane, modulo 2^bits of it. That is exact: results lie in their interval, which fits
/// the lane, and low bits of sums, products and bit logic depend on low bits of operands alone. Where high bits matter
/// (comparisons, shifts to the right) operands come in lanes that hold their intervals.
struct SimulationProgram: Sendable {
  enum Opcode: UInt8, Sendable {
    /// The input element `a` of every sample of the batch.
    case load
    /// `a`, a slot of the lane `source`, sign-extended or cut.
    case convert
    /// a << shifts.0, and its negation.
    case shift, negate
    /// Two and three shifted terms: positive ones come first.
    case add, subtract, negateBoth
    case addThree, addTwoSubtract, addSubtractTwo, negateThree
    /// Σ of `b` terms from `terms[lane]`, from index `a` on.
    case dot
    case multiply
    /// a >> shifts.0; the same, cut to the low `shifts.1` bits; the same, sign-extended from them.
    case shiftRight, bitField, signedBitField
    case less, lessOrEqual, equal, notEqual
    /// c where a is not 0, else d.
    case select
    /// c where the relation holds between a and b, else d.
    case selectLess, selectLessOrEqual, selectEqual, selectNotEqual
    /// Entry of `entries[lane]`: `b` is the index of the table's first entry, `c` their count, `d` the slot that holds
    /// the operand of the first entry.
    case lookup
    case and, or, xor
    /// The parity of a's bits.
    case parity
  }

  struct Instruction: Sendable {
    var opcode: Opcode
    var lane: Lane
    /// The lane of the operand of a conversion.
    var source = Lane.int16
    var shifts: (UInt8, UInt8, UInt8) = (0, 0, 0)
    /// Slots, unless the opcode says otherwise.
    var target: Int32 = -1
    var a: Int32 = -1
    var b: Int32 = -1
    var c: Int32 = -1
    var d: Int32 = -1
  }

  /// One product of a `dot`.
  struct DotTerm: Sendable {
    var slot: Int32
    var coefficient: Int128
  }

  /// A slot that holds the same value for all samples and batches.
  struct Constant: Sendable {
    var lane: Lane
    var slot: Int32
    var value: Int128
  }

  struct Output: Sendable {
    var lane: Lane
    var slot: Int32
  }

  var instructions: [Instruction] = []
  /// By lane.
  var slotCounts = Array(repeating: 0, count: Lane.allCases.count)
  var terms: [[DotTerm]] = Array(repeating: [], count: Lane.allCases.count)
  var entries: [[Int128]] = Array(repeating: [], count: Lane.allCases.count)
  var constants: [Constant] = []
  /// The ranges of all input elements, port after port.
  var inputs: [Interval] = []
  var outputs: [Output] = []
}

extension Lane {
  /// The lane's place in lists by lane.
  var index: Int { Int(rawValue) }
}
