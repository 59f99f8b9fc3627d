import Circuit
import FixedPoint

/// A table as a Verilog function of the operand's bits.
struct TableText {
  var name: String
  /// The name of the function's argument.
  var index: String
  var table: Table
  /// Bits of the result.
  var width: Int

  var lines: [String] {
    let domain = table.domain
    let operandWidth = domain.width
    var lines = [
      "  // \(commented(table.name)): \(domain.lower) ... \(domain.upper)",
      "  function \(range(width))\(name);", "    input \(range(operandWidth))\(index);",
      // Inlined, a table that many lanes read would be simulated as a copy for each.
      "    /* verilator no_inline_task */", "    case (\(index))",
    ]
    var operand = domain.lower
    while operand <= domain.upper {
      let entry = self.entry(operand)
      var labels = [BitPattern.literal(operand, width: operandWidth)]
      operand += 1
      while operand <= domain.upper, labels.count < 8, self.entry(operand) == entry {
        labels.append(BitPattern.literal(operand, width: operandWidth))
        operand += 1
      }
      lines.append(
        "      \(labels.joined(separator: ", ")): \(name) = \(BitPattern.literal(entry, width: width));")
    }
    let isFull = operandWidth < 62 && domain.count == 1 << operandWidth
    if !isFull { lines.append("      default: \(name) = \(width)'dx;") }
    return lines + ["    endcase", "  endfunction", ""]
  }

  private func entry(_ operand: Int128) -> Int128 { table.entries[Int(operand - table.first)] }

  private func range(_ width: Int) -> String { width == 1 ? "" : "[\(width - 1):0] " }
}
