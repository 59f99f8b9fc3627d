import Circuit
import Diagnostics
import Foundation
import HLSBackend

/// What a run of the compiled HLS C++ showed.
public struct HLSResult: Hashable, Sendable {
  public var samples: Int
  /// Output elements, over all samples, that were not as expected.
  public var mismatches: Int
  public var first: HLSMismatch?
  /// Such as "g++ 12.2.0".
  public var compiler: String
  public var types: HLSTypes
}

/// The first output element that was wrong.
public struct HLSMismatch: Hashable, Sendable {
  public var sample: Int
  /// The output port, and the element's index in it.
  public var port: String
  public var element: Int
  /// Raw integers.
  public var expected: Int128
  public var got: Int128
  /// The first tensor inside the model that differs for that sample; nil where no tensors were given to compare with,
  /// or none of them differs.
  public var tensor: String?
}

/// What `fpgaml::w<N>` is when the C++ is compiled for verification.
public enum HLSTypes: String, CaseIterable, Hashable, Sendable {
  /// Small structs, quick to compile.
  case w
  /// `ap_int`, as for synthesis: minutes for thousands of statements.
  case ap
}

/// Compiles generated HLS C++ with g++ and compares it bit by bit with expected outputs.
public struct HLSVerifier: Sendable {
  /// An output port: its elements follow each other in samples.
  public struct Output: Hashable, Sendable {
    public var name: String
    public var elements: Int

    public init(name: String, elements: Int) {
      self.name = name
      self.elements = elements
    }
  }

  /// A tensor inside the model and the raw integers that it must have.
  public struct Expectation: Hashable, Sendable {
    public var tensor: HLSTensor
    public var values: [Int128]

    public init(_ tensor: HLSTensor, values: [Int128]) {
      self.tensor = tensor
      self.values = values
    }
  }

  private let top: String
  private let inputElements: Int
  private let outputs: [Output]
  private let sources: [GeneratedFile]
  private let folder: URL
  private let types: HLSTypes

  /// - Parameters:
  ///   - name: The model's name.
  ///   - inputElements: How many elements all input ports have together.
  ///   - sources: The backend's files; those in `hls/` and `testbench/` are compiled.
  ///   - workFolder: Where they are compiled; made if need be.
  public init(
    name: String, inputElements: Int, outputs: [Output], sources: [GeneratedFile], workFolder: URL,
    types: HLSTypes = .w
  ) {
    top = HLSBackend.topName(of: name)
    self.inputElements = inputElements
    self.outputs = outputs
    self.sources = sources.filter { $0.path.hasPrefix("hls/") || $0.path.hasPrefix("testbench/") }
    folder = workFolder
    self.types = types
  }

  /// Compiles the model and runs it over all samples.
  ///
  /// - Parameters:
  ///   - inputs: Raw integers, sample after sample, of all elements of all input ports.
  ///   - expected: The same for the output ports; as many samples.
  ///   - tensors: For a sample's index, the tensors inside the model in order of computation. Asked for the first sample
  ///     that differs alone.
  /// - Throws: V001 without g++, V101 without the ap_types headers, V002, V003 and V102 ... V104 for tools that fail.
  ///   Mismatches are a result.
  public func verify(
    inputs: [Int128], expected: [Int128], tensors: ((_ sample: Int) -> [Expectation])? = nil
  ) throws(CompilationFailed) -> HLSResult {
    let compiler = try HLSCompiler()
    try build(with: compiler)
    let got = try run(inputs)
    let width = outputs.reduce(0) { $0 + $1.elements }
    precondition(expected.count * inputElements == inputs.count * width, "samples of unequal count")
    guard got.count == expected.count else {
      throw failed("the compiled model wrote \(got.count) values instead of \(expected.count)", "")
    }
    var result = HLSResult(
      samples: width == 0 ? 0 : expected.count / width, mismatches: 0, compiler: compiler.version,
      types: types)
    for index in expected.indices where expected[index] != got[index] {
      if result.first == nil {
        result.first = mismatch(at: index, expected: expected[index], got: got[index])
      }
      result.mismatches += 1
    }
    if let sample = result.first?.sample, let tensors {
      let slice = inputs[(sample * inputElements)..<((sample + 1) * inputElements)]
      result.first?.tensor = try firstDifference(Array(slice), tensors(sample))
    }
    return result
  }

  private func mismatch(at index: Int, expected: Int128, got: Int128) -> HLSMismatch {
    let width = outputs.reduce(0) { $0 + $1.elements }
    var element = index % width
    var port = outputs[0]
    for output in outputs {
      port = output
      if element < output.elements { break }
      element -= output.elements
    }
    return HLSMismatch(
      sample: index / width, port: port.name, element: element, expected: expected, got: got)
  }

  // MARK: - Files and programs

  private func build(with compiler: HLSCompiler) throws(CompilationFailed) {
    // Whatever lies there is of another build.
    try? FileManager.default.removeItem(at: folder)
    for file in sources { try write(Data(file.contents.utf8), to: file.path) }
    // The test bench's unit includes the top function.
    let nodes = sources.map(\.path).filter { $0.hasPrefix("hls/\(top)_nodes_") && $0.hasSuffix(".cpp") }
    try compiler.compile(["testbench/\(top)_hls.cpp"] + nodes, to: "model", types: types, in: folder)
  }

  /// Runs the program over samples; returns the raw integers that it wrote.
  private func run(_ inputs: [Int128], trace: Bool = false) throws(CompilationFailed) -> [Int128] {
    // The machine's own byte order is the file's: little-endian.
    try write(inputs.withUnsafeBytes { Data($0) }, to: "inputs.bin")
    let result = try Tool.run(
      folder.appendingPathComponent("model").path,
      ["inputs.bin", "outputs.bin"] + (trace ? ["trace.txt"] : []), in: folder, timeLimit: 900)
    guard result.succeeded else {
      throw failed("the compiled model ended with code \(result.status)", result.standardError)
    }
    let bytes = try read("outputs.bin")
    return stride(from: 0, to: bytes.count - bytes.count % 16, by: 16).map { start in
      bytes[start..<(start + 16)].reversed().reduce(0) { $0 << 8 | Int128($1) }
    }
  }

  /// The name of the first tensor that differs from what is expected for one sample.
  private func firstDifference(
    _ inputs: [Int128], _ expectations: [Expectation]
  ) throws(CompilationFailed) -> String? {
    _ = try run(inputs, trace: true)
    var traced: [Substring: [Int128]] = [:]
    for line in String(decoding: try read("trace.txt"), as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      traced[words[0]] = words.dropFirst().compactMap { Int128($0) }
    }
    return expectations.first { expectation in
      guard let values = traced[Substring(expectation.tensor.traceName)] else { return false }
      return values != zip(expectation.values, expectation.tensor.shifts).map { $0 << $1 }
    }?.tensor.name
  }

  private func write(_ data: Data, to path: String) throws(CompilationFailed) {
    let place = folder.appendingPathComponent(path)
    do {
      try FileManager.default.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: place)
    } catch {
      throw CompilationFailed(
        "V104", "cannot write what HLS verification needs: \(error.localizedDescription)",
        at: .file(place.path))
    }
  }

  private func read(_ path: String) throws(CompilationFailed) -> Data {
    do {
      return try Data(contentsOf: folder.appendingPathComponent(path))
    } catch {
      throw failed("the compiled model left no readable '\(path)'", error.localizedDescription)
    }
  }

  private func failed(_ message: String, _ note: String) -> CompilationFailed {
    CompilationFailed(
      "V103", message, at: .file(folder.path), notes: note.isEmpty ? [] : [String(note.prefix(2000))],
      status: .internalError)
  }
}
