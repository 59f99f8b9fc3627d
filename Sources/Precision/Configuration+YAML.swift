import Diagnostics
import FixedPoint
import Graph
import Yams

extension Configuration {
  /// Reads an hls4ml configuration: a project file (`HLSConfig`), a file that holds one under `hls_config`, or the block
  /// itself.
  ///
  /// - Returns: the configuration, and a notice that names the keys without effect.
  /// - Throws: T030 for text that is not YAML, T031 for an entry that cannot be understood; all of them at once.
  public static func read(
    yaml text: String, file: String
  ) throws(CompilationFailed) -> (configuration: Configuration, notices: [Diagnostic]) {
    let root: Yams.Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      throw CompilationFailed("T030", "not YAML: \(error)", at: .file(file))
    }
    guard let mapping = root?.mapping else {
      throw CompilationFailed(
        "T031", "a configuration is a mapping with 'HLSConfig' or 'Model'", at: .file(file))
    }
    var reader = ConfigurationReader(file: file)
    reader.readProject(mapping)
    try reader.sink.throwIfErrors()
    return (reader.configuration, reader.notices)
  }
}

/// Walks the YAML tree, collecting errors and keys without effect.
private struct ConfigurationReader {
  let file: String
  var configuration = Configuration()
  var sink = DiagnosticSink()
  var ignored: [String] = []
  /// Entries of `LayerType`, which name hls4ml's classes unless fpgaml wrote the configuration.
  private var unknownTypes: [(key: String, name: String)] = []

  /// Keys of a project file that say where things lie and who made them: fpgaml takes these from the command line.
  private static let projectKeys: Set<String> = [
    "OutputDir", "ProjectName", "KerasModel", "KerasH5", "KerasJson", "OnnxModel", "PytorchModel",
    "InputData",
    "OutputPredictions", "Backend", "backend", "Version", "granularity", "model", "Stamp",
  ]

  init(file: String) { self.file = file }

  var notices: [Diagnostic] {
    if ignored.isEmpty { return sink.diagnostics }
    return sink.diagnostics + [
      Diagnostic(
        .notice, "T032", "keys of the configuration without effect: \(ignored.joined(separator: ", "))",
        at: .file(file))
    ]
  }

  mutating func readProject(_ mapping: Yams.Node.Mapping) {
    var found = false
    for (key, value) in mapping {
      switch key.string ?? "" {
      case "HLSConfig", "hls_config":
        found = true
        if let block = value.mapping { readBlock(block, "\(key.string ?? "").") }
      case "Model", "LayerType", "LayerName": found = true
      case "ClockPeriod", "clock_period": configuration.clockPeriod = value.scalar?.string
      case "Part", "XilinxPart", "part": configuration.part = value.scalar?.string
      case let name where ConfigurationReader.projectKeys.contains(name): break
      case let name: ignored.append(name)
      }
    }
    if mapping["Model"] != nil || mapping["LayerName"] != nil || mapping["LayerType"] != nil {
      ignored = []
      readBlock(mapping, "")
    }
    if configuration.model.implementation != "fpgaml" {
      for (key, name) in unknownTypes where !Node.hls4mlClasses.contains(name.lowercased()) {
        ignored.append(String(key.dropLast()))
      }
    }
    if !found { report(mapping, "it has neither 'HLSConfig' nor 'Model', 'LayerType' or 'LayerName'") }
  }

  private mutating func readBlock(_ mapping: Yams.Node.Mapping, _ path: String) {
    for (key, value) in mapping {
      let name = key.string ?? ""
      switch name {
      case "Model":
        if let scope = value.mapping { configuration.model = readScope(scope, path + "Model.") }
      case "LayerType", "LayerName":
        for (layer, entry) in value.mapping ?? [:] {
          let layerName = layer.string ?? ""
          let place = "\(path)\(name).\(layerName)."
          let scope = entry.mapping.map { readScope($0, place) } ?? readPrecision(entry, place)
          if name == "LayerType" {
            unknownTypes.append((key: place, name: layerName))
            configuration.layerTypes[layerName.lowercased()] = scope
          } else {
            configuration.layerNames[layerName.lowercased()] = scope
          }
        }
      case "ClockPeriod", "Part", "XilinxPart": break
      default: if !ConfigurationReader.projectKeys.contains(name) { ignored.append(path + name) }
      }
    }
  }

  private mutating func readScope(_ mapping: Yams.Node.Mapping, _ path: String) -> Configuration.Scope {
    var scope = Configuration.Scope()
    for (key, value) in mapping {
      let name = key.string ?? ""
      switch name {
      case "Precision":
        let precision = readPrecision(value, path)
        (scope.types, scope.channelTypes) = (precision.types, precision.channelTypes)
        // hls4ml's activations keep their own table type whatever this says.
        if scope.types["table"] != nil, scope.types["table"] != FixedType(width: 18, integerBits: 8) {
          ignored.append("\(path)Precision.table")
        }
      case "TableSize":
        guard let size = value.int, size > 0, size <= 1 << 16 else {
          report(value, "'\(path)TableSize' is not a number of entries up to 65536")
          continue
        }
        scope.tableSize = size
      case "Implementation", "softmax_implementation": scope.implementation = value.string?.lowercased()
      // What fpgaml does anyway: everything is parallel, at an interval of one cycle.
      case "ReuseFactor" where value.int == 1: break
      case "Trace", "TraceOutput": break
      default: ignored.append(path + name)
      }
    }
    return scope
  }

  /// `Precision`: one type for every tensor, or a type for each.
  private mutating func readPrecision(_ node: Yams.Node, _ path: String) -> Configuration.Scope {
    var scope = Configuration.Scope()
    if let mapping = node.mapping {
      for (key, value) in mapping {
        guard let tensor = key.string else { continue }
        let place = "\(path)Precision.\(tensor)"
        if let list = value.sequence {
          let types = list.compactMap { readType($0, place) ?? nil }
          let span = (types.map(\.integerBits).max() ?? 0) - (types.map(\.exponent).min() ?? 0)
          if types.count != list.count || types.isEmpty || span > 60 || !path.contains("LayerName.") {
            report(
              value, "'\(place)' is not a list of types within 60 bits, one for each channel of a named layer"
            )
            continue
          }
          scope.types[tensor.lowercased()] = .some(FixedType.covering(types))
          scope.channelTypes[tensor.lowercased()] = types
        } else if let type = readType(value, place) {
          scope.types[tensor.lowercased()] = .some(type)
        }
      }
    } else if let type = readType(node, "\(path)Precision") {
      scope.types["default"] = .some(type)
    }
    return scope
  }

  /// A type; `.some(nil)` for `auto`, nil after an error.
  private mutating func readType(_ node: Yams.Node, _ path: String) -> FixedType?? {
    guard let text = node.scalar?.string else {
      report(node, "'\(path)' is not a type")
      return nil
    }
    if text.lowercased() == "auto" { return .some(nil) }
    do {
      return .some(try FixedType(parsing: text))
    } catch {
      for diagnostic in error.diagnostics {
        report(node, "'\(path)': \(diagnostic.message)", diagnostic.notes)
      }
      return nil
    }
  }

  private mutating func report(_ node: Yams.Node, _ message: String, _ notes: [String] = []) {
    let mark = node.mark
    sink.error(
      "T031", message, at: mark.map { .text(file: file, line: $0.line, column: $0.column) } ?? .file(file),
      notes: notes)
  }

  private mutating func report(_ mapping: Yams.Node.Mapping, _ message: String) {
    report(Yams.Node.mapping(mapping), message)
  }
}
