import Diagnostics
import Foundation

/// How much a figure of a build may grow before `diff` calls it a regression: `lut=2%`, `ff=100`.
public struct Tolerance: Hashable, Sendable {
  public enum Amount: Hashable, Sendable { case share(Double), absolute(Double) }

  /// `latency`, `interval`, or a resource as report.json names it.
  public var figure: String
  public var amount: Amount

  static let figures = [
    "latency", "interval", "lut", "lut_ram", "srl", "ff", "carry_bits", "dsp", "bram18", "uram",
  ]

  /// - Throws: C116 for anything but FIGURE=NUMBER or FIGURE=NUMBER%.
  public init(parsing text: String) throws(CompilationFailed) {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    let isShare = text.hasSuffix("%")
    guard parts.count == 2, Tolerance.figures.contains(String(parts[0])),
      let number = Double(isShare ? parts[1].dropLast() : parts[1]), number.isFinite, number >= 0
    else {
      throw CompilationFailed(
        "C116", "'\(text)' is not a tolerance", at: .option("--tolerance"),
        notes: [
          "write lut=2% or ff=100; the figures are \(Tolerance.figures.joined(separator: ", "))"
        ])
    }
    figure = String(parts[0])
    amount = isShare ? .share(number / 100) : .absolute(number)
  }

  /// Whether growth from one value to the other is within the tolerance.
  func allows(_ old: Double, _ new: Double) -> Bool {
    switch amount {
    case .share(let share): new <= old * (1 + share)
    case .absolute(let number): new <= old + number
    }
  }
}
