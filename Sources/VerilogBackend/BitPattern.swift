import Circuit

/// Bits of signals and constants side by side, to be printed as one Verilog expression.
struct BitPattern {
  private enum Piece {
    case constant(UInt128, width: Int)
    /// Some bits of a signal of the given width.
    case signal(String, width: Int, low: Int, count: Int)
    /// A signal's top bit, repeated.
    case sign(String, width: Int, count: Int)
    /// A self-determined expression of a known width.
    case expression(String, width: Int)

    var width: Int {
      switch self {
      case .constant(_, let width), .expression(_, let width): width
      case .signal(_, _, _, let count), .sign(_, _, let count): count
      }
    }
  }

  /// From the lowest bits to the highest; none is empty.
  private var pieces: [Piece] = []

  init() {}

  init(constant: Int128, width: Int) { append(constant: constant, width: width) }

  var width: Int { pieces.reduce(0) { $0 + $1.width } }

  /// Adds the low bits of an integer above what is there.
  mutating func append(constant: Int128, width: Int) {
    guard width > 0 else { return }
    let bits = UInt128(truncatingIfNeeded: constant) & BitPattern.mask(width)
    if case .constant(let low, let count)? = pieces.last, count + width <= 128 {
      pieces[pieces.count - 1] = .constant(low | bits << UInt128(count), width: count + width)
    } else {
      pieces.append(.constant(bits, width: width))
    }
  }

  /// Adds bits of a signal of the given width above what is there.
  mutating func append(signal: String, width: Int, low: Int, count: Int) {
    if count > 0 { pieces.append(.signal(signal, width: width, low: low, count: count)) }
  }

  /// Adds a signal's top bit, `count` times.
  mutating func append(signOf signal: String, width: Int, count: Int) {
    if count > 0 { pieces.append(.sign(signal, width: width, count: count)) }
  }

  mutating func append(expression: String, width: Int) {
    if width > 0 { pieces.append(.expression(expression, width: width)) }
  }

  mutating func append(_ other: BitPattern) {
    for piece in other.pieces {
      if case .constant(let bits, let width) = piece {
        append(constant: Int128(truncatingIfNeeded: bits), width: width)
      } else {
        pieces.append(piece)
      }
    }
  }

  /// The expression; highest bits first, as Verilog writes concatenations.
  var text: String {
    if pieces.count == 1 { return BitPattern.text(pieces[0]) }
    return "{\(pieces.reversed().map(BitPattern.text).joined(separator: ", "))}"
  }

  private static func text(_ piece: Piece) -> String {
    switch piece {
    case .constant(let bits, let width): return literal(bits, width: width)
    case .signal(let name, let width, let low, let count):
      return select(name, width: width, low: low, count: count)
    case .sign(let name, let width, let count):
      let bit = select(name, width: width, low: width - 1, count: 1)
      return count == 1 ? bit : "{\(count){\(bit)}}"
    case .expression(let text, _): return text
    }
  }

  /// Some bits of a signal: the name alone where they are all of it.
  static func select(_ name: String, width: Int, low: Int, count: Int) -> String {
    if count == width { return name }
    return count == 1 ? "\(name)[\(low)]" : "\(name)[\(low + count - 1):\(low)]"
  }

  /// A sized literal: decimal up to 32 bits, hexadecimal above.
  static func literal(_ bits: UInt128, width: Int) -> String {
    width <= 32 ? "\(width)'d\(bits)" : "\(width)'h\(String(bits, radix: 16))"
  }

  /// The literal for the low bits of an integer.
  static func literal(_ value: Int128, width: Int) -> String {
    literal(UInt128(truncatingIfNeeded: value) & mask(width), width: width)
  }

  private static func mask(_ width: Int) -> UInt128 {
    width >= 128 ? .max : (UInt128(1) << UInt128(width)) - 1
  }
}
