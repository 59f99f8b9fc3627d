import Diagnostics
import Foundation

/// g++ and the ap_types headers, the two things that compiling HLS C++ needs.
struct HLSCompiler {
  /// Such as "g++ 12.2.0".
  let version: String
  private let compiler: String
  private let headers: String

  /// - Throws: V001 and V101, exit status 4, for what is missing.
  init() throws(CompilationFailed) {
    compiler = try Tool.require("g++", package: "g++")
    guard let headers = APTypes.folder else {
      throw CompilationFailed(
        "V101", "the ap_types headers, which HLS C++ is compiled with, are not installed",
        notes: [
          "scripts/install-ap-types.sh",
          "or set FPGAML_AP_TYPES to a folder that holds ap_fixed.h, such as include/ of Vitis HLS",
        ],
        status: .missingTool)
    }
    self.headers = headers.path
    let number = try Tool.run(
      compiler, ["-dumpfullversion"], in: FileManager.default.temporaryDirectory, timeLimit: 30)
    version = "g++ " + number.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Compiles units side by side and links them to a program. Generated code is long and straight: -O0 is the quickest
  /// way to its results.
  ///
  /// - Throws: V102 with the compiler's own words.
  func compile(
    _ units: [String], to program: String, types: HLSTypes, in folder: URL
  ) throws(CompilationFailed) {
    let flags =
      ["-std=c++17", "-O0", "-Wno-unknown-pragmas", "-Ihls", "-Itestbench", "-isystem", headers]
      + (types == .ap ? ["-DFPGAML_USE_AP"] : [])
    let objects = units.indices.map { "unit\($0).o" }
    let outcomes = Parallel.map(Array(zip(units, objects))) { unit, object in
      Result { () throws(CompilationFailed) in
        try Tool.run(compiler, flags + ["-c", unit, "-o", object], in: folder, timeLimit: 1800)
      }
    }
    for outcome in outcomes { try check(outcome.get(), in: folder) }
    try check(try Tool.run(compiler, ["-o", program] + objects, in: folder, timeLimit: 300), in: folder)
  }

  private func check(_ result: ToolResult, in folder: URL) throws(CompilationFailed) {
    guard !result.succeeded else { return }
    throw CompilationFailed(
      "V102", "g++ cannot compile the generated HLS C++", at: .file(folder.path),
      notes: [String(result.standardError.prefix(2000))], status: .internalError)
  }
}

/// Where AMD's ap_types headers are.
public enum APTypes {
  /// The first of `$FPGAML_AP_TYPES`, the user's cache folder and `<binary>/../share/fpgaml/ap_types` that holds
  /// `ap_fixed.h`, or nil.
  public static var folder: URL? {
    let given = ProcessInfo.processInfo.environment["FPGAML_AP_TYPES"].map { URL(fileURLWithPath: $0) }
    let binary = URL(fileURLWithPath: CommandLine.arguments.first ?? "").resolvingSymlinksInPath()
    let shared = binary.deletingLastPathComponent().deletingLastPathComponent()
    let places =
      [given, VerilatorRuntime.userCacheFolder.appendingPathComponent("ap_types")]
      + [shared.appendingPathComponent("share/fpgaml/ap_types")]
    return folder(among: places.compactMap { $0 })
  }

  /// The first of the places that holds `ap_fixed.h`, or nil.
  public static func folder(among places: [URL]) -> URL? {
    places.first { FileManager.default.fileExists(atPath: $0.appendingPathComponent("ap_fixed.h").path) }
  }
}
