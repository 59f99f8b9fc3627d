import Diagnostics
import FixedPoint
import Foundation
import Graph
import Planning
import Testing

@testable import Driver

@Suite("diff")
struct BuildDiffTests {
  let folder: TemporaryFolder
  let old: BuildFolder

  init() throws {
    folder = try TemporaryFolder()
    old = try Tiny.build(Tiny.dense(weights: [1, 2, 3, 7], inputs: 2), into: folder.url, name: "old")
  }

  private func diff(_ new: BuildFolder, _ tolerances: String...) throws -> BuildDiff {
    try DiffRequest(
      old: old, new: new, tolerances: tolerances.map { try Tolerance(parsing: $0) }, samples: 50, seed: 1
    ).run()
  }

  private func codes(_ diff: BuildDiff) -> Set<String> {
    Set(diff.findings.filter(\.isRegression).map(\.diagnostic.code.description))
  }

  @Test("50 identical rebuilds raise no alarm and have the same bytes")
  func equal() throws {
    let bytes = TemporaryFolder.contents(of: old.url)
    #expect(bytes.count > 5)
    for _ in 0..<50 {
      let new = try Tiny.build(Tiny.dense(weights: [1, 2, 3, 7], inputs: 2), into: folder.url, name: "same")
      #expect(TemporaryFolder.contents(of: new.url) == bytes)
    }
    let diff = try diff(BuildFolder(folder.url.appendingPathComponent("same").path))
    #expect(diff.isEqual && !diff.hasRegression)
    #expect(diff.text == "the builds are equal")
    #expect(diff.junit(old: "a", new: "b").text.contains("failures=\"0\""))
  }

  @Test("one changed weight: outputs, with the layer")
  func weight() throws {
    let new = try Tiny.build(Tiny.dense(weights: [1, 2, 3, 6], inputs: 2), into: folder.url, name: "new")
    let diff = try diff(new)
    #expect(codes(diff).contains("C110"))
    #expect(diff.outputs?.firstChanged == "fc")
    #expect((diff.outputs?.differing ?? 0) > 0 && (diff.outputs?.maximumDifference ?? 0) > 0)
    #expect(diff.junit(old: "a", new: "b").text.contains("'fc'"))
    #expect(diff.markdown.contains("'fc'"))
  }

  @Test("one more stage: latency")
  func stage() throws {
    let new = try Tiny.build(Tiny.dense(weights: [1, 2, 3, 7], inputs: 2), into: folder.url, name: "new") {
      $0.plan.ioRegisters = .both
    }
    let diff = try diff(new)
    #expect(codes(diff).contains("C112"))
    #expect(!codes(diff).contains("C110"))
    #expect(try codes(self.diff(new, "latency=1000%", "ff=100000%", "srl=1000", "lut=1000%")) == [])
  }

  @Test("a widened type: the layer, and equal outputs where the values are")
  func type() throws {
    let wider = FixedType(width: 6, integerBits: 5, rounding: .rnd, overflow: .sat)
    let new = try Tiny.build(
      Tiny.dense(weights: [1, 2, 3, 7], inputs: 2, result: wider), into: folder.url, name: "new")
    let diff = try diff(new)
    #expect(codes(diff).contains("C111"))
    #expect(diff.diagnostics.contains { $0.code == "C111" && $0.message.contains("'fc_result'") })
  }

  @Test("resources: +5 % is a regression, unless it is tolerated")
  func resources() throws {
    let new = try Tiny.build(Tiny.dense(weights: [1, 2, 3, 7], inputs: 2), into: folder.url, name: "new")
    for (build, lut) in [(old, 1000), (new, 1050)] {
      let file = build.url.appendingPathComponent("report.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      // The first "lut" is the total of the estimate.
      let edited = text.replacing(/"lut": [0-9]+/, with: "\"lut\": \(lut)", maxReplacements: 1)
      try Data(edited.utf8).write(to: file)
    }
    #expect(try codes(diff(new)) == ["C114"])
    #expect(try codes(diff(new, "lut=4.9%")) == ["C114"])
    #expect(try codes(diff(new, "lut=5%")) == [])
    #expect(try codes(diff(new, "lut=49")) == ["C114"])
    #expect(try codes(diff(new, "ff=5%")) == ["C114"])
    let shown = try diff(new)
    #expect(shown.markdown.contains("| lut (estimate) | 1000 | 1050 | **+5 %** |"))
    #expect(shown.text.contains("+5 %"))
    let junit = shown.junit(old: "a", new: "b").text
    #expect(
      junit.contains("failures=\"1\"") && junit.contains("lut (estimate) is 1050 instead of 1000, +5 %"))
  }

  @Test("other shapes: nothing to compare")
  func shapes() throws {
    let new = try Tiny.build(Tiny.dense(weights: [1, 2, 3], inputs: 3), into: folder.url, name: "new")
    #expect(try codes(diff(new)).contains("C115"))
  }

  @Test("what is no build and no tolerance is refused")
  func badInput() {
    #expect(throws: CompilationFailed.self) { try diff(BuildFolder(folder.url.path)) }
    for text in ["lut", "lut=", "lut=-1", "lut=2%%", "lutt=2%", "lut=nan", "lut=1=2", ""] {
      #expect(throws: CompilationFailed.self, "\(text)") { try Tolerance(parsing: text) }
    }
  }
}
