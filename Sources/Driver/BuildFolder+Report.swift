import Circuit
import Diagnostics
import Foundation
import Readers
import VerilogBackend

/// What of report.json later verbs need.
struct StoredReport {
  var latency: Int
  var verilog: VerilogOptions
  /// The whole document.
  var document: JSONOutput
}

extension BuildFolder {
  /// The build's report.
  ///
  /// - Throws: C010 where there is none, C012 where it is damaged.
  func report() throws(CompilationFailed) -> StoredReport {
    let file = url.appendingPathComponent("report.json").path
    let root = try JSONDocument([UInt8](read("report.json")), file: file).root
    let verilog = try root.require("verilog")
    guard let ports = VerilogOptions.Ports(rawValue: try verilog.requireString("ports")) else {
      throw verilog.failure("C012", "'ports' is neither 'valid' nor 'none'")
    }
    let options = VerilogOptions(
      ports: ports, clockEnable: try verilog.requireBool("clock_enable"),
      primitives: try verilog.requireBool("primitives"))
    return StoredReport(
      latency: try root.require("latency").requireInt("cycles"), verilog: options, document: JSONOutput(root))
  }

  /// Puts a new verdict into report.json.
  func replaceVerification(_ verdict: JSONOutput) throws(CompilationFailed) {
    guard case .object(var members) = try report().document,
      let index = members.firstIndex(where: { $0.key == "verification" })
    else { return }
    members[index].value = verdict
    let file = url.appendingPathComponent("report.json")
    do {
      try Data((JSONOutput.object(members).text() + "\n").utf8).write(to: file, options: .atomic)
    } catch {
      throw CompilationFailed("E201", "cannot write '\(file.path)': \(error.reason)")
    }
  }

  /// The generated code as it lies in the folder now.
  func sources() throws(CompilationFailed) -> [GeneratedFile] {
    var files: [GeneratedFile] = []
    for folder in ["rtl", "hls", "testbench"] {
      let names = try? FileManager.default.contentsOfDirectory(
        atPath: url.appendingPathComponent(folder).path)
      for name in (names ?? []).sorted() {
        let path = "\(folder)/\(name)"
        files.append(GeneratedFile(path: path, contents: String(decoding: try read(path), as: UTF8.self)))
      }
    }
    return files
  }
}

extension JSONOutput {
  /// A value as it was read.
  init(_ value: JSONValue) {
    switch value.kind {
    case .null: self = .null
    case .boolean: self = .bool(value.bool ?? false)
    case .string: self = .string(value.string ?? "")
    case .array: self = .array((value.array.map(Array.init) ?? []).map { JSONOutput($0) })
    case .object:
      self = .object(
        (value.object.map(Array.init) ?? []).map { Member(key: $0.key, value: JSONOutput($0.value)) })
    case .integer: self = .integer(value.int ?? 0)
    case .number: self = .number(value.double ?? 0)
    }
  }
}
