import Circuit
import Diagnostics
import Foundation
import VerilogBackend

/// What a simulation of the RTL showed.
public struct RTLResult: Hashable, Sendable {
  public var samples: Int
  /// Clock cycles simulated in all.
  public var cycles: Int
  /// Cycles in which the outputs were not as they must be.
  public var mismatches: Int
  public var first: RTLMismatch?
  /// Cycles from the first sample to its output, measured; nil if no output came.
  public var latencyCycles: Int?
  /// The largest distance of the outputs of samples sent back to back; nil for fewer than two outputs.
  public var intervalCycles: Int?
  /// Such as "Verilator 5.006".
  public var simulator: String
}

/// The first cycle in which outputs were wrong.
public struct RTLMismatch: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, Codable {
    /// `out_valid` came as promised, the data is wrong.
    case value
    /// `out_valid` did not come.
    case missing
    /// `out_valid` came without a sample.
    case spurious
  }

  public var kind: Kind
  /// How samples were sent: "back to back", "with gaps", "reset in mid-stream", "with stalls".
  public var phase: String
  /// Nil for a spurious output.
  public var sample: Int?
  /// Counted from the phase's first cycle.
  public var cycle: Int
  /// The first wrong element, where data was compared: its port, index, and raw integers.
  public var element: Element?
  /// The first node of the graph whose value differs, where that is known.
  public var node: String?

  public struct Element: Hashable, Sendable {
    public var port: String
    public var index: Int
    public var expected: Int128
    public var got: Int128
  }
}

/// Simulates generated Verilog with Verilator and compares it bit by bit and cycle by cycle with expected outputs.
public struct RTLVerifier: Sendable {
  private let interface: ModuleInterface
  private let sources: [GeneratedFile]
  private let folder: URL
  private let cacheFolder: URL

  /// - Parameters:
  ///   - sources: The backend's files; those in `rtl/` are simulated.
  ///   - workFolder: Where the simulation is built; made if need be.
  ///   - cacheFolder: Where compiled runtime objects are kept; by default the user's cache folder.
  public init(
    interface: ModuleInterface, sources: [GeneratedFile], workFolder: URL, cacheFolder: URL? = nil
  ) {
    self.interface = interface
    self.sources = sources.filter { $0.path.hasPrefix("rtl/") }
    folder = workFolder
    self.cacheFolder = cacheFolder ?? VerilatorRuntime.userCacheFolder
  }

  /// Builds the simulation and runs it: back to back, with gaps, through resets in mid-stream, with stalls where there
  /// is a clock enable; from two different random register contents.
  ///
  /// - Parameters:
  ///   - inputs: Raw integers, sample after sample, of all elements of all input ports.
  ///   - expected: The same for the output ports; as many samples.
  /// - Throws: V001 for a missing tool, V002 ... V006 for tools that fail. Mismatches are a result.
  public func verify(
    inputs: [Int128], expected: [Int128], seed: UInt64 = 1
  ) throws(CompilationFailed) -> RTLResult {
    let runtime = try VerilatorRuntime(cacheFolder: cacheFolder, fallbackFolder: folder)
    try build(with: runtime)
    try write(
      GeneratedFile(
        path: "testbench/vectors.txt",
        contents: RTLTestbench.vectors(interface, inputs: inputs, outputs: expected)))
    let run = try Tool.run(
      folder.appendingPathComponent("obj/bench").path, ["testbench/vectors.txt", "\(seed % (1 << 29))"],
      in: folder, timeLimit: 900)
    guard run.status < 2,
      let report = try? JSONDecoder().decode(Report.self, from: Data(run.standardOutput.utf8))
    else {
      throw CompilationFailed(
        "V006", "the simulation ended with code \(run.status) before it was done", at: .file(folder.path),
        notes: [String(run.standardError.prefix(2000))], status: .internalError)
    }
    return result(report, simulator: runtime.version)
  }

  /// Translates the modules and compiles what comes out together with the cached runtime.
  private func build(with runtime: VerilatorRuntime) throws(CompilationFailed) {
    let modules = sources + RTLTestbench.files(for: interface)
    for file in modules { try write(file) }
    let verilog = modules.map(\.path).filter { $0.hasSuffix(".v") }
    try? FileManager.default.removeItem(at: folder.appendingPathComponent("obj"))
    let parts = sources.compactMap { interface.part(in: $0.path) }
    var hierarchy: [String] = []
    if !parts.isEmpty && runtime.hasHierarchy {
      let path = "testbench/parts.vlt"
      let blocks = parts.map { "hier_block -module \"\($0)\"\n" }.joined()
      try write(GeneratedFile(path: path, contents: "`verilator_config\n\(blocks)"))
      hierarchy = ["--hierarchical", path]
    }
    let translation = try Tool.run(
      runtime.verilator,
      [
        "--cc", "--top-module", RTLTestbench.moduleName(interface), "--prefix", "Vbench", "-Mdir", "obj",
        "--x-assign", "unique",
      ]
        + ["--x-initial", "unique", "-Wno-fatal"] + hierarchy + verilog,
      in: folder, timeLimit: 900)
    guard translation.succeeded else {
      throw CompilationFailed(
        "V005", "verilator cannot read the generated Verilog", at: .file(folder.path),
        notes: [String(translation.standardError.prefix(2000))], status: .internalError)
    }
    let objects = folder.appendingPathComponent("obj")
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: objects.path)) ?? []
    let generated = names.filter { $0.hasSuffix(".cpp") }.sorted()
    let units = generated + ["../testbench/design.cpp"]
    let unity = units.map { "#include \"\($0)\"\n" }.joined()
    try write(GeneratedFile(path: "obj/simulation.cc", contents: unity))
    let header = ["-include", runtime.folder.appendingPathComponent("runtime.h").path]
    let local = ["-I../testbench"]
    try VerilatorRuntime.compile(
      [runtime.flags + local + header + ["-c", "simulation.cc"]], with: runtime.compiler, in: objects)
    try VerilatorRuntime.compile(
      [["-o", "bench", "simulation.o"] + runtime.objects + ["-pthread", "-latomic"]], with: runtime.compiler,
      in: objects)
  }

  private func write(_ file: GeneratedFile) throws(CompilationFailed) {
    let place = folder.appendingPathComponent(file.path)
    do {
      try FileManager.default.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(file.contents.utf8).write(to: place)
    } catch {
      throw CompilationFailed(
        "V004", "cannot write the simulation: \(error.localizedDescription)", at: .file(place.path))
    }
  }

  /// What the harness prints.
  private struct Report: Decodable {
    struct First: Decodable {
      var phase: String
      var kind: RTLMismatch.Kind
      var sample: Int
      var cycle: Int
      var expected: String
      var got: String
    }
    var samples: Int
    var cycles: Int
    var mismatches: Int
    var latency: Int
    var interval: Int
    var first: First?
  }

  private func result(_ report: Report, simulator: String) -> RTLResult {
    RTLResult(
      samples: report.samples, cycles: report.cycles, mismatches: report.mismatches,
      first: report.first.map { first in
        RTLMismatch(
          kind: first.kind, phase: first.phase, sample: first.sample < 0 ? nil : first.sample,
          cycle: first.cycle,
          element: first.kind == .value ? wrongElement(expected: first.expected, got: first.got) : nil)
      },
      latencyCycles: report.latency < 0 ? nil : report.latency,
      intervalCycles: report.interval < 0 ? nil : report.interval, simulator: simulator)
  }

  /// The first element that differs in packed outputs.
  private func wrongElement(expected: String, got: String) -> RTLMismatch.Element? {
    let packer = PortPacker(interface.outputs)
    var values = zip(packer.unpack(expected), packer.unpack(got)).makeIterator()
    for port in interface.outputs {
      for index in port.elements.indices {
        guard let (expected, got) = values.next() else { return nil }
        if expected != got {
          return RTLMismatch.Element(port: port.name, index: index, expected: expected, got: got)
        }
      }
    }
    return nil
  }
}
