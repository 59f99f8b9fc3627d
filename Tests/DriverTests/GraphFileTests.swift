import Diagnostics
import FixedPoint
import Foundation
import Functions
import Graph
import GraphTestSupport
import Testing

@testable import Driver

@Suite("graph.json as a model")
struct GraphFileTests {
  @Test("the graph of a build compiles to the same files", arguments: 0..<7)
  func roundTrip(number: Int) throws {
    let folder = try TemporaryFolder()
    let graph = RandomGraph.compilable(7, from: 1)[number]
    let first = try Tiny.build(graph, into: folder.url, name: "a")
    let again = folder.url.appendingPathComponent("b")
    var request = CompileRequest(
      model: ModelRequest(path: first.url.appendingPathComponent("graph.json").path))
    request.verification.scope = nil
    _ = try Compilation(request).build(into: again.path)
    #expect(TemporaryFolder.contents(of: first.url) == TemporaryFolder.contents(of: again))
  }

  /// Every way in which a small edit makes a graph.json wrong.
  @Test(
    "a damaged graph is refused",
    arguments: [
      ("\"shape\":[2]", "\"shape\":[3]"), ("\"shape\":[2]", "\"shape\":[-2]"),
      ("\"shape\":[2]", "\"shape\":[4611686018427387904,4611686018427387904]"),
      ("\"raw\":[1,2,3,4]", "\"raw\":[1,2,3]"), ("\"raw\":[1,2,3,4]", "\"raw\":[1,2,3,5]"),
      ("\"width\":6", "\"width\":7"), ("\"width\":6", "\"width\":-1"), ("\"width\":5", "\"width\":4000"),
      ("\"operands\":[0]", "\"operands\":[1]"), ("\"operands\":[0]", "\"operands\":[-1]"),
      ("\"count\":2", "\"count\":3"), ("\"nodes\"", "\"edges\""),
    ])
  func damage(from: String, to: String) throws {
    let folder = try TemporaryFolder()
    let text = try Tiny.dense(weights: [1, 2, 3, 4], inputs: 2).encoded()
    try #require(text.contains(from), "the fixture has no \(from)")
    let file = folder.url.appendingPathComponent("graph.json")
    try Data(text.replacingOccurrences(of: from, with: to).utf8).write(to: file)
    #expect(throws: CompilationFailed.self) { try ModelRequest(path: file.path).load() }
  }

  @Test("options that would change types are refused")
  func options() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("graph.json")
    try Data(Tiny.dense(weights: [1, 2], inputs: 2).encoded().utf8).write(to: file)
    let type = FixedType(width: 8, integerBits: 3)
    for request in [
      ModelRequest(path: file.path, precision: type), ModelRequest(path: file.path, configuration: "c.yml"),
      ModelRequest(path: file.path, output: .argmax),
    ] {
      let failure = #expect(throws: CompilationFailed.self) { try request.load() }
      #expect(failure?.diagnostics.first?.code == "C100")
    }
  }
}
