import Diagnostics
import Foundation

/// Test cases in the XML form that CI systems read, as the schema of Jenkins' xUnit plugin has it.
public struct JUnitSuite: Hashable, Sendable {
  public struct Case: Hashable, Sendable {
    public var className: String
    public var name: String
    public var failures: [Diagnostic]
  }

  public var name: String
  public var cases: [Case]

  public var text: String {
    let failing = cases.filter { !$0.failures.isEmpty }.count
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuite name="\(JUnitSuite.escaped(name))" tests="\(cases.count)" failures="\(failing)" \
      errors="0" skipped="0">
      \(cases.map(\.text).joined(separator: "\n"))
      </testsuite>

      """
  }

  fileprivate static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n", "\t": result += "&#\(scalar.value);"
      // XML has no place for other control characters, however they are written.
      case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: result += "?"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension JUnitSuite.Case {
  /// One failure at most, as some readers want it: the first in its attributes, all in its text, which GitLab shows.
  fileprivate var text: String {
    let start =
      "  <testcase classname=\"\(JUnitSuite.escaped(className))\" name=\"\(JUnitSuite.escaped(name))\""
    guard let first = failures.first else { return start + "/>" }
    let lines = failures.map { JUnitSuite.escaped("\($0.message) [\($0.code)]") }
    return """
      \(start)>
          <failure type="\(first.code)" message="\(JUnitSuite.escaped(first.message))">\
      \(lines.joined(separator: "\n"))</failure>
        </testcase>
      """
  }
}

/// Files that the user asked for beside a result.
public enum TextFile {
  /// - Throws: E201 where the file cannot be written.
  public static func write(_ text: String, to path: String, option: String) throws(CompilationFailed) {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw CompilationFailed("E201", "cannot write '\(path)': \(error.reason)", at: .option(option))
    }
  }
}

extension Error {
  /// Why the system refused to read or write, in its own words, which are shorter than Foundation's.
  var reason: String {
    guard let cause = (self as NSError).userInfo[NSUnderlyingErrorKey] as? POSIXError else {
      return localizedDescription
    }
    return String(cString: strerror(cause.code.rawValue)).lowercased()
  }
}
