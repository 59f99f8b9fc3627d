import Diagnostics

/// A `weights.xml` of TMVA (ROOT): what all its methods have in common.
struct TMVAFile {
  enum Method: Hashable {
    case decisionTrees, perceptron
  }

  let root: XMLElement
  let path: String
  let method: Method
  /// The training options, by name.
  let options: [String: String]
  /// The names of the variables.
  let features: [String]
  let classes: [String]
  /// `Classification`, `Multiclass` or `Regression`.
  let analysis: String
  /// `tmva` and the release.
  let framework: String

  /// - Throws: I500 for a file that is no TMVA file, I502 and I505 for what is wrong in one, I503 for methods that are
  ///   not read.
  init(_ bytes: [UInt8], file: String) throws(CompilationFailed) {
    path = file
    root = try XMLElement(bytes, file: file)
    guard root.name == "MethodSetup" else {
      throw root.failure(
        "I500", "not a TMVA weights file: the outermost element is '\(root.name)', not 'MethodSetup'")
    }
    let name = try root.require("Method")
    switch name.prefix(5) {
    case "BDT::": method = .decisionTrees
    case "MLP::": method = .perceptron
    default:
      throw root.failure(
        "I503", "method '\(name)' is neither a boosted decision tree nor a multi-layer perceptron",
        notes: ["fpgaml reads 'BDT::…' and 'MLP::…'"])
    }
    var options: [String: String] = [:]
    for option in root.child("Options")?.children ?? [] {
      if let name = option.attribute("name") { options[name] = option.text }
    }
    self.options = options
    features = try root.requireChild("Variables").children.enumerated().map {
      $0.element.attribute("Label") ?? $0.element.attribute("Expression") ?? "var\($0.offset)"
    }
    if features.isEmpty { throw root.failure("I502", "the model has no variables") }
    classes = root.child("Classes")?.children.compactMap { $0.attribute("Name") } ?? []
    let information = root.child("GeneralInfo")?.children ?? []
    func info(_ name: String) -> String? {
      information.first { $0.attribute("name") == name }?.attribute("value")
    }
    analysis = info("AnalysisType") ?? "Classification"
    framework = "tmva" + ((info("TMVA Release") ?? "").split(separator: " ").first.map { " \($0)" } ?? "")
  }
}
