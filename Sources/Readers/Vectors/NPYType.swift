/// The element types of NumPy that are numbers: a byte order, a kind and a size, such as `<f4`, `>i2`, `|b1`.
struct NPYType {
  private enum Kind: Character { case boolean = "b", signed = "i", unsigned = "u", float = "f" }

  private let kind: Kind
  private let isBigEndian: Bool
  /// The size of an element in bytes.
  let size: Int

  /// Nil for a type that is not a number of at most 64 bits.
  init?(_ name: String) {
    let characters = Array(name)
    guard characters.count == 3, "<>=|".contains(characters[0]), let kind = Kind(rawValue: characters[1]),
      let size = characters[2].wholeNumberValue
    else { return nil }
    let sizes: [Int] =
      switch kind {
      case .boolean: [1]
      case .signed, .unsigned: [1, 2, 4, 8]
      case .float: [2, 4, 8]
      }
    guard sizes.contains(size), characters[0] != "|" || size == 1 else { return nil }
    self.kind = kind
    self.size = size
    isBigEndian = characters[0] == ">"
  }

  /// The `count` elements at `start`, or nil when binary64 can't hold one.
  ///
  /// - Precondition: they lie inside `bytes`.
  func values(_ bytes: [UInt8], from start: Int, count: Int) -> [Double]? {
    switch (kind, size) {
    case (.float, 2): return map(bytes, start, count) { (bits: UInt16) in Self.binary64(binary16: bits) }
    case (.float, 4): return map(bytes, start, count) { (bits: UInt32) in Double(Float(bitPattern: bits)) }
    case (.float, _): return map(bytes, start, count) { (bits: UInt64) in Double(bitPattern: bits) }
    case (.boolean, _): return map(bytes, start, count) { (bits: UInt8) in bits == 0 ? 0 : 1 }
    case (.signed, 1): return map(bytes, start, count) { (value: Int8) in Double(value) }
    case (.signed, 2): return map(bytes, start, count) { (value: Int16) in Double(value) }
    case (.signed, 4): return map(bytes, start, count) { (value: Int32) in Double(value) }
    case (.signed, _): return map(bytes, start, count) { (value: Int64) in Double(exactly: value) }
    case (.unsigned, 1): return map(bytes, start, count) { (value: UInt8) in Double(value) }
    case (.unsigned, 2): return map(bytes, start, count) { (value: UInt16) in Double(value) }
    case (.unsigned, 4): return map(bytes, start, count) { (value: UInt32) in Double(value) }
    case (.unsigned, _): return map(bytes, start, count) { (value: UInt64) in Double(exactly: value) }
    }
  }

  private func map<T: FixedWidthInteger>(
    _ bytes: [UInt8], _ start: Int, _ count: Int, _ convert: (T) -> Double?
  ) -> [Double]? {
    var values: [Double] = []
    values.reserveCapacity(count)
    let isComplete = bytes.withUnsafeBytes { source in
      for index in 0..<count {
        let stored = source.loadUnaligned(fromByteOffset: start + index * size, as: T.self)
        guard let value = convert(isBigEndian ? T(bigEndian: stored) : T(littleEndian: stored)) else {
          return false
        }
        values.append(value)
      }
      return true
    }
    return isComplete ? values : nil
  }

  /// IEEE 754 binary16 to binary64, exactly; the standard library's Float16 is absent on some platforms.
  private static func binary64(binary16 bits: UInt16) -> Double {
    let fraction = Double(bits & 0x3FF)
    let magnitude: Double
    switch bits >> 10 & 0x1F {
    case 0: magnitude = fraction * 0x1p-24
    case 0x1F: magnitude = fraction == 0 ? .infinity : .nan
    case let exponent:
      magnitude = (1024 + fraction) * Double(sign: .plus, exponent: Int(exponent) - 25, significand: 1)
    }
    return bits >> 15 == 0 ? magnitude : -magnitude
  }
}
