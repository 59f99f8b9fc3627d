import Diagnostics
import FixedPoint
import Functions
import Graph

/// Reads the multi-layer perceptron of a TMVA file (ROOT's `MethodMLP`) as a network of dense layers.
///
/// Semantics are those of ROOT's `MethodANNBase`: a neuron's text holds its weights to the neurons of the next layer; the
/// last neuron of each layer but the output layer is a 1 that carries the biases; hidden neurons have the activation
/// `NeuronType`, output neurons the sigmoid where `EstimatorType` is CE, else none; several classes end in a softmax
/// (`MethodMLP::GetMulticlassValues`). Variables are normalised with the ranges of the last class block, which are those
/// of all classes (`VariableNormalizeTransform`), and targets of a regression back again.
struct TMVAPerceptronReader {
  private let file: TMVAFile
  private let root: XMLElement
  private var builder: GraphBuilder

  /// - Throws: I502 and I503 for what is wrong in the file or not supported.
  static func read(_ file: TMVAFile, name: String) throws(CompilationFailed) -> ReadModel {
    var reader = TMVAPerceptronReader(
      file: file, root: file.root, builder: GraphBuilder(name: name, framework: file.framework))
    try reader.read()
    return ReadModel(graph: reader.builder.graph, notices: reader.builder.sink.diagnostics)
  }

  private mutating func read() throws(CompilationFailed) {
    if let input = file.options["NeuronInputType"], input != "sum" {
      throw root.failure(
        "I503", "neurons combine their inputs by '\(input)', which fpgaml does not compile",
        notes: ["train with NeuronInputType=sum"])
    }
    let matrices = try layers()
    let ranges = try Normalization(file)
    let features = file.features.count
    let input = site("input", "variables")
    var x = try builder.add(.input(shape: [features]), [], input)
    if let ranges { x = try normalized(x, ranges.variables) }
    for (number, matrix) in matrices.enumerated() {
      let isLast = number == matrices.count - 1
      let layer = site(isLast ? "output" : "hidden\(number + 1)", isLast ? "output layer" : "hidden layer")
      let linear = Linear(
        inputs: matrix.inputs, outputs: matrix.outputs,
        weights: Weights(real: matrix.weights, shape: [1, matrix.inputs, matrix.outputs]),
        bias: Weights(real: matrix.bias, shape: [1, matrix.outputs]))
      x = try builder.add(.linear(linear), [x], layer)
      x = isLast ? try output(x, layer) : try activation(x, layer)
    }
    if let targets = ranges?.targets, !targets.isEmpty { x = try denormalized(x, targets) }
    builder.addOutput(x, name: "output")
  }

  private func site(_ name: String, _ kind: String) -> ForestSite {
    ForestSite(file: file.path, name: name, kind: kind)
  }

  // MARK: Layers

  private struct Matrix {
    var inputs: Int
    var outputs: Int
    /// Row after row, one per input.
    var weights: [Double]
    var bias: [Double]
  }

  /// The weights between each layer and the next.
  private func layers() throws(CompilationFailed) -> [Matrix] {
    let layout = try root.requireChild("Weights").requireChild("Layout")
    let layers = layout.children.filter { $0.name == "Layer" }
    guard layers.count >= 2, try layout.integer("NLayers") == layers.count else {
      throw layout.failure("I502", "'Layout' has \(layers.count) layers, which its 'NLayers' does not say")
    }
    var neurons: [[XMLElement]] = []
    for (index, layer) in layers.enumerated() {
      let own = layer.children.filter { $0.name == "Neuron" }
      // All layers but the last have a bias neuron.
      guard try layer.integer("NNeurons") == own.count, own.count > (index < layers.count - 1 ? 1 : 0) else {
        throw layer.failure("I502", "'Layer' has \(own.count) neurons, which its 'NNeurons' does not say")
      }
      neurons.append(own)
    }
    guard neurons[0].count == file.features.count + 1 else {
      throw layers[0].failure(
        "I502",
        "the input layer has \(neurons[0].count) neurons for \(file.features.count) variables and a bias")
    }
    var matrices: [Matrix] = []
    for index in 1..<layers.count {
      let outputs = neurons[index].count - (index < layers.count - 1 ? 1 : 0)
      var rows: [[Double]] = []
      for neuron in neurons[index - 1] { rows.append(try weights(neuron, count: outputs)) }
      let bias = rows.removeLast()
      matrices.append(
        Matrix(inputs: rows.count, outputs: outputs, weights: rows.flatMap { $0 }, bias: bias))
    }
    try checkOutputs(matrices.last?.outputs ?? 0, at: layers[layers.count - 1])
    return matrices
  }

  /// A neuron's weights to the neurons of the next layer.
  private func weights(_ neuron: XMLElement, count: Int) throws(CompilationFailed) -> [Double] {
    let words = neuron.text.split(whereSeparator: \.isWhitespace)
    let numbers = words.compactMap { Double($0) }.filter(\.isFinite)
    guard try neuron.integer("NSynapses") == count, words.count == count, numbers.count == count else {
      throw neuron.failure(
        "I502", "a neuron does not have \(count) finite weights, one to each neuron of the next layer")
    }
    return numbers
  }

  private func checkOutputs(_ count: Int, at layer: XMLElement) throws(CompilationFailed) {
    let isRight =
      switch file.analysis {
      case "Classification": count == 1
      case "Multiclass": count >= 2 && (file.classes.isEmpty || file.classes.count == count)
      case "Regression": true
      default: false
      }
    if !isRight {
      throw layer.failure("I502", "\(count) output neurons do not fit the analysis type '\(file.analysis)'")
    }
  }

  // MARK: Functions

  /// The activation of hidden neurons.
  private mutating func activation(_ x: NodeID, _ layer: ForestSite) throws(CompilationFailed) -> NodeID {
    let type = file.options["NeuronType"] ?? "sigmoid"
    switch type {
    case "linear": return x
    case "sigmoid": return try builder.add(.map(Map(.sigmoid)), [x], layer, type)
    case "tanh":
      if layer.name == "hidden1" {
        builder.sink.notice(
          "I507", "ROOT approximates tanh, by at most 1e-4; fpgaml rounds tanh itself", at: .layer(layer.name)
        )
      }
      return try builder.add(.map(Map(.tanh)), [x], layer, type)
    case "ReLU":
      return try builder.add(
        .map(Map(.relu(maximum: nil, negativeSlope: 0, threshold: 0))), [x], layer, "relu")
    case "radial":
      // exp(−x² / 2).
      let square = try builder.add(.map(Map(.square)), [x], layer, "square")
      let half = try builder.affine(square, factor: Rational(-1, 2), layer, "exponent")
      return try builder.add(.map(Map(.exp)), [half], layer, type)
    default:
      throw root.failure("I503", "neurons of type '\(type)' are not known")
    }
  }

  /// What follows the sums of the output neurons.
  private mutating func output(_ x: NodeID, _ layer: ForestSite) throws(CompilationFailed) -> NodeID {
    let estimator = file.options["EstimatorType"] ?? "MSE"
    var x = x
    switch estimator {
    case "MSE": break
    case "CE": x = try builder.add(.map(Map(.sigmoid)), [x], layer, "sigmoid")
    default: throw root.failure("I503", "the estimator '\(estimator)' is not known")
    }
    if file.analysis != "Multiclass" { return x }
    return try builder.softmax(x, axis: 0, layer, "softmax")
  }

  // MARK: Normalisation

  /// 2 · (x − min) / (max − min) − 1.
  private mutating func normalized(_ x: NodeID, _ ranges: [Normalization.Range]) throws(CompilationFailed)
    -> NodeID
  {
    let scales = ranges.map { 2 / ($0.maximum - $0.minimum) }
    let shifts = zip(ranges, scales).map { -$0.minimum * $1 - 1 }
    return try builder.affine(
      x, scale: .coefficients(scales, shape: [scales.count]),
      shift: .coefficients(shifts, shape: [scales.count]), site("normalize", "Normalize"))
  }

  private mutating func denormalized(_ x: NodeID, _ ranges: [Normalization.Range]) throws(CompilationFailed)
    -> NodeID
  {
    guard builder.shape(x) == [ranges.count] else {
      throw root.failure("I502", "\(ranges.count) targets are normalised, of \(builder.shape(x)[0])")
    }
    let scales = ranges.map { ($0.maximum - $0.minimum) / 2 }
    let shifts = zip(ranges, scales).map { $0.minimum + $1 }
    return try builder.affine(
      x, scale: .coefficients(scales, shape: [scales.count]),
      shift: .coefficients(shifts, shape: [scales.count]), site("targets", "Normalize"))
  }
}

/// The ranges that TMVA's transformation `Normalize` maps to −1…1.
private struct Normalization {
  struct Range {
    var minimum: Double
    var maximum: Double
  }

  var variables: [Range]
  /// Of a regression; empty where targets are not normalised.
  var targets: [Range]

  /// Nil for a model without transformations.
  ///
  /// - Throws: I503 for any other transformation, or one of some variables only; I502 for ranges that are none.
  init?(_ file: TMVAFile) throws(CompilationFailed) {
    let transforms = (file.root.child("Transformations")?.children ?? []).filter { $0.name == "Transform" }
    guard let transform = transforms.first else { return nil }
    let names = transforms.map { $0.attribute("Name") ?? "" }
    guard names == ["Normalize"] else {
      throw transform.failure(
        "I503", "the transformations \(names.map { "'\($0)'" }.joined(separator: ", ")) are not compiled",
        notes: ["train with VarTransform=N or VarTransform=None"])
    }
    guard let block = transform.children.last(where: { $0.name == "Class" }) else {
      throw transform.failure("I502", "'Normalize' has no ranges")
    }
    let targets: Int
    var ranges: [Range] = []
    if let selection = transform.child("Selection") {
      targets = try Normalization.selectedTargets(selection, file)
      ranges = try Normalization.ranges(block.requireChild("Ranges"))
    } else {
      ranges = try Normalization.ranges(block.requireChild("Variables"))
      let others = try block.child("Targets").map(Normalization.ranges) ?? []
      targets = others.count
      ranges += others
    }
    guard ranges.count == file.features.count + targets else {
      throw block.failure("I502", "\(ranges.count) ranges for \(file.features.count) variables")
    }
    variables = Array(ranges.prefix(file.features.count))
    self.targets = Array(ranges.dropFirst(file.features.count))
  }

  /// How many targets are normalised; all variables must be, in order.
  private static func selectedTargets(_ selection: XMLElement, _ file: TMVAFile) throws(CompilationFailed)
    -> Int
  {
    let inputs = try selection.requireChild("Input").children
    let variables = inputs.filter { $0.attribute("Type") == "Variable" }
    let targets = inputs.filter { $0.attribute("Type") == "Target" }
    let labels = variables.map { $0.attribute("Label") ?? "" }
    guard variables.count + targets.count == inputs.count, labels == file.features,
      inputs.prefix(variables.count).allSatisfy({ $0.attribute("Type") == "Variable" })
    else {
      throw selection.failure(
        "I503", "'Normalize' does not take all variables in their order, which fpgaml does not compile")
    }
    return targets.count
  }

  /// In binary32, as ROOT keeps them.
  private static func ranges(_ list: XMLElement) throws(CompilationFailed) -> [Range] {
    var ranges: [Range] = []
    for element in list.children {
      let minimum = Double(Float(try element.number("Min")))
      let maximum = Double(Float(try element.number("Max")))
      guard minimum.isFinite, maximum.isFinite, minimum < maximum, (maximum - minimum).isFinite else {
        throw element.failure("I502", "'Min' and 'Max' are \(minimum) and \(maximum), no range")
      }
      ranges.append(Range(minimum: minimum, maximum: maximum))
    }
    return ranges
  }
}
