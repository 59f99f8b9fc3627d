import Diagnostics
import Graph

/// Reads the text that LightGBM's `save_model` writes (versions 2 to 4).
///
/// A child below 0 is the leaf `~child`; tree i adds to score i mod `num_tree_per_iteration`; shrinkage and the initial
/// score are in the leaves already. Comparison and summation are binary64 (`Tree::NumericalDecision`).
struct LightGBMReader {
  private let file: String
  private let lines: [LightGBMFields.Line]
  private var position = 1
  private var header: LightGBMFields

  /// - Throws: I500 for a file that is no LightGBM model, I501 to I503 for what is wrong in one.
  static func read(_ bytes: [UInt8], file: String) throws(CompilationFailed) -> ForestModel {
    var reader = LightGBMReader(bytes, file: file)
    return try reader.model()
  }

  private init(_ bytes: [UInt8], file: String) {
    self.file = file
    // Split by bytes: by characters, it would take longer than all the rest.
    let text = String(decoding: bytes, as: UTF8.self)
    lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
      .map { index, line in
        LightGBMFields.Line(
          number: index + 1, text: Substring(line.last == UInt8(ascii: "\r") ? line.dropLast() : line))
      }
    header = LightGBMFields(file: file, line: 1)
  }

  private mutating func model() throws(CompilationFailed) -> ForestModel {
    guard lines.first?.text == "tree" else {
      throw CompilationFailed(
        "I500", "not a LightGBM model: the first line is not 'tree'",
        at: .text(file: file, line: 1, column: 1))
    }
    header = block()
    let featureCount = try header.integer("max_feature_idx", 0...999_999) + 1
    let scores = try header.integer("num_tree_per_iteration", 1...100_000)
    var trees: [DecisionTree] = []
    while position < lines.count, lines[position].text.hasPrefix("Tree=") {
      position += 1
      trees.append(try tree(block(), score: trees.count % scores, featureCount: featureCount))
    }
    guard position < lines.count else {
      throw CompilationFailed(
        "I502", "the file ends before 'end of trees'", at: .text(file: file, line: lines.count, column: 1),
        notes: ["the file is cut off; save the model again"])
    }
    guard !trees.isEmpty, trees.count % scores == 0 else {
      throw CompilationFailed(
        "I502", "\(trees.count) trees where a multiple of 'num_tree_per_iteration', \(scores), is expected",
        at: .file(file))
    }
    var features = header.words("feature_names")
    if features.count != featureCount { features = (0..<featureCount).map { "Column_\($0)" } }
    let objective = header.words("objective")
    let forest = Forest(
      features: features, outputs: scoreNames(scores), trees: trees, base: Array(repeating: 0, count: scores),
      divisor: header.has("average_output") ? Double(trees.count / scores) : 1,
      arithmetic: .init(features: .binary64, sums: .binary64, startsWithBase: true))
    return ForestModel(
      forest: forest, transform: try transform(objective),
      framework: (["lightgbm"] + header.words("version")).joined(separator: " "),
      kind: objective.first ?? "custom objective")
  }

  /// The `key=value` lines up to the next block.
  private mutating func block() -> LightGBMFields {
    var fields = LightGBMFields(file: file, line: lines[position - 1].number)
    while position < lines.count {
      let line = lines[position]
      if line.text.hasPrefix("Tree=") || line.text == "end of trees" { break }
      fields.add(line)
      position += 1
    }
    return fields
  }

  /// One tree (LightGBM's `Tree::Tree(const char*)`).
  private func tree(_ fields: LightGBMFields, score: Int, featureCount: Int) throws(CompilationFailed)
    -> DecisionTree
  {
    let start = Location.text(file: file, line: fields.line, column: 1)
    if fields.words("is_linear") == ["1"] {
      throw CompilationFailed(
        "I503", "leaves are linear models, which fpgaml does not compile", at: start,
        notes: ["train with linear_tree=false"])
    }
    let leafCount = try fields.integer("num_leaves", 1...10_000_000)
    let leaves = try fields.numbers("leaf_value", count: leafCount)
    let splitCount = leafCount - 1
    let features = try fields.integers("split_feature", count: splitCount)
    let thresholds = try fields.numbers("threshold", count: splitCount)
    let decisions = try fields.integers("decision_type", count: splitCount)
    let lefts = try fields.integers("left_child", count: splitCount)
    let rights = try fields.integers("right_child", count: splitCount)
    if let categorical = decisions.firstIndex(where: { $0 & 1 != 0 }) {
      throw CompilationFailed(
        "I503", "split \(categorical) is categorical, which fpgaml does not compile",
        at: fields.location("decision_type"), notes: ["train on one-hot or ordinal features instead"])
    }
    // Splits are nodes 0..<splitCount, leaf i is node splitCount + i.
    func number(_ child: Int) -> Int { child >= 0 ? (child < splitCount ? child : -1) : splitCount + ~child }
    return try DecisionTree(
      targets: [score], featureCount: featureCount, nodeCount: splitCount + leafCount,
      root: splitCount > 0 ? 0 : splitCount, at: start
    ) { node in
      if node >= splitCount { return .leaf([leaves[node - splitCount]]) }
      let missing = Missing(decision: decisions[node], threshold: thresholds[node])
      return .split(
        .init(
          feature: features[node], .lessOrEqual, thresholds[node], whenTrue: number(lefts[node]),
          whenFalse: number(rights[node]), missingIsTrue: missing.goesLeft,
          missingMagnitude: missing.magnitude))
    }
  }

  /// The missing-value bits of a `decision_type`: bit 1 is "default left", bits 2 and 3 say what is missing.
  private struct Missing {
    var goesLeft: Bool
    var magnitude: Double?

    init(decision: Int, threshold: Double) {
      goesLeft = decision & 2 != 0
      switch decision >> 2 & 3 {
      case 0: goesLeft = 0 <= threshold  // Nothing is; NaN counts as 0.
      case 1:
        // Zeros are (kZeroThreshold). Where they go the default way anyhow, they need no splits of their own.
        let zero = Double(Float(1e-35))
        if goesLeft ? threshold < zero : threshold >= -zero { magnitude = zero }
      default: break  // NaN is.
      }
    }
  }

  private func transform(_ objective: [String]) throws(CompilationFailed) -> ScoreTransform {
    var slope = 1.0
    if let option = objective.first(where: { $0.hasPrefix("sigmoid:") }) {
      guard let value = Double(option.dropFirst(8)), value.isFinite, value > 0 else {
        throw CompilationFailed(
          "I502", "'sigmoid' is not a positive number", at: header.location("objective"))
      }
      slope = value
    }
    if objective.contains("sqrt") { return .unsupported(objective.joined(separator: " ")) }
    switch objective.first ?? "" {
    case "binary", "multiclassova", "cross_entropy": return .logistic(slope: slope)
    case "multiclass": return .softmax
    case "poisson", "gamma", "tweedie": return .exponential
    case "", "custom", "regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank",
      "rank_xendcg":
      return .identity
    case let name: return .unsupported(name)
    }
  }
}

/// The `key=value` lines of one block of a LightGBM file.
struct LightGBMFields {
  struct Line {
    /// From 1.
    var number: Int
    var text: Substring
  }

  private let file: String
  /// Where the block starts.
  let line: Int
  private var values: [Substring: Line] = [:]

  init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  mutating func add(_ line: Line) {
    let parts = line.text.utf8.split(
      separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    if let key = parts.first, !key.isEmpty {
      values[Substring(key)] = Line(number: line.number, text: parts.count > 1 ? Substring(parts[1]) : "")
    }
  }

  func location(_ key: Substring) -> Location {
    .text(file: file, line: values[key]?.number ?? line, column: 1)
  }

  func has(_ key: Substring) -> Bool { values[key] != nil }

  /// The words of a value; none where the key is missing.
  func words(_ key: Substring) -> [String] {
    (values[key]?.text ?? "").split(separator: " ").map(String.init)
  }

  private func require(_ key: Substring) throws(CompilationFailed) -> Substring {
    guard let line = values[key] else {
      throw CompilationFailed("I502", "'\(key)' is missing", at: location(key))
    }
    return line.text
  }

  func integer(_ key: Substring, _ range: ClosedRange<Int>) throws(CompilationFailed) -> Int {
    guard let value = Int(try require(key)), range.contains(value) else {
      throw CompilationFailed(
        "I502", "'\(key)' is not an integer in \(range.lowerBound)...\(range.upperBound)", at: location(key))
    }
    return value
  }

  func integers(_ key: Substring, count: Int) throws(CompilationFailed) -> [Int] {
    try list(key, count: count, of: "integers") { Int32($0).map(Int.init) }
  }

  func numbers(_ key: Substring, count: Int) throws(CompilationFailed) -> [Double] {
    try list(key, count: count, of: "numbers") { Double($0) }
  }

  private func list<Element>(
    _ key: Substring, count: Int, of what: String, _ parse: (Substring) -> Element?
  ) throws(CompilationFailed) -> [Element] {
    if count == 0 { return [] }
    let words = try require(key).utf8.split(separator: UInt8(ascii: " ")).map(Substring.init)
    guard words.count == count else {
      throw CompilationFailed("I502", "'\(key)' has \(words.count) \(what), not \(count)", at: location(key))
    }
    let values = words.compactMap(parse)
    guard values.count == count else {
      throw CompilationFailed(
        "I502", "'\(key)' has an entry that is none of the \(what) expected", at: location(key))
    }
    return values
  }
}
