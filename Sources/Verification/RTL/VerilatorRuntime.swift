import Diagnostics
import Foundation
import TestbenchSources

/// Verilator, and the part of every simulation that does not depend on the design: its runtime library and our
/// harness, compiled once per version and kept in the user's cache folder.
struct VerilatorRuntime {
  let verilator: String
  let compiler: String
  /// Such as "Verilator 5.006".
  let version: String
  /// Whether modules with many instances can be translated once.
  let hasHierarchy: Bool
  /// Objects to link, a precompiled header, and the harness' headers.
  let folder: URL

  /// Flags for generated code; the same for the precompiled header.
  let flags: [String]

  /// Verilator's own sources that simulations are linked with; not all versions have all.
  private static let library = ["verilated", "verilated_dpi", "verilated_threads"]
  private static let installPackages = "verilator g++"
  private static let building = NSLock()

  /// Finds the tools, and builds the runtime where the cache does not have it.
  ///
  /// - Parameter cacheFolder: Below which folders by tool version are made; where that is not possible,
  ///   `fallbackFolder` is used.
  init(cacheFolder: URL, fallbackFolder: URL) throws(CompilationFailed) {
    verilator = try Tool.require("verilator", package: Self.installPackages)
    compiler = try Tool.require("g++", package: Self.installPackages)
    let temporary = FileManager.default.temporaryDirectory
    let banner = try Tool.run(verilator, ["--version"], in: temporary, timeLimit: 30)
    let root = try Tool.run(verilator, ["--getenv", "VERILATOR_ROOT"], in: temporary, timeLimit: 30)
    let compilerBanner = try Tool.run(compiler, ["--version"], in: temporary, timeLimit: 30)
    for result in [banner, root, compilerBanner] where !result.succeeded {
      throw CompilationFailed(
        "V002", "a tool that simulates Verilog does not say its version",
        notes: ["sudo apt-get install -y --reinstall \(Self.installPackages)", result.standardError],
        status: .missingTool)
    }
    let words = banner.standardOutput.split(separator: " ").prefix(2)
    version = words.joined(separator: " ")
    // Verilator runs itself for each module, by way of make.
    let major = words.last?.split(separator: ".").first.flatMap { Int($0) } ?? 0
    hasHierarchy = major >= 5 && Tool.find("make") != nil
    let include = root.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines) + "/include"
    flags =
      ["-std=gnu++17", "-O0", "-w", "-fcf-protection=none", "-I.", "-I\(include)", "-I\(include)/vltstd"]
      + ["VERILATOR=1", "VM_COVERAGE=0", "VM_SC=0", "VM_TRACE=0", "VM_TRACE_FST=0", "VM_TRACE_VCD=0"].map {
        "-D\($0)"
      }
    let identity =
      [banner.standardOutput, compilerBanner.standardOutput, include] + flags + Self.library
      + TestbenchSources.files.flatMap { [$0.name, $0.contents] }
    let name = "verilator-\(String(Self.hash(identity.joined(separator: "\0")), radix: 16))"
    let cached = cacheFolder.appendingPathComponent(name)
    // One build serves all threads that ask at the same time.
    Self.building.lock()
    defer { Self.building.unlock() }
    if FileManager.default.fileExists(atPath: cached.path) {
      folder = cached
      return
    }
    folder = try Self.build(
      include: include, compiler: compiler, flags: flags, cached: cached, fallbackFolder: fallbackFolder)
  }

  /// `$XDG_CACHE_HOME/fpgaml`, by default `~/.cache/fpgaml`.
  static var userCacheFolder: URL {
    let environment = ProcessInfo.processInfo.environment
    let base =
      environment["XDG_CACHE_HOME"].map { URL(fileURLWithPath: $0) }
      ?? FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".cache")
    return base.appendingPathComponent("fpgaml")
  }

  var objects: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".o") }.sorted().map { folder.appendingPathComponent($0).path }
  }

  /// Compiles into a temporary folder and moves it into place, so that the cache never holds half a runtime and two
  /// processes may do it at once.
  private static func build(
    include: String, compiler: String, flags: [String], cached: URL, fallbackFolder: URL
  ) throws(CompilationFailed) -> URL {
    let files = FileManager.default
    let parent = cached.deletingLastPathComponent()
    let isWritable =
      (try? files.createDirectory(at: parent, withIntermediateDirectories: true)) != nil
      && files.isWritableFile(atPath: parent.path)
    let scratch = (isWritable ? parent : fallbackFolder)
      .appendingPathComponent("\(cached.lastPathComponent).\(ProcessInfo.processInfo.globallyUniqueString)")
    do {
      try files.createDirectory(at: scratch, withIntermediateDirectories: true)
      for file in TestbenchSources.files {
        try Data(file.contents.utf8).write(to: scratch.appendingPathComponent(file.name))
      }
      try Data("#include \"verilated.h\"\n".utf8).write(to: scratch.appendingPathComponent("runtime.h"))
    } catch {
      throw CompilationFailed(
        "V004", "cannot write the simulator's runtime: \(error.localizedDescription)", at: .file(scratch.path)
      )
    }
    let library = library.map { "\(include)/\($0).cpp" }
      .filter { files.fileExists(atPath: $0) }
    var commands = library.map { flags + ["-c", $0] }
    commands.append(flags + ["-c", "harness.cpp"])
    commands.append(flags + ["-x", "c++-header", "runtime.h", "-o", "runtime.h.gch"])
    try compile(commands, with: compiler, in: scratch)
    guard isWritable else { return scratch }
    if (try? files.moveItem(at: scratch, to: cached)) == nil {
      // Another process was first.
      guard files.fileExists(atPath: cached.path) else { return scratch }
      try? files.removeItem(at: scratch)
    }
    return cached
  }

  /// Runs compiler commands side by side.
  ///
  /// - Throws: V005 with the compiler's own words.
  static func compile(
    _ commands: [[String]], with compiler: String, in folder: URL
  ) throws(CompilationFailed) {
    let results = Parallel.map(commands) { arguments in
      Result { () throws(CompilationFailed) in
        try Tool.run(compiler, arguments, in: folder, timeLimit: 900)
      }
    }
    for result in results {
      let outcome = try result.get()
      if outcome.succeeded { continue }
      throw CompilationFailed(
        "V005", "g++ cannot compile the simulation", at: .file(folder.path),
        notes: [String(outcome.standardError.prefix(2000))], status: .internalError)
    }
  }

  /// FNV-1a, 64 bits: names cache folders.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
