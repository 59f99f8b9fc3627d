import Circuit
import FixedPoint

/// Turns a pure circuit into a timed one that meets a request, or says why none does.
///
/// The circuit itself may depend on the budget (deeper adder graphs share more): clients ask `minimumLatency` first
/// and make another circuit where it is missed.
public struct Planner: Sendable {
  public let request: PlanRequest

  public init(_ request: PlanRequest) { self.request = request }

  /// The plan of a circuit.
  ///
  /// - Requires: a pure circuit.
  public func plan(_ circuit: Circuit) throws(Infeasible) -> Plan {
    let pipeliner = Pipeliner(circuit, part: request.part)
    let period = try period(pipeliner)
    try checkInterval(period)
    // Registers only add to this, and placing those of a design far too large takes minutes.
    try checkCapacity(circuit.estimate(on: request.part), circuit)
    let pipeline = try pipeline(pipeliner, period: period)
    let plan = Plan(
      circuit: pipeline.circuit, part: request.part, period: period, latency: pipeline.latency, interval: 1,
      stageCount: pipeline.stageCount, stageSpans: stageSpans(pipeline, pipeliner),
      slowestStage: pipeline.circuit.criticalPath(on: request.part), registerBits: pipeline.registerBits,
      estimate: pipeline.circuit.estimate(on: request.part))
    try checkCapacity(plan.estimate, plan.circuit)
    return plan
  }

  /// The fewest cycles at the requested clock, and what they take, whatever the budget.
  public func minimumLatency(of circuit: Circuit) throws(Infeasible) -> (cycles: Int, period: Rational) {
    let pipeliner = Pipeliner(circuit, part: request.part)
    let period = try period(pipeliner)
    let stages = try fewestStages(pipeliner, period: period)
    return (request.ioRegisters.latency(stages: stages), period)
  }

  /// Two-term adders of so many bits in a row that the latency has room for; nil where there is no budget.
  ///
  /// A guide for the depth of adder graphs before there is a circuit; fan-out is not considered.
  public func adderLevels(width: Int) -> Int? {
    guard let latency = request.latency else { return nil }
    guard case .period(let period) = request.clock else { return nil }
    let delays = request.part.delays
    let stages = latency.cycles(period: period) - request.ioRegisters.latency(stages: 1) + 1
    let time = request.stageDelay(period: period) - delays.register - delays.carry(width)
    return max(0, time / (delays.net + delays.lut + delays.carryEntry)) * max(0, stages)
  }
}

extension Planner {
  /// The clock: the one asked for, or the fastest that the latency permits.
  private func period(_ pipeliner: Pipeliner) throws(Infeasible) -> Rational {
    switch request.clock {
    case .period(let period): return period
    case .fastest: return try fastestPeriod(pipeliner)
    }
  }

  private func fastestPeriod(_ pipeliner: Pipeliner) throws(Infeasible) -> Rational {
    let extra = request.ioRegisters.latency(stages: 1) - 1
    switch request.latency {
    case nil: return request.period(stageDelay: pipeliner.shortestStage)
    case .cycles(let cycles):
      let stages = max(1, cycles - extra)
      return request.period(stageDelay: pipeliner.shortestStage(stages: stages))
    case .nanoseconds(let budget):
      // Each further stage shortens the period by less; past the budget, none fits any more.
      var fastest: Rational?
      var nearest: (time: Rational, cycles: Int)?
      var last = Int.max
      for stages in 1... {
        let stage = pipeliner.shortestStage(stages: stages)
        let period = request.period(stageDelay: stage)
        let cycles = stages + extra
        let time = Rational(period.numerator * Int128(cycles), period.denominator)
        if time <= budget { fastest = period }
        if nearest.map({ time < $0.time }) ?? true { nearest = (time, cycles) }
        if stage == pipeliner.shortestStage || stage == last && time > budget { break }
        last = stage
      }
      if let fastest { return fastest }
      let critical = pipeliner.circuit.criticalPath(on: request.part)
      throw Infeasible(
        reason: .latency(needed: nearest?.cycles ?? 1, permitted: 0), budgetNanoseconds: budget.doubleValue,
        nearestCycles: nearest?.cycles, nearestNanoseconds: nearest?.time.doubleValue,
        critical: names(critical.origins, pipeliner.circuit),
        hint: "at any clock, ask for --latency \(nearest?.time.decimal ?? "")ns or more")
    }
  }

  private func fewestStages(_ pipeliner: Pipeliner, period: Rational) throws(Infeasible) -> Int {
    do {
      return try pipeliner.fewestStages(stageDelay: request.stageDelay(period: period))
    } catch {
      throw infeasible(error, pipeliner, period: period)
    }
  }

  private func pipeline(_ pipeliner: Pipeliner, period: Rational) throws(Infeasible) -> Pipeline {
    let fewest = try fewestStages(pipeliner, period: period)
    var settings = PipelineSettings(
      stageDelay: request.stageDelay(period: period), ioRegisters: request.ioRegisters,
      objective: request.effort == .fast ? .earliest : .registers)
    if let latency = request.latency {
      let extra = request.ioRegisters.latency(stages: 1) - 1
      let stages = latency.cycles(period: period) - extra
      if stages < fewest { throw infeasible(.stages(needed: fewest), pipeliner, period: period) }
      if request.isLatencyExact {
        settings.stages = .exactly(stages)
      } else if request.effort != .fast {
        settings.stages = .atMost(stages)
      }
    }
    do {
      return try pipeliner.pipeline(settings)
    } catch {
      throw infeasible(error, pipeliner, period: period)
    }
  }

  private func infeasible(_ failure: PipelineFailure, _ pipeliner: Pipeliner, period: Rational) -> Infeasible
  {
    let circuit = pipeliner.circuit
    let budget = request.latency?.nanoseconds(period: period)
    switch failure {
    case .stages(let needed):
      let cycles = request.ioRegisters.latency(stages: needed)
      let time = Rational(period.numerator * Int128(cycles), period.denominator)
      let critical = names(circuit.criticalPath(on: request.part).origins, circuit)
      return Infeasible(
        reason: .latency(needed: cycles, permitted: request.latency?.cycles(period: period) ?? 0),
        budgetNanoseconds: budget, nearestCycles: cycles, nearestNanoseconds: time.doubleValue,
        critical: critical,
        hint: "ask for --latency \(time.decimalUp)ns or more, or take bits or weights out of the critical "
          + "layers")
    case .slowOperations(let needed, let origins):
      let slower = request.period(stageDelay: needed)
      let stages = (try? pipeliner.fewestStages(stageDelay: request.stageDelay(period: slower))) ?? 1
      let cycles = request.ioRegisters.latency(stages: stages)
      return Infeasible(
        reason: .clock(needed: slower.decimalUp, asked: period.decimal), budgetNanoseconds: budget,
        nearestCycles: cycles, nearestNanoseconds: slower.doubleValue * Double(cycles),
        critical: names(origins, circuit),
        hint: "ask for --clock \(slower.decimalUp)ns or slower, or for fewer bits in the critical layers")
    }
  }

  private func names(_ origins: [Int], _ circuit: Circuit) -> [String] { origins.map { circuit.origins[$0] } }

  private func checkInterval(_ period: Rational) throws(Infeasible) {
    guard let interval = request.interval, interval.cycles(period: period) < 1 else { return }
    throw Infeasible(
      reason: .interval(asked: interval.description, period: period.decimal),
      budgetNanoseconds: interval.nanoseconds(period: period), nearestCycles: 1,
      nearestNanoseconds: period.doubleValue, critical: [],
      hint: "one sample a cycle is the fastest: ask for a clock period of \(interval.description) or less")
  }

  private func checkCapacity(_ estimate: Estimate, _ circuit: Circuit) throws(Infeasible) {
    let (needed, available) = (estimate.total, request.part.capacity)
    let shortages = [
      ("LUT", needed.allLUTs, available.lut), ("FF", needed.ff, available.ff),
      ("carry bits", needed.carryBits, available.carryBits), ("DSP", needed.dsp, available.dsp),
      ("BRAM18", needed.bram18, available.bram18), ("URAM", needed.uram, available.uram),
    ].filter { $0.1 > $0.2 }.map { Infeasible.Shortage(resource: $0.0, needed: $0.1, available: $0.2) }
    if shortages.isEmpty { return }
    let byLUTs = estimate.byOrigin.indices.sorted {
      (estimate.byOrigin[$1].allLUTs, $0) < (estimate.byOrigin[$0].allLUTs, $1)
    }
    throw Infeasible(
      reason: .capacity(shortages), budgetNanoseconds: nil, nearestCycles: nil, nearestNanoseconds: nil,
      critical: names(Array(byLUTs.prefix(5)), circuit),
      hint: "take a larger part with --part, or bits or weights out of the largest layers")
  }

  private func stageSpans(_ pipeline: Pipeline, _ pipeliner: Pipeliner) -> [ClosedRange<Int>?] {
    var spans = [ClosedRange<Int>?](repeating: nil, count: pipeliner.circuit.origins.count)
    for (index, operation) in pipeliner.circuit.operations.enumerated() where !pipeliner.graph.isWire[index] {
      guard let stage = pipeline.stages[index] else { continue }
      let known = spans[operation.origin] ?? stage...stage
      spans[operation.origin] = min(known.lowerBound, stage)...max(known.upperBound, stage)
    }
    return spans
  }
}
