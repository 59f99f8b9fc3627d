import Diagnostics
import Foundation
import Testing
import Verification

@Suite struct ToolTests {
  private let folder = FileManager.default.temporaryDirectory

  @Test func outputAndStatusAreCaptured() throws {
    let result = try Tool.run("sh", ["-c", "echo out; echo err >&2; pwd; exit 3"], in: folder, timeLimit: 20)
    #expect(result.status == 3 && !result.succeeded)
    #expect(result.standardOutput.hasPrefix("out\n") && result.standardError == "err\n")
    #expect(result.standardOutput.contains(folder.lastPathComponent))
  }

  @Test func muchOutputDoesNotBlock() throws {
    let result = try Tool.run("sh", ["-c", "yes | head -c 3000000"], in: folder, timeLimit: 60)
    #expect(result.standardOutput.utf8.count == 3_000_000)
  }

  @Test func aSignalIsAStatus() throws {
    #expect(try Tool.run("sh", ["-c", "kill -9 $$"], in: folder, timeLimit: 20).status == 137)
  }

  @Test func theTimeLimitEndsChildrenToo() throws {
    let begin = Date()
    let mark = folder.appendingPathComponent("fpgaml-\(ProcessInfo.processInfo.globallyUniqueString)")
    let failure = #expect(throws: CompilationFailed.self) {
      try Tool.run("sh", ["-c", "(sleep 2; touch '\(mark.path)') & wait"], in: folder, timeLimit: 0.3)
    }
    #expect(failure?.diagnostics.first?.code == "V003")
    #expect(Date().timeIntervalSince(begin) < 2)
    Thread.sleep(forTimeInterval: 2.5)
    #expect(!FileManager.default.fileExists(atPath: mark.path))
  }

  @Test func aMissingToolNamesItsPackage() {
    let failure = #expect(throws: CompilationFailed.self) {
      try Tool.require("no-such-simulator", package: "verilator")
    }
    #expect(failure?.status == .missingTool)
    #expect(failure?.diagnostics.first?.notes.first?.contains("apt-get install -y verilator") == true)
    #expect(throws: CompilationFailed.self) {
      try Tool.run("no-such-simulator", [], in: folder, timeLimit: 1)
    }
  }
}
