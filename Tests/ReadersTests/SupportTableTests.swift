import Foundation
import Testing

@testable import Readers

/// `docs/support.md` is what the importers declare, and nothing else.
@Suite("The table of support")
struct SupportTableTests {
  private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("docs/support.md")

  @Test func isWhatTheReadersDeclare() throws {
    let text = Self.text
    if ProcessInfo.processInfo.environment["FPGAML_UPDATE_GOLDEN"] == "1" {
      try text.write(to: Self.path, atomically: true, encoding: .utf8)
    }
    let written = try String(contentsOf: Self.path, encoding: .utf8)
    #expect(written == text, "run with FPGAML_UPDATE_GOLDEN=1 to write it anew")
  }

  private static var text: String {
    var lines = [
      "# What is read", "",
      "Made from the importers' own tables by `FPGAML_UPDATE_GOLDEN=1 swift test --filter SupportTableTests`; edit those instead.",
      "Every attribute that is named below is understood. Attributes that act in training only are passed over, others are an error unless they have no value.",
      "",
    ]
    lines += ["## Keras 2 and 3", ""]
    for group in LayerImporter.groups {
      lines += table(group.title, group.importers.map { ($0.kinds, $0.attributes, Array($0.callArguments)) })
    }
    lines += [
      "### Functions of TensorFlow in functional models of Keras 2", "", "| function | read as | arguments |",
      "|---|---|---|",
    ]
    for (function, meaning) in TensorFlowFunction.known.sorted(by: { $0.key < $1.key }) {
      let arguments = meaning.operands.sorted() + meaning.arguments.values.sorted()
      lines.append("| `tf.\(function)` | `\(name(meaning.kind))` | \(arguments.joined(separator: ", ")) |")
    }
    lines.append("")
    lines += ["### Refused", "", "| layer | why |", "|---|---|"]
    for (kind, reason) in LayerImporter.refusals.sorted(by: { $0.key < $1.key }) {
      lines.append("| `\(name(kind))` | \(reason) |")
    }
    lines += ["", "## ONNX and QONNX", ""]
    for group in ONNXOperator.groups {
      lines += table(group.title, group.operators.map { ($0.kinds, $0.attributes, []) })
    }
    lines += ["### Refused", "", "| operator | why |", "|---|---|"]
    for (kind, reason) in ONNXOperator.refusals.sorted(by: { $0.key < $1.key }) {
      lines.append("| `\(kind)` | \(reason) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func table(
    _ title: String, _ rows: [(kinds: [String], attributes: Set<String>, arguments: [String])]
  )
    -> [String]
  {
    var lines = ["### \(title)", "", "| names | attributes |", "|---|---|"]
    let sorted = rows.map {
      (kinds: $0.kinds.map(name).sorted(), attributes: ($0.attributes.union($0.arguments)).sorted())
    }
    .sorted { $0.kinds[0] < $1.kinds[0] }
    for row in sorted {
      let kinds = row.kinds.map { "`\($0)`" }.joined(separator: ", ")
      lines.append("| \(kinds) | \(row.attributes.joined(separator: ", ")) |")
    }
    return lines + [""]
  }

  /// The class without its package.
  private static func name(_ kind: String) -> String {
    kind.split(separator: ">").last.map(String.init) ?? kind
  }
}
