import FixedPoint

extension Circuit {
  /// The circuit as text, which `init(parsing:file:)` reads back to an equal circuit.
  ///
  /// ```
  /// circuit "jet" latency 1
  /// layer "fc1"
  /// table "relu" from -2: 0 0 0 1
  /// input "x" [2]: %0 s8e-4 [-128,127], %1 s8e-4 [-128,127]
  /// output "y" [1]: %3 s12e-4 [-2048,2047]
  ///
  /// %0 = input 0.0 : s8e-4 [-128,127] @fc1
  /// %1 = input 0.1 : s8e-4 [-128,127] @fc1
  /// %2 = sum %0<<2 - %1 : s11e-4 [-639,636] @fc1
  /// %3 = register %2 : s11e-4 [-639,636] @fc1
  /// ```
  ///
  /// A format is signedness, width and exponent, then the range that they follow from. `@` names the layer, `#` after it
  /// the instance, where there is one.
  public var text: String {
    var lines = ["circuit \(quoted(name))\(latency.map { " latency \($0)" } ?? "")"]
    lines += origins.map { "layer \(quoted($0))" }
    lines += tables.map { table in
      "table \(quoted(table.name)) from \(table.first): \(table.entries.map(\.description).joined(separator: " "))"
    }
    lines += inputs.map { portText("input", $0) } + outputs.map { portText("output", $0) }
    lines.append("")
    for (index, operation) in operations.enumerated() {
      let origin = origins.indices.contains(operation.origin) ? spelled(origins[operation.origin]) : "?"
      lines.append(
        "%\(index) = \(operation.kind.text) : \(operation.format.circuitText) @\(origin)"
          + (operation.instance == 0 ? "" : " #\(operation.instance)"))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func portText(_ direction: String, _ port: Port) -> String {
    let shape = port.shape.map(String.init).joined(separator: ",")
    let elements = port.elements.map { "\($0.value) \($0.format.circuitText)" }
    return "\(direction) \(quoted(port.name)) [\(shape)]: \(elements.joined(separator: ", "))"
  }

  /// A name between quotes, with those characters escaped that would end it or the line.
  private func quoted(_ name: String) -> String {
    var text = "\""
    for character in name.unicodeScalars {
      switch character {
      case "\"", "\\": text += "\\\(character)"
      case "\n": text += "\\n"
      default: text.unicodeScalars.append(character)
      }
    }
    return text + "\""
  }

  /// A layer's name as it stands after `@`: bare where it is an identifier.
  private func spelled(_ name: String) -> String {
    !name.isEmpty && name.utf8.allSatisfy(CircuitText.isIdentifier) ? name : quoted(name)
  }
}

enum CircuitText {
  static func isIdentifier(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}

extension Format {
  /// `s12e-4 [-2048,2047]`: signedness, width, exponent, range.
  var circuitText: String {
    "\(isSigned ? "s" : "u")\(width)e\(exponent) [\(range.lower),\(range.upper)]"
  }
}

extension Operation.Kind {
  /// The operation without its format, as `sum %1<<2 - %3`.
  var text: String {
    func list(_ values: [Value]) -> String { values.map(\.description).joined(separator: ", ") }
    switch self {
    case .input(let port, let element): return "input \(port).\(element)"
    case .constant(let value): return "constant \(value)"
    case .sum(let terms):
      let parts = terms.enumerated().map { index, term in
        let sign = index == 0 ? (term.isNegative ? "-" : "") : term.isNegative ? " - " : " + "
        return "\(sign)\(term.value)\(term.shift == 0 ? "" : "<<\(term.shift)")"
      }
      return "sum \(parts.joined())"
    case .multiply(let a, let b): return "multiply \(list([a, b]))"
    case .slice(let a, let low): return "slice \(a) from \(low)"
    case .compare(let relation, let a, let b): return "compare \(relation.rawValue) \(list([a, b]))"
    case .select(let condition, let ifTrue, let ifFalse):
      return "select \(list([condition, ifTrue, ifFalse]))"
    case .lookup(let a, let table): return "lookup \(a) in \(table)"
    case .bitwise(let kind, let values): return "bitwise \(kind.rawValue) \(list(values))"
    case .reduce(let kind, let a): return "reduce \(kind.rawValue) \(a)"
    case .register(let a): return "register \(a)"
    }
  }
}
