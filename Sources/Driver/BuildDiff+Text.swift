import Diagnostics
import Foundation

extension BuildDiff {
  /// The line that sums it up.
  public var summary: String {
    let regressions = findings.filter(\.isRegression).count
    if isEqual { return "the builds are equal" }
    if regressions == 0 { return "no regression, \(findings.count) change\(findings.count == 1 ? "" : "s")" }
    return "\(regressions) regression\(regressions == 1 ? "" : "s")"
  }

  /// Figures that are not zero in both builds.
  private var shownFigures: [Figure] { figures.filter { $0.old != 0 || $0.new != 0 } }

  /// For the terminal.
  public var text: String {
    if isEqual { return summary }
    var table = TextTable(["figure", "old", "new", "change"])
    for figure in shownFigures {
      table.add([
        figure.name, Figure.text(figure.old), Figure.text(figure.new), Figure.change(figure.old, figure.new),
      ])
    }
    return table.text + "\n" + summary
  }

  /// For a comment on a merge request.
  public var markdown: String {
    var lines = [
      "### fpgaml diff: \(summary)", "", "| figure | old | new | change |", "|---|---:|---:|---:|",
    ]
    for figure in shownFigures {
      let change = Figure.change(figure.old, figure.new)
      lines.append(
        "| \(figure.name) | \(Figure.text(figure.old)) | \(Figure.text(figure.new)) | "
          + "\(figure.isRegression ? "**\(change)**" : change) |")
    }
    if !findings.isEmpty { lines.append("") }
    for (diagnostic, word) in diagnostics.map({ ($0, $0.severity == .error ? "**regression**" : "changed") })
    {
      lines.append("- \(word): \(diagnostic.message.replacingOccurrences(of: "<", with: "&lt;"))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  public var json: JSONOutput {
    [
      "schema": 1, "equal": .bool(isEqual), "regression": .bool(hasRegression),
      "outputs": outputs.map {
        [
          "samples": .integer($0.samples), "differing": .integer($0.differing),
          "first_changed": $0.firstChanged.map { .string($0) } ?? .null,
          "max_abs_difference": .number($0.maximumDifference),
        ]
      } ?? .null,
      "figures": .array(
        figures.map {
          [
            "name": .string($0.name), "old": .number($0.old), "new": .number($0.new),
            "regression": .bool($0.isRegression),
          ]
        }),
      "findings": .array(
        findings.map {
          [
            "aspect": .string($0.aspect.rawValue), "code": .string($0.diagnostic.code.description),
            "message": .string($0.diagnostic.message), "regression": .bool($0.isRegression),
          ]
        }),
    ]
  }

  /// A test case for each aspect that was compared.
  public func junit(old: String, new: String) -> JUnitSuite {
    JUnitSuite(
      name: "fpgaml diff",
      cases: Aspect.allCases.map { aspect in
        JUnitSuite.Case(
          className: "\(old) to \(new)", name: aspect.rawValue,
          failures: findings.filter { $0.aspect == aspect && $0.isRegression }.map(\.diagnostic))
      })
  }
}
