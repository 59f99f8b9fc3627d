import Diagnostics
import FixedPoint
import Foundation
import Graph
import Readers

/// `predict`: the outputs of a model for a file of samples.
public struct Prediction: Sendable {
  /// Arrays named as INTERFACES says: `output`, or `output_0`, …, then traced layers by name.
  public var vectors: Vectors
  /// Samples with an input that wrapped.
  public var wrapped: Int
  public var notices: [Diagnostic] = []

  /// The bit-exact prediction of a typed graph.
  ///
  /// - Parameter trace: layers or nodes whose results are wanted as well.
  public static func exact(
    _ graph: Graph, _ samples: InputSamples, trace: [String]
  ) throws(CompilationFailed) -> Prediction {
    let traced = try nodes(graph, trace)
    if traced.isEmpty { return try outputs(graph, samples) }
    let simulator = try ReferenceSimulator.checked(graph)
    let inputs = samples.converted(for: graph)
    let wanted = graph.outputs.map(\.node) + traced
    var results: [[[Int128]]] = []
    results.reserveCapacity(samples.count)
    for sample in inputs.raw {
      let values = try simulator.checkedRun(sample)
      results.append(wanted.map { values[$0.index] })
    }
    return Prediction(
      vectors: collect(graph, traced, results) { node, values in
        guard let type = node.type else { return [] }
        return values.enumerated().map { type.value($1, element: $0) }
      }, wrapped: inputs.wrapped)
  }

  /// The bit-exact prediction of outputs alone.
  private static func outputs(
    _ graph: Graph, _ samples: InputSamples
  ) throws(CompilationFailed) -> Prediction {
    let result = try OutputSimulation(graph, samples: samples.count).values(samples)
    let names = Vectors.names("output", count: graph.outputs.count)
    let arrays = zip(zip(names, graph.outputs), result.outputs).map { output, values in
      NamedArray(name: output.0, shape: [samples.count] + graph[output.1.node].shape, values: values)
    }
    return Prediction(vectors: Vectors(arrays: arrays), wrapped: result.wrapped)
  }

  /// The prediction of the model in floating point.
  public static func float(
    _ graph: Graph, _ samples: InputSamples, trace: [String]
  ) throws(CompilationFailed) -> Prediction {
    let traced = try nodes(graph, trace)
    let interpreter = FloatInterpreter(graph)
    let wanted = graph.outputs.map(\.node) + traced
    // Of large models only what is wanted can be kept of every sample.
    let results = samples.values.map { sample in
      let values = interpreter.run(sample)
      return wanted.map { values[$0.index] }
    }
    return Prediction(vectors: collect(graph, traced, results) { _, values in values }, wrapped: 0)
  }

  /// What was written, for scripts.
  public func json(file: String) -> JSONOutput {
    [
      "file": .string(file), "samples": .integer(vectors.arrays.first?.shape.first ?? 0),
      "wrapped_samples": .integer(wrapped),
      "arrays": .array(
        vectors.arrays.map {
          ["name": .string($0.name), "shape": .array($0.shape.map { .integer($0) })]
        }),
    ]
  }

  private static func nodes(_ graph: Graph, _ names: [String]) throws(CompilationFailed) -> [NodeID] {
    var result: [NodeID] = []
    for name in names {
      guard let index = graph.nodes.lastIndex(where: { $0.name == name || $0.layer.name == name }) else {
        throw CompilationFailed(
          "C023", "there is no layer '\(name)' to trace", at: .option("--trace"),
          notes: ["the layers are \(graph.nodes.map(\.name).joined(separator: ", "))"])
      }
      result.append(NodeID(index))
    }
    return result
  }

  /// One array for each output and traced node, with the sample as first axis.
  ///
  /// - Parameter results: of every sample the tensors of the outputs, then of the traced nodes.
  private static func collect<Value>(
    _ graph: Graph, _ traced: [NodeID], _ results: [[[Value]]], _ values: (Node, [Value]) -> [Double]
  ) -> Vectors {
    let outputs = graph.outputs.enumerated().map { i, output in
      (name: graph.outputs.count == 1 ? "output" : "output_\(i)", node: graph[output.node])
    }
    let arrays = (outputs + traced.map { (name: graph[$0].name, node: graph[$0]) }).enumerated().map {
      i, array in
      NamedArray(
        name: array.name, shape: [results.count] + array.node.shape,
        values: results.flatMap { values(array.node, $0[i]) })
    }
    return Vectors(arrays: arrays)
  }
}

extension ReferenceSimulator {
  /// The simulator of a graph that the typer, or an earlier run, made.
  ///
  /// - Throws: T012 for a graph.json whose numbers leave the range that the compiler computes with.
  static func checked(_ graph: Graph) throws(CompilationFailed) -> ReferenceSimulator {
    do { return try ReferenceSimulator(graph) } catch { throw overflow(graph) }
  }

  func checkedRun(_ sample: [[Int128]]) throws(CompilationFailed) -> [[Int128]] {
    do { return try run(sample) } catch { throw ReferenceSimulator.overflow(graph) }
  }

  private static func overflow(_ graph: Graph) -> CompilationFailed {
    CompilationFailed(
      "T012", "'\(graph.name)' needs more than \(FixedType.maximumWidth) bits in its simulation")
  }
}

/// What `predict` is asked for.
public struct PredictionRequest: Sendable {
  /// A model, or a build folder.
  public var model: ModelRequest
  /// The file of samples.
  public var samples: String
  /// `--float`.
  public var isFloat: Bool
  /// `--trace`.
  public var trace: [String]

  public init(model: ModelRequest, samples: String, isFloat: Bool, trace: [String]) {
    self.model = model
    self.samples = samples
    self.isFloat = isFloat
    self.trace = trace
  }

  public func run() throws(CompilationFailed) -> Prediction {
    let folder = BuildFolder(model.path)
    if folder.exists {
      if isFloat {
        throw CompilationFailed(
          "C024", "a build holds integers only", at: .option("--float"),
          notes: ["name the model file instead of the build folder"])
      }
      try model.requireNoTyping()
      let graph = try folder.graph()
      return try noted(Prediction.exact(graph, InputSamples.read(samples, for: graph), trace: trace))
    }
    if isFloat {
      // Types say nothing about the float model, and cost far more than a few samples of a large one.
      let source = try model.loadSource()
      var prediction = try Prediction.float(
        source.graph, InputSamples.read(samples, for: source.graph), trace: trace)
      prediction.notices = source.notices
      return prediction
    }
    let typed = try model.load()
    var prediction = try Prediction.exact(
      typed.graph, InputSamples.read(samples, for: typed.source), trace: trace)
    prediction.notices = typed.notices
    return noted(prediction)
  }

  /// With a warning where inputs wrapped.
  private func noted(_ prediction: Prediction) -> Prediction {
    guard prediction.wrapped > 0 else { return prediction }
    var prediction = prediction
    let count = prediction.vectors.arrays.first?.shape.first ?? 0
    prediction.notices.append(
      Diagnostic(.warning, "T021", "\(prediction.wrapped) of \(count) samples have inputs that wrapped"))
    return prediction
  }
}
