import Foundation
import Graph
import Testing
import Verification

@testable import Driver

/// The shell of examples/ci, as CI systems run it: the commands are taken from the files themselves.
@Suite("CI examples", .enabled(if: CommandLineTool.url != nil, "the fpgaml binary is not beside the tests"))
struct CIExamplesTests {
  private let folder: TemporaryFolder

  /// A repository with a model and the script beside it.
  init() throws {
    folder = try TemporaryFolder()
    try FileManager.default.copyItem(
      at: packageRoot.appendingPathComponent("examples/ci/guard.sh"),
      to: folder.url.appendingPathComponent("guard.sh"))
  }

  private func writeModel(_ weights: [Int64]) throws {
    let graph = try Tiny.dense(weights: weights, inputs: 2)
    try Data(graph.encoded().utf8).write(to: folder.url.appendingPathComponent("model.json"))
  }

  /// Runs a command of an example in the repository.
  private func run(_ command: String) throws -> ToolResult {
    let binary = try #require(CommandLineTool.url).path
    let environment = "export FPGAML='\(binary)' TOLERANCES='lut=2% ff=2%' GITHUB_STEP_SUMMARY=summary.md;"
    let script = command.replacingOccurrences(of: "model.h5", with: "model.json")
    return try Tool.run("sh", ["-c", "set -e; \(environment) \(script)"], in: folder.url, timeLimit: 300)
  }

  /// The lines of a file that begin like this, without it.
  private func lines(_ file: String, _ prefix: Regex<Substring>) throws -> [String] {
    let text = try String(
      contentsOf: packageRoot.appendingPathComponent("examples/ci/\(file)"), encoding: .utf8)
    return text.split(separator: "\n").compactMap { line in
      guard let match = line.prefixMatch(of: prefix) else { return nil }
      return String(line[match.range.upperBound...])
    }
  }

  private func command(_ commands: [String], _ word: String) throws -> String {
    try #require(commands.first { $0.contains(word) }, "no command with '\(word)'")
  }

  @Test("GitLab: first build, baseline, equal build, regression")
  func gitLab() throws {
    let commands = try lines("gitlab.yml", #/    - /#)
    let check = try command(commands, "guard.sh") + " --no-verify"
    let keep = try command(commands, "cp -r")
    try writeModel([1, 2])
    #expect(try run(check).succeeded)
    #expect(try run(keep).succeeded)
    #expect(try run(check).succeeded)
    try writeModel([1, 3])
    #expect(try run(check).status == 1)
    // Artifacts are named in the file: what it names is there.
    let named = try lines("gitlab.yml", #/ +junit: /#).joined()
    #expect(named.contains("build/model-diff.xml") && named.contains("build/model-verify.xml"))
    let junit = folder.url.appendingPathComponent("build/model-diff.xml")
    #expect(try String(contentsOf: junit, encoding: .utf8).contains("<failure"))
  }

  @Test("GitHub: verified, with a summary; the tools are there", .enabled(if: Tool.find("verilator") != nil))
  func gitHub() throws {
    let commands = try lines("github.yml", #/ +(?:- )?run: /#)
    let check = try command(commands, "guard.sh")
    let keep = try command(commands, "cp -r")
    let summary = try command(commands, "SUMMARY")
    try writeModel([1, 2])
    let first = try run(check)
    #expect(first.succeeded, "\(first.standardError)")
    let verdict = try String(
      contentsOf: folder.url.appendingPathComponent("build/model-verify.xml"), encoding: .utf8)
    #expect(verdict.contains("HLS equals") && verdict.contains("failures=\"0\" errors=\"0\""))
    #expect(try run(summary).succeeded)
    #expect(try run(keep).succeeded)
    try writeModel([1, 3])
    #expect(try run("\(check) --no-verify").status == 1)
    #expect(try run(summary).succeeded)
    let text = try String(contentsOf: folder.url.appendingPathComponent("summary.md"), encoding: .utf8)
    #expect(text.contains("### fpgaml diff") && text.contains("**regression**") && text.contains("'fc'"))
  }
}
