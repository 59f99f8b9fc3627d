import Circuit
import Diagnostics
import FixedPoint
import Foundation
import Graph
import Proofs
import Verification
import VerilogBackend

/// What is verified, and with how many samples.
public struct VerificationRequest: Hashable, Sendable {
  public enum Scope: String, CaseIterable, Hashable, Sendable { case all, rtl, hls }

  /// Nil: nothing.
  public var scope: Scope? = .all
  /// Random samples, beside the corner cases and the user's own.
  public var samples = 1000
  public var seed: UInt64 = 1
  public var hlsTypes = HLSTypes.w

  public init() {}
}

/// What verification found.
public struct Verdict: Hashable, Sendable {
  public var samples: Int
  public var seed: UInt64
  public var rtl: RTLResult?
  public var hls: HLSResult?
  public var proof: ProofResult?
  /// Why nothing could be proved, where that is so: V030 for Verilog of another form, which is simulated all the same.
  public var unproved: [Diagnostic] = []
  /// Register ranks that the RTL must have, from the plan.
  public var promisedLatency: Int

  public var passed: Bool { problems.isEmpty }

  /// What is wrong, in words; empty where everything agrees.
  public var problems: [Diagnostic] {
    var sink = DiagnosticSink()
    for problem in (proof?.problems ?? []) + unproved.filter({ $0.code != "V030" }) { sink.report(problem) }
    if let rtl {
      if rtl.mismatches > 0 { sink.error("V010", "RTL: \(rtl.mismatches) mismatches\(rtl.firstDifference)") }
      if rtl.latencyCycles != promisedLatency {
        let measured = rtl.latencyCycles.map { "\($0)" } ?? "no"
        sink.error("V011", "RTL: \(measured) cycles of latency instead of \(promisedLatency)")
      }
      if let interval = rtl.intervalCycles, interval != 1 {
        sink.error("V012", "RTL: an interval of \(interval) cycles instead of 1")
      }
    }
    if let hls, hls.mismatches > 0 {
      sink.error("V020", "HLS: \(hls.mismatches) mismatches\(hls.firstDifference)")
    }
    return sink.diagnostics
  }

  /// What a user should know although nothing is wrong.
  public var notices: [Diagnostic] {
    unproved.filter { $0.code == "V030" }.map { diagnostic in
      var notice = diagnostic
      notice.severity = .warning
      return notice
    }
  }

  /// The line that `compile` prints, without colours.
  public var summary: String {
    var parts = ["\(samples) samples"]
    if let proof { parts.append("RTL " + proof.summary) }
    if let rtl { parts.append("RTL \(rtl.mismatches) mismatches (\(rtl.simulator))") }
    if let hls { parts.append("HLS \(hls.mismatches) mismatches (\(hls.compiler))") }
    if let rtl {
      parts.append(
        rtl.latencyCycles == promisedLatency
          ? "latency as promised" : "latency \(rtl.latencyCycles ?? 0) instead of \(promisedLatency)")
    }
    return (passed ? "verified: " : "FAILED: ") + parts.joined(separator: ", ")
  }
}

extension RTLResult {
  fileprivate var firstDifference: String {
    guard let first else { return "" }
    let place = "; first \(first.kind.rawValue) in phase '\(first.phase)' at cycle \(first.cycle)"
    let sample = first.sample.map { ", sample \($0)" } ?? ""
    let element =
      first.element.map { ": \($0.port)[\($0.index)] is \($0.got) instead of \($0.expected)" } ?? ""
    return place + sample + element + (first.node.map { ", first deviating layer '\($0)'" } ?? "")
  }
}

extension HLSResult {
  fileprivate var firstDifference: String {
    guard let first else { return "" }
    let place = "; first in sample \(first.sample): \(first.port)[\(first.element)]"
    let tensor = first.tensor.map { ", first deviating layer '\($0)'" } ?? ""
    return place + " is \(first.got) instead of \(first.expected)" + tensor
  }
}
