import Circuit
import CircuitTestSupport
import Foundation
import Testing
import TestbenchSources
import Verification
import VerilogBackend

/// What other tools say about the generated Verilog.
@Suite struct LintTests {
  static let hasVerilator = Tool.find("verilator") != nil
  static let hasIcarus = Tool.find("iverilog") != nil
  static let hasYosys = Tool.find("yosys") != nil

  /// Writes a design's modules, and models of the cells that it instantiates, to a folder of its own.
  private func withModules(
    _ files: [GeneratedFile], _ body: (URL, [String], [String]) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("fpgaml-lint-\(ProcessInfo.processInfo.globallyUniqueString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var modules: [String] = []
    for file in files where file.path.hasPrefix("rtl/") {
      let name = String(file.path.dropFirst(4))
      try Data(file.contents.utf8).write(to: folder.appendingPathComponent(name))
      modules.append(name)
    }
    for source in TestbenchSources.files where source.name == "primitives.v" {
      try Data(source.contents.utf8).write(to: folder.appendingPathComponent(source.name))
    }
    let needsCells = files.contains { $0.contents.contains("LUT6_2") }
    try body(folder, modules, needsCells ? ["primitives.v"] : [])
  }

  private func random(_ latency: Int, count: Int, seed: Int) -> Circuit {
    var generator = RandomCircuit()
    generator.operations = 40
    generator.instances = 1
    let circuits = (0..<count).map { index in
      let seed = UInt64(seed * 1000 + index)
      return generator.make(seed: seed).pipelined(latency: latency, seed: seed)
    }
    // Each twice, so that parts repeat.
    return Circuit.joined(circuits + circuits, name: "random")
  }

  private static let variants: [(Int, VerilogOptions)] = [
    (0, VerilogOptions()), (1, VerilogOptions()), (2, VerilogOptions(clockEnable: true)),
    (0, VerilogOptions(ports: .none, clockEnable: true)), (3, VerilogOptions(ports: .none, primitives: true)),
  ]

  @Test(.enabled(if: hasVerilator), arguments: variants)
  func verilatorHasNothingToSay(latency: Int, options: VerilogOptions) throws {
    let designs = try GoldenDesign.all.map { try $0.files() }
    for files in try [VerilogBackend.emit(random(latency, count: 20, seed: latency), options: options)]
      + designs
    {
      try withModules(files) { folder, modules, cells in
        // The models of cells stand in one file, for simulation only.
        let result = try Tool.run(
          "verilator",
          ["--lint-only", "-Wall", "-Wno-DECLFILENAME", "--top-module"]
            + [String(modules[0].dropLast(2))] + modules + cells, in: folder, timeLimit: 60)
        #expect(result.succeeded)
        #expect(result.standardOutput + result.standardError == "")
      }
    }
  }

  @Test(.enabled(if: hasIcarus), arguments: variants)
  func icarusReadsVerilog2005(latency: Int, options: VerilogOptions) throws {
    let files = try VerilogBackend.emit(random(latency, count: 5, seed: 7), options: options)
    try withModules(files) { folder, modules, cells in
      let result = try Tool.run(
        "iverilog", ["-g2005", "-Wall", "-o", "out"] + modules + cells, in: folder, timeLimit: 60)
      #expect(result.succeeded)
      #expect(result.standardOutput + result.standardError == "")
    }
  }

  @Test(.enabled(if: hasYosys)) func yosysReadsAll() throws {
    for files in try [VerilogBackend.emit(random(2, count: 10, seed: 9))]
      + GoldenDesign.all.map({ try $0.files() })
    {
      try withModules(files) { folder, modules, cells in
        let script =
          "read_verilog \((modules + cells).joined(separator: " ")); hierarchy -check -top "
          + "\(modules[0].dropLast(2)); proc; check -assert"
        let result = try Tool.run("yosys", ["-q", "-p", script], in: folder, timeLimit: 60)
        #expect(result.succeeded, "\(result.standardError)")
        #expect(!result.standardError.contains("Warning"), "\(result.standardError)")
      }
    }
  }

  @Test(.enabled(if: Tool.find("gcc") != nil)) func theHeaderIsC99() throws {
    let folder = FileManager.default.temporaryDirectory
    for design in GoldenDesign.all {
      let header = try #require(try design.files().first { $0.path.hasPrefix("include/") })
      let result = try Tool.run(
        "sh",
        [
          "-c", "printf '%s' \"$0\" | gcc -std=c99 -Wall -Wno-unused -Werror -fsyntax-only -xc -",
          header.contents,
        ],
        in: folder, timeLimit: 60)
      #expect(result.succeeded, "\(result.standardError)")
    }
  }
}
