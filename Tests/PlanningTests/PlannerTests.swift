import Circuit
import Diagnostics
import FixedPoint
import Testing

@testable import Planning

@Suite struct PlannerTests {
  private func request(_ change: (inout PlanRequest) throws -> Void) rethrows -> PlanRequest {
    var request = PlanRequest()
    try change(&request)
    return request
  }

  @Test(arguments: [
    ("60ns", "200MHz"), ("25ns", "360MHz"), ("9cycles", "300MHz"), ("1bx", "9/bx"), ("100ns", "5ns"),
  ])
  func budgetsAreObeyed(latency: String, clock: String) throws {
    let circuit = try Circuits.network(widths: [8, 8, 4])
    let asked = try request {
      $0.latency = try TimeSpan(parsing: latency, option: "--latency")
      $0.clock = try Clock(parsing: clock)
    }
    let plan = try Planner(asked).plan(circuit)
    #expect(plan.latency <= asked.latency?.cycles(period: plan.period) ?? 0)
    #expect(plan.circuit.verify().isEmpty && plan.circuit.latency == plan.latency)
    #expect(plan.slowestStage.delay <= asked.stageDelay(period: plan.period))
    #expect(plan.stageSpans.count == circuit.origins.count && plan.interval == 1)
    #expect(plan.stageSpans.compactMap { $0 }.allSatisfy { $0.upperBound < plan.stageCount })
    #expect(plan.text.contains("layer 'fc2'"))
  }

  @Test func exactLatencyIsMetExactly() throws {
    let circuit = try Circuits.network(widths: [8, 4])
    for registers in IORegisters.allCases {
      let plan = try Planner(
        request {
          $0.latency = .cycles(20)
          $0.isLatencyExact = true
          $0.ioRegisters = registers
        }
      ).plan(circuit)
      #expect(plan.latency == 20 && plan.circuit.verify().isEmpty)
    }
  }

  @Test func theNearestLatencyIsFeasible() throws {
    let circuit = try Circuits.network(widths: [16, 16, 8])
    var asked = request { $0.latency = .nanoseconds(Rational(2)) }
    let refusal = #expect(throws: Infeasible.self) { try Planner(asked).plan(circuit) }
    let infeasible = try #require(refusal)
    #expect(infeasible.failure.status == .infeasible)
    #expect(infeasible.failure.diagnostics[0].code == "P001")
    #expect(infeasible.budgetNanoseconds == 2)
    #expect(Set(infeasible.critical) == ["fc1", "fc2"])
    let nearest = try #require(infeasible.nearestCycles)
    #expect(infeasible.nearestNanoseconds == Double(nearest) * 5)
    asked.latency = .nanoseconds(Rational(Int128(nearest * 5)))
    #expect(try Planner(asked).plan(circuit).latency == nearest)
    asked.latency = .cycles(nearest - 1)
    #expect(throws: Infeasible.self) { try Planner(asked).plan(circuit) }
    #expect(try Planner(asked).minimumLatency(of: circuit).cycles == nearest)
  }

  @Test func aClockFasterThanAnOperationIsRefusedWithTheNearest() throws {
    let circuit = try Circuits.network(widths: [8, 4])
    var asked = request { $0.clock = .period(Rational(1, 2)) }
    let refusal = #expect(throws: Infeasible.self) { try Planner(asked).plan(circuit) }
    let infeasible = try #require(refusal)
    #expect(infeasible.failure.diagnostics[0].code == "P002" && infeasible.critical.contains("fc1"))
    guard case .clock(let needed, "0.5") = infeasible.reason else {
      Issue.record("\(infeasible.reason)")
      return
    }
    asked.clock = try Clock(parsing: needed + "ns")
    #expect(try Planner(asked).plan(circuit).period == (try period(asked)))
  }

  private func period(_ request: PlanRequest) throws -> Rational {
    guard case .period(let period) = request.clock else { throw WidthOverflow() }
    return period
  }

  @Test func anIntervalBelowAPeriodIsRefused() throws {
    let circuit = try Circuits.network(widths: [4, 2])
    let asked = request { $0.interval = .nanoseconds(Rational(3)) }
    let refusal = #expect(throws: Infeasible.self) { try Planner(asked).plan(circuit) }
    #expect(refusal?.failure.diagnostics[0].code == "P003")
    #expect(try Planner(request { $0.interval = .nanoseconds(Rational(5)) }).plan(circuit).interval == 1)
  }

  @Test func aPartThatIsTooSmallIsRefused() throws {
    let circuit = try Circuits.network(widths: [40, 64, 16])
    let asked = request {
      $0.part = .iCE40UP5K
      $0.clock = .period(Rational(50))
    }
    let refusal = #expect(throws: Infeasible.self) { try Planner(asked).plan(circuit) }
    let infeasible = try #require(refusal)
    #expect(infeasible.failure.diagnostics[0].code == "P004" && infeasible.critical.first == "fc1")
    guard case .capacity(let shortages) = infeasible.reason else {
      Issue.record("\(infeasible.reason)")
      return
    }
    #expect(shortages.contains { $0.resource == "LUT" && $0.needed > $0.available && $0.available == 5280 })
  }

  @Test func theFastestClockFollowsFromTheStages() throws {
    let circuit = try Circuits.network(widths: [8, 8, 4])
    var periods: [Rational] = []
    for cycles in [1, 2, 4, 8] {
      let plan = try Planner(
        request {
          $0.latency = .cycles(cycles)
          $0.clock = .fastest
        }
      ).plan(circuit)
      #expect(plan.latency <= cycles)
      periods.append(plan.period)
    }
    #expect(periods == periods.sorted(by: >) && Set(periods).count > 2)
    let plan = try Planner(
      request {
        $0.latency = .nanoseconds(Rational(20))
        $0.clock = .fastest
      }
    ).plan(circuit)
    #expect(plan.latencyTime <= Rational(20))
    #expect(throws: Infeasible.self) {
      try Planner(
        request {
          $0.latency = .nanoseconds(Rational(1))
          $0.clock = .fastest
        }
      ).plan(circuit)
    }
  }

  @Test func uncertaintyShrinksTheStage() throws {
    let period = Rational(5)
    #expect(PlanRequest().stageDelay(period: period) == 4000)
    #expect(request { $0.clockUncertainty = .perMille(125) }.stageDelay(period: period) == 4375)
    #expect(request { $0.clockUncertainty = .time(Rational(1, 2)) }.stageDelay(period: period) == 4500)
    for uncertainty in [nil, ClockUncertainty.perMille(125), .time(Rational(1, 2))] {
      let asked = request { $0.clockUncertainty = uncertainty }
      for stage in [999, 1000, 3333] {
        let least = asked.period(stageDelay: stage)
        #expect(asked.stageDelay(period: least) >= stage)
      }
    }
  }

  @Test func adderLevelsGrowWithTheBudget() {
    let planner = Planner(request { $0.latency = .cycles(4) })
    let more = Planner(request { $0.latency = .cycles(8) })
    let levels = planner.adderLevels(width: 16) ?? 0
    #expect(levels >= 4 && more.adderLevels(width: 16) == 2 * levels)
    #expect(Planner(PlanRequest()).adderLevels(width: 16) == nil)
  }
}
