import Diagnostics
import Graph

/// One layer of a Keras model file: a class, a name and a configuration.
struct KerasLayer: Sendable {
  /// The layer's name behind those of the models around it, joined with `/`.
  let name: String
  /// The class; with its package before it where that is neither Keras nor QKeras: `Dense`, `QDense`,
  /// `HGQ>HDense`, `hgq>QDense` (HGQ2).
  let kind: String
  let config: JSONValue
  /// Where its weights are.
  let address: WeightAddress
  /// The function of TensorFlow that it calls, if it is no layer.
  let function: TensorFlowFunction?
  /// The layer as nodes of the graph remember it.
  let origin: Layer

  init(name: String, kind: String, config: JSONValue, address: WeightAddress) {
    function = TensorFlowFunction(kind, config)
    let kind = function?.kind ?? kind
    self.name = name
    self.kind = kind
    self.config = config
    self.address = address
    let shortKind = kind.split(separator: ">").last.map(String.init) ?? kind
    origin = Layer(name: name, kind: shortKind, path: config.path)
  }

  var location: Location { config.location }
}

/// Where a layer's weights stand: the names of the models around it and its own, and for Keras 3 archives,
/// which number layers by class, the keys `dense_1` of the same.
struct WeightAddress: Hashable, Sendable {
  enum Key: Hashable, Sendable {
    /// A layer of a model.
    case layer(String)
    /// A component of a layer, such as `cell` or `forward_layer`.
    case component(String)
  }

  var names: [String] = []
  var keys: [Key] = []

  func appending(name: String, key: String) -> WeightAddress {
    WeightAddress(names: names + [name], keys: keys + [.layer(key)])
  }

  /// A component, which in trees of names is one of them where it has a name.
  func component(_ key: String, name: String? = nil) -> WeightAddress {
    WeightAddress(names: names + (name.map { [$0] } ?? []), keys: keys + [.component(key)])
  }
}

extension KerasLayer {
  /// The kind of the layer of a list entry `{"class_name": …, "module": …}`.
  static func kind(of entry: JSONValue) throws(CompilationFailed) -> String {
    let name = try entry.requireString("class_name")
    let module = entry["module"]?.string ?? ""
    if let bracket = name.firstIndex(of: ">") {
      let package = String(name[..<bracket])
      let base = String(name[name.index(after: bracket)...])
      return ["HGQ", "hgq"].contains(package) ? "\(package)>\(base)" : base
    }
    if module.hasPrefix("hgq.") { return "hgq>\(name)" }
    if module.hasPrefix("HGQ.") { return "HGQ>\(name)" }
    // An operator named like a layer with other attributes.
    if module.hasPrefix("keras.src.ops."), LayerImporter.all["ops>\(name)"] != nil { return "ops>\(name)" }
    return name
  }

  /// The name that Keras gives to an object of a class: `ReLU` is `re_lu`, `Conv2D` is `conv2d`.
  static func snakeCase(_ className: String) -> String {
    let letters = Array(
      (className.split(separator: ">").last ?? "").filter { $0.isLetter || $0.isNumber || $0 == "_" })
    var result = ""
    for (i, letter) in letters.enumerated() {
      let startsWord = letter.isUppercase && i > 0
      let followedByLower = i + 1 < letters.count && letters[i + 1].isLowercase
      if startsWord && (letters[i - 1].isLowercase || followedByLower) && letters[i - 1] != "_" {
        result += "_"
      }
      result += letter.lowercased()
    }
    return result
  }
}
