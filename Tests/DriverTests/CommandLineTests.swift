import Diagnostics
import FixedPoint
import Foundation
import Graph
import Testing
import Verification

@testable import Driver

/// What the command line does with arguments that make no sense, and what scripts rely on.
@Suite("Command line", .enabled(if: CommandLineTool.url != nil, "the fpgaml binary is not beside the tests"))
struct CommandLineTests {
  private let folder: TemporaryFolder
  private let build: String
  private let inputs: String

  init() throws {
    folder = try TemporaryFolder()
    build = try Tiny.build(Tiny.dense(weights: [1, 2, 3, 7], inputs: 2), into: folder.url, name: "build").url
      .path
    let file = folder.url.appendingPathComponent("x.csv")
    // The inputs are fixed<6,3>: the second sample wraps.
    try Data("0.5,-1\n100,0\n".utf8).write(to: file)
    inputs = file.path
  }

  private func run(_ arguments: [String]) throws -> ToolResult {
    try Tool.run(try #require(CommandLineTool.url).path, arguments, in: folder.url, timeLimit: 120)
  }

  @Test("options that change types are refused with a build and with a graph.json")
  func fixedTypes() throws {
    let output = folder.url.appendingPathComponent("y.csv").path
    for model in [build, "\(build)/graph.json"] {
      for (option, value) in [
        ("--precision", "fixed<8,2>"), ("--config", "none.yml"), ("--output", "argmax"),
      ] {
        let result = try run(["predict", model, "--inputs", inputs, "-o", output, option, value])
        #expect(result.status == 2)
        #expect(result.standardError.contains("\(option): error:") && result.standardError.contains("[C100]"))
        #expect(!FileManager.default.fileExists(atPath: output))
      }
    }
  }

  @Test("a prediction warns of samples that wrapped, from a build too, and is one JSON document on request")
  func prediction() throws {
    let output = folder.url.appendingPathComponent("y.csv").path
    for model in [build, "\(build)/graph.json"] {
      let plain = try run(["predict", model, "--inputs", inputs, "-o", output])
      #expect(plain.succeeded && plain.standardOutput.isEmpty)
      #expect(plain.standardError.contains("1 of 2 samples have inputs that wrapped [T021]"))
      let json = try run(["predict", model, "--inputs", inputs, "-o", output, "--json", "--quiet"])
      #expect(json.standardError.isEmpty)
      #expect(
        json.standardOutput == """
          {
            "file": "\(output)",
            "samples": 2,
            "wrapped_samples": 1,
            "arrays": [
              {
                "name": "output",
                "shape": [2, 2]
              }
            ]
          }

          """)
    }
  }

  @Test("what makes no sense is status 2 and a message that names it")
  func nonsense() throws {
    let graph = "\(build)/graph.json"
    let cases: [(arguments: [String], message: String)] = [
      (["compile", graph, "--precision", "fixed<16,6"], "--precision: error: 'fixed<16,6' is not"),
      (["compile", graph, "--part", "xc9000"], "--part: error: part 'xc9000' is not known [C007]"),
      (["compile", graph, "--latency", "100"], "--latency: error: '100' is not a length of time [C001]"),
      (["compile", graph, "--clock", "0MHz"], "--clock: error: '0MHz' is no clock"),
      (["compile", graph, "--interval", "0cycles"], "--interval: error: '0cycles'"),
      (["inspect", build], "is a folder, not a model [I002]"),
      (["verify", build, "--seed", "18446744073709551615"], "--seed is a number below 2^63"),
      (["diff", build, build, "--seed", "18446744073709551615"], "--seed is a number below 2^63"),
      (
        ["diff", build, build, "--junit", "/proc/none/a.xml"], "'/proc/none/a.xml': no such file or directory"
      ),
      (["report", folder.url.path], "is not a build of fpgaml"),
      (["frobnicate"], "Unexpected argument 'frobnicate'"),
    ]
    for (arguments, message) in cases {
      let result = try run(arguments)
      #expect(result.status == 2, "\(arguments)")
      #expect(
        result.standardOutput.isEmpty && result.standardError.contains(message), "\(result.standardError)")
    }
  }

  @Test("--emit is text, or a member of a JSON document")
  func emission() throws {
    let graph = "\(build)/graph.json"
    for kind in ["graph", "plan", "circuit"] {
      let text = try run(["compile", graph, "--emit", kind]).standardOutput
      #expect(text.hasPrefix(kind))
      let json = try run(["compile", graph, "--emit", kind, "--json"]).standardOutput
      let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: String]
      #expect(object?[kind].map { $0 + "\n" } == text)
    }
    #expect(!FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("build/build").path))
  }

  @Test("a missing tool is status 4 and the line that installs it")
  func missingTools() throws {
    let binary = try #require(CommandLineTool.url).path
    let command = "PATH=/none HOME=/none XDG_CACHE_HOME=/none '\(binary)'"
    for (arguments, message) in [
      ("compile '\(build)/graph.json' -o new", "sudo apt-get install -y verilator"),
      ("verify '\(build)'", "sudo apt-get install -y verilator"),
      ("verify '\(build)' --verify hls", "install"), ("doctor", "sudo apt-get install -y verilator"),
    ] {
      let result = try Tool.run("sh", ["-c", "\(command) \(arguments)"], in: folder.url, timeLimit: 120)
      #expect(result.status == 4, "\(arguments)")
      #expect(result.standardError.contains(message), "\(result.standardError)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.url.appendingPathComponent("new").path))
  }
}

@Suite("JUnit files")
struct JUnitTests {
  @Test("the text, as the schema has it: one failure at most, everything escaped")
  func text() {
    let suite = JUnitSuite(
      name: "fpgaml diff",
      cases: [
        JUnitSuite.Case(className: "a & b", name: "types", failures: []),
        JUnitSuite.Case(
          className: "a & b", name: "latency",
          failures: [
            Diagnostic(.error, "C112", "latency (cycles) is 3 instead of 2"),
            Diagnostic(.error, "C111", "'x' is \"fixed<6,3>\"\u{1}\nwider"),
          ]),
      ])
    #expect(
      suite.text == """
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuite name="fpgaml diff" tests="2" failures="1" errors="0" skipped="0">
          <testcase classname="a &amp; b" name="types"/>
          <testcase classname="a &amp; b" name="latency">
            <failure type="C112" message="latency (cycles) is 3 instead of 2">\
        latency (cycles) is 3 instead of 2 [C112]
        'x' is &quot;fixed&lt;6,3&gt;&quot;?&#10;wider [C111]</failure>
          </testcase>
        </testsuite>

        """)
  }
}
