import AdderGraphs
import Diagnostics
import Graph
import Lowering
import Planning

extension Compilation {
  /// Lowers and plans a typed graph with the loosest, and so smallest, adder graphs that meet the request; where the
  /// clock is to be the fastest, with those that make it so.
  ///
  /// - Throws: `CompilationFailed` where a value needs too many bits; `Infeasible` where no graphs meet the request.
  static func planned(
    _ graph: Graph, _ request: PlanRequest, progress: StageProgress
  ) throws -> (lowered: Lowered, plan: Plan) {
    let planner = Planner(request)
    func attempt(_ options: LoweringOptions) throws -> (lowered: Lowered, plan: Plan) {
      progress("searching adder graphs")
      let lowered = try graph.lowered(options)
      progress("planning")
      return (lowered, try planner.plan(lowered.circuit.optimized()))
    }
    let free = LoweringOptions(
      effort: request.effort.search, target: request.part.hasTernaryAdders ? .lut6 : .lut4)
    let isFastestWanted = request.clock == .fastest
    var best: (lowered: Lowered, plan: Plan)?
    var nearest: Infeasible?
    for options in [free] + free.hurried {
      do {
        let found = try attempt(options)
        if !isFastestWanted { return found }
        if best.map({ found.plan.period < $0.plan.period }) ?? true { best = found }
      } catch let miss as Infeasible where miss.isMissedInTime {
        if nearest.map({ miss.nearestTime < $0.nearestTime }) ?? true { nearest = miss }
      }
    }
    if let best { return best }
    guard let nearest else { preconditionFailure("neither a plan nor a reason why there is none") }
    throw nearest
  }
}

extension Infeasible {
  /// Whether flatter adder graphs may help.
  fileprivate var isMissedInTime: Bool {
    switch reason {
    case .latency, .clock: true
    case .interval, .capacity, .size: false
    }
  }

  fileprivate var nearestTime: Double { nearestNanoseconds ?? .infinity }
}

extension LoweringOptions {
  /// Ever flatter adder graphs; the last ones without three-operand adders, of which a single one may be too slow.
  fileprivate var hurried: [LoweringOptions] {
    var result = [150, 130, 115, 100].map {
      LoweringOptions(effort: effort, target: target, depth: .limited(percent: $0))
    }
    if target.hasTernaryAdders {
      var binary = target
      binary.hasTernaryAdders = false
      result.append(LoweringOptions(effort: effort, target: binary, depth: .limited(percent: 100)))
    }
    return result
  }
}

extension PlanRequest.Effort {
  /// How much work the search for adder graphs may do.
  var search: SearchEffort {
    switch self {
    case .fast: .fast
    case .balanced: .balanced
    case .max: .max
    }
  }
}
