import Diagnostics
import Foundation
import Glibc
import Graph

/// A model as its file describes it.
public struct ReadModel: Sendable {
  /// The untyped graph of the model.
  public var graph: Graph
  /// What a user should know: attributes without effect, and where the framework computes otherwise.
  public var notices: [Diagnostic]
  /// Whether the model was trained with quantizers everywhere, so that tensors without one are exact and none is left
  /// to a default type.
  public var isFullyQuantized: Bool

  public init(graph: Graph, notices: [Diagnostic] = [], isFullyQuantized: Bool = false) {
    self.graph = graph
    self.notices = notices
    self.isFullyQuantized = isFullyQuantized
  }
}

/// Reads model files of every kind, told apart by their contents.
public enum ModelReader {
  /// Reads the model in the file at `path`.
  ///
  /// - Parameters:
  ///   - weights: the file of weights for an architecture in JSON; without it `<stem>_weights.h5` or
  ///     `<stem>.weights.h5` beside the architecture.
  /// - Throws: everything that is wrong with the file, located; I120 for a file of another kind, I121 for
  ///   weights without an architecture, I122 for `weights` with a model that has its own, I123 where weights
  ///   are not found.
  public static func read(_ path: String, weights: String? = nil) throws(CompilationFailed) -> ReadModel {
    let kind = try ModelFileKind(path)
    if weights != nil && kind != .json {
      throw CompilationFailed(
        "I122", "'\(path)' has its own weights", at: .option("--weights"),
        notes: ["--weights belongs to an architecture in JSON"])
    }
    switch kind {
    case .hdf5: return try kerasHDF5(path)
    case .zip: return try kerasArchive(path)
    case .json: return try json(path, weights)
    case .onnx: return try ONNXReader.read(path, name: stem(path))
    case .forest:
      let bytes = try InputFile.bytes(at: path)
      return try ForestReader.read(bytes, file: path, name: stem(path))
    case .unknown:
      throw CompilationFailed(
        "I120", "the file is no model that fpgaml reads", at: .file(path),
        notes: [
          "it reads Keras models: .h5, .keras, and .json with weights; ONNX models: .onnx",
          "and decision forests: XGBoost .json and .ubj, LightGBM .txt, TMVA weights.xml (BDT and MLP)",
        ])
    }
  }

  /// A whole Keras model in HDF5.
  private static func kerasHDF5(_ path: String) throws(CompilationFailed) -> ReadModel {
    let file = try HDF5File(path: path)
    guard file.root.attribute("model_config") != nil else {
      throw CompilationFailed(
        "I121", "the file holds no architecture: it has no attribute 'model_config'", at: .file(path),
        notes: ["for a file of weights, give the architecture as .json and this file with --weights"])
    }
    let text = try file.root.requireString("model_config")
    let document = try JSONDocument(text: text, file: path, member: "model_config")
    let reader = KerasReader(
      architecture: document.root, weights: try KerasWeights(file), version: version(of: file))
    return try reader.read(name: stem(path))
  }

  /// A Keras 3 archive.
  private static func kerasArchive(_ path: String) throws(CompilationFailed) -> ReadModel {
    let archive = try ZIPArchive(path: path)
    let document = try JSONDocument(try archive.contents("config.json"), file: path, member: "config.json")
    var version: String?
    if archive.contains("metadata.json") {
      let metadata = try JSONDocument(
        try archive.contents("metadata.json"), file: path, member: "metadata.json")
      version = metadata.root["keras_version"]?.string
    }
    let weights = try archiveWeights(archive)
    return try KerasReader(architecture: document.root, weights: weights, version: version ?? "3")
      .read(name: stem(path))
  }

  private static func archiveWeights(_ archive: ZIPArchive) throws(CompilationFailed) -> KerasWeights {
    let entry = "model.weights.h5"
    let image = try archive.contents(entry)
    return try KerasWeights(try HDF5File(image: image, name: "\(archive.file): \(entry)"))
  }

  /// A forest of XGBoost in JSON, a graph.json of fpgaml, or an architecture of Keras.
  private static func json(_ path: String, _ weights: String?) throws(CompilationFailed) -> ReadModel {
    let document = try JSONDocument(path: path)
    if weights == nil && document.root["learner"] != nil {
      return try XGBoostReader.read(document.root).read(name: stem(path), file: path)
    }
    if weights == nil && document.root["nodes"] != nil && document.root["outputs"] != nil {
      return ReadModel(graph: try Graph.decoded(Data(try InputFile.bytes(at: path)), file: path))
    }
    return try kerasJSON(document, path, weights)
  }

  /// An architecture in JSON, and the file of its weights.
  private static func kerasJSON(
    _ document: JSONDocument, _ path: String, _ weights: String?
  ) throws(CompilationFailed) -> ReadModel {
    guard document.root["class_name"] != nil, document.root["config"] != nil else {
      throw CompilationFailed(
        "I120", "the JSON text is no Keras model: it has no 'class_name' and 'config'", at: .file(path))
    }
    let stem = path.hasSuffix(".json") ? String(path.dropLast(5)) : path
    // Keras 3 insists on the second ending.
    let candidates = ["\(stem)_weights.h5", "\(stem).weights.h5"]
    guard let file = weights ?? candidates.first(where: { access($0, F_OK) == 0 }) else {
      throw CompilationFailed(
        "I123", "there are no weights: neither '\(candidates[0])' nor '\(candidates[1])' exists",
        at: .file(path), notes: ["give the file of weights with --weights"])
    }
    var version = document.root["keras_version"]?.string
    let store: KerasWeights
    if try ModelFileKind(file) == .zip {
      store = try archiveWeights(try ZIPArchive(path: file))
    } else {
      let contents = try HDF5File(path: file)
      version = version ?? self.version(of: contents)
      store = try KerasWeights(contents)
    }
    return try KerasReader(architecture: document.root, weights: store, version: version).read(
      name: self.stem(path))
  }

  /// The version of Keras that wrote a file; files of weights keep it beside the layers.
  private static func version(of file: HDF5File) -> String? {
    for group in [file.root, file.root.group("model_weights")] {
      if let group, group.attribute("keras_version") != nil {
        return try? group.requireString("keras_version")
      }
    }
    return nil
  }

  /// The file's name without folders and ending, which names the design.
  static func stem(_ path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
    return String(name[..<dot])
  }
}

/// What a file is, by its first bytes.
enum ModelFileKind: Sendable {
  case hdf5, zip, json, forest, onnx, unknown

  init(_ path: String) throws(CompilationFailed) {
    let descriptor = try InputFile.open(path)
    defer { close(descriptor) }
    _ = try InputFile.size(of: descriptor, path)
    var head = [UInt8](repeating: 0, count: 512)
    let count = Glibc.read(descriptor, &head, head.count)
    self = ModelFileKind(head: head.prefix(max(count, 0)))
  }

  init(head: some Collection<UInt8>) {
    let head = Array(head)
    if head.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .hdf5
    } else if head.starts(with: [0x50, 0x4B]) {
      self = .zip
    } else if ONNXReader.isModel(head: head) {
      self = .onnx
    } else {
      let text = head.starts(with: [0xEF, 0xBB, 0xBF]) ? head.dropFirst(3) : head[...]
      switch ForestFormat(head: text) {
      case .lightGBM, .tmva, .universalBinaryJSON: self = .forest
      case .json: self = .json
      case nil: self = .unknown
      }
    }
  }
}
