import Circuit
import CircuitTestSupport
import Diagnostics
import FixedPoint
import Foundation
import HLSBackend
import HLSTemplates
import Testing
import Verification

/// The printed C++, compiled with g++, against the circuits' meaning.
@Suite(.enabled(if: canCompile, "needs g++ and the ap_types headers")) struct HLSVerification {
  @Test(arguments: Designs.all, HLSTypes.allCases)
  func smallDesigns(design: HLSDesign, types: HLSTypes) throws {
    let result = try design.verify(types: types)
    #expect(result.samples == 202)
    #expect(result.mismatches == 0, "\(String(describing: result.first))")
    #expect(result.types == types)
    #expect(result.compiler.hasPrefix("g++ "))
  }

  /// Widths up to 120 bits: within 64-bit storage, around its edges, far beyond.
  @Test(arguments: [(3, 10, 12), (20, 66, 12), (60, 120, 12)])
  func randomCircuits(inputWidth: Int, maximumWidth: Int, count: Int) throws {
    var settings = RandomCircuit()
    settings.inputWidth = inputWidth
    settings.maximumWidth = maximumWidth
    // Ports cost g++ more than operations.
    settings.operations = 120
    settings.inputs = 8
    settings.outputs = 24
    let design = HLSDesign.random(settings, count: count, seed: UInt64(inputWidth))
    let result = try design.verify(samples: 100, seed: 7)
    #expect(result.mismatches == 0, "\(String(describing: result.first))")
  }

  @Test(arguments: [(8, 24), (34, 90)])
  func randomCircuitsWithRealTypes(inputWidth: Int, maximumWidth: Int) throws {
    var settings = RandomCircuit()
    settings.inputWidth = inputWidth
    settings.maximumWidth = maximumWidth
    settings.operations = 12
    let design = HLSDesign.random(settings, count: 6, seed: 90 + UInt64(inputWidth))
    let result = try design.verify(samples: 100, seed: 3, types: .ap)
    #expect(result.mismatches == 0, "\(String(describing: result.first))")
  }

  @Test func aWrongOutputIsFound() throws {
    // Sample 4, element 1 of two.
    let result = try Designs.dense().verify(spoiling: 9)
    #expect(result.mismatches == 1)
    let first = try #require(result.first)
    #expect(first.sample == 4 && first.port == "relu1" && first.element == 1)
    #expect(first.expected == first.got + 1)
    // All tensors inside are as they must be.
    #expect(first.tensor == nil)
  }

  @Test func theFirstTensorThatDiffersIsNamed() throws {
    let result = try Designs.dense(bias: 60).verify(against: Designs.dense(bias: -60))
    #expect(result.mismatches > 0)
    #expect(result.first?.tensor == "fc1")
    #expect(result.first?.element == 0)
  }

  @Test func portsOfSeveralOutputsAreTold() throws {
    // Per sample: 4 elements of output, 1 of double, 2 of copy.
    let first = try #require(try Designs.activation().verify(spoiling: 2 * 7 + 4).first)
    #expect(first.sample == 2 && first.port == "double" && first.element == 0)
  }

  @Test func headersAreLookedFor() {
    let folder = TemporaryFolder()
    #expect(APTypes.folder(among: [folder.url]) == nil)
    #expect(throws: Never.self) { try folder.write([GeneratedFile(path: "b/ap_fixed.h", contents: "")]) }
    let places = ["a", "b"].map { folder.url.appendingPathComponent($0) }
    #expect(APTypes.folder(among: places) == places[1])
  }
}

@Suite(.enabled(if: canCompile, "needs g++ and the ap_types headers")) struct HLSCompilation {
  /// No warning in any generated file.
  @Test func warnings() throws {
    var settings = RandomCircuit()
    settings.operations = 40
    settings.maximumWidth = 80
    for design in Designs.all + [HLSDesign.random(settings, count: 3, seed: 4)] {
      let folder = TemporaryFolder()
      let files = try HLSBackend.emit(design)
      try folder.write(files)
      // The test bench's unit includes the top function.
      for file in files where file.path.hasSuffix("_1.cpp") || file.path.hasSuffix("_hls.cpp") {
        try compile(["-c", file.path, "-o", "unit.o"], in: folder.url)
      }
    }
  }

  /// Models whose layers have the same names share a program.
  @Test func twoModelsInOneProgram() throws {
    let folder = TemporaryFolder()
    var units: [String] = []
    for name in ["jet", "muon"] {
      let files = try HLSBackend.emit(Designs.dense(name: name, bias: name == "jet" ? 16 : 24))
      try folder.write(files)
      units += files.map(\.path).filter { $0.hasPrefix("hls/") && $0.hasSuffix(".cpp") }
    }
    let main = """
      #include <cstdio>
      #include "jet.h"
      #include "muon.h"
      int main() {
        const jet_hls::input_1_t a[3] = {0.25, 0.5, 0};
        const muon_hls::input_1_t b[3] = {0.25, 0.5, 0};
        jet_hls::relu1_t x[2];
        muon_hls::relu1_t y[2];
        jet(a, x);
        muon(b, y);
        std::printf("%g %g %g\\n", x[0].to_double(), y[0].to_double(), y[1].to_double());
      }

      """
    try folder.write([GeneratedFile(path: "main.cpp", contents: main)])
    try compile(["main.cpp"] + units + ["-o", "both"], in: folder.url)
    let result = try Tool.run(
      folder.url.appendingPathComponent("both").path, [], in: folder.url, timeLimit: 30)
    // 4 · 0.25 - 0.5 + bias / 32, which RELU cuts to eighths.
    #expect(result.standardOutput == "1 1.25 0\n")
  }

  /// `fpgaml::w<N>` is `ap_int<N>`, and the header compiles as it lies in the repository.
  @Test func integersEqualAPIntegers() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let templates = root.appendingPathComponent("templates/hls")
    #expect(
      try String(contentsOf: templates.appendingPathComponent("fpgaml_w.h"), encoding: .utf8)
        == HLSTemplates.integers)
    let folder = TemporaryFolder()
    try FileManager.default.createDirectory(at: folder.url, withIntermediateDirectories: true)
    let source = ["-I\(templates.path)", templates.appendingPathComponent("tests/w_test.cpp").path]
    try compile(source + ["-o", "small"], in: folder.url)
    try compile(source + ["-w", "-DFPGAML_USE_AP", "-o", "real"], in: folder.url)
    let outputs = try ["small", "real"].map {
      try Tool.run(folder.url.appendingPathComponent($0).path, [], in: folder.url, timeLimit: 60)
        .standardOutput
    }
    #expect(outputs[0].split(separator: "\n").count == 264)
    #expect(outputs[0] == outputs[1])
  }
}
