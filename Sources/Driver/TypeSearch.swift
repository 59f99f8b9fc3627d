import Circuit
import Diagnostics
import FixedPoint
import Graph
import Lowering
import Planning
import Precision

/// The cheapest types for a float model that keep its accuracy on samples (`--target`).
struct TypeSearch {
  let source: Graph
  let target: AccuracyTarget
  let samples: InputSamples

  /// What was found.
  struct Result: Sendable {
    var policy: TypePolicy
    var typed: Graph
    var report: SearchReport
  }

  /// Candidates that are tried on integers before the search gives up.
  private static let exactTrials = 12
  /// Multiplications that one trial may take.
  private static let exactWork = 50_000_000

  /// Searches among the tensors whose types the policy leaves open.
  ///
  /// - Throws: T050 where no types reach the target (exit 3); what typing throws.
  func run(_ policy: TypePolicy) throws(CompilationFailed) -> Result {
    let search = PrecisionSearch(source, policy, target, samples: samples.values)
    let trial = ExactTrial(source, target, samples, work: Self.exactWork)
    if !search.hasFreeTensors {
      let typed = try Typer.type(source, policy).graph
      let loss = try trial.loss(typed)
      if !target.isReached(by: loss, samples: trial.count) { throw unreachable(loss) }
      return try result(policy, typed, loss, trial, estimate(typed))
    }
    var finalists: [(policy: TypePolicy, typed: Graph, loss: Double, luts: Int)] = []
    var ladders: Set<Int> = []
    var trials = 0
    var best = Double.infinity
    for candidate in search.candidates where candidate.isReached && !ladders.contains(candidate.ladder) {
      if trials == Self.exactTrials { break }
      trials += 1
      var chosen = policy
      chosen.calibration?.chosen = candidate.types
      let typed = try Typer.type(source, chosen).graph
      let loss = try trial.loss(typed)
      best = min(best, loss)
      guard target.isReached(by: loss, samples: trial.count) else { continue }
      ladders.insert(candidate.ladder)
      finalists.append((chosen, typed, loss, try estimate(typed)))
    }
    // Of equals the first, which the simple model of cost took for the cheapest.
    guard let cheapest = finalists.min(by: { $0.luts < $1.luts }) else {
      throw unreachable(min(best, search.candidates.map(\.loss).min() ?? .infinity))
    }
    return try result(cheapest.policy, cheapest.typed, cheapest.loss, trial, cheapest.luts)
  }

  private func result(
    _ policy: TypePolicy, _ typed: Graph, _ loss: Double, _ trial: ExactTrial, _ luts: Int
  ) throws(CompilationFailed) -> Result {
    Result(
      policy: policy, typed: typed,
      report: SearchReport(target: target, loss: loss, samples: trial.count, luts: luts))
  }

  /// Look-up tables of the whole design with adder graphs made in haste.
  private func estimate(_ typed: Graph) throws(CompilationFailed) -> Int {
    let lowered = try typed.lowered(LoweringOptions(effort: .fast, target: .lut6))
    return lowered.circuit.optimized().estimate(on: Part.standard).total.allLUTs
  }

  private func unreachable(_ loss: Double) -> CompilationFailed {
    CompilationFailed(
      "T050",
      "no types of up to \(PrecisionSearch.widestType) bits reach \(target); the best \(target.describe(loss))",
      at: .option("--target"),
      notes: [
        "ask for less, or leave --target out: types then cover the ranges of the samples with 16 bits",
        "what a configuration, --precision or the model's own quantizers decide is never changed",
      ], status: .infeasible)
  }
}

/// How the types that a search found do.
public struct SearchReport: Hashable, Sendable {
  public var target: AccuracyTarget
  /// By the target's measure, of the integers against the float model.
  public var loss: Double
  /// Samples on which it was measured.
  public var samples: Int
  /// Estimated look-up tables.
  public var luts: Int

  public var text: String {
    "target    \(target): \(target.describe(loss)) on \(samples) samples; LUT \(luts) estimated"
  }

  public var json: JSONOutput {
    [
      "target": .string("\(target)"), "measure": .string(target.measure.rawValue), "loss": .number(loss),
      "limit": .number(target.limit), "samples": .integer(samples), "estimated_lut": .integer(luts),
    ]
  }

  /// A notice where the samples are too few to tell.
  var notices: [Diagnostic] {
    if samples >= target.samplesNeeded { return [] }
    return [
      Diagnostic(
        .warning, "T051", "\(samples) samples cannot tell whether \(target) is reached",
        at: .option("--inputs"), notes: ["give at least \(target.samplesNeeded) samples"])
    ]
  }
}

/// The integers against the float model, on as many samples as the work permits.
private struct ExactTrial {
  let target: AccuracyTarget
  let count: Int
  private let samples: InputSamples
  private let float: OutputValues

  init(_ source: Graph, _ target: AccuracyTarget, _ samples: InputSamples, work: Int) {
    self.target = target
    self.samples = samples.limited(to: work, for: source)
    count = self.samples.count
    let interpreter = FloatInterpreter(source)
    var arrays: [[Double]] = source.outputs.map { _ in [] }
    for sample in self.samples.values {
      let values = interpreter.run(sample)
      for (i, output) in source.outputs.enumerated() { arrays[i] += values[output.node.index] }
    }
    float = OutputValues(source, samples: count, arrays: arrays)
  }

  func loss(_ typed: Graph) throws(CompilationFailed) -> Double {
    let simulator = try ReferenceSimulator.checked(typed)
    var arrays: [[Double]] = typed.outputs.map { _ in [] }
    for sample in samples.converted(for: typed).raw {
      let values = try simulator.checkedRun(sample)
      for (i, output) in typed.outputs.enumerated() {
        guard let type = typed[output.node].type else { continue }
        arrays[i] += values[output.node.index].enumerated().map { type.value($1, element: $0) }
      }
    }
    return target.loss(OutputValues(typed, samples: count, arrays: arrays), from: float)
  }
}
