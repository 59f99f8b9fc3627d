/// The end of a phase that could not do its work: all that was found, and how the process exits.
public struct CompilationFailed: Error, Sendable, CustomStringConvertible {
  public var diagnostics: [Diagnostic]
  public var status: ExitStatus

  public init(_ diagnostics: [Diagnostic], status: ExitStatus = .badInput) {
    self.diagnostics = diagnostics
    self.status = status
  }

  /// A failure with a single error.
  public init(
    _ code: DiagnosticCode, _ message: String, at location: Location? = nil, notes: [String] = [],
    status: ExitStatus = .badInput
  ) {
    self.init([Diagnostic(.error, code, message, at: location, notes: notes)], status: status)
  }

  /// The same, with a place for what has none yet.
  public func located(at location: Location) -> CompilationFailed {
    var copy = self
    for i in copy.diagnostics.indices where copy.diagnostics[i].location == nil {
      copy.diagnostics[i].location = location
    }
    return copy
  }

  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}

/// Exit codes of the command line (INTERFACES: "Exit codes").
public enum ExitStatus: Int32, Sendable {
  case done = 0
  case mismatch = 1
  case badInput = 2
  case infeasible = 3
  case missingTool = 4
  case internalError = 70
}

/// Collects the diagnostics of one phase, so that all errors of a model are listed at once.
public struct DiagnosticSink: Sendable {
  public private(set) var diagnostics: [Diagnostic] = []

  public init() {}

  public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

  public mutating func report(_ diagnostic: Diagnostic) { diagnostics.append(diagnostic) }

  public mutating func error(
    _ code: DiagnosticCode, _ message: String, at location: Location? = nil, notes: [String] = []
  ) {
    report(Diagnostic(.error, code, message, at: location, notes: notes))
  }

  public mutating func warning(
    _ code: DiagnosticCode, _ message: String, at location: Location? = nil, notes: [String] = []
  ) {
    report(Diagnostic(.warning, code, message, at: location, notes: notes))
  }

  public mutating func notice(
    _ code: DiagnosticCode, _ message: String, at location: Location? = nil, notes: [String] = []
  ) {
    report(Diagnostic(.notice, code, message, at: location, notes: notes))
  }

  /// Ends a phase: throws everything that was collected if any of it is an error.
  public func throwIfErrors(status: ExitStatus = .badInput) throws(CompilationFailed) {
    if hasErrors { throw CompilationFailed(diagnostics, status: status) }
  }
}
