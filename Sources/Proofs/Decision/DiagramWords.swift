/// Words of Boolean functions, lowest bit first. Those of numbers that can be negative are two's complement, and the
/// highest bit is the sign.
typealias DiagramWord = [DecisionDiagrams.Function]

extension DecisionDiagrams {
  /// The low bits of an integer.
  static func constant(_ value: Int128, width: Int) -> DiagramWord {
    (0..<width).map { value >> Int128(min($0, 127)) & 1 == 1 ? always : never }
  }

  /// The word repeated at its sign, or cut.
  static func resized(_ word: DiagramWord, _ width: Int) -> DiagramWord {
    if word.count >= width { return Array(word[..<width]) }
    return word + Array(repeating: word.last ?? never, count: width - word.count)
  }

  /// a + b + carry, or a + ~b + carry, modulo 2^width.
  mutating func add(
    _ a: DiagramWord, _ b: DiagramWord, isNegative: Bool = false
  ) throws(LimitExceeded) -> DiagramWord {
    var result: DiagramWord = []
    result.reserveCapacity(a.count)
    var carry = isNegative ? DecisionDiagrams.always : DecisionDiagrams.never
    for (x, y) in zip(a, b) {
      let y = isNegative ? try not(y) : y
      let half = try xor(x, y)
      result.append(try xor(half, carry))
      if result.count < a.count { carry = try choose(half, carry, x) }
    }
    return result
  }

  /// a · b modulo 2^width.
  mutating func multiply(_ a: DiagramWord, _ b: DiagramWord) throws(LimitExceeded) -> DiagramWord {
    let width = a.count
    var result = DecisionDiagrams.constant(0, width: width)
    for (shift, bit) in b.enumerated() where bit != DecisionDiagrams.never {
      var row = DecisionDiagrams.constant(0, width: width)
      for index in shift..<width { row[index] = try and(bit, a[index - shift]) }
      result = try add(result, row)
    }
    return result
  }

  /// a · factor modulo 2^width.
  mutating func multiply(_ a: DiagramWord, by factor: Int128) throws(LimitExceeded) -> DiagramWord {
    var result = DecisionDiagrams.constant(0, width: a.count)
    var rest = factor.magnitude
    var shift = 0
    while rest != 0 && shift < a.count {
      if rest & 1 == 1 {
        let shifted = Array(repeating: DecisionDiagrams.never, count: shift) + a[..<(a.count - shift)]
        result = try add(result, shifted, isNegative: factor < 0)
      }
      rest >>= 1
      shift += 1
    }
    return result
  }

  mutating func choose(
    _ condition: Function, _ then: DiagramWord, _ otherwise: DiagramWord
  ) throws(LimitExceeded) -> DiagramWord {
    var result: DiagramWord = []
    for (x, y) in zip(then, otherwise) { result.append(try choose(condition, x, y)) }
    return result
  }

  /// Whether a < b as unsigned words of one width.
  mutating func isLess(_ a: DiagramWord, _ b: DiagramWord) throws(LimitExceeded) -> Function {
    var result = DecisionDiagrams.never
    for (x, y) in zip(a, b) { result = try choose(try xor(x, y), y, result) }
    return result
  }

  /// Whether a < b as signed numbers of one width.
  mutating func isLessSigned(_ a: DiagramWord, _ b: DiagramWord) throws(LimitExceeded) -> Function {
    guard let x = a.last, let y = b.last else { return DecisionDiagrams.never }
    return try isLess(Array(a.dropLast()) + [try not(x)], Array(b.dropLast()) + [try not(y)])
  }

  mutating func isEqual(_ a: DiagramWord, _ b: DiagramWord) throws(LimitExceeded) -> Function {
    try not(try differs(a, b))
  }

  mutating func differs(_ a: DiagramWord, _ b: DiagramWord) throws(LimitExceeded) -> Function {
    var result = DecisionDiagrams.never
    for (x, y) in zip(a, b) { result = try or(result, try xor(x, y)) }
    return result
  }

  /// Any, all or an odd number of the bits.
  mutating func reduce(_ kind: NetLogic, _ word: DiagramWord) throws(LimitExceeded) -> Function {
    var result = kind == .and ? DecisionDiagrams.always : DecisionDiagrams.never
    for bit in word { result = try apply(kind, result, bit) }
    return result
  }

  mutating func apply(_ kind: NetLogic, _ a: Function, _ b: Function) throws(LimitExceeded) -> Function {
    switch kind {
    case .and: try and(a, b)
    case .or: try or(a, b)
    case .xor: try xor(a, b)
    }
  }

  /// The entry that an index selects; `entry` gives the words for 0 ..< 2^index.count.
  mutating func lookup(
    _ index: DiagramWord, width: Int, _ entry: (Int) -> DiagramWord
  ) throws(LimitExceeded) -> DiagramWord {
    try lookup(index[...], first: 0, width: width, entry)
  }

  private mutating func lookup(
    _ index: ArraySlice<Function>, first: Int, width: Int, _ entry: (Int) -> DiagramWord
  ) throws(LimitExceeded) -> DiagramWord {
    guard let top = index.last else { return entry(first) }
    let half = 1 << (index.count - 1)
    let rest = index.dropLast()
    if top == DecisionDiagrams.never { return try lookup(rest, first: first, width: width, entry) }
    let high = try lookup(rest, first: first + half, width: width, entry)
    if top == DecisionDiagrams.always { return high }
    let low = try lookup(rest, first: first, width: width, entry)
    return try choose(top, high, low)
  }

  /// The integer that a word is for one assignment of the variables.
  func value(_ word: DiagramWord, isSigned: Bool, _ isSet: (Int) -> Bool) -> Int128 {
    var result: Int128 = 0
    for (index, bit) in word.enumerated() where value(bit, isSet) {
      let weight = Int128(1) << Int128(min(index, 126))
      result += isSigned && index == word.count - 1 ? -weight : weight
    }
    return result
  }
}
