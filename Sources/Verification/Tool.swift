import Diagnostics
import Dispatch
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// What an external program left behind.
public struct ToolResult: Hashable, Sendable {
  /// The exit code; a program that a signal ended has 128 + the signal's number.
  public var status: Int32
  public var standardOutput: String
  public var standardError: String

  public var succeeded: Bool { status == 0 }
}

/// External programs: Verilator, g++, yosys.
public enum Tool {
  /// The path of a program in `PATH`, or nil.
  public static func find(_ name: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// The path of a program in `PATH`.
  ///
  /// - Throws: V001, exit status 4, with the line that installs it.
  public static func require(_ name: String, package: String) throws(CompilationFailed) -> String {
    if let path = find(name) { return path }
    throw CompilationFailed(
      "V001", "'\(name)' is not installed or not in PATH",
      notes: ["sudo apt-get install -y \(package)", "'fpgaml compile --no-verify' goes on without it"],
      status: .missingTool)
  }

  /// Runs a program to its end and captures what it prints.
  ///
  /// Output goes through files, so that neither a full pipe nor a grandchild that keeps one open can block us.
  /// The program runs in a process group of its own, all of which is killed when the time is over.
  ///
  /// - Parameters:
  ///   - executable: A path, or a name that is looked up in `PATH`.
  ///   - timeLimit: In seconds.
  /// - Throws: V002 if the program cannot be started, V003 when the time is over. An exit code other than 0 is a
  ///   result, not an error.
  public static func run(
    _ executable: String, _ arguments: [String], in directory: URL, timeLimit: Double
  ) throws(CompilationFailed) -> ToolResult {
    func cannotStart(_ reason: String) -> CompilationFailed {
      CompilationFailed(
        "V002", "'\(executable)' cannot be started: \(reason)", at: .file(directory.path),
        status: .missingTool)
    }
    guard let path = executable.contains("/") ? executable : find(executable) else {
      throw cannotStart("it is not in PATH")
    }
    let capture = FileManager.default.temporaryDirectory
      .appendingPathComponent("fpgaml-\(ProcessInfo.processInfo.globallyUniqueString)")
    defer { try? FileManager.default.removeItem(at: capture) }
    let process = Process()
    let ended = DispatchSemaphore(value: 0)
    let output = capture.appendingPathComponent("stdout")
    let errors = capture.appendingPathComponent("stderr")
    do {
      try FileManager.default.createDirectory(at: capture, withIntermediateDirectories: true)
      for file in [output, errors] { try Data().write(to: file) }
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: errors)
      process.standardInput = FileHandle.nullDevice
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = arguments
      process.currentDirectoryURL = directory
      process.terminationHandler = { _ in ended.signal() }
      try process.run()
    } catch {
      throw cannotStart("\(error)")
    }
    if ended.wait(timeout: .now() + timeLimit) == .timedOut {
      kill(processGroup(of: process.processIdentifier), SIGKILL)
      ended.wait()
      let name = URL(fileURLWithPath: path).lastPathComponent
      throw CompilationFailed(
        "V003", "'\(name)' took longer than \(Int(timeLimit.rounded(.up))) s and was stopped",
        at: .file(directory.path), status: .mismatch)
    }
    func text(_ file: URL) -> String {
      (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
    let bySignal = process.terminationReason == .uncaughtSignal
    return ToolResult(
      status: (bySignal ? 128 : 0) + process.terminationStatus, standardOutput: text(output),
      standardError: text(errors))
  }

  /// The argument with which `kill` reaches a process and its children, where it leads a group of its own.
  private static func processGroup(of process: Int32) -> Int32 {
    getpgid(process) == process ? -process : process
  }
}
