import Diagnostics
import Foundation
import Graph
import Testing

@testable import Readers

/// Models that `Tests/Models/scripts/keras_kinds.py` wrote: twenty random configurations of every kind, with the framework's
/// outputs; and a count over all recorded models, so that no kind is left out.
@Suite("Twenty configurations of every kind of layer")
struct KerasKindTests {
  static let models: [RecordedModel] = RecordedForms.files.filter { $0.contains("/kinds_") }
    .map { RecordedModel(file: $0) }

  @Test func modelsArePresent() { #expect(Self.models.count >= 10) }

  @Test(arguments: models)
  func sameOutputs(_ model: RecordedModel) throws {
    for output in try model.differences() {
      #expect(output.error <= 1, "\(output.name) differs by \(output.error)")
      if model.file.contains("/kinds_exact") { #expect(output.isEqual, "\(output.name) is not exact") }
    }
  }

  /// Names that the frameworks' versions of today do not write: those of older files, and other spellings.
  static let spellings: Set<String> = {
    var names: Set<String> = [
      "BatchNormalizationV1", "GroupedQueryAttention",
      // Written as `nn.softmax`, `math.truediv`, `math.sigmoid`, `math.softplus` and `math.tanh`.
      "tf.math.softmax", "tf.math.divide", "tf.nn.sigmoid", "tf.nn.softplus", "tf.nn.tanh",
    ]
    for rank in 1...3 {
      names.insert("Convolution\(rank)DTranspose")
      for kind in ["AvgPool", "MaxPool", "GlobalAvgPool", "GlobalMaxPool"] {
        names.formUnion(["\(kind)\(rank)D", "hgq>Q\(kind)\(rank)D"])
      }
    }
    return names
  }()

  /// Kinds that no framework at hand makes: layers of projects of their own, checked by the trained models beside the
  /// package; one of a QKeras that is not released; a function of Keras that exists as an activation only.
  static let unavailable: Set<String> = ["BinaryDense", "TernaryDense", "QDenseBatchnorm", "Mish"]

  @Test func everyKindHasTwentyForms() throws {
    var forms: [String: Set<String>] = [:]
    for file in RecordedForms.files {
      for (kind, form) in try RecordedForms(file).forms { forms[kind, default: []].insert(form) }
    }
    let kinds = Set(LayerImporter.all.keys).union(TensorFlowFunction.known.keys.map { "tf.\($0)" })
    for kind in kinds.subtracting(Self.spellings).subtracting(Self.unavailable).sorted() {
      #expect(forms[kind, default: []].count >= 20, "\(kind): \(forms[kind, default: []].count)")
    }
  }
}

/// What the layers of one recorded model are, each with its configuration and the shapes of its operands.
struct RecordedForms {
  /// The recorded models of Keras, below the folder of models.
  static let files: [String] = ["keras2", "keras3"].flatMap { folder -> [String] in
    let names =
      (try? FileManager.default.contentsOfDirectory(atPath: "\(RecordedModel.folder)/\(folder)")) ?? []
    let endings = [".keras", ".h5", ".json"]
    return names.sorted().filter { name in
      endings.contains(where: name.hasSuffix) && !name.hasSuffix(".golden.h5")
        && !name.hasSuffix("_weights.h5")
        && name != "quantizers.json"
    }.map { "\(folder)/\($0)" }
  }

  private(set) var forms: [(kind: String, form: String)] = []
  private var shapes: [String: [Int]] = [:]

  init(_ file: String) throws {
    let path = "\(RecordedModel.folder)/\(file)"
    // The shape that each layer gives; layers that do nothing have no nodes.
    for node in try ModelReader.read(path).graph.nodes { shapes[node.layer.name] = node.shape }
    collect(try KerasNetwork(try Self.architecture(path)))
  }

  private static func architecture(_ path: String) throws -> JSONValue {
    if path.hasSuffix(".json") { return try JSONDocument(path: path).root }
    if path.hasSuffix(".keras") {
      let archive = try ZIPArchive(path: path)
      return try JSONDocument(try archive.contents("config.json"), file: path).root
    }
    let text = try HDF5File(path: path).root.requireString("model_config")
    return try JSONDocument(text: text, file: path).root
  }

  private mutating func collect(_ network: KerasNetwork) {
    var calls: [Int: KerasNetwork.Call] = [:]
    for call in network.calls { calls[call.member] = call }
    func shape(_ tensor: KerasNetwork.Tensor) -> String {
      let member = network.members[tensor.member]
      if let known = shapes[member.name] { return "\(known)" }
      guard let before = calls[tensor.member]?.operands.first else { return "" }
      return shape(before)
    }
    for call in network.calls {
      switch network.members[call.member] {
      case .network(let inner): collect(inner)
      case .layer(let layer):
        let operands = call.arguments.map { argument in
          switch argument {
          case .literal(let value): Self.text(value)
          case .tensor(let tensor): shape(tensor)
          }
        }
        let keywords = call.keywords.map { "\($0.name)=\(Self.text($0.value))" }
        let form = ([Self.text(layer.config)] + operands + keywords).joined(separator: " ")
        forms.append((layer.kind, form))
        if layer.function != nil, let name = layer.config["function"]?.string {
          forms.append(("tf.\(name.replacingOccurrences(of: "compat.v1.", with: ""))", form))
        }
      }
    }
  }

  /// The value without names and seeds, which make no other form.
  private static func text(_ value: JSONValue) -> String {
    if let object = value.object {
      let members = object.filter { !["name", "seed", "dtype", "shared_object_id"].contains($0.key) }
      return
        "{\(members.sorted { $0.key < $1.key }.map { "\($0.key):\(text($0.value))" }.joined(separator: ","))}"
    }
    if let array = value.array { return "[\(array.map { text($0) }.joined(separator: ","))]" }
    if let string = value.string { return string }
    return value.double.map { "\($0)" } ?? value.bool.map { "\($0)" } ?? "null"
  }
}
