import Diagnostics
import FixedPoint
import Graph
import Readers

/// Samples for a model's inputs, as real numbers.
public struct InputSamples: Sendable {
  /// For each sample the values of every input tensor, in model order.
  public var values: [[[Double]]]

  public var count: Int { values.count }

  /// Reads a file of vectors for the inputs of a model.
  ///
  /// - Throws: what `Vectors` throws; C022 for NaN or infinity, by sample and element.
  public static func read(_ path: String, for graph: Graph) throws(CompilationFailed) -> InputSamples {
    let nodes = graph.inputs.map { graph[$0] }
    let arrays = try Vectors(path: path).inputs(shapes: nodes.map(\.shape), file: path)
    for (array, node) in zip(arrays, nodes) {
      guard let bad = array.values.firstIndex(where: { !$0.isFinite }) else { continue }
      throw CompilationFailed(
        "C022",
        "sample \(bad / node.count), element \(bad % node.count) of '\(array.name)' is \(array.values[bad])",
        at: .file(path), notes: ["inputs must be finite numbers"])
    }
    let values = (0..<(arrays.first?.samples ?? 0)).map { sample in
      zip(arrays, nodes).map { Array($0.values[(sample * $1.count)..<((sample + 1) * $1.count)]) }
    }
    return InputSamples(values: values)
  }

  /// The samples in the input types, with rounding and overflow as these say.
  ///
  /// - Returns: the raw integers, and the number of samples with a value that wrapped.
  public func converted(for graph: Graph) -> (raw: [[[Int128]]], wrapped: Int) {
    let types = graph.inputs.map { graph[$0].inputTypes }
    var wrapped = 0
    let raw = values.map { sample in
      var hasWrapped = false
      let converted = zip(sample, types).map { tensor, types in
        tensor.enumerated().map { i, value -> Int128 in
          guard let type = types?[i], let raw = type.convert(value) else { return 0 }
          if type.overflow == .wrap {
            var saturating = type
            saturating.overflow = .sat
            hasWrapped = hasWrapped || saturating.convert(value) != raw
          }
          return raw
        }
      }
      wrapped += hasWrapped ? 1 : 0
      return converted
    }
    return (raw, wrapped)
  }
}
