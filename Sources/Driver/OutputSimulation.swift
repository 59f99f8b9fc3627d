import Circuit
import Diagnostics
import FixedPoint
import Foundation
import Graph
import Lowering
import Verification

/// The bit-exact outputs of a typed graph for many samples.
///
/// The reference simulator computes the first samples; the rest goes through the fast simulator, if there is enough of
/// it and the graph is of a size to be lowered, after that has given the same integers for the first ones.
public struct OutputSimulation: Sendable {
  private let graph: Graph
  private let reference: ReferenceSimulator
  private let fast: BatchSimulator?
  private let inputWidths: [Int]
  private let outputTypes: [TensorType]

  /// The samples that both simulators compute.
  static let checkedSamples = 256
  /// Below this count, lowering takes longer than the reference simulator.
  static let worthwhileSamples = 1024
  /// Beyond this count of products for a sample, a circuit takes too much memory.
  static let maximumProducts = 2_000_000

  /// - Parameter samples: how many there will be.
  /// - Throws: T012 for a graph.json whose numbers leave the range that the compiler computes with.
  public init(_ graph: Graph, samples: Int) throws(CompilationFailed) {
    self.graph = graph
    reference = try ReferenceSimulator.checked(graph)
    inputWidths = graph.inputs.map { graph[$0].count }
    outputTypes = graph.outputs.compactMap { graph[$0.node].type }
    let isWorthwhile =
      samples >= OutputSimulation.worthwhileSamples && graph.productCount <= OutputSimulation.maximumProducts
    // A graph that cannot be lowered can be simulated still.
    fast = isWorthwhile ? (try? graph.simulationCircuit()).map { BatchSimulator($0) } : nil
  }

  /// Whether the fast simulator takes part.
  public var isFast: Bool { fast != nil }

  /// The raw integers of all outputs, sample after sample.
  ///
  /// - Parameter inputs: those of all inputs, inside their ranges.
  /// - Throws: X002 where the two simulators differ.
  func outputs(_ inputs: [Int128], samples: Int, threads: Int) throws(CompilationFailed) -> [Int128] {
    let expected = try referenceOutputs(inputs, fast == nil ? samples : min(samples, Self.checkedSamples))
    guard let fast else { return expected }
    let outputs = fast.run(inputs, samples: samples, threads: threads)
    try compare(outputs, expected)
    return outputs
  }

  private func compare(_ outputs: [Int128], _ expected: [Int128]) throws(CompilationFailed) {
    if outputs.starts(with: expected) { return }
    throw CompilationFailed(
      "X002", "the simulators of '\(graph.name)' differ", notes: ["please report this with graph.json"],
      status: .internalError)
  }

  /// The reference simulator's outputs for the first samples.
  private func referenceOutputs(_ inputs: [Int128], _ samples: Int) throws(CompilationFailed) -> [Int128] {
    var outputs: [Int128] = []
    var position = 0
    for _ in 0..<samples {
      let tensors = inputWidths.map { width in
        defer { position += width }
        return Array(inputs[position..<(position + width)])
      }
      let values = try reference.checkedRun(tensors)
      for output in graph.outputs { outputs += values[output.node.index] }
    }
    return outputs
  }

  /// The values of every output tensor, sample after sample, and the number of samples with an input that wrapped.
  public func values(
    _ samples: InputSamples, threads: Int = ProcessInfo.processInfo.activeProcessorCount
  ) throws(CompilationFailed) -> (outputs: [[Double]], wrapped: Int) {
    let parts = (0..<threads).map { $0 * samples.count / threads..<($0 + 1) * samples.count / threads }
    let results = Parallel.map(parts) { part in
      Result { () throws(CompilationFailed) in try values(samples, part) }
    }
    var (outputs, wrapped) = try results[0].get()
    for result in results.dropFirst() {
      let next = try result.get()
      for index in outputs.indices { outputs[index] += next.outputs[index] }
      wrapped += next.wrapped
    }
    return (outputs, wrapped)
  }

  /// The same for some samples, in one thread.
  private func values(
    _ samples: InputSamples, _ range: Range<Int>
  ) throws(CompilationFailed) -> (outputs: [[Double]], wrapped: Int) {
    let converters = InputConverters(graph)
    let scaling = outputTypes.map(OutputScaling.init)
    let session = fast?.session()
    var outputs: [[Double]] = scaling.map { _ in [] }
    for index in outputs.indices { outputs[index].reserveCapacity(range.count * scaling[index].count) }
    var wrapped = 0
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.chunk) {
      let part = start..<min(start + Self.chunk, range.upperBound)
      let inputs = samples.converted(converters, part)
      wrapped += inputs.wrapped
      let raw: [Int128]
      if let session {
        raw = session.run(inputs.raw, samples: part.count)
        if start == 0 {
          try compare(raw, referenceOutputs(inputs.raw, min(part.count, Self.checkedSamples)))
        }
      } else {
        raw = try referenceOutputs(inputs.raw, part.count)
      }
      OutputScaling.append(raw, scaling, samples: part.count, to: &outputs)
    }
    return (outputs, wrapped)
  }

  /// Samples that are converted, simulated and converted back at a time: few enough to stay in the cache.
  private static let chunk = 512
}

/// What turns the raw integers of an output tensor into values.
private struct OutputScaling: Sendable {
  private let powers: [Double]
  /// Nil where every scale is 1.
  private let scales: [Double]?

  init(_ type: TensorType) {
    powers = type.formats.array.map { Double(sign: .plus, exponent: $0.exponent, significand: 1) }
    scales = type.isUnscaled ? nil : type.scales.array.map(\.doubleValue)
  }

  /// As `TensorType.value`.
  private func value(_ raw: Int128, _ element: Int) -> Double {
    let integer = Int64(exactly: raw).map { Double($0) } ?? Double(raw)
    let scaled = integer * powers[element]
    return scales.map { scaled * $0[element] } ?? scaled
  }

  var count: Int { powers.count }

  /// Appends the values of each tensor, sample after sample.
  static func append(
    _ raw: [Int128], _ tensors: [OutputScaling], samples: Int, to outputs: inout [[Double]]
  ) {
    let width = tensors.reduce(0) { $0 + $1.count }
    var first = 0
    for (index, tensor) in tensors.enumerated() {
      for sample in 0..<samples {
        let start = sample * width + first
        for element in 0..<tensor.count { outputs[index].append(tensor.value(raw[start + element], element)) }
      }
      first += tensor.count
    }
  }
}

extension Graph {
  /// Products with constants for one sample: what a circuit of the graph grows with.
  fileprivate var productCount: Int {
    nodes.reduce(0) { sum, node in
      if case .linear(let linear) = node.primitive { return sum + node.count * linear.inputs }
      return sum + node.count
    }
  }
}
