import Circuit
import Foundation
import Testing
import VerilogBackend

/// The printed text of tiny designs, file by file. `FPGAML_UPDATE_GOLDEN=1 swift test` rewrites the expected files,
/// and fails so that it cannot pass for a test.
@Suite struct GoldenTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden")

  @Test(arguments: GoldenDesign.all)
  func textIsAsExpected(design: GoldenDesign) throws {
    let folder = Self.folder.appendingPathComponent(design.name.replacingOccurrences(of: " ", with: "_"))
    let files = try design.files()
    if ProcessInfo.processInfo.environment["FPGAML_UPDATE_GOLDEN"] == "1" {
      try? FileManager.default.removeItem(at: folder)
      for file in files {
        let place = folder.appendingPathComponent(file.path)
        try FileManager.default.createDirectory(
          at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.contents.utf8).write(to: place)
      }
      Issue.record("rewrote \(folder.lastPathComponent)")
      return
    }
    for file in files {
      let expected = try String(contentsOf: folder.appendingPathComponent(file.path), encoding: .utf8)
      #expect(file.contents == expected, "\(file.path)")
    }
    let stored = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
      .filter { $0.contains(".") }
    #expect(Set(stored) == Set(files.map(\.path)))
  }

  @Test(arguments: GoldenDesign.all)
  func designsAreSound(design: GoldenDesign) throws { #expect(try design.circuit().verify().isEmpty) }
}
