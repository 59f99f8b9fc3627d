import FixedPoint
import Graph

/// Finds the cheapest types that keep a float model's accuracy on calibration data.
///
/// Each free tensor (by channel: each column of weights, each channel of a result) has a list of types, each with a cost
/// in look-up tables and a noise at the outputs, measured by disturbing the tensor. The least cost for a noise budget is
/// where every tensor minimises cost + μ · noise with one μ for all (Lagrange; the water filling of rate-distortion
/// theory). So there is one family of candidates, from coarse to fine, in which the target picks: with a single number
/// to choose, hundreds of samples cannot be overfitted. The family does not depend on the target, so that a stricter
/// one never costs less.
public struct PrecisionSearch: Sendable {
  /// Types for all free tensors.
  public struct Candidate: Sendable {
    public var types: ChosenTypes
    /// Look-up tables by a simple model: adders for signed digits, as wide as their operands, and quantizers.
    public var cost: Double
    /// The loss over all samples, by the target's measure.
    public var loss: Double
    /// The model by which weights' bits are weighed against those of results; candidates of equal number are a ladder.
    public var ladder: Int
    /// Whether the target is reached, in each half of the samples.
    public var isReached: Bool
  }

  /// From the cheapest to the dearest.
  public let candidates: [Candidate]
  /// Samples that were looked at.
  public let samples: Int
  /// Whether any tensor's type is free.
  public let hasFreeTensors: Bool

  /// Bits of the widest type that is considered.
  public static var widestType: Int { NoiseModel.widest }

  /// Multiplications that the evaluation of candidates may take.
  private static let workLimit = 3_000_000_000
  /// How dear a weight's bits are taken to be: shared adders make them cheaper than they are alone.
  private static let ratios = [0.5, 1.0, 2.0]
  private static let levels = 0...76

  public init(_ graph: Graph, _ policy: TypePolicy, _ target: AccuracyTarget, samples all: [[[Double]]]) {
    let model = NoiseModel(graph, policy, target, all)
    let allocation = BitAllocation(graph, model.freeTensors())
    hasFreeTensors = !allocation.free.isEmpty
    let evaluator = CandidateEvaluator(
      model, target, samples: all, work: Self.workLimit / (Self.ratios.count * Self.levels.count))
    self.samples = evaluator.count
    var candidates: [Candidate] = []
    for (ladder, ratio) in Self.ratios.enumerated() {
      var last: BitAllocation.Choice?
      for level in Self.levels {
        let choice = allocation.choice(price: BitAllocation.price(level), ratio: ratio)
        if choice == last { continue }
        last = choice
        candidates.append(evaluator.candidate(allocation, choice, ladder: ladder))
      }
    }
    self.candidates = candidates.enumerated().sorted {
      ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset)
    }.map(\.element)
  }
}

/// Runs candidates over the samples.
private struct CandidateEvaluator {
  let graph: Graph
  let interpreter: BatchInterpreter
  let target: AccuracyTarget
  let count: Int
  private let chunks: [ArraySlice<[[Double]]>]
  private let float: OutputValues
  private let halves: [OutputValues]

  init(_ model: NoiseModel, _ target: AccuracyTarget, samples: [[[Double]]], work: Int) {
    graph = model.graph
    interpreter = model.interpreter
    self.target = target
    let perSample = max(1, model.multiplications)
    count = min(samples.count, max(64, work / perSample))
    let count = self.count
    let chosen = (0..<count).map { samples[$0 * samples.count / count] }
    chunks = stride(from: 0, to: count, by: 64).map { chosen[$0..<min($0 + 64, count)] }
    let float = Self.outputs(interpreter, chunks, BatchInterpreter.Changes())
    self.float = float
    halves = Self.halves(count).map { float.selecting($0) }
  }

  /// Every other sample, and the rest.
  private static func halves(_ count: Int) -> [[Int]] {
    [Array(stride(from: 0, to: count, by: 2)), Array(stride(from: 1, to: count, by: 2))]
  }

  private static func outputs(
    _ interpreter: BatchInterpreter, _ chunks: [ArraySlice<[[Double]]>], _ changes: BatchInterpreter.Changes
  ) -> OutputValues {
    let graph = interpreter.graph
    var arrays: [[Double]] = graph.outputs.map { _ in [] }
    for chunk in chunks {
      let values = interpreter.run(chunk, changes)
      for (i, output) in graph.outputs.enumerated() { arrays[i] += values[output.node.index] }
    }
    return OutputValues(graph, samples: chunks.reduce(0) { $0 + $1.count }, arrays: arrays)
  }

  func candidate(
    _ allocation: BitAllocation, _ choice: BitAllocation.Choice, ladder: Int
  ) -> PrecisionSearch.Candidate {
    let types = allocation.types(choice)
    let changes = types.changes(of: graph)
    var candidate = PrecisionSearch.Candidate(
      types: types, cost: allocation.cost(choice), loss: .infinity, ladder: ladder, isReached: false)
    // What the first samples rule out by far needs no others.
    if chunks.count > 2 {
      let first = Self.outputs(interpreter, Array(chunks.prefix(1)), changes)
      let loss = target.loss(first, from: float.selecting(Array(0..<first.samples)))
      if loss > 4 * target.limit + 0.1 {
        candidate.loss = loss
        return candidate
      }
    }
    let outputs = Self.outputs(interpreter, chunks, changes)
    candidate.loss = target.loss(outputs, from: float)
    candidate.isReached =
      target.isReached(by: candidate.loss, samples: count)
      && zip(Self.halves(count), halves).allSatisfy { chosen, float in
        target.loss(outputs.selecting(chosen), from: float) <= target.limit
      }
    return candidate
  }
}
