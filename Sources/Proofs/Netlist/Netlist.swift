/// A design as words and operations on them, read back from Verilog and flat: operands precede their users, also through
/// registers.
struct Netlist: Sendable {
  /// The operation that makes each word, and the word's bits (1 to 128).
  private(set) var operations: [NetOperation] = []
  private(set) var widths: [Int] = []
  /// Where a word is written, for messages.
  private(set) var places: [VerilogPlace?] = []
  /// The signals of the Verilog, with their words. Several may have the same.
  var signals: [(name: String, net: Net)] = []
  var tables: [NetTable] = []
  /// The bits of each output port.
  var outputs: [String: NetBits] = [:]
  /// Registers without a reset.
  var registers: [DataRegister] = []
  /// Registers that a reset clears.
  var resettable: [ResettableRegister] = []
  private var concatenations: [NetBits: Net] = [:]
  private var constants: [ConstantKey: Net] = [:]

  private struct ConstantKey: Hashable {
    var value: UInt128
    var width: Int
  }

  var count: Int { operations.count }
  var nets: Range<Int> { operations.indices }
  func operation(_ net: Net) -> NetOperation { operations[net.index] }
  func width(_ net: Net) -> Int { widths[net.index] }

  /// A new word.
  mutating func add(_ operation: NetOperation, width: Int, at place: VerilogPlace? = nil) -> Net {
    operations.append(operation)
    widths.append(width)
    places.append(place)
    return Net(operations.count - 1)
  }

  mutating func constant(_ value: UInt128, width: Int) -> Net {
    let key = ConstantKey(value: value & UInt128.ones(width), width: width)
    if let known = constants[key] { return known }
    let net = add(.constant(key.value), width: width)
    constants[key] = net
    return net
  }

  /// The word of some bits; the same one for the same bits.
  ///
  /// - Requires: 1 to 128 bits.
  mutating func word(_ bits: NetBits, at place: VerilogPlace? = nil) -> Net {
    if bits.pieces.count == 1 {
      let piece = bits.pieces[0]
      if piece.low == 0 && piece.count == width(piece.net) { return piece.net }
      if case .constant(let value) = operation(piece.net) {
        return constant(value >> UInt128(piece.low), width: piece.count)
      }
    }
    if let known = concatenations[bits] { return known }
    let net: Net
    if bits.pieces.allSatisfy({ constantValue($0.net) != nil }) {
      var value: UInt128 = 0
      var place = 0
      for piece in bits.pieces {
        let part = (constantValue(piece.net) ?? 0) >> UInt128(piece.low) & UInt128.ones(piece.count)
        value |= part << UInt128(place)
        place += piece.count
      }
      net = constant(value, width: bits.width)
    } else {
      net = add(.concatenation(bits.pieces), width: bits.width, at: place)
    }
    concatenations[bits] = net
    return net
  }

  func constantValue(_ net: Net) -> UInt128? {
    if case .constant(let value) = operation(net) { value } else { nil }
  }
}

/// The index of a word.
struct Net: Hashable, Comparable, Sendable {
  var index: Int

  init(_ index: Int) { self.index = index }

  static func < (a: Net, b: Net) -> Bool { a.index < b.index }
}

/// What a word is made of. All arithmetic is on unsigned words, modulo 2^width.
enum NetOperation: Hashable, Sendable {
  /// An element of the model's inputs.
  case element(Int)
  /// A port that carries no data.
  case control(String)
  /// A register that a reset clears.
  case state(Int)
  case constant(UInt128)
  /// Bits side by side, lowest first.
  case concatenation([NetPiece])
  /// Σ ± operands of the result's width.
  case sum([NetTerm])
  case product(Net, Net)
  case not(Net)
  case logic(NetLogic, Net, Net)
  case reduce(NetLogic, Net)
  case equal(Net, Net)
  case less(Net, Net)
  case choice(condition: Net, then: Net, otherwise: Net)
  case lookup(table: Int, Net)
  /// A look-up table cell: bit i of `contents` for the number i that the inputs make, the first one lowest.
  case cell(contents: UInt64, inputs: [Net])
  /// The operand one cycle earlier.
  case register(Net)
}

enum NetLogic: Hashable, Sendable { case and, or, xor }

struct NetTerm: Hashable, Sendable {
  var net: Net
  var isNegative: Bool
}

/// Some bits of a word.
struct NetPiece: Hashable, Sendable {
  var net: Net
  var low: Int
  var count: Int
}

/// A table by its index; nil for indices that it has no entry for.
struct NetTable: Hashable, Sendable {
  var entries: [UInt128?]
  var width: Int
}

/// A register without reset: its word, and the condition under which it changes; nil: in every cycle.
struct DataRegister: Sendable {
  var net: Net
  var enable: Net?
}

/// A register with a reset: `if (reset) 0 else if (enable) next`.
struct ResettableRegister: Sendable {
  var name: String
  var place: VerilogPlace
  var state: Net
  var next: NetBits
  /// The condition of the reset, its value, and what else must hold for the register to change.
  var reset: Net
  var resetValue: UInt128?
  var enable: Net?
}

/// Bits of words side by side, lowest first, of any total width.
struct NetBits: Hashable, Sendable {
  private(set) var pieces: [NetPiece] = []

  init() {}
  init(_ net: Net, width: Int) { pieces = [NetPiece(net: net, low: 0, count: width)] }

  var width: Int { pieces.reduce(0) { $0 + $1.count } }

  /// Adds bits above what is there.
  mutating func append(_ piece: NetPiece) {
    guard piece.count > 0 else { return }
    if let last = pieces.last, last.net == piece.net, last.low + last.count == piece.low {
      pieces[pieces.count - 1].count += piece.count
    } else {
      pieces.append(piece)
    }
  }

  mutating func append(_ other: NetBits) { for piece in other.pieces { append(piece) } }

  /// `count` bits from bit `low` on.
  ///
  /// - Requires: they exist.
  func slice(low: Int, count: Int) -> NetBits {
    var result = NetBits()
    var place = 0
    for piece in pieces {
      let first = max(low, place)
      let end = min(low + count, place + piece.count)
      if first < end {
        result.append(NetPiece(net: piece.net, low: piece.low + first - place, count: end - first))
      }
      place += piece.count
    }
    return result
  }
}

extension UInt128 {
  /// A number of `count` ones.
  static func ones(_ count: Int) -> UInt128 { count >= 128 ? .max : (1 << UInt128(count)) - 1 }
}

extension NetOperation {
  /// The words that the result depends on in the same cycle, or the one before for registers.
  var operands: [Net] {
    switch self {
    case .element, .control, .state, .constant: []
    case .concatenation(let pieces): pieces.map(\.net)
    case .sum(let terms): terms.map(\.net)
    case .product(let a, let b), .logic(_, let a, let b), .equal(let a, let b), .less(let a, let b): [a, b]
    case .not(let a), .reduce(_, let a), .lookup(_, let a), .register(let a): [a]
    case .choice(let condition, let then, let otherwise): [condition, then, otherwise]
    case .cell(_, let inputs): inputs
    }
  }
}
