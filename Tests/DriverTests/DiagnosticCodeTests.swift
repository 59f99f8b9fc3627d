import Foundation
import Testing

@Suite("Diagnostic codes")
struct DiagnosticCodeTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  @Test("docs/diagnostics.md explains every code that the sources use, and no other")
  func documentation() throws {
    let used = try Self.codes(of: /"([CITPEVX][0-9]{3})"/, in: Self.sources())
    let page = try String(
      contentsOf: Self.root.appendingPathComponent("docs/diagnostics.md"), encoding: .utf8)
    let explained = try Self.codes(of: /\| ([CITPEVX][0-9]{3}) \|/, in: [page])
    #expect(used.subtracting(explained).sorted() == [], "codes without an explanation")
    #expect(explained.subtracting(used).sorted() == [], "explanations without a code")
  }

  private static func codes(of pattern: Regex<(Substring, Substring)>, in texts: [String]) throws -> Set<
    String
  > {
    Set(texts.flatMap { text in text.matches(of: pattern).map { String($0.output.1) } })
  }

  private static func sources() throws -> [String] {
    let folder = root.appendingPathComponent("Sources")
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    var texts: [String] = []
    while let file = files?.nextObject() as? URL {
      if file.pathExtension == "swift" { texts.append(try String(contentsOf: file, encoding: .utf8)) }
    }
    return texts
  }
}
