import Diagnostics

/// A Verilog source file to be read back.
public struct VerilogFile: Hashable, Sendable {
  /// As messages name it.
  public var path: String
  public var text: String

  public init(path: String, text: String) {
    self.path = path
    self.text = text
  }
}

/// A place in one of the files that are read.
struct VerilogPlace: Hashable, Sendable {
  /// The file's index.
  var file: Int
  /// A byte of its text.
  var offset: Int
}

/// Why Verilog cannot be read, and where.
struct VerilogError: Error {
  var message: String
  var place: VerilogPlace
  /// Whether it was read, and cells in it do not do what they must.
  var isWrong: Bool

  init(_ message: String, at place: VerilogPlace, isWrong: Bool = false) {
    self.message = message
    self.place = place
    self.isWrong = isWrong
  }

  /// The error with line and column: V030 for another form of Verilog, V033 for wrong cells.
  func failure(in files: [VerilogFile]) -> CompilationFailed {
    let place = place.location(in: files)
    if isWrong { return CompilationFailed("V033", message, at: place, status: .mismatch) }
    return CompilationFailed(
      "V030", "the Verilog is not of the form that is proved: \(message)", at: place,
      notes: ["'verify' simulates Verilog of any form"], status: .mismatch)
  }
}

extension VerilogPlace {
  /// The place as line and column, both from 1.
  func location(in files: [VerilogFile]) -> Location {
    let before = files[file].text.utf8.prefix(offset)
    let line = before.reduce(1) { $0 + ($1 == 10 ? 1 : 0) }
    let column = before.reversed().prefix { $0 != 10 }.count + 1
    return .text(file: files[file].path, line: line, column: column)
  }
}
