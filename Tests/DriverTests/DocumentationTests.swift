import Foundation
import Testing
import Verification

@testable import Driver

@Suite("Documentation")
struct DocumentationTests {
  private func text(_ path: String) throws -> String {
    try String(contentsOf: packageRoot.appendingPathComponent(path), encoding: .utf8)
  }

  /// The blocks between fences of a language.
  private func blocks(_ language: String, in text: String) -> [String] {
    text.components(separatedBy: "```\(language)\n").dropFirst().compactMap {
      $0.components(separatedBy: "```").first
    }
  }

  @Test("the worked example of docs/adding-a-layer.md is the code as it is")
  func addingALayer() throws {
    func statements(_ text: String) -> [String] {
      text.split(separator: "\n").map { line in
        line.components(separatedBy: "//")[0].trimmingCharacters(in: .whitespaces)
      }.filter { !$0.isEmpty }
    }
    let code = try statements(text("Sources/Readers/Keras/Layers/NormalizationLayers.swift")).joined(
      separator: "\n")
    let examples = try blocks("swift", in: text("docs/adding-a-layer.md"))
    #expect(examples.count == 2)
    for example in examples {
      let wanted = statements(example).joined(separator: "\n")
      #expect(code.contains(wanted), "\(wanted)")
    }
  }

  @Test(
    "every verb of the documentation exists, and every verb is in the README",
    .enabled(if: CommandLineTool.url != nil, "the fpgaml binary is not beside the tests"))
  func verbs() throws {
    let binary = try #require(CommandLineTool.url).path
    let help = try Tool.run(binary, ["--help"], in: packageRoot, timeLimit: 60).standardOutput
    let listed = try #require(help.components(separatedBy: "SUBCOMMANDS:").last).split(separator: "\n")
      .compactMap { $0.hasPrefix("  ") && !$0.hasPrefix("   ") ? $0.split(separator: " ").first : nil }
    let verbs = Set(listed.map(String.init).filter { $0 == $0.lowercased() })
    #expect(verbs.count >= 10)
    var readme: Set<String> = []
    for path in ["README.md", "docs/from-hls4ml.md", "docs/adding-a-layer.md"] {
      for match in try text(path).matches(of: #/(?:`|\$ |\n)fpgaml ([a-z]+) /#) {
        #expect(verbs.contains(String(match.output.1)), "\(path): fpgaml \(match.output.1)")
        if path == "README.md" { readme.insert(String(match.output.1)) }
      }
    }
    #expect(
      verbs.subtracting(readme).subtracting(["help", "doctor"]).isEmpty, "\(verbs.subtracting(readme))")
    #expect(try text("README.md").contains("`fpgaml doctor`"))
  }

  @Test("issue templates ask for what reproduces a problem")
  func templates() throws {
    for name in ["bug", "model"] {
      let template = try text(".github/ISSUE_TEMPLATE/\(name).yml")
      #expect(template.contains("fpgaml inspect MODEL --json") && template.contains("fpgaml doctor"))
    }
    let version = try #require(try text("CITATION.cff").firstMatch(of: #/\nversion: (.+)\n/#)?.output.1)
    #expect(version == Version.current)
  }
}
