import Diagnostics

/// An HDF5 file, read whole into values: groups, attributes and datasets, each level in the order of names.
///
/// libhdf5 crashes and hangs on some corrupt files, so it runs in a child process with limits
/// (`HDF5Process`), which hands over a flat copy of what the file contains.
public struct HDF5File: Sendable {
  /// The file's path, for diagnostics.
  public let path: String
  public let root: HDF5Group
}

/// A group: attributes, groups inside it, and datasets, each in the order of their names.
public struct HDF5Group: Sendable {
  /// The file and the path inside it, such as `/model_weights/dense`.
  public let file: String
  public let path: String
  public internal(set) var attributes: [HDF5Attribute] = []
  public internal(set) var groups: [HDF5Group] = []
  public internal(set) var datasets: [HDF5Dataset] = []

  /// The last part of the path.
  public var name: String { lastComponent(path) }
}

/// A named value attached to a group or a dataset.
public struct HDF5Attribute: Sendable {
  public let name: String
  public let value: HDF5Array
}

/// A dataset and its attributes.
public struct HDF5Dataset: Sendable {
  /// The file and the path inside it, such as `/model_weights/dense/dense/kernel:0`.
  public let file: String
  public let path: String
  public internal(set) var value: HDF5Array
  public internal(set) var attributes: [HDF5Attribute] = []

  public var name: String { lastComponent(path) }
  public var shape: [Int] { value.shape }
  public var location: Location { .object(file: file, path: path) }
}

/// A multidimensional array as the file stores it, row-major.
public struct HDF5Array: Sendable {
  /// The type of the elements in the file: `float16`, `float32`, `int8`, `uint32`, `bool`, `string`, …
  public let type: String
  /// The extents; empty for a scalar, `[0]` for an empty dataspace.
  public let shape: [Int]
  public let elements: HDF5Elements

  /// How many elements there are.
  public var count: Int { shape.reduce(1, *) }
}

/// Elements in the narrowest of few forms that holds every value of the file's type exactly.
public enum HDF5Elements: Sendable, Equatable {
  case float32([Float])
  case float64([Double])
  /// Integers of every width and sign, booleans and enumerations.
  case integers([Int64])
  case strings([String])
  /// A type or a layout that is not read, and why.
  case unsupported(String)
}

private func lastComponent(_ path: String) -> String {
  String(path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
}
