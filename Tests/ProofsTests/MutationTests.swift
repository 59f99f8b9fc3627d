import Circuit
import FixedPoint
import Foundation
import Graph
import Testing
import Verification
import VerilogBackend

@testable import Proofs

/// Do our own checks notice a change of a single operator? Each mutant is proved, and run with what `verify` runs.
@Suite("Mutants of emitted Verilog", .serialized)
struct MutationTests {
  enum Outcome: String, CaseIterable {
    /// By the proof alone: no sample shows the change.
    case proofOnly = "proof only"
    case both = "proof and simulation"
    case simulationOnly = "simulation only"
    /// Proved, though a sample shows a difference: an error of the proof.
    case unsound
    /// Proved to compute the same.
    case equivalent
    /// Not seen to differ, but no longer proved, as the design was before: `prove` says so.
    case unproved = "no longer proved"
  }

  struct Record {
    var mutation: Mutation
    var outcome: Outcome
    /// The code of the first problem that the proof names.
    var code: String
  }

  /// What becomes of one mutant.
  private func examine(
    _ design: ProvenDesign, _ mutation: Mutation, file: Int, samples: [[[Int128]]], expected: [[Int128]]
  ) -> Record {
    var files = design.files
    files[file].text = mutation.applied(to: files[file].text)
    var code = ""
    var isProved = false
    do {
      let result = try design.prove(files)
      code = result.problems.first.map { "\($0.code)" } ?? ""
      isProved = result.passed && result.nodes.allSatisfy { $0.verdict == .proved }
    } catch {
      code = "\(error)".contains("V033") ? "V033" : "V030"
    }
    let isSeen = differs(design, files, samples: samples, expected: expected)
    let outcome: Outcome =
      switch (!code.isEmpty, isSeen) {
      case (true, true): .both
      case (true, false): .proofOnly
      case (false, true): isProved ? .unsound : .simulationOnly
      case (false, false): isProved ? .equivalent : .unproved
      }
    return Record(mutation: mutation, outcome: outcome, code: code)
  }

  /// Whether a stream of samples, one a cycle, shows a difference: cycle by cycle, on the netlist that was read.
  private func differs(
    _ design: ProvenDesign, _ files: [VerilogFile], samples: [[[Int128]]], expected: [[Int128]]
  ) -> Bool {
    guard var netlist = try? Elaboration.netlist(files, design.interface) else { return true }
    var words: [(net: Net, width: Int, index: Int)] = []
    var index = 0
    for port in design.interface.outputs {
      var offset = 0
      for width in port.widths {
        if width > 0, let bits = netlist.outputs[port.name]?.slice(low: offset, count: width) {
          words.append((netlist.word(bits), width, index))
        }
        offset += width
        index += 1
      }
    }
    let latency = design.interface.latency
    let values = netlist.evaluated(samples.map { $0.flatMap { $0 } }, isTimed: true)
    for s in latency..<samples.count {
      for word in words {
        let wanted = UInt128(truncatingIfNeeded: expected[s - latency][word.index]) & UInt128.ones(word.width)
        if values[word.net.index * samples.count + s] != wanted { return true }
      }
    }
    return false
  }

  private func expected(_ design: ProvenDesign, _ samples: [[[Int128]]]) throws -> [[Int128]] {
    let simulator = try ReferenceSimulator(design.graph)
    return try samples.map { sample in
      let values = try simulator.run(sample)
      return design.graph.outputs.flatMap { values[$0.node.index] }
    }
  }

  private func run(
    _ design: ProvenDesign, file: Int = 0, count: Int, samples: Int, seed: UInt64
  ) throws -> [Record] {
    let result = try design.prove()
    try #require(result.passed && result.proved.count == result.nodes.count, "\(result.nodes)")
    let stimuli = design.samples(samples, seed: seed)
    let expected = try expected(design, stimuli)
    return Mutation.sample(of: design.files[file].text, count: count, seed: seed).map {
      examine(design, $0, file: file, samples: stimuli, expected: expected)
    }
  }

  /// The table of docs/verification.md.
  private func table(_ records: [Record]) -> String {
    var lines = ["kind         " + Outcome.allCases.map { "\($0.rawValue)" }.joined(separator: ", ")]
    for kind in Mutation.Kind.allCases {
      let counts = Outcome.allCases.map { outcome in
        records.count { $0.mutation.kind == kind && $0.outcome == outcome }
      }
      lines.append("\(kind.rawValue): " + counts.map(String.init).joined(separator: ", "))
    }
    let codes = Dictionary(grouping: records, by: \.code).mapValues(\.count).sorted { $0.key < $1.key }
    lines.append(
      "total: " + Outcome.allCases.map { o in "\(records.count { $0.outcome == o })" }.joined(separator: ", ")
    )
    return (lines + ["codes: \(codes)"]).joined(separator: "\n")
  }

  private func check(_ records: [Record]) {
    for record in records where record.outcome == .unsound {
      Issue.record("\(record.outcome.rawValue): \(record.mutation.description)")
    }
    #expect(records.count { $0.outcome == .unproved } * 10 <= records.count)
  }

  private static var designs: [(String, Graph)] {
    get throws {
      [
        ("RND, SAT", try SmallDesigns.network(.rnd, .sat)),
        ("RND_CONV, SAT_SYM", try SmallDesigns.network(.rndConv, .satSym, seed: 5)),
        ("TRN, WRAP", try SmallDesigns.network(.trn, .wrap, seed: 7)),
        ("functions", try SmallDesigns.functions()),
      ]
    }
  }

  @Test("thirty mutants of small designs: each is caught, or proved to be the same") func some() throws {
    var records: [Record] = []
    for (index, (_, graph)) in try Self.designs.enumerated() {
      let design = try #require(
        try ProvenDesign(graph, seed: UInt64(index), options: VerilogOptions(primitives: index == 1)))
      records += try run(design, count: 8, samples: 200, seed: UInt64(index))
    }
    check(records)
    #expect(records.count >= 30)
    #expect(records.count { $0.outcome == .both || $0.outcome == .proofOnly } > 20)
  }

  @Test("mutants of a module that has three instances") func repeated() throws {
    let design = try #require(try ProvenDesign(try SmallDesigns.positions(), slack: 0))
    let file = try #require(design.files.firstIndex { $0.path.contains("_part") })
    let records = try run(design, file: file, count: 20, samples: 200, seed: 3)
    check(records)
    #expect(records.count { $0.outcome == .both || $0.outcome == .proofOnly } > 12)
  }

  private static let isLong = ProcessInfo.processInfo.environment["FPGAML_LONG_TESTS"] == "1"

  @Test("500 mutants of small designs", .enabled(if: isLong)) func many() throws {
    var records: [Record] = []
    for (index, (_, graph)) in try Self.designs.enumerated() {
      let design = try #require(
        try ProvenDesign(graph, seed: UInt64(index), options: VerilogOptions(primitives: index == 1)))
      records += try run(design, count: 125, samples: 1000, seed: 100 + UInt64(index))
    }
    print(table(records))
    for record in records where record.outcome != .both {
      print("\(record.outcome.rawValue) \(record.code): \(record.mutation.description)")
    }
    check(records)
    #expect(records.count == 500)
  }
}
