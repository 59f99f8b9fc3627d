import Circuit
import FixedPoint

/// Prints a sum of signed, shifted operands.
///
/// C++ adds from left to right, in 64 bits until a wider operand comes. Where any partial sum could leave 64 bits, the
/// first operand is widened beyond them, and all partial sums with it. Shifted operands are widened by the shift.
struct SumPrinter {
  /// A longer sum takes several statements: each `+` widens an `ap_int` by a bit, and the library's widths are limited.
  static let termsInStatement = 4

  private struct Operand {
    var name: String
    var type: CPPInteger
    var shift: Int
    var isNegative: Bool
  }

  private var operands: [Operand] = []
  /// The sum of all constant terms.
  private var constant: Int128 = 0
  /// The width that holds every partial sum.
  private let width: Int

  init(_ terms: [(term: Term, operand: NodePrinter.Operand)], result: CPPInteger) {
    // The magnitude of every partial sum is below the bound. Beyond 2^126 nothing gets wider: low bits stay right.
    let most = Int128(1) << 126
    var bound = Int128(1) << result.width
    for (term, operand) in terms {
      switch operand {
      case .literal(let value): constant += (term.isNegative ? -value : value) << term.shift
      case .variable(let name, let type):
        operands.append(Operand(name: name, type: type, shift: term.shift, isNegative: term.isNegative))
        bound = min(most, bound + Int128(1) << min(125, type.width + term.shift))
      }
    }
    bound = min(most, bound + min(most, abs(constant)))
    width = CPPInteger.bits(bound, isSigned: true)
    // Stable, so that the text follows the circuit.
    operands = operands.filter { !$0.isNegative } + operands.filter(\.isNegative)
  }

  /// The expressions to assign to the result one after another; all but the first start with `name`.
  func statements(name: String) -> [String] {
    guard let first = operands.first else { return [CPPInteger.literal(constant)] }
    var pieces: [String] = []
    if first.isNegative && constant != 0 {
      pieces.append(isWide ? "w<\(width)>(\(CPPInteger.literal(constant)))" : CPPInteger.literal(constant))
      pieces.append(" - \(text(first))")
    } else {
      pieces.append((first.isNegative ? "-" : "") + text(first, isFirst: true))
    }
    for operand in operands.dropFirst() {
      pieces.append((operand.isNegative ? " - " : " + ") + text(operand))
    }
    if !first.isNegative && constant != 0 {
      pieces.append(
        constant < 0 ? " - \(CPPInteger.literal(-constant))" : " + \(CPPInteger.literal(constant))")
    }
    return stride(from: 0, to: pieces.count, by: SumPrinter.termsInStatement).map { start in
      let line = pieces[start..<min(start + SumPrinter.termsInStatement, pieces.count)].joined()
      return start == 0 ? line : (isWide ? "w<\(width)>(\(name))" : name) + line
    }
  }

  private var isWide: Bool { width > 64 }

  private func text(_ operand: Operand, isFirst: Bool = false) -> String {
    let own = operand.type.width + operand.shift
    if isFirst && isWide {
      let cast = "w<\(width)>(\(operand.name))"
      return operand.shift == 0 ? cast : "(\(cast) << \(operand.shift))"
    }
    if operand.shift == 0 { return operand.name }
    return "(\(CPPInteger(isSigned: operand.type.isSigned, width: own))(\(operand.name)) << \(operand.shift))"
  }
}
