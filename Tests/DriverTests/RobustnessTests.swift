import Diagnostics
import Foundation
import Graph
import GraphTestSupport
import Testing
import Verification

@testable import Driver

@Suite("Robustness", .enabled(if: CommandLineTool.url != nil, "the fpgaml binary is not beside the tests"))
struct RobustnessTests {
  /// A graph.json that takes some time to compile.
  private func model(in folder: URL) throws -> String {
    let weights = (0..<256).map { Int64($0 * 37 % 61) - 30 }
    let file = folder.appendingPathComponent("model.json")
    try Data(Tiny.dense(weights: weights, inputs: 16).encoded().utf8).write(to: file)
    return file.path
  }

  @Test("rebuilds have the same bytes in other processes, on one processor and on all, and raise no alarm")
  func sameBytes() throws {
    let rebuilds = ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] == nil ? 3 : 50
    let folder = try TemporaryFolder()
    let model = try model(in: folder.url)
    let binary = try #require(CommandLineTool.url).path
    let first = folder.url.appendingPathComponent("first")
    #expect(try CommandLineTool.run(["compile", model, "--no-verify", "-o", first.path]) == 0)
    let bytes = TemporaryFolder.contents(of: first)
    #expect(bytes.count > 5)
    for number in 0..<rebuilds {
      let target = folder.url.appendingPathComponent("rebuild")
      var command = [binary, "compile", model, "--no-verify", "-o", target.path]
      // On one processor there is one thread.
      if number % 2 == 1, let taskset = Tool.find("taskset") { command = [taskset, "-c", "0"] + command }
      let result = try Tool.run(command[0], Array(command.dropFirst()), in: folder.url, timeLimit: 300)
      #expect(result.succeeded, "\(result.standardError)")
      #expect(TemporaryFolder.contents(of: target) == bytes, "rebuild \(number)")
      #expect(try CommandLineTool.run(["diff", first.path, target.path]) == 0, "rebuild \(number)")
    }
  }

  @Test("kill -9 at random moments never leaves a broken build")
  func kills() throws {
    let kills = ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] == nil ? 5 : 100
    let folder = try TemporaryFolder()
    let model = try model(in: folder.url)
    let target = folder.url.appendingPathComponent("build")
    let commands = ["valid", "none"].map {
      ["compile", model, "--no-verify", "--ports", $0, "-o", target.path]
    }
    var whole: [[String: Data]] = []
    var duration = 0.0
    for command in commands {
      let start = Date()
      #expect(try CommandLineTool.run(command) == 0)
      duration = Date().timeIntervalSince(start)
      whole.append(TemporaryFolder.contents(of: target))
    }
    #expect(whole[0] != whole[1])
    var generator = SystemRandomNumberGenerator()
    for number in 0..<kills {
      let process = try CommandLineTool.start(commands[number % 2])
      // Writing is the last thing that a run does: most kills are aimed at its end.
      let share = number % 4 == 0 ? 0.0...1.0 : 0.8...1.1
      Thread.sleep(forTimeInterval: duration * Double.random(in: share, using: &generator))
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      #expect(whole.contains(TemporaryFolder.contents(of: target)), "after kill \(number)")
    }
    #expect(try CommandLineTool.run(commands[0]) == 0)
    #expect(TemporaryFolder.contents(of: target) == whole[0])
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(left.sorted() == ["build", "model.json"], "leftovers of killed runs")
  }

  @Test("a build moved aside by a run that died comes back")
  func movedAside() throws {
    let folder = try TemporaryFolder()
    let build = try Tiny.build(Tiny.dense(weights: [1], inputs: 1), into: folder.url, name: "build")
    let before = TemporaryFolder.contents(of: build.url)
    let process = try CommandLineTool.start(["--version"])
    process.waitUntilExit()
    let aside = folder.url.appendingPathComponent(".build.old-\(process.processIdentifier)")
    try FileManager.default.moveItem(at: build.url, to: aside)
    let new = try Tiny.build(Tiny.dense(weights: [1], inputs: 1), into: folder.url, name: "build")
    #expect(TemporaryFolder.contents(of: new.url) == before)
    #expect(!FileManager.default.fileExists(atPath: aside.path))
  }

  @Test("an output folder that cannot be written is an error that names it")
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let graph = try Tiny.dense(weights: [1], inputs: 1)
    // A path below a file cannot be made, whoever we are; permissions do not stop root.
    let file = folder.url.appendingPathComponent("file")
    try Data("x".utf8).write(to: file)
    let model = folder.url.appendingPathComponent("model.json")
    try Data(graph.encoded().utf8).write(to: model)
    for target in [file.appendingPathComponent("build").path, "/proc/fpgaml-test/build"] {
      var request = CompileRequest(model: ModelRequest(path: model.path))
      request.verification.scope = nil
      let compilation = try Compilation(request)
      let failure = #expect(throws: CompilationFailed.self) { try compilation.build(into: target) }
      #expect(failure?.diagnostics.first?.code == "E201")
      #expect(failure?.diagnostics.first?.message.contains("build") == true)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == "x")
  }

  @Test("exit codes of diff")
  func diffExitCodes() throws {
    let folder = try TemporaryFolder()
    let a = try Tiny.build(Tiny.dense(weights: [1, 2], inputs: 2), into: folder.url, name: "a").url.path
    let b = try Tiny.build(Tiny.dense(weights: [1, 3], inputs: 2), into: folder.url, name: "b").url.path
    let junit = folder.url.appendingPathComponent("junit.xml").path
    let summary = folder.url.appendingPathComponent("diff.md").path
    #expect(try CommandLineTool.run(["diff", a, a]) == 0)
    #expect(try CommandLineTool.run(["diff", a, b, "--junit", junit, "--markdown", summary]) == 1)
    #expect(try CommandLineTool.run(["diff", a, folder.url.path]) == 2)
    #expect(try CommandLineTool.run(["diff", a, b, "--tolerance", "cats=2%"]) == 2)
    #expect(try String(contentsOfFile: junit, encoding: .utf8).contains("<failure"))
    #expect(try String(contentsOfFile: summary, encoding: .utf8).contains("regression"))
  }

  @Test("the script of the CI examples: first build, equal build, regression")
  func guardScript() throws {
    let folder = try TemporaryFolder()
    let script = packageRoot.appendingPathComponent("examples/ci/guard.sh").path
    let model = folder.url.appendingPathComponent("model.json")
    func run(_ weights: [Int64]) throws -> Int32 {
      try Data(Tiny.dense(weights: weights, inputs: 2).encoded().utf8).write(to: model)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = [script, model.path, "--no-verify"]
      process.currentDirectoryURL = folder.url
      var environment = ProcessInfo.processInfo.environment
      environment["FPGAML"] = CommandLineTool.url?.path
      environment["BASELINE"] = folder.url.appendingPathComponent("baseline").path
      process.environment = environment
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      return process.terminationStatus
    }
    #expect(try run([1, 2]) == 0)
    let built = folder.url.appendingPathComponent("build/model")
    try FileManager.default.copyItem(at: built, to: folder.url.appendingPathComponent("baseline"))
    #expect(try run([1, 2]) == 0)
    #expect(try run([1, 3]) == 1)
    let junit = folder.url.appendingPathComponent("build/model-diff.xml")
    #expect(try String(contentsOf: junit, encoding: .utf8).contains("<failure"))
  }
}

@Suite("doctor")
struct DoctorTests {
  @Test("every tool has a purpose and a line that installs it; only what is needed is a problem")
  func checks() {
    var doctor = Doctor()
    #expect(doctor.checks.count == 6)
    #expect(doctor.checks.allSatisfy { !$0.purpose.isEmpty && !$0.install.isEmpty })
    for i in doctor.checks.indices { doctor.checks[i].found = nil }
    #expect(doctor.problems.count == 3)
    #expect(doctor.problems.allSatisfy { $0.code == "C120" && $0.notes.count == 2 })
    #expect(doctor.text.contains("apt-get install -y verilator"))
    for i in doctor.checks.indices { doctor.checks[i].found = "1.0" }
    #expect(doctor.problems.isEmpty)
  }
}
