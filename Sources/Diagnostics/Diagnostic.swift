/// One finding about the user's input, or about a budget, a tool or a result: what is wrong, where, and what to do.
///
/// The message is one lower-case sentence without a full stop that stands on its own; notes say what to do.
public struct Diagnostic: Hashable, Sendable {
  public enum Severity: String, Sendable { case error, warning, notice }

  public var severity: Severity
  public var code: DiagnosticCode
  public var message: String
  public var location: Location?
  public var notes: [String]

  public init(
    _ severity: Severity = .error, _ code: DiagnosticCode, _ message: String, at location: Location? = nil,
    notes: [String] = []
  ) {
    self.severity = severity
    self.code = code
    self.message = message
    self.location = location
    self.notes = notes
  }
}

/// A stable identifier such as `I014`: a phase letter (I import, T types, P plan, E emit, V verify, C command line,
/// X ours) and three digits. `docs/diagnostics.md` explains each; codes are never reused.
public struct DiagnosticCode: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  public let description: String

  public init(stringLiteral value: String) { description = value }
}

/// Where in the user's input a diagnostic applies.
public enum Location: Hashable, Sendable, CustomStringConvertible {
  /// A file as a whole.
  case file(String)
  /// An object inside a structured file: an HDF5 path, a JSON path such as `layers[3].config.units`.
  case object(file: String, path: String)
  /// A place in a text; line and column start at 1.
  case text(file: String, line: Int, column: Int)
  /// A byte offset in a binary file.
  case byte(file: String, offset: Int)
  /// A layer of the model, by its name in the model.
  case layer(String)
  /// A command-line option, such as `--latency`.
  case option(String)

  public var description: String {
    switch self {
    case .file(let file): file
    case .object(let file, let path): "\(file): \(path)"
    case .text(let file, let line, let column): "\(file):\(line):\(column)"
    case .byte(let file, let offset): "\(file): byte \(offset)"
    case .layer(let name): "layer '\(name)'"
    case .option(let name): name
    }
  }
}

extension Diagnostic: CustomStringConvertible {
  /// The diagnostic as printed on a terminal, notes indented below it.
  public var description: String {
    let place = location.map { "\($0): " } ?? ""
    let lines = ["\(place)\(severity.rawValue): \(message) [\(code)]"] + notes.map { "  note: \($0)" }
    return lines.joined(separator: "\n")
  }
}
