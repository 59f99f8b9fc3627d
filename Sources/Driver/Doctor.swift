import Diagnostics
import Foundation
import Verification

/// `doctor`: what is installed of the programs that fpgaml calls, and what is missing for what.
public struct Doctor: Sendable {
  struct Check: Hashable, Sendable {
    var name: String
    /// What it is for.
    var purpose: String
    /// Whether `compile` with verification cannot do without it.
    var isNeeded: Bool
    /// The line that installs it.
    var install: String
    /// The version or, where there is none, the place; nil where it is missing.
    var found: String?
  }

  var checks: [Check]

  private struct Program {
    var name: String
    var package: String
    var version: String
    var purpose: String
    var isNeeded = false
  }

  private static let programs = [
    Program(
      name: "verilator", package: "verilator", version: "--version", purpose: "verifying the Verilog",
      isNeeded: true),
    Program(
      name: "g++", package: "g++", version: "--version", purpose: "verifying the Verilog and the HLS C++",
      isNeeded: true),
    Program(
      name: "yosys", package: "yosys", version: "-V", purpose: "synthesis, scripts/yosys.ys of a build"),
    Program(
      name: "nextpnr-ecp5", package: "nextpnr-ecp5", version: "--version",
      purpose: "place and route for Lattice ECP5"),
    Program(name: "iverilog", package: "iverilog", version: "-V", purpose: "the tests' second simulator"),
  ]

  /// Looks for everything.
  public init() {
    checks = Doctor.programs.map { program in
      Check(
        name: program.name, purpose: program.purpose, isNeeded: program.isNeeded,
        install: "sudo apt-get install -y \(program.package)", found: Doctor.version(program))
    }
    let headers = Check(
      name: "ap_types headers", purpose: "verifying the HLS C++", isNeeded: true,
      install: "scripts/install-ap-types.sh, or set FPGAML_AP_TYPES to a folder with ap_fixed.h",
      found: APTypes.folder?.path)
    checks.insert(headers, at: 2)
  }

  /// The first line that a program prints about its version.
  private static func version(_ program: Program) -> String? {
    guard let path = Tool.find(program.name) else { return nil }
    let folder = FileManager.default.temporaryDirectory
    guard let result = try? Tool.run(path, [program.version], in: folder, timeLimit: 20) else { return path }
    let lines = (result.standardOutput + "\n" + result.standardError).split(whereSeparator: \.isNewline)
    return lines.first.map(String.init) ?? path
  }

  /// What the main job needs and is missing.
  public var problems: [Diagnostic] {
    checks.filter { $0.isNeeded && $0.found == nil }.map {
      Diagnostic(
        .error, "C120", "'\($0.name)' is missing for \($0.purpose)",
        notes: [$0.install, "'fpgaml compile --no-verify' goes on without it"])
    }
  }

  public var text: String {
    var table = TextTable(["tool", "found", "for"])
    for check in checks {
      table.add([check.name, check.found ?? (check.isNeeded ? "MISSING" : "not installed"), check.purpose])
    }
    let lines = checks.filter { $0.found == nil }.map { "\($0.name): \($0.install)" }
    let last =
      problems.isEmpty
      ? "everything that compiling and verifying needs is installed" : "something needed is missing"
    return (["fpgaml \(Version.current)", table.text] + lines + [last]).joined(separator: "\n")
  }

  public var json: JSONOutput {
    [
      "fpgaml": .string(Version.current), "complete": .bool(problems.isEmpty),
      "tools": .array(
        checks.map {
          [
            "name": .string($0.name), "found": $0.found.map { .string($0) } ?? .null,
            "needed": .bool($0.isNeeded), "purpose": .string($0.purpose), "install": .string($0.install),
          ]
        }),
    ]
  }
}
