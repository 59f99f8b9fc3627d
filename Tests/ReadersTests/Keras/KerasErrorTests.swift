import Diagnostics
import Testing

@testable import Readers

@Suite("Keras models that can't be read")
struct KerasErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var code: String
    var model: String
    var testDescription: String { "\(code) \(model.suffix(90))" }

    init(_ code: String, _ layers: [String], input: String = "[null, 4]") {
      self.code = code
      model = TestModel.sequential(layers, input: input)
    }

    init(_ code: String, model: String) {
      self.code = code
      self.model = model
    }

    /// A functional model of layers, each with its inbound nodes.
    init(_ code: String, functional layers: [(String, String)], output: String = "y") {
      let input =
        #"{"class_name": "InputLayer", "name": "x", "inbound_nodes": [], "#
        + #""config": {"name": "x", "batch_shape": [null, 4]}}"#
      let entries = layers.map { name, nodes in
        #"{"class_name": "Add", "name": "\#(name)", "config": {"name": "\#(name)"}, "#
          + #""inbound_nodes": [\#(nodes)]}"#
      }
      self.code = code
      model = #"""
        {"class_name": "Functional", "config": {"name": "m",
         "layers": [\#(([input] + entries).joined(separator: ", "))],
         "input_layers": [["x", 0, 0]], "output_layers": [["\#(output)", 0, 0]]}}
        """#
    }
  }

  private static func layer(_ kind: String, _ attributes: String = "") -> [String] {
    [TestModel.layer(kind, "y", attributes)]
  }

  static let structure: [Case] = [
    Case("I100", model: #"{"class_name": "MyModel", "config": {}}"#),
    Case("I101", model: #"{"class_name": "Sequential", "config": {"layers": []}}"#),
    Case("I101", functional: [("y", #"[["x", 0, 0, {}], ["z", 0, 0, {}]]"#)]),
    Case("I101", functional: [("y", #"[["x", 0, 0, {}], ["x", 4, 0, {}]]"#)]),
    Case("I101", functional: [("y", #"[["x", 0, 0, {}], ["x", -1, 0, {}]]"#)]),
    Case("I101", functional: [("y", #"[["x", 0], ["x", 0, 0, {}]]"#)]),
    Case("I101", functional: [("y", #"[["x", 0, 0, {}], ["x", 0, 0, {}]]"#)], output: "z"),
    Case("I101", functional: [("y", #"[["x", 0, 0], ["x", 0, 0]]"#), ("y", #"[["x", 0, 0], ["x", 0, 0]]"#)]),
    Case("I101", functional: [("y", #"[["x", 0, 1], ["x", 0, 1]]"#)]),
    Case("I102", functional: [("a", #"[["x", 0, 0], ["y", 0, 0]]"#), ("y", #"[["a", 0, 0], ["x", 0, 0]]"#)]),
    Case("I102", functional: [("y", #"[["y", 0, 0], ["x", 0, 0]]"#)]),
    Case("I103", layer("Activation", #""activation": "relu""#), input: "[null, null]"),
    Case("I103", layer("Activation", #""activation": "relu""#), input: "[null, -3]"),
    Case("I103", layer("Activation", #""activation": "relu""#), input: "[null]"),
    Case(
      "I103",
      model: #"{"class_name": "Sequential", "config": {"layers": [{"class_name": "ReLU", "config": {}}]}}"#),
    Case("I113", layer("Add")),
    Case("I118", functional: [("y", #"[["x", 0, 0, {"mask": 1}], ["x", 0, 0, {}]]"#)]),
    Case("I032", model: #"{"class_name": "Sequential"}"#),
    Case("I033", model: #"{"class_name": "Functional", "config": {"layers": 3}}"#),
  ]

  static let layers: [Case] = [
    Case("I111", layer("ReLU", #""surprise": 3"#)),
    Case("I111", layer("ReLU", #""dtype": "int8_from_float32""#)),
    Case("I114", layer("Reshape", #""target_shape": [3, -1]"#)),
    Case("I114", layer("Reshape", #""target_shape": [-1, -1]"#)),
    Case("I114", layer("Reshape", #""target_shape": [4611686018427387904, 4]"#)),
    Case("I114", layer("Permute", #""dims": [2]"#)),
    Case("I114", layer("Softmax", #""axis": [1, 2]"#)),
    Case("I114", layer("Softmax", #""axis": 5"#)),
    Case("I114", layer("LeakyReLU", #""negative_slope": NaN"#)),
    Case("I114", layer("MaxPooling1D", #""pool_size": [0], "strides": [1]"#), input: "[null, 4, 2]"),
    Case("I114", layer("MaxPooling1D", #""pool_size": [9], "strides": [1]"#), input: "[null, 4, 2]"),
    Case("I114", layer("MaxPooling1D", #""pool_size": [2], "padding": "odd""#), input: "[null, 4, 2]"),
    Case(
      "I114", layer("GlobalMaxPooling1D", #""data_format": "channels_middle""#), input: "[null, 4, 2]"),
    Case("I114", layer("Cropping1D", #""cropping": [2, 2]"#), input: "[null, 4, 2]"),
    Case("I115", layer("ReLU"), input: "[null, 100000, 100000]"),
    Case("I115", layer("RepeatVector", #""n": 2000000000"#)),
    Case("I115", layer("UpSampling1D", #""size": 2000000000"#), input: "[null, 4, 2]"),
    Case("I116", layer("MaxPooling2D", #""pool_size": [2, 2]"#)),
    Case("I116", layer("Rescaling", #""scale": [1.0, 2.0]"#)),
    Case("I117", layer("ConvLSTM2D")),
    Case("I113", layer("Dot", #""axes": 1"#)),
    Case("I116", layer("MultiHeadAttention", #""num_heads": 1"#)),
    Case("I114", layer("Embedding", #""input_dim": 3, "output_dim": 2, "mask_zero": true"#)),
    Case("I114", layer("Resizing", #""height": 2, "width": 2, "antialias": true"#), input: "[null, 4, 4, 1]"),
    Case(
      "I114", layer("Resizing", #""height": 2, "width": 2, "interpolation": "bicubic""#),
      input: "[null, 4, 4, 1]"),
    Case("I114", layer("UpSampling2D", #""size": 2, "interpolation": "lanczos3""#), input: "[null, 4, 4, 1]"),
    Case("I114", layer("GroupNormalization", #""groups": 3, "scale": false, "center": false"#)),
    Case("I114", layer("LayerNormalization", #""axis": 4, "scale": false, "center": false"#)),
    Case("I114", layer("UnitNormalization", #""axis": []"#)),
    Case("I114", layer("Mean", #""axis": null"#)),
    Case("I114", layer("Transpose", #""axes": [1, 0]"#)),
    Case("I114", layer("Split", #""indices_or_sections": 3, "axis": 1"#)),
    Case("I114", layer("Pad", #""pad_width": [[1, 0], [0, 0]], "mode": "constant""#)),
    Case("I114", layer("Einsum", #""subscripts": "ab->a?""#)),
    Case("I116", layer("Resizing", #""height": 2, "width": 2"#)),
    Case("I116", layer("AdaptiveMaxPooling1D", #""output_size": 2"#)),
    Case("I117", layer("Activation", #""activation": "relu""#) + layer("Lambda")),
  ]

  static let quantizers: [Case] = [
    Case("I200", layer("QActivation", #""activation": "quantized_bits(4""#)),
    Case("I201", layer("QActivation", #""activation": "quantized_bytes(4)""#)),
    Case("I201", layer("Activation", #""activation": "unheard_of""#)),
    Case("I202", layer("QActivation", #""activation": "bernoulli()""#)),
    Case("I202", layer("QActivation", #""activation": "quantized_ulaw(6)""#)),
    Case("I203", layer("QActivation", #""activation": "quantized_bits(4, bytes=1)""#)),
    Case("I203", layer("QActivation", #""activation": "quantized_bits(40)""#)),
    Case("I203", layer("QActivation", #""activation": "quantized_bits(4.5)""#)),
    Case("I203", layer("QActivation", #""activation": "quantized_bits(4, 0, bits=3)""#)),
    Case("I203", layer("QActivation", #""activation": "quantized_bits(4, 0, alpha='best')""#)),
    Case("I203", layer("QActivation", #""activation": "quantized_bits(4, 0, alpha=[1, 2])""#)),
    Case("I203", layer("QActivation", #""activation": "quantized_bits(4, qnoise_factor=0.5)""#)),
    Case("I203", layer("QActivation", #""activation": "quantized_relu(4, negative_slope=0.3)""#)),
    Case("I203", layer("QActivation", #""activation": "quantized_po2(4, log2_rounding='up')""#)),
    Case(
      "I203", layer("QActivation", #""activation": {"class_name": "binary", "config": {"alpha": {}}}"#)),
    Case("I204", layer("QActivation", #""activation": "quantized_po2(8)""#)),
    Case("I205", layer("QActivation", #""activation": "quantized_bits(4, 0, alpha='auto')""#)),
    Case("I252", layer("HGQ>FixedPointQuantizer", #""RND": "RND", "SAT": "WRAP_SM""#)),
    Case("I252", layer("HGQ>FixedPointQuantizer", #""RND": "UP", "SAT": "WRAP""#)),
    Case("I253", layer("hgq>Quantizer", #""config": {"config": {"q_type": "float"}}"#)),
  ]

  @Test(arguments: structure + layers + quantizers)
  func refused(_ test: Case) {
    let errors = TestModel.diagnostics(test.model).filter { $0.severity == .error }
    #expect(errors.contains { $0.code.description == test.code }, "found \(errors)")
    #expect(errors.allSatisfy { $0.location != nil })
  }

  @Test func warnings() {
    let model = TestModel.sequential([TestModel.layer("ReLU", "y", #""dtype": "mixed_float16""#)])
    #expect(TestModel.diagnostics(model).map(\.code) == ["I112"])
  }
}

@Suite("Keras weights that can't be read")
struct KerasWeightErrorTests {
  static let dense = TestModel.sequential([TestModel.layer("Dense", "y", #""units": 3"#)])

  private func codes(_ variables: [(String, [Int])], value: Double = 0.5, layer: String = "y") throws
    -> [String]
  {
    let weights = try TestModel.weights([(layer, variables)], value: value)
    return TestModel.diagnostics(Self.dense, weights: weights).filter { $0.severity == .error }.map(
      \.code.description)
  }

  @Test func namedVariables() throws {
    #expect(try codes([("y/kernel:0", [4, 3]), ("y/bias:0", [3])]).isEmpty)
    #expect(try codes([("y/kernel:0", [4, 3])]) == ["I105"])
    #expect(try codes([("y/kernel:0", [4, 3]), ("y/bias:0", [3]), ("y/extra:0", [3])]) == ["I105"])
    #expect(try codes([("a/kernel:0", [4, 3]), ("b/kernel:0", [4, 3])]) == ["I105"])
    #expect(try codes([("y/kernel:0", [3, 4]), ("y/bias:0", [3])]) == ["I109"])
    #expect(try codes([("y/kernel:0", [4, 3]), ("y/bias:0", [1, 3])]) == ["I109"])
    #expect(try codes([("y/kernel:0", [4, 3]), ("y/bias:0", [3])], value: .nan) == ["I107"])
    #expect(try codes([("y/kernel:0", [4, 3]), ("y/bias:0", [3])], value: .infinity) == ["I107"])
    #expect(try codes([("z/kernel:0", [4, 3])], layer: "z") == ["I016"])
  }

  @Test func noWeights() {
    #expect(TestModel.diagnostics(Self.dense).map(\.code) == ["I108"])
    let file = HDF5File(
      path: "m.h5", root: HDF5Group(file: "m.h5", path: "/", attributes: [], groups: [], datasets: []))
    #expect(failure { _ = try KerasWeights(file) }?.code == "I104")
  }

  @Test func numberedVariables() throws {
    func file(_ name: String, _ shapes: [[Int]]) throws -> KerasWeights {
      let path = "/layers/dense/vars"
      let datasets = shapes.enumerated().map { i, shape in
        HDF5Dataset(
          file: "m.h5", path: "\(path)/\(i)",
          value: HDF5Array(
            type: "float32", shape: shape, elements: .float32(Array(repeating: 1, count: shape.reduce(1, *))))
        )
      }
      let named = HDF5Attribute(
        name: "name", value: HDF5Array(type: "string", shape: [], elements: .strings([name])))
      let variables = HDF5Group(file: "m.h5", path: path, attributes: [named], groups: [], datasets: datasets)
      let layer = HDF5Group(
        file: "m.h5", path: "/layers/dense", attributes: [], groups: [variables], datasets: [])
      let layers = HDF5Group(file: "m.h5", path: "/layers", attributes: [], groups: [layer], datasets: [])
      return try KerasWeights(
        HDF5File(
          path: "m.h5",
          root: HDF5Group(file: "m.h5", path: "/", attributes: [], groups: [layers], datasets: [])))
    }
    func codes(_ weights: KerasWeights) -> [DiagnosticCode] {
      TestModel.diagnostics(Self.dense, weights: weights, version: "3.15.1").map(\.code)
    }
    #expect(codes(try file("y", [[4, 3], [3]])).isEmpty)
    #expect(codes(try file("other", [[4, 3], [3]])) == ["I106"])
    #expect(codes(try file("y", [[4, 3]])) == ["I105"])
    #expect(codes(try file("y", [[4, 3], [3], [3]])) == ["I105"])
    #expect(codes(try file("y", [[3, 4], [3]])) == ["I109"])
  }

  /// Widths that make no sense, of HGQ and HGQ2.
  @Test func elementTypes() throws {
    let proxy = TestModel.sequential([
      TestModel.layer("HGQ>FixedPointQuantizer", "y", #""RND": "RND", "SAT": "SAT""#)
    ])
    func codes(_ shape: [Int], _ value: Double) throws -> [DiagnosticCode] {
      let names = ["keep_negative", "bits", "integers"]
      let weights = try TestModel.weights([("y", names.map { ("y/\($0):0", shape) })], value: value)
      return TestModel.diagnostics(proxy, weights: weights).map(\.code)
    }
    #expect(try codes([1, 4], 1).isEmpty)
    #expect(try codes([], 0).isEmpty)
    #expect(try codes([1, 3], 1) == ["I251"])
    #expect(try codes([1, 4], 2) == ["I250"])
    #expect(try codes([1, 4], 0.5) == ["I250"])
    let kif = #""config": {"config": {"q_type": "kif", "round_mode": "RND", "overflow_mode": "SAT"}}"#
    let quantizer = TestModel.sequential([TestModel.layer("hgq>Quantizer", "y", kif)])
    let prefix = "y/fixed_point_quantizer_kif"
    let weights = try TestModel.weights(
      [("y", ["i", "f", "k"].map { ("\(prefix)/\($0)", [1, 4]) })], value: 2)
    #expect(TestModel.diagnostics(quantizer, weights: weights, version: "3.15.1").map(\.code) == ["I254"])
  }
}

@Suite("Model files")
struct ModelReaderTests {
  @Test func kinds() throws {
    let folder = try TemporaryFolder()
    let text = try folder.write(Array("not a model".utf8), "m.txt")
    #expect(failure { _ = try ModelReader.read(text) }?.code == "I120")
    let json = try folder.write(Array(#"{"other": {}}"#.utf8), "m.json")
    #expect(failure { _ = try ModelReader.read(json) }?.code == "I120")
    let alone = try folder.write(Array(KerasWeightErrorTests.dense.utf8), "alone.json")
    #expect(failure { _ = try ModelReader.read(alone) }?.code == "I123")
    #expect(failure { _ = try ModelReader.read(folder.path("none.h5")) }?.code == "I001")
    #expect(failure { _ = try ModelReader.read(folder.url.path) }?.code == "I002")
    #expect(failure { _ = try ModelReader.read(Fixture.path("kinds.h5")) }?.code == "I121")
    let model = "\(RecordedModel.folder)/trained/qkeras_3layer.h5"
    #expect(failure { _ = try ModelReader.read(model, weights: model) }?.code == "I122")
    let other = "\(RecordedModel.folder)/trained/hgq1_jets.h5"
    let architecture = "\(RecordedModel.folder)/trained/dense_3layer_batch_norm.json"
    #expect(failure { _ = try ModelReader.read(architecture, weights: other) }?.code == "I016")
  }

  /// Weights lie beside the architecture under the ending of Keras 2 or that of Keras 3.
  @Test(arguments: ["_weights.h5", ".weights.h5"])
  func weightsBesideArchitecture(_ ending: String) throws {
    let folder = try TemporaryFolder()
    for (ours, recorded) in [("m.json", ".json"), ("m\(ending)", "_weights.h5")] {
      let path = "\(RecordedModel.folder)/trained/dense_3layer_batch_norm\(recorded)"
      _ = try folder.write(try InputFile.bytes(at: path), ours)
    }
    #expect(try ModelReader.read(folder.path("m.json")).graph.nodes.count > 10)
  }

  @Test func names() {
    #expect(ModelReader.stem("/a/b.c/model.tar.h5") == "model.tar")
    #expect(ModelReader.stem("model") == "model")
    #expect(ModelReader.stem("a/.hidden") == ".hidden")
  }
}
