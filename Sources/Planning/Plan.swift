import Circuit
import FixedPoint

/// When everything happens and what it takes.
public struct Plan: Sendable {
  /// The timed circuit.
  public var circuit: Circuit
  public var part: Part
  /// The clock period in nanoseconds.
  public var period: Rational
  /// Register ranks from input ports to output ports.
  public var latency: Int
  /// Cycles between two samples.
  public var interval: Int
  /// Stages of logic.
  public var stageCount: Int
  /// The first and last stage in which each layer computes, by origin; nil for layers that are wires or nothing.
  public var stageSpans: [ClosedRange<Int>?]
  /// The slowest stage by the part's delay model, without the uncertainty that was kept back.
  public var slowestStage: CriticalPath
  /// Bits that the registers hold.
  public var registerBits: Int
  public var estimate: Estimate

  /// Nanoseconds from input ports to output ports, exact.
  public var latencyTime: Rational { Rational(period.numerator * Int128(latency), period.denominator) }
  public var clockMHz: Double { 1000 / period.doubleValue }
}

extension Plan {
  /// The plan as `--emit plan` prints it.
  public var text: String {
    var lines = [
      "plan \(circuit.name)",
      "  part \(part.name), clock \(period.decimal) ns, interval \(interval)",
      "  latency \(latency) cycles = \(latencyTime.decimal) ns, \(stageCount) stages, "
        + "\(registerBits) register bits",
      "  slowest stage \(Rational(Int128(slowestStage.delay), 1000).decimal) ns (modelled, "
        + "±\(Int((part.delays.band * 100).rounded())) %)",
    ]
    for (origin, span) in stageSpans.enumerated() {
      let resources = estimate.byOrigin[origin]
      let stages = span.map { "stages \($0.lowerBound)...\($0.upperBound)" } ?? "wires"
      lines.append(
        "  layer '\(circuit.origins[origin])' \(stages), \(resources.allLUTs) LUT, \(resources.ff) FF, "
          + "\(resources.dsp) DSP")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
