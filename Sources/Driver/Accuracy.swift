import Diagnostics
import FixedPoint
import Graph
import Precision

/// How far the integers are from the float model, over the user's samples.
public struct Accuracy: Hashable, Sendable {
  public var maximumError: Double
  /// The share of samples whose greatest output has the same index; nil for models with a single output.
  public var argmaxAgreement: Double?
  /// Samples with an input that wrapped.
  public var wrappedSamples: Int

  /// Compares the first output of both models.
  init(_ model: TypedModel, _ samples: InputSamples) throws(CompilationFailed) {
    let exact = try Prediction.exact(model.graph, samples, trace: [])
    let float = try Prediction.float(model.source, samples, trace: [])
    let a = exact.vectors.arrays[0]
    let b = float.vectors.arrays[0]
    maximumError = zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
    wrappedSamples = exact.wrapped
    let width = a.elementsPerSample
    guard width > 1, a.samples > 0 else { return }
    let agreeing = (0..<a.samples).filter { sample in
      let range = (sample * width)..<((sample + 1) * width)
      return a.values[range].firstGreatest == b.values[range].firstGreatest
    }
    argmaxAgreement = Double(agreeing.count) / Double(a.samples)
  }
}
