import Diagnostics
import FixedPoint
import Graph
import Readers

/// Samples for a model's inputs, as real numbers.
public struct InputSamples: Sendable {
  /// For each input tensor, in model order, its elements sample after sample.
  private var tensors: [[Double]]
  /// Elements of one sample of each tensor.
  private var widths: [Int]
  public private(set) var count: Int

  /// - Parameter values: for each sample the values of every input tensor, in model order.
  init(values: [[[Double]]]) {
    count = values.count
    widths = values.first?.map(\.count) ?? []
    tensors = widths.indices.map { tensor in values.flatMap { $0[tensor] } }
  }

  private init(_ arrays: [NamedArray]) {
    count = arrays.first?.samples ?? 0
    widths = arrays.map(\.elementsPerSample)
    tensors = arrays.map(\.values)
  }

  /// For each sample the values of every input tensor, in model order.
  public var values: [[[Double]]] { (0..<count).map(sample) }

  private func sample(_ index: Int) -> [[Double]] {
    zip(tensors, widths).map { Array($0[(index * $1)..<((index + 1) * $1)]) }
  }

  /// The same samples over and over, `count` in all.
  public func repeated(to count: Int) -> InputSamples {
    var result = self
    result.count = self.count == 0 ? 0 : count
    result.tensors = zip(tensors, widths).map { values, width in
      (0..<(result.count * width)).map { values[$0 % values.count] }
    }
    return result
  }

  /// Reads a file of vectors for the inputs of a model.
  ///
  /// - Throws: what `Vectors` throws; C022 for NaN or infinity, by sample and element.
  public static func read(_ path: String, for graph: Graph) throws(CompilationFailed) -> InputSamples {
    let nodes = graph.inputs.map { graph[$0] }
    let arrays = try Vectors(path: path).inputs(
      shapes: nodes.map(\.shape), ownNames: nodes.map(\.name), file: path)
    for (array, node) in zip(arrays, nodes) {
      guard let bad = array.values.firstIndex(where: { !$0.isFinite }) else { continue }
      throw CompilationFailed(
        "C022",
        "sample \(bad / node.count), element \(bad % node.count) of '\(array.name)' is \(array.values[bad])",
        at: .file(path), notes: ["inputs must be finite numbers"])
    }
    return InputSamples(arrays)
  }

  /// The samples in the input types, with rounding and overflow as these say.
  ///
  /// - Returns: the raw integers, and the number of samples with a value that wrapped.
  public func converted(for graph: Graph) -> (raw: [[[Int128]]], wrapped: Int) {
    let flat = converted(InputConverters(graph), 0..<count)
    var position = 0
    let raw = (0..<count).map { _ in
      widths.map { width in
        defer { position += width }
        return Array(flat.raw[position..<(position + width)])
      }
    }
    return (raw, flat.wrapped)
  }

  /// The raw integers of some samples, one sample's tensors after another's.
  func converted(_ converters: InputConverters, _ samples: Range<Int>) -> (raw: [Int128], wrapped: Int) {
    var raw: [Int128] = Array(repeating: 0, count: samples.count * widths.reduce(0, +))
    var position = 0
    var wrapped = 0
    for sample in samples {
      var hasWrapped = false
      for (tensor, width) in widths.enumerated() {
        let values = tensors[tensor][(sample * width)..<((sample + 1) * width)]
        let wraps = RealConverter.convert(values, converters.tensors[tensor], to: &raw, from: position)
        hasWrapped = hasWrapped || wraps
        position += width
      }
      wrapped += hasWrapped ? 1 : 0
    }
    return (raw, wrapped)
  }
}

/// The conversions of real numbers into a graph's input types: for each tensor one, or one for each element.
struct InputConverters: Sendable {
  let tensors: [[RealConverter]]

  init(_ graph: Graph) {
    tensors = graph.inputs.map { id in
      guard let types = graph[id].inputTypes else { preconditionFailure("an input without types") }
      return types.uniform.map { [RealConverter($0)] } ?? types.array.map { RealConverter($0) }
    }
  }
}
