/// A file that a backend made, to be written below the build folder.
public struct GeneratedFile: Hashable, Sendable {
  /// Relative to the build folder, such as `rtl/jet.v`.
  public var path: String
  public var contents: String

  public init(path: String, contents: String) {
    self.path = path
    self.contents = contents
  }
}
