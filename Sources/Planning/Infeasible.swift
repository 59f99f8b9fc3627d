import Diagnostics
import FixedPoint

/// The answer that no hardware meets the request: what is nearest, what stands in the way, what would help.
public struct Infeasible: Error, Hashable, Sendable {
  public var reason: Reason
  /// The budget in nanoseconds, where one was given.
  public var budgetNanoseconds: Double?
  /// The shortest latency that is feasible, in cycles and nanoseconds; nil where none is.
  public var nearestCycles: Int?
  public var nearestNanoseconds: Double?
  /// The layers in the way, the worst first.
  public var critical: [String]
  /// What to do.
  public var hint: String

  public init(
    reason: Reason, budgetNanoseconds: Double? = nil, nearestCycles: Int? = nil,
    nearestNanoseconds: Double? = nil, critical: [String], hint: String
  ) {
    self.reason = reason
    self.budgetNanoseconds = budgetNanoseconds
    self.nearestCycles = nearestCycles
    self.nearestNanoseconds = nearestNanoseconds
    self.critical = critical
    self.hint = hint
  }

  public enum Reason: Hashable, Sendable {
    /// P001: more register ranks are needed than the latency permits.
    case latency(needed: Int, permitted: Int)
    /// P002: single operations are slower than the clock: nanoseconds of the clock that they need and of that asked.
    case clock(needed: String, asked: String)
    /// P003: samples come faster than the clock.
    case interval(asked: String, period: String)
    /// P004: the part is too small.
    case capacity([Shortage])
    /// P005: fully unrolled, the layers have more operations than can be compiled.
    case size(operations: Int, limit: Int)
  }

  /// A resource of which the part has too little.
  public struct Shortage: Hashable, Sendable {
    public var resource: String
    public var needed: Int
    public var available: Int
  }

  /// The diagnostic for the terminal; exit status 3.
  public var failure: CompilationFailed {
    let (code, message): (DiagnosticCode, String)
    switch reason {
    case .latency(let needed, let permitted):
      code = "P001"
      message = "the design needs \(needed) cycles of latency, the budget permits \(permitted)"
    case .clock(let needed, let asked):
      code = "P002"
      message = "single operations need a clock period of \(needed) ns, the clock has \(asked) ns"
    case .interval(let asked, let period):
      code = "P003"
      message = "a sample every \(asked) is more than one a clock period of \(period) ns"
    case .capacity(let shortages):
      code = "P004"
      let parts = shortages.map { "\($0.needed) \($0.resource) of \($0.available)" }
      message = "the design does not fit the part: it takes " + parts.joined(separator: ", ")
    case .size(let operations, let limit):
      code = "P005"
      message =
        "fully unrolled, the model has \(operations) operations, more than the \(limit) that can be compiled"
    }
    var notes: [String] = []
    if !critical.isEmpty {
      notes.append("critical: " + critical.prefix(5).map { "layer '\($0)'" }.joined(separator: ", "))
    }
    return CompilationFailed(
      [Diagnostic(.error, code, message, notes: notes + [hint])], status: .infeasible)
  }
}
