import Diagnostics

/// `report`: what report.json of a build says.
public struct BuildReport: Sendable {
  /// The document as it is.
  public let json: JSONOutput

  public init(_ folder: BuildFolder) throws(CompilationFailed) { json = try folder.report().document }

  /// The report for the terminal, from the document alone.
  public var text: String {
    var table = TextTable(["layer", "computes", "type", "stages", "LUT", "FF", "DSP"])
    for layer in json["layers"]?.elements ?? [] {
      let first = layer["first_stage"]?.plain ?? ""
      let last = layer["last_stage"]?.plain ?? ""
      table.add([
        layer["name"]?.plain ?? "", layer["kind"]?.plain ?? "", layer["type"]?["max"]?.plain ?? "",
        first == last ? first : "\(first)-\(last)", layer["lut"]?.plain ?? "", layer["ff"]?.plain ?? "",
        layer["dsp"]?.plain ?? "",
      ])
    }
    func value(_ path: String...) -> String { path.reduce(json) { $0?[$1] }?.plain ?? "unknown" }
    let cycles = value("latency", "cycles")
    let lines = [
      "\(value("model", "name")) on \(value("target", "part")) at \(value("target", "clock_mhz")) MHz",
      table.text,
      "latency   \(cycles) \(cycles == "1" ? "cycle" : "cycles") = \(value("latency", "ns")) ns",
      "interval  \(value("interval", "cycles")) cycle = \(value("interval", "ns")) ns",
      "estimate  LUT \(value("resources", "estimate", "lut")), FF \(value("resources", "estimate", "ff")), "
        + "DSP \(value("resources", "estimate", "dsp")), BRAM18 \(value("resources", "estimate", "bram18")); "
        + value("resources", "flow"),
      "verified  \(value("verification", "verdict")), \(value("verification", "samples")) samples",
    ]
    return lines.joined(separator: "\n")
  }
}

extension JSONOutput {
  /// The member of an object.
  subscript(key: String) -> JSONOutput? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// The elements of an array.
  var elements: [JSONOutput] { if case .array(let values) = self { values } else { [] } }

  /// A scalar without quotes; null is empty.
  var plain: String {
    switch self {
    case .string(let value): value
    case .null: ""
    default: text()
    }
  }
}
