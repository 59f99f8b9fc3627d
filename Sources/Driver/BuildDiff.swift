import Diagnostics
import Graph

/// `diff`: what changed from one build to another, and which of it is a regression.
public struct BuildDiff: Sendable {
  /// What is compared; each is a test case of the JUnit file.
  enum Aspect: String, CaseIterable, Sendable { case outputs, types, latency, interval, resources }

  /// Something that changed. Regressions are errors, the rest notices.
  struct Finding: Hashable, Sendable {
    var aspect: Aspect
    var diagnostic: Diagnostic
    var isRegression: Bool { diagnostic.severity == .error }
  }

  /// A figure of both reports.
  struct Figure: Hashable, Sendable {
    var name: String
    var old: Double
    var new: Double
    var isRegression: Bool
  }

  var findings: [Finding] = []
  var figures: [Figure] = []
  var outputs: OutputComparison?

  public var hasRegression: Bool { findings.contains(where: \.isRegression) }
  public var isEqual: Bool { findings.isEmpty }
  /// The regressions, then what else changed.
  public var diagnostics: [Diagnostic] {
    (findings.filter(\.isRegression) + findings.filter { !$0.isRegression }).map(\.diagnostic)
  }
}

/// Which builds are compared, and how strictly.
public struct DiffRequest: Sendable {
  public var old: BuildFolder
  public var new: BuildFolder
  public var tolerances: [Tolerance]
  /// Random samples, beside the corner cases.
  public var samples: Int
  public var seed: UInt64

  public init(old: BuildFolder, new: BuildFolder, tolerances: [Tolerance], samples: Int, seed: UInt64) {
    self.old = old
    self.new = new
    self.tolerances = tolerances
    self.samples = samples
    self.seed = seed
  }

  /// - Throws: C010, C011 and C012 for what is not a build.
  public func run() throws(CompilationFailed) -> BuildDiff {
    let (oldGraph, newGraph) = (try old.graph(), try new.graph())
    let (oldReport, newReport) = (try old.report().document, try new.report().document)
    var diff = BuildDiff()
    if oldGraph.portShapes == newGraph.portShapes {
      let outputs = try OutputComparison(oldGraph, newGraph, samples: samples, seed: seed)
      diff.add(outputs)
    } else {
      diff.add(.outputs, "C115", "the shapes of inputs and outputs changed", isRegression: true)
    }
    diff.addTypes(oldGraph, newGraph)
    for unit in ["cycles", "ns"] {
      diff.addFigure(.latency, "C112", "latency", ["latency", unit], unit, oldReport, newReport, tolerances)
      diff.addFigure(
        .interval, "C113", "interval", ["interval", unit], unit, oldReport, newReport, tolerances)
    }
    for flow in ["estimate", "yosys", "vivado"] {
      for name in Tolerance.figures.dropFirst(2) {
        diff.addFigure(
          .resources, "C114", name, ["resources", flow, name], flow, oldReport, newReport, tolerances)
      }
    }
    return diff
  }
}

extension Graph {
  /// The shapes of all that enters, then of all that leaves.
  fileprivate var portShapes: [[[Int]]] {
    [inputs.map { self[$0].shape }, outputs.map { self[$0.node].shape }]
  }
}

extension BuildDiff {
  fileprivate mutating func add(
    _ aspect: Aspect, _ code: DiagnosticCode, _ message: String, isRegression: Bool, notes: [String] = []
  ) {
    let severity = isRegression ? Diagnostic.Severity.error : .notice
    findings.append(
      Finding(aspect: aspect, diagnostic: Diagnostic(severity, code, message, notes: notes)))
  }

  fileprivate mutating func add(_ comparison: OutputComparison) {
    outputs = comparison
    let place = comparison.firstChanged.map { "; the first layer whose bits changed is '\($0)'" } ?? ""
    if comparison.differing > 0 {
      add(
        .outputs, "C110",
        "outputs changed in \(comparison.differing) of \(comparison.samples) samples, "
          + "by up to \(comparison.maximumDifference)\(place)", isRegression: true)
    } else if !place.isEmpty {
      add(
        .outputs, "C110", "outputs are the same in \(comparison.samples) samples\(place)",
        isRegression: false)
    }
  }

  /// Compares the types of layers of one name.
  fileprivate mutating func addTypes(_ old: Graph, _ new: Graph) {
    var known: [String: Node] = [:]
    for node in old.nodes { known[node.name] = node }
    for node in new.nodes {
      guard let before = known.removeValue(forKey: node.name) else {
        add(.types, "C111", "'\(node.name)' is new", isRegression: false)
        continue
      }
      guard let s = before.type, let t = node.type else { continue }
      let types = (s.formats.map(\.type), t.formats.map(\.type))
      if types.0 == types.1 && s.scales == t.scales { continue }
      let isWider =
        s.count != t.count || (0..<t.count).contains { types.1[$0].width > types.0[$0].width }
      add(
        .types, "C111", "'\(node.name)' is \(t.union) instead of \(s.union)\(isWider ? ", wider" : "")",
        isRegression: isWider)
    }
    for node in old.nodes where known[node.name] != nil {
      add(.types, "C111", "'\(node.name)' is gone", isRegression: false)
    }
  }

  /// Compares a number of both reports, where both have it.
  fileprivate mutating func addFigure(
    _ aspect: Aspect, _ code: DiagnosticCode, _ name: String, _ path: [String], _ unit: String,
    _ old: JSONOutput, _ new: JSONOutput, _ tolerances: [Tolerance]
  ) {
    guard let from = path.reduce(Optional(old), { $0?[$1] })?.number,
      let to = path.reduce(Optional(new), { $0?[$1] })?.number
    else { return }
    let isWithin = to <= from || tolerances.contains { $0.figure == name && $0.allows(from, to) }
    let label = "\(name) (\(unit))"
    figures.append(Figure(name: label, old: from, new: to, isRegression: !isWithin))
    if from == to { return }
    let change = Figure.change(from, to)
    add(
      aspect, code,
      "\(label) is \(Figure.text(to)) instead of \(Figure.text(from)), \(change)", isRegression: !isWithin)
  }
}

extension BuildDiff.Figure {
  /// A number without a needless fraction.
  static func text(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
  }

  /// The growth in percent, or the difference from zero.
  static func change(_ old: Double, _ new: Double) -> String {
    if old == new { return "same" }
    let sign = new > old ? "+" : "-"
    if old == 0 { return sign + text(abs(new)) }
    let percent = (abs(new - old) / old * 1000).rounded() / 10
    return percent == 0 ? "\(sign)<0.1 %" : "\(sign)\(text(percent)) %"
  }
}

extension JSONOutput {
  /// The value of a number.
  var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
