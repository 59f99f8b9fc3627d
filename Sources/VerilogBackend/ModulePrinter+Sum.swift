import Circuit
import FixedPoint

extension ModulePrinter {
  /// One operand of a sum; constants have their sign inside.
  private struct Addend {
    enum Source {
      case value(Value)
      case constant(Int128)
    }
    var source: Source
    /// The position of the operand's lowest bit.
    var start: Int
    var isNegative: Bool
    /// The first position from which on all bits are zeros, or nil.
    var end: Int?
  }

  /// A sum. Low bits where only one operand is, and it is added, are wires; carries start where two meet.
  mutating func printSum(_ value: Value, _ terms: [Term]) {
    let width = width(value)
    var low = BitPattern()
    var addends = addends(terms, width: width)
    while low.width < width {
      let position = low.width
      addends.removeAll { $0.end.map { $0 <= position } ?? false }
      let present = addends.filter { $0.start <= position }
      let next = addends.map(\.start).filter { $0 > position }.min() ?? width
      if present.isEmpty {
        low.append(constant: 0, width: min(next, width) - position)
      } else if present.count == 1 && !present[0].isNegative {
        let end = min(next, present[0].end ?? width, width)
        low.append(bits(present[0], from: position, count: end - position))
      } else {
        return printAdder(value, addends, above: low)
      }
    }
    assign(value, low.text)
  }

  /// The operands that are not always 0, all constants added up into one; sorted so that added ones come first.
  private func addends(_ terms: [Term], width: Int) -> [Addend] {
    var offset: Int128 = 0
    var addends: [Addend] = []
    for term in terms {
      if let constant = constant(term.value) {
        let shifted = constant << Int128(term.shift)
        offset = term.isNegative ? offset &- shifted : offset &+ shifted
        continue
      }
      let format = circuit[term.value].format
      addends.append(
        Addend(
          source: .value(term.value), start: term.shift, isNegative: term.isNegative,
          end: format.isSigned ? nil : term.shift + format.width))
    }
    if offset != 0 {
      // Only the low bits count: 2^width more or less changes nothing.
      let end = offset < 0 ? nil : 128 - offset.leadingZeroBitCount
      addends.append(
        Addend(source: .constant(offset), start: offset.trailingZeroBitCount, isNegative: false, end: end))
    }
    addends.removeAll { $0.start >= width }
    return addends.filter { !$0.isNegative } + addends.filter(\.isNegative)
  }

  private mutating func bits(_ addend: Addend, from position: Int, count: Int) -> BitPattern {
    switch addend.source {
    case .value(let value): bits(value, low: position - addend.start, count: count)
    case .constant(let constant): ModulePrinter.bits(ofConstant: constant, low: position, count: count)
    }
  }

  /// The bits above `low`, where carries run.
  private mutating func printAdder(_ value: Value, _ addends: [Addend], above low: BitPattern) {
    let position = low.width
    let width = width(value)
    let count = width - position
    let negated = addends.count(where: \.isNegative)
    guard addends.count == 3 && negated < 3 else {
      var result = low
      result.append(expression: expression(addends, from: position, count: count), width: count)
      return assign(value, result.text)
    }
    noteTernaryAdder()
    let name = name(value)
    declare(value)
    if position > 0 {
      let target = BitPattern.select(name, width: width, low: 0, count: position)
      printStatement("assign \(target) = \(low.text);")
    }
    let operands = zip(["a", "b", "c"], addends).map { port, addend in
      ".\(port)(\(bits(addend, from: position, count: count).text))"
    }
    let target = BitPattern.select(name, width: width, low: position, count: count)
    let instance = uniqueName("\(name)_sum")
    printStatement(
      "\(ternaryAdderName) #(.WIDTH(\(count)), .NEGATED(\(negated))) \(instance) (\n"
        + "    \(operands.joined(separator: ", ")), .sum(\(target)));")
  }

  private mutating func expression(_ addends: [Addend], from position: Int, count: Int) -> String {
    var text = ""
    for addend in addends {
      var isNegative = addend.isNegative
      var operand = bits(addend, from: position, count: count)
      if case .constant(let constant) = addend.source, constant < 0, !text.isEmpty {
        isNegative = true
        operand = ModulePrinter.bits(ofConstant: -(constant >> Int128(position)), low: 0, count: count)
      }
      let sign = text.isEmpty ? (isNegative ? "-" : "") : isNegative ? " - " : " + "
      text += sign + operand.text
    }
    return text
  }
}
