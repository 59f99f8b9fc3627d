import FixedPoint
import Graph

// Functions of operands that have few values altogether.
extension Prover {
  private static let maximumValues = 1 << 16

  /// Compares a signal with a function for every combination of their operands' values; nil where there are too many.
  func exhausted(
    _ net: Net, low: Int, _ element: Element, _ function: ElementFunction, _ cone: Cone, _ atoms: [Atom]
  ) -> ConeOutcome? {
    var ranges: [Interval] = []
    var count = 1
    for atom in atoms {
      guard let bounds = forms.table.bounds(atom), let values = bounds.count, values <= Prover.maximumValues,
        count * values <= Prover.maximumValues
      else { return nil }
      ranges.append(bounds)
      count *= values
    }
    let mask = UInt128.ones(netlist.width(net))
    var values = ranges.map(\.lower)
    var words: [UInt128] = []
    for _ in 0..<count {
      let assignment = Dictionary(uniqueKeysWithValues: zip(atoms, values))
      let form = { forms.table.evaluate($0, assignment) }
      guard let wanted = try? function.value(graph, form) else { return nil }
      let operands = { zip(atoms, values).map { describe($0, $1) }.joined(separator: ", ") }
      guard let got = netlist.evaluate(net, cone, &words, form) else {
        return .refuted("a table is read outside its entries for \(operands())", isCertain: true)
      }
      let bits = UInt128(truncatingIfNeeded: wanted >> Int128(low)) & mask
      guard got == bits, elements.ranges[element].contains(wanted) else {
        return .refuted("\(got) instead of \(bits) for \(operands())", isCertain: true)
      }
      Prover.advance(&values, in: ranges)
    }
    return .proved
  }

  /// The next combination, the first value running fastest.
  private static func advance(_ values: inout [Int128], in ranges: [Interval]) {
    for index in values.indices {
      if values[index] < ranges[index].upper {
        values[index] += 1
        return
      }
      values[index] = ranges[index].lower
    }
  }
}
