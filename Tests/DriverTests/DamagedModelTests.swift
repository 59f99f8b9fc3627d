import CircuitTestSupport
import Foundation
import Testing

@testable import Driver
@testable import Readers

/// Sound files with unsound contents: weights that are no numbers, layers that read themselves, shapes beyond all bounds,
/// values of the wrong kind. The command line refuses them with a located message and status 2, and writes nothing.
@Suite(
  "Damaged models", .enabled(if: CommandLineTool.url != nil, "the fpgaml binary is not beside the tests"))
struct DamagedModelTests {
  enum Fault: String, CaseIterable, Sendable { case notFinite, cycle, hugeShape, wrongKind }

  static let models = [
    "Tests/Models/keras2/nested.h5", "Tests/Models/keras3/nested.h5", "Tests/Models/keras3/nested.keras",
    "Tests/Models/trained/dense_3layer_batch_norm.json", "Tests/Models/trained/qkeras_3layer.h5",
    "Tests/Models/trained/hgq1_jets.h5", "Tests/Models/keras3/hgq2_named.h5",
    "examples/models/jet_tagger_hgq2.keras",
  ]

  @Test(arguments: models)
  func damaged(_ file: String) throws {
    let model = try ModelFile(packageRoot.appendingPathComponent(file))
    let folder = try TemporaryFolder()
    let target = folder.url.appendingPathComponent("out")
    var refused: [Fault: Int] = [:]
    for seed in 0..<UInt64(DamagedInputTests.count) {
      var random = SeededGenerator(seed: seed &* 6007 &+ 5)
      let fault = Fault.allCases[Int(seed) % Fault.allCases.count]
      guard let damaged = try model.damaged(fault, &random) else { continue }
      let path = try damaged.write(to: folder.url)
      // Few bits, since tables of many take their time in debug builds.
      let result = try CommandLineTool.limited(
        ["config", path, "--precision", "fixed<8,4>", "-o", target.path])
      let (status, message) = (result.status, result.standardError)
      let found = "\(fault), seed \(seed): status \(status), \(message.suffix(400))"
      // Other shapes and values may be such that nothing reads, or stand for the same.
      let isFatal = fault == .notFinite || fault == .cycle
      #expect(status == 2 || (!isFatal && status == 0), "\(found)")
      if status == 2 {
        refused[fault, default: 0] += 1
        #expect(message.contains(": error: ") && message.contains("]"), "\(found)")
      }
      #expect(!FileManager.default.fileExists(atPath: target.path) || status == 0, "\(found)")
      try? FileManager.default.removeItem(at: target)
    }
    #expect(refused[.notFinite] ?? 0 > 0)
    #expect(refused[.cycle] ?? 0 > 0 || !model.isFunctional)
    if DamagedInputTests.count > 5 {
      #expect(refused[.hugeShape] ?? 0 > 0 && refused[.wrongKind] ?? 0 > 0)
      print("\(file): refused \(refused.values.reduce(0, +)) of \(DamagedInputTests.count)")
    }
  }
}

/// A Keras model, as its architecture and the HDF5 image of its weights, and how to put them together again.
private struct ModelFile {
  var name: String
  var config: [String: Any]
  var image: [UInt8]
  /// In a whole model in HDF5: where the architecture stands in the image.
  var place: Range<Int>?
  private var weights: [[UInt8]]

  init(_ url: URL) throws {
    name = url.lastPathComponent
    let text: [UInt8]
    switch url.pathExtension {
    case "keras":
      let archive = try ZIPArchive(path: url.path)
      text = try archive.contents("config.json")
      image = try archive.contents("model.weights.h5")
    case "json":
      text = try InputFile.bytes(at: url.path)
      image = try InputFile.bytes(
        at: url.deletingPathExtension().path + "_weights.h5")
    default:
      image = try InputFile.bytes(at: url.path)
      text = Array(try HDF5File(path: url.path).root.requireString("model_config").utf8)
      // Of this type, or the requirement would be of an optional in an optional, which is never nil.
      let position: Range<Int> = try #require(ModelFile.position(of: text, in: image))
      place = position
    }
    config = try #require(
      try JSONSerialization.jsonObject(with: Data(ModelFile.quoting(text).utf8)) as? [String: Any])
    weights = try ModelFile.weights(try HDF5File(image: image, name: name).root)
      .filter { $0.count >= 16 && Set($0).count > 4 }
  }

  /// Python's names of numbers that are none, which are no JSON, as texts.
  private static func quoting(_ text: [UInt8]) -> String {
    ["Infinity", "NaN"].reduce(String(decoding: text, as: UTF8.self)) { text, name in
      text.replacingOccurrences(of: ": \(name)", with: ": \"@\(name)\"")
        .replacingOccurrences(of: ": -\(name)", with: ": \"@-\(name)\"")
    }
  }

  var isFunctional: Bool {
    layers.contains { ($0["inbound_nodes"] as? [Any])?.isEmpty == false }
  }

  private var layers: [[String: Any]] {
    (config["config"] as? [String: Any])?["layers"] as? [[String: Any]] ?? []
  }

  /// The bytes of every dataset of binary32 numbers below a group, but the optimizer's, which nothing reads.
  private static func weights(_ group: HDF5Group) throws -> [[UInt8]] {
    var result: [[UInt8]] = []
    for dataset in group.datasets {
      guard case .float32 = dataset.value.elements else { continue }
      result.append(
        try dataset.doubles().flatMap { withUnsafeBytes(of: Float($0).bitPattern.littleEndian, Array.init) })
    }
    for child in group.groups where !child.name.hasPrefix("optimizer") { result += try weights(child) }
    return result
  }

  private static func position(of part: [UInt8], in whole: [UInt8]) -> Range<Int>? {
    guard let range = Data(whole).range(of: Data(part)) else { return nil }
    return range.lowerBound..<range.upperBound
  }

  /// A copy with one fault; nil where the model has no place for it.
  func damaged(_ fault: DamagedModelTests.Fault, _ random: inout SeededGenerator) throws -> ModelFile? {
    var copy = self
    switch fault {
    case .notFinite:
      guard let weight = weights.randomElement(using: &random),
        let place = ModelFile.position(of: weight, in: image)
      else { return nil }
      let at = place.lowerBound + 4 * Int.random(in: 0..<weight.count / 4, using: &random)
      let number = [Float.nan, .infinity, -.infinity, .signalingNaN].randomElement(using: &random) ?? .nan
      withUnsafeBytes(of: number.bitPattern.littleEndian) {
        copy.image.replaceSubrange(at..<at + 4, with: $0)
      }
    case .cycle:
      guard let layers = cyclicLayers(&random) else { return nil }
      copy.replaceLayers(layers)
    case .hugeShape:
      let sizes = [-1, 0, 100_000_000, 1 << 31, 1 << 40, .max]
      let keys = ["batch_shape", "batch_input_shape", "units", "target_shape"]
      copy.config = Self.replacingOne(of: keys, in: config, &random) { value, random in
        let size = sizes.randomElement(using: &random) ?? 0
        guard var list = value as? [Any] else { return size }
        list[list.count - 1] = size
        return list
      }
    case .wrongKind:
      let keys = [
        "units", "activation", "class_name", "batch_shape", "batch_input_shape", "axis", "epsilon", "layers",
        "config", "inbound_nodes", "output_layers", "input_layers", "kernel_quantizer", "use_bias", "bits",
      ]
      let values: [Any] = [3, -1.5, "x", true, [Any](), [1, [2]], [String: Any](), ["class_name": 7]]
      copy.config = Self.replacingOne(of: keys, in: config, &random) { _, random in
        values.randomElement(using: &random) ?? 3
      }
    }
    return copy
  }

  /// The layers with one that reads itself, or one of those that read it.
  private func cyclicLayers(_ random: inout SeededGenerator) -> [[String: Any]]? {
    var layers = layers
    let names = layers.map {
      $0["name"] as? String ?? ($0["config"] as? [String: Any])?["name"] as? String ?? ""
    }
    func reads(_ value: Any, _ name: String) -> Bool {
      if let text = value as? String { return text == name }
      if let list = value as? [Any] { return list.contains { reads($0, name) } }
      return (value as? [String: Any])?.values.contains { reads($0, name) } ?? false
    }
    func renamed(_ value: Any, to name: String) -> Any {
      if let text = value as? String { return names.contains(text) ? name : text }
      if let list = value as? [Any] { return list.map { renamed($0, to: name) } }
      return (value as? [String: Any])?.mapValues { renamed($0, to: name) } ?? value
    }
    let inner = layers.indices.filter { (layers[$0]["inbound_nodes"] as? [Any])?.isEmpty == false }
    guard let index = inner.randomElement(using: &random), let nodes = layers[index]["inbound_nodes"] else {
      return nil
    }
    let readers = inner.filter { reads(layers[$0]["inbound_nodes"] ?? [Any](), names[index]) }
    let other = Bool.random(using: &random) ? readers.randomElement(using: &random) ?? index : index
    layers[index]["inbound_nodes"] = renamed(nodes, to: names[other])
    return layers
  }

  private mutating func replaceLayers(_ layers: [[String: Any]]) {
    guard var inner = config["config"] as? [String: Any] else { return }
    inner["layers"] = layers
    config["config"] = inner
  }

  /// A JSON object with the value of one member of some names replaced, wherever it stands.
  private static func replacingOne(
    of keys: [String], in object: [String: Any], _ random: inout SeededGenerator,
    _ change: (Any, inout SeededGenerator) -> Any
  ) -> [String: Any] {
    func count(_ value: Any) -> Int {
      if let list = value as? [Any] { return list.reduce(0) { $0 + count($1) } }
      guard let object = value as? [String: Any] else { return 0 }
      return object.reduce(0) { $0 + count($1.value) + (isPlace($1.key, $1.value) ? 1 : 0) }
    }
    func isPlace(_ key: String, _ value: Any) -> Bool { keys.contains(key) && !(value is NSNull) }
    var left = Int.random(in: 0..<max(1, count(object)), using: &random)
    func visit(_ value: Any, _ random: inout SeededGenerator) -> Any {
      if let list = value as? [Any] { return list.map { visit($0, &random) } }
      guard let object = value as? [String: Any] else { return value }
      var result = object
      for key in object.keys.sorted() {
        guard let member = object[key] else { continue }
        if isPlace(key, member) {
          left -= 1
          if left == -1 {
            result[key] = change(member, &random)
            continue
          }
        }
        result[key] = visit(member, &random)
      }
      return result
    }
    return visit(object, &random) as? [String: Any] ?? object
  }

  /// Writes the model, with its weights beside an architecture in JSON.
  ///
  /// - Returns: the path of the model.
  func write(to folder: URL) throws -> String {
    let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
    var json = String(
      decoding: try JSONSerialization.data(withJSONObject: config, options: options), as: UTF8.self)
    for name in ["Infinity", "-Infinity", "NaN"] {
      json = json.replacingOccurrences(of: "\"@\(name)\"", with: name)
    }
    let text = [UInt8](json.utf8)
    let file = folder.appendingPathComponent(name)
    var image = image
    switch file.pathExtension {
    case "keras":
      let entries = [("config.json", text), ("model.weights.h5", image)]
      try Data(try storedZIP(entries.map { (name: $0.0, contents: $0.1) }, file: name)).write(to: file)
    case "json":
      try Data(text).write(to: file)
      try Data(image).write(to: URL(fileURLWithPath: file.deletingPathExtension().path + "_weights.h5"))
    default:
      // Keras writes blanks that leave room for longer values; what is left over is blanks again.
      let place = try #require(place)
      try #require(text.count <= place.count)
      let padded = text + Array(repeating: UInt8(ascii: " "), count: place.count - text.count)
      image.replaceSubrange(place, with: padded)
      try Data(image).write(to: file)
    }
    return file.path
  }
}
