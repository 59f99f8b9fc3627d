import Diagnostics
import FixedPoint

/// What the user asks of the hardware.
public struct PlanRequest: Hashable, Sendable {
  /// From input ports to output ports; nil: as short as the clock permits.
  public var latency: TimeSpan?
  /// Whether the latency is to be met exactly, by further ranks of registers.
  public var isLatencyExact = false
  /// Between two samples; nil: every cycle.
  public var interval: TimeSpan?
  public var clock = Clock.standard
  public var part = Part.standard
  public var ioRegisters = IORegisters.out
  /// What is kept back of every clock period; nil: what makes up for the delay model's band.
  public var clockUncertainty: ClockUncertainty?
  public var effort = Effort.balanced

  public init() {}

  /// How much work the planner does.
  public enum Effort: String, CaseIterable, Hashable, Sendable {
    /// The fewest stages, each operation as early as possible.
    case fast
    /// The fewest register bits within the latency.
    case balanced
    case max
  }

  /// The picoseconds that a stage may take by the delay model at a clock period of so many nanoseconds.
  public func stageDelay(period: Rational) -> Int {
    let whole = (try? period.multiplied(by: Rational(1000)).floor).map { Int(min($0, 1 << 30)) } ?? 1 << 30
    switch clockUncertainty {
    case .time(let time):
      let kept = (try? time.multiplied(by: Rational(1000)).floor).map { Int(min($0, 1 << 30)) } ?? 1 << 30
      return max(0, whole - kept)
    case .perMille(let kept): return whole - whole * kept / 1000
    case nil: return whole * 1000 / bandPerMille
    }
  }

  /// The shortest clock period, in nanoseconds, at which a stage may take so many picoseconds.
  func period(stageDelay: Int) -> Rational {
    let stage = Int128(stageDelay)
    let picoseconds: Int128
    switch clockUncertainty {
    case .time(let time): picoseconds = stage - ((try? time.multiplied(by: Rational(-1000)).floor) ?? 0)
    case .perMille(let kept): picoseconds = (stage * 1000 + Int128(999 - kept)) / Int128(1000 - kept)
    case nil: picoseconds = (stage * Int128(bandPerMille) + 999) / 1000
    }
    return Rational(picoseconds, 1000)
  }

  private var bandPerMille: Int { 1000 + Int((part.delays.band * 1000).rounded()) }
}

/// The part of every clock period that is kept back.
public enum ClockUncertainty: Hashable, Sendable {
  case perMille(Int)
  /// Nanoseconds.
  case time(Rational)

  /// Reads `12.5%` or a time such as `0.4ns`.
  ///
  /// - Throws: C005 for other forms and for 100 % or more; C003 and C004 as times do.
  public init(parsing text: String, option: String = "--clock-uncertainty") throws(CompilationFailed) {
    let quantity = Quantity(parsing: text)
    if let quantity, quantity.unit == "%", let perMille = try? quantity.number.multiplied(by: Rational(10)),
      perMille < Rational(1000)
    {
      self = .perMille(Int(perMille.floor))
      return
    }
    let units = ["ps", "ns", "us"]
    guard let quantity, units.contains(quantity.unit),
      case .nanoseconds(let time) = try TimeSpan(parsing: text, option: option)
    else {
      throw CompilationFailed(
        "C005", "'\(text)' is not a clock uncertainty", at: .option(option),
        notes: ["write a percentage below 100 such as 12.5%, or a time such as 0.4ns"])
    }
    self = .time(time)
  }
}
