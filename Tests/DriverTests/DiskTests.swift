import Diagnostics
import Foundation
import Graph
import Testing

@testable import Driver
@testable import Verification

@Suite(
  "Disks that do not take a build",
  .enabled(if: CommandLineTool.url != nil, "the fpgaml binary is not beside the tests"))
struct DiskTests {
  private let folder: TemporaryFolder
  private let model: String
  private let target: URL
  private let before: [String: Data]

  /// A whole build, which must survive.
  init() throws {
    folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("model.json")
    try Data(Tiny.dense(weights: (0..<64).map { Int64($0) - 30 }, inputs: 8).encoded().utf8).write(to: file)
    model = file.path
    target = folder.url.appendingPathComponent("build")
    #expect(try CommandLineTool.run(["compile", model, "--no-verify", "-o", target.path]) == 0)
    before = TemporaryFolder.contents(of: target)
    #expect(before.count > 5)
  }

  /// Compiles into the folder again, with other ports, from a shell.
  private func compile(_ prefix: String) throws -> ToolResult {
    let binary = try #require(CommandLineTool.url).path
    let command = "'\(binary)' compile '\(model)' --no-verify --ports none -o '\(target.path)'"
    return try Tool.run("sh", ["-c", "\(prefix) \(command)"], in: folder.url, timeLimit: 120)
  }

  private func expectUntouched() throws {
    #expect(TemporaryFolder.contents(of: target) == before)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
    #expect(names.filter { !$0.hasPrefix(".") } == ["build", "model.json"])
  }

  @Test("a file that cannot grow: an error that names the folder, the build as before")
  func full() throws {
    // Writes fail with EFBIG, as they fail with ENOSPC on a full disk.
    let result = try compile("trap '' XFSZ; ulimit -f 4;")
    #expect(result.status == 2)
    #expect(result.standardError.contains("[E201]") && result.standardError.contains(target.path))
    try expectUntouched()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 2, "leftovers")
  }

  @Test("killed for a file that grows: the build as before, and the next run tidies up")
  func killed() throws {
    #expect(try compile("ulimit -f 4; ulimit -c 0;").status > 128)
    try expectUntouched()
    #expect(try compile("").succeeded)
    #expect(TemporaryFolder.contents(of: target) != before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 2, "leftovers")
  }

  @Test("a full file system: the same", .enabled(if: geteuid() == 0, "mounting needs root"))
  func fullFileSystem() throws {
    let place = folder.url.appendingPathComponent("disk")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    // In a mount namespace of its own, so that nothing stays behind.
    let binary = try #require(CommandLineTool.url).path
    let script = """
      mount -t tmpfs -o size=48k tmpfs '\(place.path)' || exit 77
      mkdir '\(place.path)/build' && echo '{}' > '\(place.path)/build/report.json'
      '\(binary)' compile '\(model)' --no-verify -o '\(place.path)/build'
      echo "status $?"; ls -A '\(place.path)' '\(place.path)/build'
      """
    let result = try Tool.run("unshare", ["-m", "sh", "-c", script], in: folder.url, timeLimit: 120)
    if result.status == 77 || result.status == 1 && !result.standardOutput.contains("status") { return }
    #expect(result.standardOutput.contains("status 2"), "\(result.standardOutput)\(result.standardError)")
    #expect(result.standardError.contains("[E201]"))
    #expect(result.standardOutput.hasSuffix("\(place.path):\nbuild\n\n\(place.path)/build:\nreport.json\n"))
  }

  @Test(
    "a read-only folder",
    .enabled(if: geteuid() != 0 || Tool.find("setpriv") != nil, "root may write anywhere"))
  func readOnly() throws {
    #expect(chmod(folder.url.path, 0o555) == 0)
    defer { chmod(folder.url.path, 0o755) }
    let result = try compile(geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : "")
    // A binary in a folder that is closed to others cannot be started by them.
    if result.standardError.contains("setpriv") { return }
    #expect(result.status == 2, "\(result.standardError)")
    #expect(result.standardError.contains("[E201]"))
    try expectUntouched()
  }
}

@Suite("Very wide models")
struct WideModelTests {
  @Test("100,000 inputs, of which a hundred are read")
  func manyInputs() throws {
    let folder = try TemporaryFolder()
    var weights = Array(repeating: Int64(0), count: 100_000)
    for k in 0..<100 { weights[1000 * k + 7] = Int64(k % 31) - 15 }
    let graph = try Tiny.dense(weights: weights, inputs: 100_000)
    let build = try Tiny.build(graph, into: folder.url, name: "wide")
    let compiled = try build.graph()
    #expect(compiled == graph)
    // Two samples: all at the lower end, and all at the upper one.
    let range = try #require(graph[graph.inputs[0]].type).formats[0].range
    let simulation = try OutputSimulation(graph, samples: OutputSimulation.worthwhileSamples)
    #expect(simulation.isFast)
    let inputs = [range.lower, range.upper].flatMap { Array(repeating: $0, count: 100_000) }
    let outputs = try simulation.outputs(inputs, samples: 2, threads: 2)
    #expect(outputs == [15, -16], "\(outputs)")
  }
}
