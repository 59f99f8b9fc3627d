import Circuit
import Diagnostics
import Foundation
import Graph
import Readers

#if canImport(Glibc)
  import Glibc
#endif

/// A build on disk, `build/<name>/` by default.
///
/// It is written whole beside its final place and then moved there, so that an interrupted run leaves the previous
/// build untouched.
public struct BuildFolder: Sendable {
  public let url: URL

  public init(_ path: String) { url = URL(fileURLWithPath: path) }

  /// Where verification works; nothing in it is part of the build.
  public var workFolder: URL { url.appendingPathComponent("work") }

  /// Replaces the folder by one with these files.
  ///
  /// - Throws: E201 where the folder cannot be written, E202 where it holds something that is not a build.
  public func write(_ files: [GeneratedFile]) throws(CompilationFailed) {
    let manager = FileManager.default
    let fresh = url.deletingLastPathComponent()
      .appendingPathComponent(".\(url.lastPathComponent).new-\(ProcessInfo.processInfo.processIdentifier)")
    let old = url.deletingLastPathComponent()
      .appendingPathComponent(".\(url.lastPathComponent).old-\(ProcessInfo.processInfo.processIdentifier)")
    try checkReplaceable()
    removeLeftovers()
    do {
      for file in files {
        let target = fresh.appendingPathComponent(file.path)
        try manager.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.contents.utf8).write(to: target)
      }
      // One step where the file system can swap folders: at any moment the path holds a whole build.
      if swap(fresh, url) {
        try? manager.removeItem(at: fresh)
        return
      }
      if manager.fileExists(atPath: url.path) { try manager.moveItem(at: url, to: old) }
      try manager.moveItem(at: fresh, to: url)
      try? manager.removeItem(at: old)
    } catch {
      try? manager.removeItem(at: fresh)
      if !manager.fileExists(atPath: url.path) { try? manager.moveItem(at: old, to: url) }
      throw CompilationFailed(
        "E201", "cannot write '\(url.path)': \(error.reason)", at: .option("-o"))
    }
  }

  /// Exchanges two folders in one step.
  ///
  /// - Returns: false where one of them does not exist or the file system cannot do it.
  private func swap(_ a: URL, _ b: URL) -> Bool {
    // glibc declares it for GNU sources only, which Swift's module of it does not ask for.
    typealias RenameAt2 =
      @convention(c) (
        Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
      ) -> Int32
    guard let symbol = dlsym(nil, "renameat2") else { return false }
    let exchange: UInt32 = 2
    return unsafeBitCast(symbol, to: RenameAt2.self)(AT_FDCWD, a.path, AT_FDCWD, b.path, exchange) == 0
  }

  /// Removes what interrupted runs left beside the folder: folders that are named after a process which is no more.
  private func removeLeftovers() {
    let parent = url.deletingLastPathComponent()
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
    for name in names {
      for prefix in [".\(url.lastPathComponent).new-", ".\(url.lastPathComponent).old-"]
      where name.hasPrefix(prefix) {
        guard let process = Int32(name.dropFirst(prefix.count)), process > 0 else { continue }
        let isOurs = process == ProcessInfo.processInfo.processIdentifier
        guard isOurs || (kill(process, 0) != 0 && errno == ESRCH) else { continue }
        let leftover = parent.appendingPathComponent(name)
        // The only whole build may be one that was moved aside.
        if prefix.hasSuffix("old-") && !exists {
          try? FileManager.default.moveItem(at: leftover, to: url)
        } else {
          try? FileManager.default.removeItem(at: leftover)
        }
      }
    }
  }

  /// Makes sure that writing destroys nothing but a build.
  ///
  /// - Throws: E202 for a file, and for a folder that is neither empty nor a build.
  public func checkReplaceable() throws(CompilationFailed) {
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    let contents = try? FileManager.default.contentsOfDirectory(atPath: url.path)
    if let contents, contents.isEmpty || contents.contains("report.json") { return }
    throw CompilationFailed(
      "E202", "'\(url.path)' exists and is not a build of fpgaml", at: .option("-o"),
      notes: ["name another folder, or remove this one"])
  }

  /// Whether there is a folder at the path at all.
  public var exists: Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// The typed graph of the build.
  ///
  /// - Throws: C010 where there is none, C011 where it is damaged.
  public func graph() throws(CompilationFailed) -> Graph {
    try Graph.decoded(read("graph.json"), file: url.appendingPathComponent("graph.json").path)
  }

  /// The contents of one of the build's files.
  ///
  /// - Throws: C010 where it cannot be read.
  public func read(_ path: String) throws(CompilationFailed) -> Data {
    let file = url.appendingPathComponent(path)
    do {
      return try Data(contentsOf: file)
    } catch {
      throw CompilationFailed(
        "C010", "'\(url.path)' is not a build of fpgaml: it has no readable '\(path)'", at: .file(url.path),
        notes: ["make one with 'fpgaml compile MODEL -o \(url.lastPathComponent)'"])
    }
  }
}

extension Graph {
  /// The text of graph.json: the same bytes for the same graph.
  func encoded() throws(CompilationFailed) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    do {
      return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    } catch {
      throw CompilationFailed("X001", "graph.json cannot be written: \(error)", status: .internalError)
    }
  }
}
