import FixedPoint
import Graph

/// The types that an hls4ml configuration (`HLSConfig`) asks for.
public struct Configuration: Hashable, Sendable {
  /// A type with the path of the entry that said so.
  public struct Entry: Hashable, Sendable {
    public var type: FixedType
    public var key: String
    public var isForLayerName: Bool
  }

  func type(_ role: TypePolicy.Role, of node: Node) -> Entry? { nil }
}
