import ArgumentParser
import Diagnostics
import Driver
import FixedPoint
import Planning
import VerilogBackend

/// Budgets, clock and part.
struct PlanningOptions: ParsableArguments {
  @Option(help: "The budget from input to output, such as 100ns, 20cycles or 4bx.")
  var latency: String?

  @Option(help: "The latency to meet exactly, by further registers where they are fewest.")
  var latencyExact: String?

  @Option(help: "The time between two samples, such as 1bx or 5ns (every cycle is what one gets).")
  var interval: String?

  @Option(help: "The clock: 5ns, 200MHz, 9/bx or max (default: 200MHz).")
  var clock: String?

  @Option(help: "The time of one bunch crossing.")
  var bx: String = "25ns"

  @Option(help: "The part (default: xcvu13p-flga2577-2-e).")
  var part: String?

  @Option(help: "What is kept back of every clock period, such as 12.5% or 0.4ns.")
  var clockUncertainty: String?

  @Option(help: "Which ports are registered: none, in, out or both.")
  var ioRegisters: IORegisters = .out

  @Option(help: "How much work the optimisers do: fast, balanced or max.")
  var effort: PlanRequest.Effort = .balanced

  func validate() throws {
    if latency != nil && latencyExact != nil {
      throw ValidationError("--latency and --latency-exact exclude each other")
    }
  }

  func request() throws -> PlanRequest {
    guard case .nanoseconds(let crossing) = try TimeSpan(parsing: bx, option: "--bx") else {
      throw CompilationFailed("C006", "'\(bx)' is not a time", at: .option("--bx"), notes: ["write 25ns"])
    }
    func span(_ text: String?, _ option: String) throws -> TimeSpan? {
      guard let text else { return nil }
      return try TimeSpan(parsing: text, option: option, bunchCrossing: crossing)
    }
    var request = PlanRequest()
    request.latency = try span(latency, "--latency") ?? span(latencyExact, "--latency-exact")
    request.isLatencyExact = latencyExact != nil
    request.interval = try span(interval, "--interval")
    if let clock { request.clock = try Clock(parsing: clock, bunchCrossing: crossing) }
    if let part { request.part = try Part.named(part) }
    if let clockUncertainty { request.clockUncertainty = try ClockUncertainty(parsing: clockUncertainty) }
    request.ioRegisters = ioRegisters
    request.effort = effort
    return request
  }
}

extension IORegisters: ExpressibleByArgument {}
extension PlanRequest.Effort: ExpressibleByArgument {}

/// How the Verilog is printed.
struct VerilogPrintingOptions: ParsableArguments {
  @Option(help: "Control ports: valid (rst, in_valid, out_valid) or none.")
  var ports: VerilogOptions.Ports = .valid

  @Flag(help: "Add a clock enable; a cycle is then an enabled clock edge.")
  var clockEnable = false

  @Flag(help: "Instantiate the part's LUT and carry cells for three-input adders.")
  var primitives = false

  var options: VerilogOptions {
    VerilogOptions(ports: ports, clockEnable: clockEnable, primitives: primitives)
  }
}

extension VerilogOptions.Ports: ExpressibleByArgument {}
