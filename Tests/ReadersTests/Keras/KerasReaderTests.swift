import Diagnostics
import FixedPoint
import Functions
import Graph
import Testing

@testable import Readers

@Suite("Keras models")
struct KerasReaderTests {
  /// Nodes are named as hls4ml names them and know where they come from.
  @Test func namesAndOrigins() throws {
    let model = TestModel.sequential([
      TestModel.layer("Dense", "fc1", #""units": 3, "activation": "relu""#),
      TestModel.layer("Dropout", "drop", #""rate": 0.5"#),
      TestModel.layer("Activation", "act", #""activation": "tanh""#),
      TestModel.layer("Dense", "out", #""units": 2, "activation": "softmax", "use_bias": false"#),
    ])
    let weights = try TestModel.weights([
      ("fc1", [("fc1/kernel:0", [4, 3]), ("fc1/bias:0", [3])]), ("out", [("out/kernel:0", [3, 2])]),
    ])
    let graph = try TestModel.read(model, weights: weights).graph
    #expect(
      graph.nodes.map(\.name) == [
        "x", "fc1", "fc1_relu", "act", "out", "out_softmax_max", "out_softmax_max_broadcast",
        "out_softmax_difference",
        "out_softmax_exp", "out_softmax_sum", "out_softmax_reciprocal", "out_softmax_reciprocal_broadcast",
        "out_softmax",
      ])
    #expect(graph[NodeID(2)].layer == Layer(name: "fc1", kind: "Dense", path: "config.layers[1].config"))
    #expect(graph.framework == "keras 2.14.0")
    #expect(graph.outputs.map(\.name) == ["out"])
    #expect(graph.softmaxOperand(of: graph.outputs[0].node).map { graph[$0].name } == "out")
    #expect(graph.verify().isEmpty)
  }

  /// A shared layer gives a node for each call, layers of nested models carry the models' names.
  @Test func sharedAndNested() throws {
    let graph = try ModelReader.read("\(RecordedModel.folder)/keras3/nested.keras").graph
    let names = Set(graph.nodes.map(\.name))
    #expect(
      names.isSuperset(of: [
        "dense", "dense_call2", "dense_call3", "inner/bn", "inner/bn_2", "tower/block/dense",
      ]))
    #expect(graph.inputs.map { graph[$0].name } == ["a", "b"])
    #expect(graph.outputs.map(\.name) == ["sum", "both", "tower"])
  }

  /// Float weights stay real; quantized ones are integers, and their activations types.
  @Test func quantizedWeights() throws {
    let graph = try ModelReader.read("\(RecordedModel.folder)/trained/qkeras_3layer.h5").graph
    for node in graph.nodes {
      if case .linear(let linear) = node.primitive {
        #expect(linear.weights.isExact && linear.bias?.isExact == true)
      }
    }
    guard let relu = graph.nodes.first(where: { $0.name == "relu1" }),
      case .quantize(.fixed(let types, _)) = relu.primitive
    else {
      Issue.record("there is no quantizer 'relu1'")
      return
    }
    #expect(
      types.uniform
        == FixedType(width: 6, integerBits: 0, isSigned: false, rounding: .rndConv, overflow: .sat))
  }

  /// BatchNormalization is computed as Keras does, in float32.
  @Test func batchNormalisation() throws {
    let names = ["gamma", "beta", "moving_mean", "moving_variance"]
    let weights = try TestModel.weights([("y", names.map { ("y/\($0):0", [4]) })], value: 0.7)
    let model = TestModel.sequential([
      TestModel.layer("BatchNormalization", "y", #""axis": [1], "epsilon": 0.001"#)
    ])
    let graph = try TestModel.read(model, weights: weights).graph
    guard case .linear(let linear) = graph.nodes[1].primitive else {
      Issue.record("expected a linear node")
      return
    }
    let value = Float(0.7)
    let scale = value / (value + 0.001).squareRoot()
    #expect(linear.groups == 4 && linear.inputs == 1 && linear.outputs == 1)
    #expect(linear.weights == Weights(real: Array(repeating: Double(scale), count: 4), shape: [4, 1, 1]))
    #expect(
      linear.bias == Weights(real: Array(repeating: Double(value - value * scale), count: 4), shape: [4, 1]))
  }

  /// Averages keep their factor as a fraction.
  @Test func exactAverages() throws {
    let model = TestModel.sequential(
      [TestModel.layer("GlobalAveragePooling1D", "y", #""data_format": "channels_last""#)],
      input: "[null, 3, 2]")
    let graph = try TestModel.read(model).graph
    guard let node = graph.nodes.first(where: { $0.name == "y_average" }),
      case .linear(let linear) = node.primitive
    else {
      Issue.record("expected a linear node")
      return
    }
    let third = PerElement(repeating: Rational(1, 3), count: 2)
    #expect(linear.weights == Weights(raw: [1, 1], exponent: 0, shape: [2, 1, 1], scales: third))
  }

  /// Every unsupported layer and attribute is listed at once.
  @Test func everythingAtOnce() {
    let model = TestModel.sequential([
      TestModel.layer("Lambda", "f", #""function": "print""#), TestModel.layer("Hashing", "e"),
      TestModel.layer("Dense", "d", #""units": 3, "sparse_mode": "fast", "other": 0"#),
    ])
    let found = TestModel.diagnostics(model)
    #expect(found.filter { $0.severity == .error }.map(\.code.description) == ["I117", "I117", "I111"])
    #expect(found.contains { $0.code == "I110" && $0.severity == .notice })
    #expect(found[0].message.contains("Python code"))
  }

  /// Keras passes what is above a threshold, not the threshold itself; in raw integers too.
  @Test func thresholds() throws {
    let model = TestModel.sequential([
      TestModel.layer("ReLU", "y", #""threshold": 0.75, "negative_slope": 0.5"#)
    ])
    let graph = try TestModel.read(model).graph
    let inputs = [0.5, 0.75, 1, -1]
    #expect(FloatInterpreter(graph).run([inputs])[1] == [-0.125, 0, 1, -0.875])
    let rectifier = Rectifier(maximum: nil, negativeSlope: Rational(1, 2), threshold: Rational(3, 4))
    let (element, unit) = try rectifier.element(unit: Unit(exponent: -2, factor: .one))
    #expect(
      inputs.map {
        Double(element.apply(Int128($0 * 4))) * unit.factor.doubleValue
          * Double(sign: .plus, exponent: unit.exponent, significand: 1)
      } == [-0.125, 0, 1, -0.875])
  }

  /// The versions of Keras differ in what a name means.
  @Test func generations() throws {
    let model = TestModel.sequential([TestModel.layer("Activation", "y", #""activation": "hard_sigmoid""#)])
    func function(_ version: String) throws -> Primitive {
      try TestModel.read(model, version: version).graph.nodes[1].primitive
    }
    #expect(try function("2.14.0") == .map(Map(.hardSigmoid(slope: 0.2, offset: 0.5))))
    #expect(try function("3.15.1") == .map(Map(.hardSigmoid(slope: 1.0 / 6, offset: 0.5))))
  }

  @Test(arguments: [
    ("ReLU", "re_lu"), ("Conv2D", "conv2d"), ("QBatchNormDense", "q_batch_norm_dense"), ("PReLU", "p_re_lu"),
    ("GlobalMaxPooling2D", "global_max_pooling2d"), ("hgq>QDense", "q_dense"),
    ("DepthwiseConv2D", "depthwise_conv2d"),
    ("GRU", "gru"), ("LSTMCell", "lstm_cell"),
  ])
  func snakeCase(_ name: String, _ expected: String) { #expect(KerasLayer.snakeCase(name) == expected) }
}

@Suite("Python calls in strings")
struct PythonCallTests {
  @Test func arguments() throws {
    let call = try #require(
      PythonCall("qkeras.quantized_bits( 6, -1 ,alpha='auto' , symmetric = True, x=[1., 2e-1], y=None)"))
    #expect(call.name == "quantized_bits")
    #expect(call.positional == [.number(6), .number(-1)])
    #expect(call.keywords.map(\.name) == ["alpha", "symmetric", "x", "y"])
    #expect(
      call.keywords.map(\.value) == [
        .string("auto"), .bool(true), .list([.number(1), .number(0.2)]), PythonCall.Literal.none,
      ])
    #expect(PythonCall("binary")?.positional.isEmpty == true)
    #expect(PythonCall("f((1, 2),)")?.positional == [.list([.number(1), .number(2)])])
  }

  @Test(arguments: [
    "", "4", "f(", "f)", "f(1", "f(1,,2)", "f(a=)", "f(a=1, 2)", "f(1) + 2", "f(g(1))", "f('a)", "f([1)",
    "f(inf)", "f(1 2)",
    "__import__('os').system('ls')", "f(lambda: 1)", "f(\(String(repeating: "[", count: 40)))",
  ])
  func malformed(_ text: String) { #expect(PythonCall(text)?.name == nil) }
}
