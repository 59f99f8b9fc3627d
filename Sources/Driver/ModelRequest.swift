import Diagnostics
import FixedPoint
import Foundation
import Graph
import Precision
import Readers
import Verification

/// Which model, and what its types follow from: what `compile`, `inspect`, `predict` and `estimate` have in common.
public struct ModelRequest: Sendable {
  public var path: String
  /// `--weights`: where the weights of a `model.json` lie.
  public var weights: String?
  /// `--precision`.
  public var precision: FixedType?
  /// `--config`: an hls4ml configuration.
  public var configuration: String?
  /// `--inputs`: samples, from which types are calibrated where nothing else decides them.
  public var inputs: String?
  /// `--target`: how close to the float model the cheapest types must come on these samples.
  public var target: TargetSelection?
  /// `--output`; nil: the model's own outputs, of forests the scores.
  public var output: OutputSelection?

  public init(
    path: String, weights: String? = nil, precision: FixedType? = nil, configuration: String? = nil,
    inputs: String? = nil, target: TargetSelection? = nil, output: OutputSelection? = nil
  ) {
    self.path = path
    self.weights = weights
    self.precision = precision
    self.configuration = configuration
    self.inputs = inputs
    self.target = target
    self.output = output
  }
}

/// Which accuracy types are searched for.
public enum TargetSelection: Hashable, Sendable {
  /// What is asked of a model of this kind where nothing is said.
  case automatic
  case target(AccuracyTarget)

  /// Reads `auto` or a target.
  ///
  /// - Throws: C130 for anything else.
  public init(parsing text: String) throws(CompilationFailed) {
    self = text == "auto" ? .automatic : .target(try AccuracyTarget(parsing: text))
  }

  func target(for graph: Graph) -> AccuracyTarget {
    switch self {
    case .automatic: .standard(for: graph)
    case .target(let target): target
    }
  }
}

/// A model as read and typed.
public struct TypedModel: Sendable {
  /// As the framework means it, ending where `--output` says.
  public var source: Graph
  /// On integers.
  public var graph: Graph
  /// Of the model file; nil for a graph.json.
  public var sha256: String?
  /// The numbers that training found.
  public var parameters: Int
  /// The samples of `--inputs`.
  public var samples: InputSamples?
  /// What decided the types.
  public var policy: TypePolicy
  /// How a search for types ended, where `--target` asked for one.
  public var search: SearchReport?
  public var notices: [Diagnostic]
}

extension ModelRequest {
  /// Reads and types the model.
  public func load() throws(CompilationFailed) -> TypedModel {
    let model = try read()
    if model.graph.isTyped { return try loadTyped(model.graph) }
    let source = try selected(model.graph)
    var notices = notices(of: model)
    var policy = TypePolicy(precision: precision)
    policy.isFullyQuantized = model.isFullyQuantized
    if let configuration {
      let read = try Configuration.read(yaml: InputFile.text(at: configuration), file: configuration)
      policy.configuration = read.configuration
      notices += read.notices
    }
    var samples: InputSamples?
    if let inputs {
      let read = try InputSamples.read(inputs, for: source)
      policy.calibration = Calibration(source, samples: read.values)
      samples = read
    }
    var search: SearchReport?
    if let target {
      guard let samples, samples.count > 0 else { throw missingSamples }
      let found = try TypeSearch(source: source, target: target.target(for: source), samples: samples)
        .run(policy)
      policy = found.policy
      search = found.report
      notices += found.report.notices
    }
    let typed = try Typer.type(source, policy)
    return TypedModel(
      source: source, graph: typed.graph, sha256: try sha256(of: path), parameters: source.parameterCount,
      samples: samples, policy: policy, search: search, notices: notices + typed.notices)
  }

  /// Reads the model without typing it: as the framework means it, ending where `--output` says.
  ///
  /// - Throws: C024 for a graph.json.
  public func loadSource() throws(CompilationFailed) -> (graph: Graph, notices: [Diagnostic]) {
    let model = try read()
    if model.graph.isTyped {
      throw CompilationFailed(
        "C024", "a graph.json holds integers only", at: .option("--float"),
        notes: ["name the model file instead"])
    }
    return (try selected(model.graph), notices(of: model))
  }

  private func read() throws(CompilationFailed) -> ReadModel {
    if BuildFolder(path).exists {
      throw CompilationFailed(
        "I002", "'\(path)' is a folder, not a model", at: .file(path),
        notes: ["of a build, name its graph.json, or the model that it was made from"])
    }
    return try ModelReader.read(path, weights: weights)
  }

  private func notices(of model: ReadModel) -> [Diagnostic] {
    model.notices + (output == nil ? forestNotices(model.graph) : [])
  }

  private var missingSamples: CompilationFailed {
    CompilationFailed(
      "C131", "an accuracy target needs samples to measure with", at: .option("--target"),
      notes: ["give a file of samples by --inputs"])
  }

  /// The graph up to what leaves the chip.
  ///
  /// - Throws: C102 where a class is asked for and an output has one number that is no probability.
  private func selected(_ graph: Graph) throws(CompilationFailed) -> Graph {
    if output == .argmax, let single = graph.outputsWithoutClasses.first {
      throw CompilationFailed(
        "C102", "output '\(single.name)' is one number, from which no class can be chosen",
        at: .option("--output"), notes: ["leave out --output argmax"])
    }
    return graph.selecting(output)
  }

  /// What a forest gives where nothing else is asked for.
  private func forestNotices(_ graph: Graph) -> [Diagnostic] {
    graph.outputsOfForests.map { output in
      Diagnostic(
        .notice, "T501", "output '\(output.name)' is the forest's score, before its last function",
        notes: ["that is what cuts need; --output model gives the probability, --output argmax the class"])
    }
  }

  /// A graph.json has its types; only samples can come on top.
  private func loadTyped(_ graph: Graph) throws(CompilationFailed) -> TypedModel {
    try requireNoTyping()
    let read = try inputs.map { file throws(CompilationFailed) in try InputSamples.read(file, for: graph) }
    return TypedModel(
      source: graph, graph: graph, parameters: graph.parameterCount, samples: read, policy: TypePolicy(),
      notices: [])
  }

  /// - Throws: C100 for an option that would change the types of a graph.json or of a build.
  func requireNoTyping() throws(CompilationFailed) {
    let options = [
      ("--precision", precision != nil), ("--config", configuration != nil), ("--output", output != nil),
      ("--target", target != nil), ("--weights", weights != nil),
    ]
    for (option, isGiven) in options where isGiven {
      throw CompilationFailed(
        "C100", "the types of '\(path)' are fixed", at: .option(option),
        notes: ["leave the option out, or name the model that the graph was made from"])
    }
  }

  private func sha256(of path: String) throws(CompilationFailed) -> String? {
    guard let sum = Tool.find("sha256sum") else { return nil }
    let folder = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
    let result = try Tool.run(sum, [URL(fileURLWithPath: path).path], in: folder, timeLimit: 60)
    return result.standardOutput.split(separator: " ").first.map(String.init)
  }
}

extension Graph {
  /// The numbers in weights and constants; of forests, splits and leaves.
  var parameterCount: Int {
    nodes.reduce(0) { sum, node in
      switch node.primitive {
      case .linear(let linear): sum + linear.weights.count + (linear.bias?.count ?? 0)
      // Initial states of zeros were not trained.
      case .constant(let weights): sum + (weights.values.allSatisfy { $0 == 0 } ? 0 : weights.count)
      case .forest(let forest): sum + forest.splitCount + forest.leafCount
      case .scan(let scan): sum + scan.body.parameterCount
      default: sum
      }
    }
  }
}

extension TypedModel {
  /// The effective types as a configuration (`config`).
  ///
  /// - Throws: C100 for a graph.json, whose types nothing can change.
  public func configurationText(_ granularity: ConfigurationGranularity) throws(CompilationFailed) -> String {
    if source.isTyped {
      throw CompilationFailed(
        "C100", "the types of '\(source.name)' are fixed",
        notes: ["name the model that the graph was made from"])
    }
    return ConfigurationWriter(source, policy).text(granularity)
  }
}
