import Diagnostics
import Testing

@testable import Readers

@Suite struct ZIPTests {
  private func code(_ body: () throws -> Void) -> DiagnosticCode? { failure(body)?.code }

  @Test func storedAndDeflated() throws {
    let archive = try ZIPArchive(path: Fixture.path("entries.zip"))
    #expect(archive.entries.map(\.name) == ["stored.txt", "deflated.txt", "folder/empty", "bzip2.txt"])
    #expect(try archive.contents("stored.txt") == Array("stored text".utf8))
    #expect(
      try archive.contents("deflated.txt") == Array(String(repeating: "deflated text, ", count: 100).utf8))
    #expect(try archive.contents("folder/empty") == [])
    #expect(archive.contains("stored.txt") && !archive.contains("absent"))
  }

  @Test func refusals() throws {
    let archive = try ZIPArchive(path: Fixture.path("entries.zip"))
    #expect(code { _ = try archive.contents("absent") } == "I022")
    #expect(code { _ = try archive.contents("bzip2.txt") } == "I021")
    #expect(code { _ = try ZIPArchive(path: Fixture.path("encrypted.zip")) } == "I021")
    #expect(code { _ = try ZIPArchive([], file: "empty") } == "I020")
    #expect(
      code { _ = try ZIPArchive(Array("no archive at all, whatever its name".utf8), file: "text") } == "I020")
  }

  @Test func zip64IsRefusedByName() throws {
    var bytes = try storedZIP([("a", [1])], file: "f")
    for at in bytes.count - 10..<bytes.count - 2 { bytes[at] = 0xFF }
    #expect(code { _ = try ZIPArchive(bytes, file: "f") } == "I021")
  }

  @Test func damagedContentsAreFound() throws {
    var bytes = try storedZIP([("a", Array("hello".utf8))], file: "f")
    bytes[31] ^= 1
    let archive = try ZIPArchive(bytes, file: "f")
    #expect(code { _ = try archive.contents("a") } == "I023")
  }

  @Test func roundTrip() throws {
    let entries: [(name: String, contents: [UInt8])] = [
      ("é.npy", (0..<3000).map { UInt8(truncatingIfNeeded: $0 * 7) }), ("empty", []),
    ]
    let bytes = try storedZIP(entries, file: "f")
    let archive = try ZIPArchive(bytes, file: "f")
    #expect(archive.entries.map(\.name) == entries.map(\.name))
    for (name, contents) in entries { #expect(try archive.contents(name) == contents) }
  }

  @Test func damagedArchives() throws {
    for (seed, bytes) in Mutants(of: try Fixture.bytes("entries.zip"), count: Mutants.defaultCount * 10) {
      let found = failure {
        let archive = try ZIPArchive(bytes, file: "f")
        for entry in archive.entries { _ = try archive.contents(of: entry) }
      }
      guard let found else { continue }
      #expect(["I020", "I021", "I023"].contains(found.code), "mutant \(seed)")
      #expect(found.location != nil)
    }
  }
}
