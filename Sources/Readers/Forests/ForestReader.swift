import Diagnostics
import Graph

/// Reads decision forests: XGBoost (`.json`, `.ubj`), LightGBM (text), TMVA (`weights.xml`). What a file is, its first bytes say.
public enum ForestReader {
  /// The graph of a model: an input of all features, one forest, and its scores before the framework's last function.
  ///
  /// - Parameters:
  ///   - bytes: the contents of the file.
  ///   - file: its path, for diagnostics.
  ///   - name: the name of the model.
  /// - Throws: I500 to I505, and I030 for text that is not JSON.
  public static func read(_ bytes: [UInt8], file: String, name: String) throws(CompilationFailed) -> Graph {
    try model(bytes, file: file).graph(name: name)
  }

  static func model(_ bytes: [UInt8], file: String) throws(CompilationFailed) -> ForestModel {
    switch bytes.first(where: { !" \t\r\n".utf8.contains($0) }) {
    case UInt8(ascii: "t") where LightGBMReader.recognizes(bytes):
      return try LightGBMReader.read(bytes, file: file)
    case UInt8(ascii: "<"):
      return try TMVAReader.read(bytes, file: file)
    case UInt8(ascii: "{") where bytes.count > 1 && isUBJ(bytes[1]):
      return try XGBoostReader.read(try UBJValue(bytes, file: file))
    case UInt8(ascii: "{"):
      return try XGBoostReader.read(try JSONDocument(bytes, file: file).root)
    default:
      throw CompilationFailed(
        "I500", "the file is no decision forest that fpgaml knows", at: .file(file),
        notes: ["fpgaml reads XGBoost .json and .ubj, LightGBM .txt and TMVA weights.xml"])
    }
  }

  /// Whether a byte behind a brace can only be UBJSON: the type of a key's length, or a container's header.
  private static func isUBJ(_ byte: UInt8) -> Bool { "iUIlL$#N}".utf8.contains(byte) }
}
