import Diagnostics
import FixedPoint
import Foundation
import Graph
import Precision

/// `profile`: the values of every layer over samples against its type, and how far the integers are from the float
/// model.
public struct Profile: Sendable {
  public var model: TypedModel
  public var layers: [LayerProfile]
  /// Samples that were run.
  public var samples: Int
  /// The relative error from which a layer counts as deviating.
  public var threshold: Double

  /// Multiplications that a profile may take; the number of samples follows from it.
  private static let workLimit = 200_000_000

  /// Runs both models.
  ///
  /// - Throws: C131 without samples; C100 for a graph.json, which has no float model.
  public init(_ model: TypedModel, threshold: Double) throws(CompilationFailed) {
    guard let samples = model.samples, samples.count > 0 else {
      throw CompilationFailed(
        "C131", "a profile needs samples", at: .option("--inputs"), notes: ["give a file of samples"])
    }
    if model.source.isTyped {
      throw CompilationFailed(
        "C100", "the types of '\(model.source.name)' are fixed",
        notes: ["name the model that the graph was made from"])
    }
    self.model = model
    self.threshold = threshold
    let used = samples.limited(to: Profile.workLimit, for: model.source)
    self.samples = used.count
    var recorders = LayerRecorder.all(in: model)
    let interpreter = FloatInterpreter(model.source)
    let simulator = try ReferenceSimulator.checked(model.graph)
    for (real, raw) in zip(used.values, used.converted(for: model.graph).raw) {
      let float = interpreter.run(real)
      let exact = try simulator.checkedRun(raw)
      for i in recorders.indices { recorders[i].add(float, exact) }
    }
    layers = recorders.map(\.profile)
  }

  /// Reads a relative error such as `5%` or `0.05`.
  ///
  /// - Throws: C132 for anything else.
  public static func threshold(parsing text: String) throws(CompilationFailed) -> Double {
    let isPercent = text.hasSuffix("%")
    guard let number = Double(isPercent ? String(text.dropLast()) : text), number.isFinite, number >= 0 else {
      throw CompilationFailed(
        "C132", "'\(text)' is not a relative error", at: .option("--threshold"), notes: ["write 5% or 0.05"])
    }
    return isPercent ? number / 100 : number
  }

  /// The first layer, in the order of computation, whose relative error is above the threshold.
  public var firstDeviating: LayerProfile? { layers.first { $0.relativeError > threshold } }
}

/// One layer's values over samples.
public struct LayerProfile: Sendable {
  public var name: String
  public var kind: String
  /// Into which values are converted; where none is asked for, the types of exact results. One for each element.
  public var types: PerElement<FixedType>
  /// The factors of the elements' steps, 1 in most models.
  public var scale: Double
  public var source: TypeSource?
  /// Of the float model's values: the least and the greatest.
  public var range: ClosedRange<Double>
  public var count = 0
  /// Values beyond the type's range, values other than 0 that become 0, values that are 0.
  public var overflowing = 0
  public var underflowing = 0
  public var zeros = 0
  /// By exponent e of 2^e ≤ |x| < 2^(e+1): how many values, and how many of them overflow or become 0.
  public var histogram: [Int: Bin] = [:]
  public var maximumError = 0.0
  public var meanError = 0.0
  var errorPower = 0.0
  var power = 0.0

  public struct Bin: Hashable, Sendable {
    public var all = 0
    public var overflowing = 0
    public var underflowing = 0
  }

  /// The root mean square of the error over that of the values; infinite for errors where all values are 0.
  public var relativeError: Double {
    if errorPower == 0 { return 0 }
    return power == 0 ? .infinity : (errorPower / power).squareRoot()
  }

  /// Signal to noise, in bits; nil where there is no error.
  public var signalBits: Double? {
    let error = relativeError
    return error == 0 || !error.isFinite ? nil : -Foundation.log2(error)
  }

  /// The least and greatest exponent of a power of two that the types hold: of the finest step, and above the largest
  /// value.
  var exponents: (finest: Int, coarsest: Int, lowestTop: Int, top: Int) {
    let used = types.distinct.filter { $0.width > 0 }
    let tops = used.map { $0.integerBits - ($0.isSigned ? 1 : 0) }
    let steps = used.map(\.exponent)
    let shift = scale == 1 ? 0 : Int(Foundation.log2(scale).rounded())
    return (
      (steps.min() ?? 0) + shift, (steps.max() ?? 0) + shift, (tops.min() ?? 0) + shift,
      (tops.max() ?? 0) + shift
    )
  }

  /// The type, or the range of widths.
  var typeText: String {
    guard types.uniform == nil else { return "\(types[0])" }
    let widths = types.distinct.map(\.width)
    return "\(widths.min() ?? 0)-\(widths.max() ?? 0) bits in \(FixedTypeUnion.text(types.distinct))"
  }
}

enum FixedTypeUnion {
  /// The type that covers some types, as reports print it.
  static func text(_ types: [FixedType]) -> String {
    "\(TensorType(PerElement(types.map { Format($0) })).union)"
  }
}

/// Compares one node of the float model with what stands for it in the typed graph.
private struct LayerRecorder {
  var profile: LayerProfile
  private let float: Int
  private let exact: Int
  private let type: TensorType

  /// One for each layer's result: the converted one where there is a conversion.
  static func all(in model: TypedModel) -> [LayerRecorder] {
    let inner = ConfigurationWriter.insideSoftmax(model.source)
    var indices: [String: Int] = [:]
    for (index, node) in model.graph.nodes.enumerated() { indices[node.name] = index }
    return model.source.nodes.enumerated().compactMap { index, node in
      if inner.contains(index) { return nil }
      if case .rearrange = node.primitive { return nil }
      if case .constant = node.primitive { return nil }
      guard let exact = indices["\(node.name)_result"] ?? indices[node.name] else { return nil }
      return LayerRecorder(node, float: index, exact: exact, model.graph)
    }
  }

  private init?(_ node: Node, float: Int, exact: Int, _ graph: Graph) {
    let typed = graph.nodes[exact]
    guard let type = typed.type, type.count == node.count else { return nil }
    self.type = type
    self.float = float
    self.exact = exact
    var types = type.formats.map(\.type)
    if let inputs = typed.inputTypes { types = inputs }
    if case .quantize(.fixed(let declared, _)) = typed.primitive { types = declared }
    profile = LayerProfile(
      name: node.name, kind: node.layer.kind, types: types, scale: type.scales.uniform?.doubleValue ?? 1,
      source: typed.typeSource, range: 0...0)
  }

  mutating func add(_ floats: [[Double]], _ raws: [[Int128]]) {
    for (i, (x, raw)) in zip(floats[float], raws[exact]).enumerated() where x.isFinite {
      if profile.count == 0 { profile.range = x...x }
      profile.range = min(profile.range.lowerBound, x)...max(profile.range.upperBound, x)
      profile.count += 1
      let error = abs(type.value(raw, element: i) - x)
      profile.maximumError = max(profile.maximumError, error)
      profile.meanError += (error - profile.meanError) / Double(profile.count)
      profile.errorPower += error * error
      profile.power += x * x
      addToHistogram(x, i)
    }
  }

  private mutating func addToHistogram(_ x: Double, _ i: Int) {
    if x == 0 {
      profile.zeros += 1
      return
    }
    let element = profile.types[i]
    let step = Double(sign: .plus, exponent: element.exponent, significand: type.scales[i].doubleValue)
    let range = element.rawRange
    let isOver = x > (Double(range.upper) + 0.5) * step || x < (Double(range.lower) - 0.5) * step
    let isUnder = !isOver && element.convert(x / type.scales[i].doubleValue) == 0
    profile.overflowing += isOver ? 1 : 0
    profile.underflowing += isUnder ? 1 : 0
    var bin = profile.histogram[Int(x.exponent)] ?? LayerProfile.Bin()
    bin.all += 1
    bin.overflowing += isOver ? 1 : 0
    bin.underflowing += isUnder ? 1 : 0
    profile.histogram[Int(x.exponent)] = bin
  }
}

extension InputSamples {
  /// As many samples, evenly over all, as a model can be run on with so many multiplications, at least 64.
  func limited(to work: Int, for graph: Graph) -> InputSamples {
    let perSample = graph.nodes.reduce(1) { sum, node in
      guard case .linear(let linear) = node.primitive else { return sum + node.count }
      return sum + node.count * linear.inputs
    }
    let number = min(count, max(64, work / perSample))
    return InputSamples(values: (0..<number).map { values[$0 * count / number] })
  }
}
