import Diagnostics
import Graph

/// Reads decision forests: XGBoost (`.json`, `.ubj`), LightGBM (text), TMVA (`weights.xml`), which may also hold a
/// multi-layer perceptron.
public enum ForestReader {
  /// The graph of a model: an input of all features, one forest, its scores, and the framework's last function.
  ///
  /// - Parameters:
  ///   - bytes: the contents of the file.
  ///   - file: its path, for diagnostics.
  ///   - name: the name of the model.
  /// - Throws: I500 to I506, and I030 for text that is not JSON.
  public static func read(_ bytes: [UInt8], file: String, name: String) throws(CompilationFailed) -> ReadModel
  {
    if ForestFormat(head: bytes.prefix(512)) == .tmva {
      let tmva = try TMVAFile(bytes, file: file)
      if tmva.method == .perceptron { return try TMVAPerceptronReader.read(tmva, name: name) }
      return try TMVAReader.read(tmva).read(name: name, file: file)
    }
    return try model(bytes, file: file).read(name: name, file: file)
  }

  static func model(_ bytes: [UInt8], file: String) throws(CompilationFailed) -> ForestModel {
    switch ForestFormat(head: bytes.prefix(512)) {
    case .lightGBM: return try LightGBMReader.read(bytes, file: file)
    case .tmva: return try TMVAReader.read(try TMVAFile(bytes, file: file))
    case .universalBinaryJSON: return try XGBoostReader.read(try UBJValue(bytes, file: file))
    case .json: return try XGBoostReader.read(try JSONDocument(bytes, file: file).root)
    case nil:
      throw CompilationFailed(
        "I500", "the file is no decision forest that fpgaml knows", at: .file(file),
        notes: ["fpgaml reads XGBoost .json and .ubj, LightGBM .txt and TMVA weights.xml"])
    }
  }
}

/// What a forest's file is, by its first bytes.
enum ForestFormat: Sendable {
  case lightGBM, tmva, universalBinaryJSON
  /// XGBoost's, or any other JSON.
  case json

  init?(head: some Collection<UInt8>) {
    let text = Array(head.drop { " \t\r\n".utf8.contains($0) })
    if text.starts(with: "tree\n".utf8) || text.starts(with: "tree\r\n".utf8) {
      self = .lightGBM
    } else if text.first == UInt8(ascii: "<") {
      self = .tmva
    } else if text.first == UInt8(ascii: "{") {
      // Behind a brace of UBJSON comes the type of a key's length, or the header of the container.
      self = text.count > 1 && "iUIlL$#N".utf8.contains(text[1]) ? .universalBinaryJSON : .json
    } else {
      return nil
    }
  }
}
