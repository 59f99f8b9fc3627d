import Diagnostics
import Driver
import Foundation
import Graph
import Planning
import Readers
import Testing

/// The main job on a trained jet tagger, through the same calls as the command line.
@Suite("From a model file to verified firmware", .serialized)
struct EndToEndTests {
  private static let models = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Models/trained")
  private static let model = models.appendingPathComponent("qkeras_3layer.h5").path
  private static let golden = models.appendingPathComponent("qkeras_3layer.golden.h5").path

  private func request(
    latency: String, clock: String = "200MHz", part: String = "xcvu13p", output: OutputSelection = .logits
  ) throws -> CompileRequest {
    var request = CompileRequest(
      model: ModelRequest(path: Self.model, output: output))
    request.plan.effort = .fast
    request.plan.latency = try TimeSpan(parsing: latency, option: "--latency")
    request.plan.clock = try Clock(parsing: clock)
    request.plan.part = try Part.named(part)
    return request
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("fpgaml-test-\(ProcessInfo.processInfo.globallyUniqueString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.appendingPathComponent("jets").path)
  }

  @Test("the logits that the framework gave, on every sample")
  func logits() throws {
    let model = ModelRequest(path: Self.model, output: .logits)
    let prediction = try PredictionRequest(model: model, samples: Self.golden, isFloat: false, trace: [])
      .run()
    let expected = try #require(try Vectors(path: Self.golden)["logits"])
    #expect(prediction.vectors.arrays[0].values == expected.values)
  }

  @Test("a build is verified three ways, says so, and is verified again from its folder")
  func build() throws {
    try withFolder { folder in
      var request = try request(latency: "100ns")
      request.model.inputs = Self.golden
      let compilation = try Compilation(request)
      let report = try compilation.build(into: folder)
      let verdict = try #require(report.verdict)
      #expect(verdict.passed && verdict.samples >= 1000)
      #expect(verdict.rtl?.latencyCycles == compilation.plan.latency && verdict.rtl?.mismatches == 0)
      #expect(verdict.hls?.mismatches == 0)
      #expect(compilation.plan.latencyTime.doubleValue <= 100)
      for path in [
        "graph.json", "report.json", "rtl/jets.v", "hls/jets.h", "include/jets.h", "scripts/yosys.ys",
      ] {
        let name = path.replacingOccurrences(of: "jets", with: "qkeras_3layer")
        #expect(FileManager.default.fileExists(atPath: "\(folder)/\(name)"), "\(name)")
      }

      var again = VerificationRequest()
      (again.scope, again.samples, again.seed) = (.rtl, 50, 7)
      #expect(try VerifyRequest(folder: BuildFolder(folder), verification: again).run().passed)

      // One operator of the Verilog changed: verification must see it.
      let rtl = URL(fileURLWithPath: "\(folder)/rtl/qkeras_3layer.v")
      let text = try String(contentsOf: rtl, encoding: .utf8)
      let operation = try #require(text.range(of: " + "))
      try text.replacingCharacters(in: operation, with: " - ").write(
        to: rtl, atomically: true, encoding: .utf8)
      let broken = try VerifyRequest(folder: BuildFolder(folder), verification: again).run()
      #expect(!broken.passed && broken.problems.contains { $0.code == "V010" })
    }
  }

  @Test("a budget that cannot be met is refused with the nearest, which is accepted")
  func infeasible() throws {
    let refusal = #expect(throws: Infeasible.self) { try Compilation(request(latency: "2ns")) }
    let nearest = try #require(refusal?.nearestNanoseconds)
    let compilation = try Compilation(request(latency: "\(nearest)ns"))
    #expect(compilation.plan.latencyTime.doubleValue <= nearest)
    #expect(throws: Infeasible.self) { try Compilation(request(latency: "\(nearest - 5)ns")) }
  }

  @Test(
    "the latency is what was promised, on any clock and part",
    arguments: [
      ("200ns", "100MHz", "xc7vx690t"), ("4bx", "9/bx", "xcvu9p"), ("150ns", "max", "xcvu13p"),
      ("20cycles", "50MHz", "ecp5-85k"),
    ])
  func latency(budget: String, clock: String, part: String) throws {
    try withFolder { folder in
      var request = try request(latency: budget, clock: clock, part: part)
      (request.verification.scope, request.verification.samples) = (.rtl, 20)
      let compilation = try Compilation(request)
      let verdict = try #require(try compilation.build(into: folder).verdict)
      #expect(verdict.passed)
      #expect(verdict.rtl?.latencyCycles == compilation.plan.latency)
      let permitted = try #require(request.plan.latency).cycles(period: compilation.plan.period)
      #expect(compilation.plan.latency <= permitted)
    }
  }

  @Test("nothing but a build is overwritten")
  func foreignFolder() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try "mine".write(toFile: "\(folder)/notes.txt", atomically: true, encoding: .utf8)
      var request = try request(latency: "100ns")
      request.verification.scope = nil
      let compilation = try Compilation(request)
      #expect(throws: CompilationFailed.self) { try compilation.build(into: folder) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["notes.txt"])
    }
  }
}
