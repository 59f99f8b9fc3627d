import Diagnostics
import Driver
import Foundation

/// Where text goes: results to standard output, diagnostics and progress to standard error.
struct Console {
  var isJSON: Bool
  var isQuiet: Bool
  var isColored: Bool

  /// A result in both of its forms; only one is printed.
  func result(_ text: @autoclosure () -> String, json: @autoclosure () -> JSONOutput) {
    if isJSON {
      Console.write(json().text() + "\n", to: .standardOutput)
    } else if !isQuiet {
      Console.write(text() + "\n", to: .standardOutput)
    }
  }

  /// Text that was asked for by name, quiet or not.
  static func print(_ text: String) { write(text + "\n", to: .standardOutput) }

  /// What a run is doing, a line for each stage: for a person at a terminal, never in a log.
  var progress: StageProgress {
    let isWanted = !isQuiet && isatty(STDERR_FILENO) != 0 && ProcessInfo.processInfo.environment["CI"] == nil
    if !isWanted { return .silent }
    let (dim, normal) = isColored ? ("\u{1B}[2m", "\u{1B}[0m") : ("", "")
    return StageProgress { Console.write("\(dim)... \($0)\(normal)\n", to: .standardError) }
  }

  /// The verdict's line and its problems.
  func verdict(_ verdict: Verdict) {
    report(verdict.notices + verdict.problems)
    guard !isJSON && !isQuiet else { return }
    let colored = isColored && isatty(STDOUT_FILENO) != 0
    let color = verdict.passed ? "\u{1B}[32m" : "\u{1B}[31m"
    Console.print(colored ? color + verdict.summary + "\u{1B}[0m" : verdict.summary)
  }

  func report(_ diagnostics: [Diagnostic]) {
    if isQuiet { return }
    let colored = isColored && isatty(STDERR_FILENO) != 0
    for diagnostic in diagnostics {
      Console.write(Console.text(diagnostic, colored) + "\n", to: .standardError)
    }
  }

  /// The errors that ended the run.
  static func report(_ failure: CompilationFailed) {
    let arguments = CommandLine.arguments
    let colored = isatty(STDERR_FILENO) != 0 && !arguments.contains("--no-color")
    for diagnostic in failure.diagnostics
    where diagnostic.severity == .error || !arguments.contains("--quiet") {
      write(text(diagnostic, colored) + "\n", to: .standardError)
    }
  }

  private static func text(_ diagnostic: Diagnostic, _ colored: Bool) -> String {
    guard colored else { return diagnostic.description }
    let color =
      switch diagnostic.severity {
      case .error: "\u{1B}[31m"
      case .warning: "\u{1B}[33m"
      case .notice: "\u{1B}[36m"
      }
    let word = diagnostic.severity.rawValue
    return diagnostic.description.replacingOccurrences(of: "\(word):", with: "\(color)\(word):\u{1B}[0m")
  }

  private static func write(_ text: String, to handle: FileHandle) { handle.write(Data(text.utf8)) }
}

extension ExitStatus: Error {}
