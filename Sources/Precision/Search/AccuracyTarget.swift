import Diagnostics
import Graph

/// How close to the float model the integers must come (`--target`).
public struct AccuracyTarget: Hashable, Sendable, CustomStringConvertible {
  public enum Measure: String, CaseIterable, Hashable, Sendable {
    /// The share of samples whose greatest output has another index.
    case argmax
    /// What the area under the receiver operating characteristic falls by, in the class where it falls most; the float
    /// model's own decisions are the truth.
    case auc
    /// The mean absolute difference of outputs.
    case error
  }

  public var measure: Measure
  /// The greatest loss that is accepted: a share, an area, a difference.
  public var limit: Double
  /// Whether the limit is a multiple of the outputs' root mean square.
  public var isRelative = false

  public init(_ measure: Measure, limit: Double, isRelative: Bool = false) {
    self.measure = measure
    self.limit = limit
    self.isRelative = isRelative
  }

  /// Reads `argmax=99.5%`, `auc=0.001`, `error=0.01` or `error=1%`.
  ///
  /// - Throws: C130 for anything else.
  public init(parsing text: String) throws(CompilationFailed) {
    let parts = text.split(separator: "=", maxSplits: 1)
    let failure = CompilationFailed(
      "C130", "'\(text)' is not an accuracy target", at: .option("--target"),
      notes: [
        "write auto, argmax=99.5%, auc=0.001, error=0.01 or error=1% (of the outputs' root mean square)"
      ])
    guard parts.count == 2, let measure = Measure(rawValue: String(parts[0])) else { throw failure }
    let isPercent = parts[1].hasSuffix("%")
    guard let number = Double(isPercent ? parts[1].dropLast() : parts[1]), number.isFinite, number >= 0 else {
      throw failure
    }
    let value = isPercent ? number / 100 : number
    switch measure {
    case .argmax:
      // Half of all samples alike is no target, and 99.5 without its % a slip.
      guard value > 0.5, value <= 1 else { throw failure }
      self.init(.argmax, limit: 1 - value)
    case .auc: self.init(.auc, limit: value)
    case .error: self.init(.error, limit: value, isRelative: isPercent)
    }
  }

  /// What is asked of a model where nothing is said: of classifiers that 99.5 % of the decisions stay, of models with
  /// a single output that the mean error is below 1 % of the output.
  public static func standard(for graph: Graph) -> AccuracyTarget {
    let isClassifier = graph.outputs.allSatisfy { graph.decides($0.node) }
    return isClassifier
      ? AccuracyTarget(.argmax, limit: 0.005) : AccuracyTarget(.error, limit: 0.01, isRelative: true)
  }

  public var description: String {
    switch measure {
    case .argmax: "argmax=\(Self.text(100 * (1 - limit)))%"
    case .auc: "auc=\(Self.text(limit))"
    case .error: isRelative ? "error=\(Self.text(100 * limit))%" : "error=\(Self.text(limit))"
    }
  }

  /// A loss in words: what the integers do.
  public func describe(_ loss: Double) -> String {
    switch measure {
    case .argmax: "agrees in \(Self.text(((1 - loss) * 1e4).rounded() / 100)) % of decisions"
    case .auc: "loses \(Self.text(loss)) of the area under the curve"
    case .error:
      isRelative
        ? "has a mean error of \(Self.text((loss * 1e4).rounded() / 100)) %"
        : "has a mean error of \(Self.text(loss))"
    }
  }

  private static func text(_ value: Double) -> String {
    let rounded = (value * 1e6).rounded() / 1e6
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
  }
}

extension Graph {
  /// Whether the index of a node's greatest element, or the element itself, is a decision among several.
  fileprivate func decides(_ id: NodeID) -> Bool {
    if case .reduce(.argmax) = self[id].primitive { return true }
    return self[id].shape.last ?? 1 > 1
  }
}

/// The outputs of a model on some samples: one flat array for each output, sample after sample.
public struct OutputValues: Sendable {
  public var arrays: [[Double]]
  public var samples: Int
  /// For each output the length of its last axis; 0 where it is an index of a class.
  public var classes: [Int]

  public init(_ graph: Graph, samples: Int, arrays: [[Double]]) {
    self.arrays = arrays
    self.samples = samples
    classes = graph.outputs.map { output in
      if case .reduce(.argmax) = graph[output.node].primitive { return 0 }
      return graph[output.node].shape.last ?? 1
    }
  }

  /// Some of the samples.
  func selecting(_ chosen: [Int]) -> OutputValues {
    var result = self
    result.samples = chosen.count
    result.arrays = arrays.map { array in
      let width = samples == 0 ? 0 : array.count / samples
      return chosen.flatMap { array[$0 * width..<($0 + 1) * width] }
    }
    return result
  }
}

extension AccuracyTarget {
  /// What is lost from the float model's outputs to others; of several outputs the greatest loss. Infinite for numbers
  /// that are not finite.
  public func loss(_ other: OutputValues, from float: OutputValues) -> Double {
    var worst = 0.0
    for (i, (a, b)) in zip(float.arrays, other.arrays).enumerated() {
      let loss: Double
      switch measure {
      case .argmax: loss = disagreement(a, b, classes: float.classes[i])
      case .auc: loss = lostArea(a, b, classes: float.classes[i])
      case .error: loss = error(a, b)
      }
      worst = max(worst, loss.isFinite ? loss : .infinity)
    }
    return worst
  }

  /// Whether a loss over so many samples is within the target. A share is held to two standard deviations above what was
  /// counted, so that other samples agree as often.
  public func isReached(by loss: Double, samples: Int) -> Bool {
    if measure != .argmax || samples == 0 { return loss <= limit }
    return loss + 2 * (loss * (1 - min(loss, 1)) / Double(samples)).squareRoot() <= limit
  }

  /// The samples of which one in `limit` must be seen for a share to say anything.
  public var samplesNeeded: Int { measure == .argmax && limit > 0 ? Int((1 / limit).rounded(.up)) : 1 }

  private func disagreement(_ a: [Double], _ b: [Double], classes: Int) -> Double {
    if classes <= 1 {
      // An index; or a single score, which decides at 1/2 if it is a probability, else at 0.
      let threshold = a.allSatisfy { (0...1).contains($0) } ? 0.5 : 0
      let differing = zip(a, b).filter {
        classes == 0 ? $0 != $1 : ($0 > threshold) != ($1 > threshold)
      }.count
      return Double(differing) / Double(max(1, a.count))
    }
    var differing = 0
    for start in stride(from: 0, to: a.count, by: classes) {
      let row = start..<(start + classes)
      if a[row].firstGreatest != b[row].firstGreatest { differing += 1 }
    }
    return Double(differing) / Double(max(1, a.count / classes))
  }

  private func error(_ a: [Double], _ b: [Double]) -> Double {
    let mean = zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(max(1, a.count))
    if !isRelative { return mean }
    let square = a.reduce(0) { $0 + $1 * $1 } / Double(max(1, a.count))
    return square == 0 ? (mean == 0 ? 0 : .infinity) : mean / square.squareRoot()
  }

  private func lostArea(_ a: [Double], _ b: [Double], classes: Int) -> Double {
    if classes == 0 { return disagreement(a, b, classes: 0) }
    var worst = 0.0
    // A single score comes without a threshold: half of the samples are positive.
    let median = classes == 1 && !a.isEmpty ? a.sorted()[a.count / 2] : 0
    for c in 0..<classes {
      var truth: [Bool] = []
      var (before, after): ([Double], [Double]) = ([], [])
      for start in stride(from: 0, to: a.count, by: classes) {
        let row = a[start..<(start + classes)]
        truth.append(classes == 1 ? a[start] >= median : row.firstGreatest == c)
        before.append(a[start + c])
        after.append(b[start + c])
      }
      guard let x = areaUnderCurve(before, truth), let y = areaUnderCurve(after, truth) else { continue }
      worst = max(worst, x - y)
    }
    return worst
  }
}

/// The probability that a true sample scores higher than a false one, ties counting half; nil where one kind is missing.
func areaUnderCurve(_ scores: [Double], _ truth: [Bool]) -> Double? {
  let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
  var falses = 0.0
  var (area, trues) = (0.0, 0.0)
  var start = 0
  while start < order.count {
    var end = start
    var (tiedTrue, tiedFalse) = (0.0, 0.0)
    while end < order.count, scores[order[end]] == scores[order[start]] {
      if truth[order[end]] { tiedTrue += 1 } else { tiedFalse += 1 }
      end += 1
    }
    area += tiedTrue * (falses + tiedFalse / 2)
    falses += tiedFalse
    trues += tiedTrue
    start = max(end, start + 1)
  }
  return trues == 0 || falses == 0 ? nil : area / (trues * falses)
}

extension ArraySlice<Double> {
  /// The offset of the greatest element, of equal ones the lowest.
  public var firstGreatest: Int {
    var best = startIndex
    for i in indices where self[i] > self[best] { best = i }
    return best - startIndex
  }
}
