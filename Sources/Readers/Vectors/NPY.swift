import Diagnostics

/// NumPy's array files (numpy.lib.format, versions 1 to 3) and archives of them.
enum NPY {
  /// The arrays of a `.npz` archive, named by its entries.
  static func archive(_ path: String) throws(CompilationFailed) -> [NamedArray] {
    let archive = try ZIPArchive(path: path)
    var arrays: [NamedArray] = []
    for entry in archive.entries where entry.name.hasSuffix(".npy") {
      let bytes = try archive.contents(of: entry)
      let location = Location.object(file: path, path: entry.name)
      arrays.append(try array(bytes, name: String(entry.name.dropLast(4)), location: location))
    }
    guard !arrays.isEmpty else {
      throw CompilationFailed(
        "I606", "the archive holds no array", at: .file(path),
        notes: ["expected the entries 'input.npy', or 'input_0.npy', 'input_1.npy', …"])
    }
    return arrays
  }

  /// One array.
  ///
  /// - Throws: I601 for a damaged header, I602 for a type that is not a number, I603 when the data are not as
  ///   long as the header says, I605 for an integer that binary64 can't hold, I607 for an array without a
  ///   sample axis.
  static func array(_ bytes: [UInt8], name: String, location: Location) throws(CompilationFailed)
    -> NamedArray
  {
    let damaged = CompilationFailed("I601", "expected a NumPy array: the header is damaged", at: location)
    var cursor = ByteCursor(bytes, orThrow: damaged)
    guard try Array(bytes[cursor.take(6)]) == magic else {
      throw CompilationFailed("I601", "expected a NumPy array: it begins otherwise", at: location)
    }
    let version = try cursor.integer(UInt8.self)
    _ = try cursor.integer(UInt8.self)
    guard (1...3).contains(version) else {
      throw CompilationFailed("I601", "version \(version) of the NumPy format is not known", at: location)
    }
    let length = version == 1 ? Int(try cursor.integer(UInt16.self)) : Int(try cursor.integer(UInt32.self))
    guard let header = NPYHeader(try cursor.text(length)) else { throw damaged }
    guard let type = header.type.flatMap(NPYType.init) else {
      throw CompilationFailed(
        "I602", "an array of type \(header.type.map { "'\($0)'" } ?? "record") is not read", at: location,
        notes: ["convert it to float32 or float64; pickled objects are never executed"])
    }
    guard !header.shape.isEmpty else {
      throw CompilationFailed(
        "I607", "expected an array whose first axis is the sample, found a scalar", at: location)
    }
    guard let count = elementCount(header.shape) else { throw damaged }
    let data = bytes.count - cursor.offset
    let (size, overflow) = count.multipliedReportingOverflow(by: type.size)
    guard !overflow, data == size else {
      throw CompilationFailed(
        "I603", "the array needs \(count) elements of \(type.size) bytes, the file has \(data) bytes of data",
        at: location)
    }
    guard let values = type.values(bytes, from: cursor.offset, count: count) else {
      throw CompilationFailed("I605", "the array holds an integer that binary64 can't hold", at: location)
    }
    let rowMajor = header.isFortranOrder ? transposed(values, header.shape) : values
    return NamedArray(name: name, shape: header.shape, values: rowMajor)
  }

  /// The array as a file of version 1: float64, little-endian, row-major.
  static func bytes(_ array: NamedArray) -> [UInt8] {
    let shape = array.shape.map { "\($0)" }.joined(separator: ", ")
    var header =
      "{'descr': '<f8', 'fortran_order': False, 'shape': (\(shape)\(array.shape.count == 1 ? "," : "")), }"
    // The data begin at a multiple of 64; the line that precedes them ends there.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    var bytes = magic + [1, 0]
    bytes.reserveCapacity(10 + header.utf8.count + 8 * array.values.count)
    bytes.append(littleEndian: UInt16(header.utf8.count))
    bytes += header.utf8
    for value in array.values { bytes.append(littleEndian: value.bitPattern) }
    return bytes
  }

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Row-major values of an array whose first axis runs fastest in `values`.
  private static func transposed(_ values: [Double], _ shape: [Int]) -> [Double] {
    if values.isEmpty { return values }
    var strides: [Int] = []
    var stride = 1
    for extent in shape {
      strides.append(stride)
      stride *= extent
    }
    var result: [Double] = []
    result.reserveCapacity(values.count)
    var index = [Int](repeating: 0, count: shape.count)
    var offset = 0
    while true {
      result.append(values[offset])
      var axis = shape.count - 1
      while axis >= 0 {
        index[axis] += 1
        offset += strides[axis]
        if index[axis] < shape[axis] { break }
        offset -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return result }
    }
  }
}

/// The header of a NumPy file: a Python dictionary of three entries, as `repr` prints it.
struct NPYHeader {
  /// The type string such as `<f4`; nil for a record.
  private(set) var type: String?
  private(set) var isFortranOrder = false
  private(set) var shape: [Int] = []

  /// Nil where the text is not such a dictionary.
  init?(_ text: String) {
    var scanner = Scanner(text)
    var seen: Set<String> = []
    guard scanner.skip("{") else { return nil }
    while !scanner.skip("}") {
      guard let key = scanner.string(), scanner.skip(":"), seen.insert(key).inserted else { return nil }
      switch key {
      case "descr":
        if scanner.rest.first == "[" { return }  // a record: its type is all that matters
        guard let name = scanner.string() else { return nil }
        type = name
      case "fortran_order":
        if scanner.skip("True") { isFortranOrder = true } else if !scanner.skip("False") { return nil }
      case "shape":
        guard let extents = scanner.tuple() else { return nil }
        shape = extents
      default: return nil
      }
      if !scanner.skip(",") && scanner.rest.first != "}" { return nil }
    }
    guard scanner.rest.isEmpty, seen.count == 3 else { return nil }
  }

  private struct Scanner {
    private(set) var rest: Substring

    init(_ text: String) {
      rest = text.drop { $0 == " " }
      while let last = rest.last, last == " " || last == "\n" { rest.removeLast() }
    }

    mutating func skip(_ token: String) -> Bool {
      guard rest.hasPrefix(token) else { return false }
      rest = rest.dropFirst(token.count).drop { $0 == " " }
      return true
    }

    mutating func string() -> String? {
      guard let quote = rest.first, quote == "'" || quote == "\"" else { return nil }
      let body = rest.dropFirst().prefix { $0 != quote }
      rest = rest.dropFirst(body.count + 1)
      guard rest.first == quote else { return nil }
      rest = rest.dropFirst().drop { $0 == " " }
      return String(body)
    }

    /// A tuple of extents; Python 2 wrote an `L` after each.
    mutating func tuple() -> [Int]? {
      guard skip("(") else { return nil }
      var extents: [Int] = []
      while !skip(")") {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard let extent = Int(digits), extents.count < 32 else { return nil }
        rest = rest.dropFirst(digits.count)
        extents.append(extent)
        _ = skip("L")
        if !skip(",") && rest.first != ")" { return nil }
      }
      return extents
    }
  }
}
