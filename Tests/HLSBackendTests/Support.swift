import Circuit
import CircuitTestSupport
import Diagnostics
import FixedPoint
import Foundation
import HLSBackend
import Testing
import Verification

/// What tests that compile need; they are skipped visibly where it is absent.
let canCompile = Tool.find("g++") != nil && APTypes.folder != nil

/// A new folder that is removed when the test ends.
final class TemporaryFolder {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("hls-\(ProcessInfo.processInfo.globallyUniqueString)")

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ files: [GeneratedFile]) throws {
    for file in files {
      let place = url.appendingPathComponent(file.path)
      try FileManager.default.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(file.contents.utf8).write(to: place)
    }
  }
}

/// A compilation with all warnings as errors and nothing but what generated code promises to compile without.
func compile(_ arguments: [String], in folder: URL) throws {
  let headers = try #require(APTypes.folder)
  let result = try Tool.run(
    "g++",
    ["-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Ihls", "-Itestbench"]
      + ["-isystem", headers.path] + arguments,
    in: folder, timeLimit: 600)
  #expect(result.status == 0, "\(result.standardError.prefix(3000))")
}

extension Format {
  static func fixed(_ width: Int, _ integerBits: Int) -> Format {
    Format(FixedType(width: width, integerBits: integerBits))
  }
  static func ufixed(_ width: Int, _ integerBits: Int) -> Format {
    Format(FixedType(width: width, integerBits: integerBits, isSigned: false))
  }
}

extension HLSDesign {
  /// The raw integers of every tensor, by `Circuit.evaluate`: the meaning that C++ must have.
  func evaluate(_ inputs: [[Int128]]) -> [String: [Int128]] {
    var tensors: [String: [Int128]] = [:]
    for (tensor, values) in zip(self.inputs, inputs) { tensors[tensor.name] = values }
    for node in nodes {
      var results = node.circuit.evaluate(node.arguments.flatMap { tensors[$0] ?? [] })[...]
      for (name, port) in zip(node.results, node.circuit.outputs) {
        tensors[name] = Array(results.prefix(port.elements.count))
        results = results.dropFirst(port.elements.count)
      }
    }
    return tensors
  }

  var outputTensors: [HLSTensor] {
    outputs.compactMap { output in
      inputs.first { $0.name == output.tensor }
        ?? nodes.lazy.flatMap { zip($0.results, $0.circuit.outputs) }.first { $0.0 == output.tensor }
        .map { HLSTensor(name: $0.0, shape: $0.1.shape, formats: $0.1.elements.map(\.format)) }
    }
  }

  /// Samples at the ends of all ranges, then random ones.
  func randomSamples(_ count: Int, seed: UInt64) -> [[[Int128]]] {
    var random = SeededGenerator(seed: seed)
    let formats = inputs.map(\.formats)
    let corners = [formats.map { $0.map(\.range.lower) }, formats.map { $0.map(\.range.upper) }]
    return corners
      + (0..<count).map { _ in
        formats.map { tensor in
          tensor.map { format in
            switch Int.random(in: 0..<8, using: &random) {
            case 0: format.range.lower
            case 1: format.range.upper
            default: Int128.random(in: format.range.lower...format.range.upper, using: &random)
            }
          }
        }
      }
  }

  /// Compiles the design and compares it with `evaluate` on random samples.
  func verify(
    samples count: Int = 200, seed: UInt64 = 1, types: HLSTypes = .w, spoiling spoil: Int? = nil,
    against reference: HLSDesign? = nil
  ) throws -> HLSResult {
    let folder = TemporaryFolder()
    let samples = randomSamples(count, seed: seed)
    let meaning = reference ?? self
    let results = samples.map(meaning.evaluate)
    var expected = results.flatMap { tensors in outputs.flatMap { tensors[$0.tensor] ?? [] } }
    if let spoil { expected[spoil] += 1 }
    let outputPorts = zip(outputs, outputTensors).map {
      HLSVerifier.Output(name: $0.name, elements: $1.formats.count)
    }
    let verifier = HLSVerifier(
      name: name, inputElements: inputs.reduce(0) { $0 + $1.formats.count }, outputs: outputPorts,
      sources: try HLSBackend.emit(self), workFolder: folder.url, types: types)
    return try verifier.verify(inputs: samples.flatMap { $0.flatMap { $0 } }, expected: expected) { sample in
      meaning.nodes.flatMap { zip($0.results, $0.circuit.outputs) }.map { name, port in
        HLSVerifier.Expectation(
          HLSTensor(name: name, shape: port.shape, formats: port.elements.map(\.format)),
          values: results[sample][name] ?? [])
      }
    }
  }

  /// Random circuits, each a node with input and output ports of its own.
  static func random(_ settings: RandomCircuit, count: Int, seed: UInt64, name: String = "random")
    -> HLSDesign
  {
    var design = HLSDesign(name: name, interval: 1, latency: nil, inputs: [], nodes: [], outputs: [])
    for number in 0..<count {
      let circuit = settings.make(seed: seed &* 1000 &+ UInt64(number))
      let arguments = circuit.inputs.map { "c\(number)_\($0.name)" }
      for (name, port) in zip(arguments, circuit.inputs) {
        design.inputs.append(
          HLSTensor(name: name, shape: port.shape, formats: port.elements.map(\.format)))
      }
      let result = "c\(number)_y"
      design.nodes.append(
        HLSNode(
          name: "c\(number)", comment: "random", circuit: circuit, arguments: arguments, results: [result]))
      design.outputs.append(HLSOutput(name: result, tensor: result))
    }
    return design
  }
}
