import Diagnostics
import Foundation

/// Test cases in the XML form that CI systems read.
public struct JUnitSuite: Hashable, Sendable {
  public struct Case: Hashable, Sendable {
    public var className: String
    public var name: String
    public var failures: [String]
  }

  public var name: String
  public var cases: [Case]

  public var text: String {
    let body = cases.map { test in
      let failures = test.failures.map { "<failure message=\"\(JUnitSuite.escaped($0))\"/>" }.joined()
      return "  <testcase classname=\"\(JUnitSuite.escaped(test.className))\" "
        + "name=\"\(JUnitSuite.escaped(test.name))\">\(failures)</testcase>"
    }
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuite name="\(JUnitSuite.escaped(name))" tests="\(cases.count)" \
      failures="\(cases.filter { !$0.failures.isEmpty }.count)">
      \(body.joined(separator: "\n"))
      </testsuite>

      """
  }

  private static func escaped(_ text: String) -> String {
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")].reduce(text) {
      $0.replacingOccurrences(of: $1.0, with: $1.1)
    }
  }
}

/// Files that the user asked for beside a result.
public enum TextFile {
  /// - Throws: E201 where the file cannot be written.
  public static func write(_ text: String, to path: String, option: String) throws(CompilationFailed) {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw CompilationFailed(
        "E201", "cannot write '\(path)': \(error.localizedDescription)", at: .option(option))
    }
  }
}
