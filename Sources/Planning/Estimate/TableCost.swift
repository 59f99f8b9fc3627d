import Circuit
import FixedPoint

/// The look-up tables that a table of constants takes: each distinct function of as many inputs as one has counts
/// once, and four of them are chosen from by one more.
struct TableCost {
  /// The output columns, as functions of the operand's bits: bit `address` of the column.
  private var columns: [[UInt64]]
  private let addressBits: Int
  private let leafBits: Int

  /// - Parameters:
  ///   - operand: the range of the operand; other addresses are free.
  ///   - inputs: inputs of a look-up table.
  init(_ table: Table, operand: Interval, inputs: Int) {
    addressBits = operand.width
    leafBits = min(inputs, 6)
    let count = 1 << addressBits
    let lowest = table.entries.min() ?? 0
    let highest = table.entries.max() ?? 0
    let width = Interval(min(lowest, highest), highest).width
    let words = max(1, count / 64)
    columns = [[UInt64]](repeating: [UInt64](repeating: 0, count: words), count: width)
    var previous: Int128 = 0
    for address in 0..<count {
      let value = operand.wrap(Int128(address))
      // A free address repeats its neighbour: what costs least.
      let entry = operand.contains(value) ? table.entries[Int(value - table.first)] : previous
      previous = entry
      for bit in 0..<width where entry >> Int128(bit) & 1 == 1 {
        columns[bit][address >> 6] |= 1 << UInt64(address & 63)
      }
    }
  }

  func tables() -> Int {
    var known: Set<[UInt64]> = []
    return columns.reduce(0) { $0 + cost($1, bits: addressBits, known: &known) }
  }

  /// The tables of a function that are not made already; functions and their complements count as one.
  private func cost(_ function: [UInt64], bits: Int, known: inout Set<[UInt64]>) -> Int {
    let used = bits < 6 ? (UInt64(1) << UInt64(1 << bits)) - 1 : UInt64.max
    let isInverted = function[0] & 1 == 1
    let normal = function.map { (isInverted ? ~$0 : $0) & used }
    if normal.allSatisfy({ $0 == 0 }) || isInput(normal, bits: bits) || known.contains(normal) { return 0 }
    known.insert(normal)
    if bits <= leafBits { return 1 }
    // The two highest inputs choose among four functions; equal ones are chosen with fewer.
    let steps = bits - leafBits >= 2 ? 2 : 1
    let parts = split(normal, bits: bits, steps: steps)
    if parts.allSatisfy({ $0 == parts[0] }) { return cost(parts[0], bits: bits - steps, known: &known) }
    return 1 + parts.reduce(0) { $0 + cost($1, bits: bits - steps, known: &known) }
  }

  /// The cofactors for the values of the highest inputs.
  private func split(_ function: [UInt64], bits: Int, steps: Int) -> [[UInt64]] {
    let parts = 1 << steps
    if bits - steps >= 6 {
      let words = function.count / parts
      return (0..<parts).map { Array(function[$0 * words..<($0 + 1) * words]) }
    }
    let size = 1 << (bits - steps)
    let mask = (UInt64(1) << UInt64(size)) - 1
    return (0..<parts).map { part in
      let position = part * size
      return [function[position >> 6] >> UInt64(position & 63) & mask]
    }
  }

  /// Whether the function is one of its inputs.
  private func isInput(_ function: [UInt64], bits: Int) -> Bool {
    (0..<bits).contains { input in
      function.indices.allSatisfy { word in
        let expected: UInt64
        if input >= 6 {
          expected = word >> (input - 6) & 1 == 1 ? .max : 0
        } else {
          expected = TableCost.inputPatterns[input]
        }
        let used = bits < 6 ? (UInt64(1) << UInt64(1 << bits)) - 1 : UInt64.max
        return function[word] == expected & used
      }
    }
  }

  /// Column i of the addresses 0 to 63.
  private static let inputPatterns: [UInt64] = [
    0xAAAA_AAAA_AAAA_AAAA, 0xCCCC_CCCC_CCCC_CCCC, 0xF0F0_F0F0_F0F0_F0F0, 0xFF00_FF00_FF00_FF00,
    0xFFFF_0000_FFFF_0000, 0xFFFF_FFFF_0000_0000,
  ]
}
