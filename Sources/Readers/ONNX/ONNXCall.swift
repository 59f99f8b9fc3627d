import Diagnostics
import FixedPoint
import Graph
import ONNXProto

/// What a name in an ONNX graph stands for while it is read.
enum ONNXValue: Sendable {
  /// A tensor that depends on the inputs. The node's shape leaves out the first axis, the samples, unless the model is
  /// read for one sample (`ONNXContext.isSingleSample`).
  case tensor(NodeID)
  /// One whose samples stand along another axis.
  case displaced(SampledTensor)
  case constant(ONNXConstant)
  /// The integers that QuantizeLinear makes, until DequantizeLinear gives them their values again.
  case integers(ONNXIntegers)
  /// What `Scaler` makes of a tensor.
  case scaled(ONNXScaled)
  /// What a classifier decides, which leaves the model or is passed on.
  case label(ONNXLabel)
  /// A constant of texts: the names of classes.
  case texts([String])
}

extension ONNXValue {
  /// The operand of a score: what hides a position needs to be no more than far below every score.
  var masking: ONNXValue {
    guard case .constant(var constant) = self, constant.values.contains(where: { $0 <= -0x1p20 }) else {
      return self
    }
    constant.values = constant.values.map { $0 <= -0x1p20 ? -1024 : $0 }
    constant.quantized = nil
    return .constant(constant)
  }
}

/// One operator call of an ONNX graph, as an importer sees it.
struct ONNXCall: LayerSite, Sendable {
  let kind: String
  /// The name of the node that ends the call.
  let name: String
  let origin: Layer
  private(set) var attributes: [String: Onnx_AttributeProto]
  /// Nil for operands that are left out.
  private(set) var operands: [ONNXValue?]
  /// Whether nothing else reads the operand.
  private(set) var isOnlyReader: [Bool]
  /// Whether anything reads the output.
  let isOutputRead: [Bool]
  var outputCount: Int { isOutputRead.count }
  let context: ONNXContext

  /// The number of samples that shapes in the file are written for, 1 where it is left open.
  var batch: Int { context.batch }

  func failure(_ code: DiagnosticCode, _ message: String, notes: [String]) -> CompilationFailed {
    CompilationFailed(
      code, "operator '\(name)' (\(kind)): \(message)", at: .object(file: context.file, path: origin.path),
      notes: notes)
  }
}

/// What all operators of a model have in common.
struct ONNXContext: Sendable {
  var file: String
  /// The version of the standard operators.
  var opset: Int
  var batch: Int
  /// Whether the model moves, joins or drops the axis of the samples, so that it is read for one sample: that axis has
  /// length 1 and is one like the others, also in the shapes of nodes.
  var isSingleSample = false
  /// The axis of the inputs along which samples stand where no length is left open.
  var fixedAxis = 0
  /// Whether the model has quantizers, so that its other numbers are taken exactly.
  var isQuantized: Bool
}

// MARK: Operands

extension ONNXCall {
  func operand(_ index: Int) -> ONNXValue? { operands.indices.contains(index) ? operands[index] : nil }

  /// The operand as a tensor of the graph; a constant becomes a node.
  ///
  /// - Throws: I408 where there is none.
  func tensor(_ index: Int, _ builder: inout GraphBuilder) throws(CompilationFailed) -> NodeID {
    switch operand(index) {
    case .tensor(let node): return node
    case .constant(let constant):
      let local = try perSample(constant, rank: max(constant.shape.count, 1))
      return try builder.add(
        .constant(local.weights(isQuantizedModel: context.isQuantized)), [], self, "constant")
    case .displaced:
      throw failure("I405", "reads a tensor whose samples do not stand along the first axis")
    case .integers(let integers): return try integers.integers(self, &builder)
    case .scaled(let scaled): return try scaled.node(&builder, self)
    case .label, .texts: throw failure("I408", "works on labels, expected numbers")
    case nil: throw failure("I408", "has no operand \(index + 1)")
    }
  }

  /// The operand as a constant, nil where it is left out.
  ///
  /// - Throws: I408 where it depends on the inputs.
  func constant(_ index: Int) throws(CompilationFailed) -> ONNXConstant? {
    switch operand(index) {
    case nil: return nil
    case .constant(let constant): return constant
    default: throw failure("I408", "operand \(index + 1) depends on the inputs, expected a constant")
    }
  }

  func requireConstant(_ index: Int) throws(CompilationFailed) -> ONNXConstant {
    guard let constant = try constant(index) else { throw failure("I408", "has no operand \(index + 1)") }
    return constant
  }

  /// The integers of a constant operand, nil where it is left out.
  func integers(_ index: Int) throws(CompilationFailed) -> [Int]? {
    guard let constant = try constant(index) else { return nil }
    guard let integers = constant.integers else {
      throw failure("I408", "operand \(index + 1) holds numbers that are no integers")
    }
    return integers
  }

  /// The call with other operands.
  func replacing(_ operands: [ONNXValue?]) -> ONNXCall {
    var call = self
    call.operands = operands
    return call
  }

  /// The call with other knowledge of who reads its operands.
  func withReaders(_ isOnlyReader: [Bool]) -> ONNXCall {
    var call = self
    call.isOnlyReader = isOnlyReader
    return call
  }

  /// The call with another integer as attribute.
  func replacing(_ name: String, _ value: Int) -> ONNXCall {
    var call = self
    var attribute = Onnx_AttributeProto()
    attribute.name = name
    attribute.type = .int
    attribute.i = Int64(value)
    call.attributes[name] = attribute
    return call
  }

  /// The call with other integers, which are an attribute in old operator sets and an operand in new ones.
  func replacing(_ name: String, operand index: Int, _ values: [Int]) -> ONNXCall {
    var call = self
    if attributes[name] != nil {
      call.attributes[name]?.ints = values.map { Int64($0) }
      return call
    }
    while call.operands.count <= index { call.operands.append(nil) }
    call.operands[index] = .constant(
      ONNXConstant(shape: [values.count], values: values.map(Double.init), isInteger: true))
    return call
  }

  /// All constants, if no operand depends on the inputs.
  var constants: [ONNXConstant]? {
    var result: [ONNXConstant] = []
    for operand in operands {
      guard case .constant(let constant)? = operand else { return nil }
      result.append(constant)
    }
    return result
  }

  /// A constant as one sample meets it beside a tensor of that rank, the samples' axis counted.
  ///
  /// - Throws: I405 where it differs from sample to sample.
  func perSample(_ constant: ONNXConstant, rank: Int) throws(CompilationFailed) -> ONNXConstant {
    if context.isSingleSample || constant.shape.count < rank || constant.shape.isEmpty { return constant }
    guard constant.shape[0] == 1, constant.shape.count == rank else {
      throw failure("I405", "a constant of shape \(constant.shape) differs between samples")
    }
    return constant.reshaped(Array(constant.shape.dropFirst()))
  }

  /// The shape of a tensor with the samples' axis.
  func fullShape(_ x: NodeID, _ builder: GraphBuilder) -> [Int] {
    context.isSingleSample ? builder.shape(x) : [batch] + builder.shape(x)
  }

  /// The number of axes of a tensor with the samples' one.
  func fullRank(_ x: NodeID, _ builder: GraphBuilder) -> Int {
    builder.rank(x) + (context.isSingleSample ? 0 : 1)
  }

  /// A shape of the file as nodes have it.
  ///
  /// - Throws: I405 where it does not begin with the samples.
  func local(_ shape: [Int]) throws(CompilationFailed) -> [Int] {
    if context.isSingleSample { return shape.isEmpty ? [1] : shape }
    guard shape.first == batch, shape.count > 1 else {
      throw failure("I405", "mixes samples: its result has the shape \(shape)")
    }
    return Array(shape.dropFirst())
  }

  /// An operand of one sample, without the samples' axis, for operators that are defined on samples.
  func sample(_ index: Int, _ builder: inout GraphBuilder) throws(CompilationFailed) -> NodeID {
    let x = try tensor(index, &builder)
    guard context.isSingleSample else { return x }
    let shape = builder.shape(x)
    guard shape.count > 1, shape[0] == 1 else {
      throw failure("I405", "expected one sample as the first axis of \(shape)")
    }
    return try builder.reshape(x, Array(shape.dropFirst()), self, "sample")
  }

  /// What such an operator gives, as the tensor of the file.
  func result(_ y: NodeID, _ builder: inout GraphBuilder) throws(CompilationFailed) -> ONNXValue {
    .tensor(context.isSingleSample ? try builder.reshape(y, [1] + builder.shape(y), self, "samples") : y)
  }

  /// The shape of any operand with the samples' axis.
  func fullShape(_ value: ONNXValue?, _ builder: GraphBuilder) -> [Int]? {
    switch value {
    case .tensor(let node): fullShape(node, builder)
    case .displaced(let tensor):
      builder.shape(tensor.node)[..<tensor.axis] + [batch] + builder.shape(tensor.node)[tensor.axis...]
    case .constant(let constant): constant.shape
    case .integers(let integers): fullShape(integers.operand, builder)
    case .scaled(let scaled): fullShape(scaled.operand, builder)
    case .label: [batch]
    case .texts(let texts): [texts.count]
    case nil: nil
    }
  }
}

// MARK: Attributes

extension ONNXCall {
  func int(_ name: String, default fallback: Int) -> Int { attributes[name].map { Int($0.i) } ?? fallback }
  func flag(_ name: String) -> Bool { int(name, default: 0) != 0 }
  func float(_ name: String, default fallback: Double) throws(CompilationFailed) -> Double {
    guard let attribute = attributes[name] else { return fallback }
    guard attribute.f.isFinite else { throw failure("I408", "'\(name)' is \(attribute.f)") }
    return Double(attribute.f)
  }
  func text(_ name: String, default fallback: String) -> String {
    attributes[name].map { String(decoding: $0.s, as: UTF8.self) } ?? fallback
  }
  func ints(_ name: String) -> [Int]? { attributes[name].map { $0.ints.map(Int.init) } }

  /// Integers that are an attribute in old operator sets and an operand in new ones.
  func ints(_ name: String, operand index: Int) throws(CompilationFailed) -> [Int]? {
    if let values = ints(name) { return values }
    return try integers(index)
  }

  /// An axis of a tensor of that rank, counted from the end where it is negative.
  func axis(_ axis: Int, rank: Int) throws(CompilationFailed) -> Int {
    let position = axis < 0 ? axis + rank : axis
    guard position >= 0, position < rank else {
      throw failure("I408", "axis \(axis) is not one of \(rank) axes")
    }
    return position
  }

  /// An axis of a tensor's node: that of the file without the samples' axis before it.
  ///
  /// - Throws: I405 where it is the samples' axis.
  func sampleAxis(_ axis: Int, rank: Int) throws(CompilationFailed) -> Int {
    let position = try self.axis(axis, rank: rank)
    if context.isSingleSample { return position }
    if position == 0 { throw failure("I405", "works along the axis of the samples") }
    return position - 1
  }

  /// Axes of a tensor's node, ascending.
  func sampleAxes(_ axes: [Int], rank: Int) throws(CompilationFailed) -> [Int] {
    var result: Set<Int> = []
    for axis in axes { result.insert(try sampleAxis(axis, rank: rank)) }
    guard result.count == axes.count else { throw failure("I408", "the axes \(axes) repeat") }
    return result.sorted()
  }
}
