import CircuitTestSupport

@testable import Proofs

/// One change of one operator in Verilog text.
struct Mutation: Sendable {
  enum Kind: String, CaseIterable, Sendable {
    case sign, shift, width, constant, register, operand, relation, inversion, table, valid
  }

  var kind: Kind
  var line: Int
  var before: String
  var after: String

  var description: String { "\(kind.rawValue), line \(line): '\(before)' becomes '\(after)'" }

  /// The text with the change in place of the original line.
  func applied(to text: String) -> String {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    lines[line - 1] = after
    return lines.joined(separator: "\n")
  }

  /// All single-operator changes of a module's text.
  static func all(of text: String) -> [Mutation] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let widths = Self.widths(lines)
    var result: [Mutation] = []
    for (index, line) in lines.enumerated() {
      let code = line.trimmingPrefix { $0 == " " }
      guard !code.hasPrefix("//"), !code.hasPrefix("`"), !code.contains("unused_"), !code.hasPrefix("input "),
        !code.hasPrefix("output "), !code.hasPrefix("module "), !code.isEmpty
      else { continue }
      for (kind, after) in changes(of: line, widths) where after != line {
        result.append(Mutation(kind: kind, line: index + 1, before: line, after: after))
      }
    }
    return result
  }

  /// Some changes, as many of each kind as can be had, the same for the same seed.
  static func sample(of text: String, count: Int, seed: UInt64) -> [Mutation] {
    var random = SeededGenerator(seed: seed)
    var kinds = Dictionary(grouping: all(of: text).shuffled(using: &random), by: \.kind)
    var result: [Mutation] = []
    while result.count < count, kinds.values.contains(where: { !$0.isEmpty }) {
      for kind in Kind.allCases where result.count < count {
        if let next = kinds[kind]?.popLast() { result.append(next) }
      }
    }
    return result
  }

  // MARK: - Changes of a line

  private static func changes(of line: String, _ widths: [Substring: Int]) -> [(Kind, String)] {
    var result: [(Kind, String)] = []
    let isValid = line.contains("valid")
    let isTable = line.contains(": ") && line.contains("'d") && line.contains("_table = ")
    // Declarations stay as they are: changes are of what stands behind them.
    let start = line.contains(" = ") ? line.range(of: " = ")?.upperBound ?? line.startIndex : line.startIndex
    func replace(_ kind: Kind, _ range: Range<String.Index>, _ text: String) {
      result.append((isValid ? .valid : kind, line.replacingCharacters(in: range, with: text)))
    }
    for (from, to, kind) in [
      (" + ", " - ", .sign), (" - ", " + ", .sign), (" & ", " | ", .relation), (" | ", " & ", .relation),
      (" < ", " <= ", .relation), (" <= ", " < ", .relation), (" == ", " != ", .relation),
      (" * ", " + ", .sign),
      ("~", "", .inversion),
    ] as [(String, String, Kind)] {
      // The blank in front of what stands behind a declaration is part of the declaration.
      for range in line.ranges(of: from) where range.upperBound > start || from == "~" {
        // A nonblocking assignment is no comparison.
        if from == " <= " && !line.contains(" = ") { continue }
        replace(kind, range, to)
      }
    }
    for match in line[start...].matches(of: #/(\d+)'d(\d+)/#) {
      guard let width = Int(match.1), let value = UInt64(match.2), width <= 63 else { continue }
      // A label of a table stays: it would be there twice.
      if isTable && match.range.lowerBound < (line.range(of: " = ")?.lowerBound ?? line.startIndex) {
        continue
      }
      let bit = (Int(value) + line.utf8.count) % width
      replace(isTable ? .table : .constant, match.range, "\(width)'d\(value ^ (1 << UInt64(bit)))")
    }
    for match in line[start...].matches(of: #/(\w+)\[(\d+):(\d+)\]/#) {
      guard let high = Int(match.2), let low = Int(match.3), let width = widths[match.1] else { continue }
      if low > 0 { replace(.shift, match.range, "\(match.1)[\(high - 1):\(low - 1)]") }
      if high + 1 < width { replace(.shift, match.range, "\(match.1)[\(high + 1):\(low + 1)]") }
    }
    for match in line[start...].matches(of: #/\{(\d+)\{(\w+)\[(\d+)\]\}\}/#) {
      guard let count = Int(match.1), let bit = Int(match.3) else { continue }
      replace(.width, match.range, "\(count)'d0")
      if bit > 0 { replace(.width, match.range, "{\(count){\(match.2)[\(bit - 1)]}}") }
    }
    if let match = line.firstMatch(of: #/(\w+)_s(\d+) <= (\w+)_s(\d+);/#), let stage = Int(match.4) {
      for other in [stage - 1, stage + 1] {
        let name = "\(match.3)_s\(other)"
        if widths[name[...]] != nil, widths[name[...]] == widths["\(match.3)_s\(stage)"[...]] {
          replace(.register, match.range, "\(match.1)_s\(match.2) <= \(name);")
        }
      }
    }
    for match in line[start...].matches(of: #/\? (.+) : (.+);/#) {
      replace(.operand, match.range, "? \(match.2) : \(match.1);")
    }
    if line[start...].contains(" - "), let match = line[start...].firstMatch(of: #/(\w+) - (\w+)/#) {
      replace(.operand, match.range, "\(match.2) - \(match.1)")
    }
    for match in line[start...].matches(of: #/[a-z]\w*_e(\d+)_s\d+/#) {
      // Another signal of the same width, the next one of its layer.
      guard let number = Int(match.1), let width = widths[match.output.0] else { continue }
      let name = match.output.0.replacing("_e\(number)_s", with: "_e\(number + 1)_s")
      if widths[name[...]] == width { replace(.operand, match.range, String(name)) }
    }
    return result
  }

  /// The widths of all signals.
  private static func widths(_ lines: [String]) -> [Substring: Int] {
    var result: [Substring: Int] = [:]
    for line in lines {
      guard let match = line.firstMatch(of: #/(?:wire|reg) (?:\[(\d+):0\] )?(\w+)/#) else { continue }
      result[match.2] = (match.1.flatMap { Int($0) } ?? 0) + 1
    }
    return result
  }
}
