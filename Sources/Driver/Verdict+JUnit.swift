import Diagnostics
import Foundation

extension Verdict {
  /// Writes the verdict as JUnit XML: a test case each for RTL and HLS C++.
  ///
  /// - Throws: E201 where the file cannot be written.
  public func writeJUnit(to path: String, build: String) throws(CompilationFailed) {
    do {
      try Data(junit(build: build).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw CompilationFailed(
        "E201", "cannot write '\(path)': \(error.localizedDescription)", at: .option("--junit"))
    }
  }

  func junit(build: String) -> String {
    let cases = [("RTL", rtl != nil), ("HLS", hls != nil)].filter(\.1).map {
      name, _ -> (String, [Diagnostic]) in
      (name, problems.filter { $0.message.hasPrefix(name) })
    }
    let failures = cases.filter { !$0.1.isEmpty }.count
    let body = cases.map { name, problems in
      let failure = problems.map { "<failure message=\"\(escaped($0.message))\"/>" }.joined()
      return
        "  <testcase classname=\"\(escaped(build))\" name=\"\(name) equals the reference simulator\">\(failure)</testcase>"
    }
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuite name="fpgaml verify" tests="\(cases.count)" failures="\(failures)">
      \(body.joined(separator: "\n"))
      </testsuite>

      """
  }

  private func escaped(_ text: String) -> String {
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")].reduce(text) {
      $0.replacingOccurrences(of: $1.0, with: $1.1)
    }
  }
}
