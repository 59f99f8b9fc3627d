import Diagnostics
import Proofs

extension Verdict {
  /// The verdict as a test case each for RTL and HLS C++, and one for each node that is proved or not.
  public func junit(build: String) -> JUnitSuite {
    let cases = [("RTL", rtl != nil), ("HLS", hls != nil)].filter(\.1).map { name, _ in
      JUnitSuite.Case(
        className: build, name: "\(name) equals the reference simulator",
        failures: problems.filter { $0.message.hasPrefix(name) })
    }
    return JUnitSuite(name: "fpgaml verify", cases: cases + proofCases(build: build))
  }

  private func proofCases(build: String) -> [JUnitSuite.Case] {
    guard let proof else {
      return unproved.filter { $0.code != "V030" }.map {
        JUnitSuite.Case(className: "\(build).proof", name: "Verilog", failures: [$0])
      }
    }
    let timing = zip(proof.failures, proof.problems).filter { $0.0.kind == .timing }.map(\.1)
    let registers = JUnitSuite.Case(
      className: "\(build).proof", name: "registers and valid chain are proved", failures: timing)
    return [registers]
      + proof.nodes.map { node in
        var failures = zip(proof.failures, proof.problems).filter { $0.0.node == node.name }.map(\.1)
        if node.verdict == .failed && failures.isEmpty {
          failures = [Diagnostic(.error, "V032", "'\(node.name)' depends on what is wrong before it")]
        }
        return JUnitSuite.Case(
          className: "\(build).proof", name: "\(node.name) is \(node.verdict.word)", failures: failures)
      }
  }
}
