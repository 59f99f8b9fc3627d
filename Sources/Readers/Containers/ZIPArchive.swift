import CZlib
import Diagnostics

/// A ZIP archive in memory, read through its central directory (APPNOTE.TXT 4.3): stored and deflated
/// entries.
///
/// ZIP64, encryption and archives in several parts are refused by name. Nothing in it is trusted: every
/// extent is checked against the file, sizes are bounded before memory is taken, and contents must have their
/// CRC.
public struct ZIPArchive: Sendable {
  /// One file in the archive.
  public struct Entry: Sendable {
    public let name: String
    /// The size of its contents in bytes.
    public let size: Int
    let compressedSize: Int
    let method: UInt16
    let crc: UInt32
    /// Where its local header begins.
    let header: Int
  }

  /// The archive's path, for diagnostics.
  public let file: String
  /// The entries in the order of the central directory; folders are left out.
  public let entries: [Entry]
  private let bytes: [UInt8]

  /// The largest entry that is unpacked.
  static let maximumEntrySize = 1 << 30
  /// Deflate makes nothing smaller than by this factor (zlib's technical notes); a larger claim is not one of
  /// its.
  static let maximumRatio = 1032

  /// Reads the directory of the archive in `bytes`.
  ///
  /// - Throws: I020 when it is not a ZIP archive or damaged, I021 for a feature that is not supported.
  public init(_ bytes: [UInt8], file: String) throws(CompilationFailed) {
    self.bytes = bytes
    self.file = file
    guard let end = Self.endOfDirectory(bytes) else {
      throw CompilationFailed("I020", "expected a ZIP archive: no end-of-directory record", at: .file(file))
    }
    entries = try Self.entries(bytes, end: end, file: file)
  }

  public init(path: String) throws(CompilationFailed) {
    try self.init(try InputFile.bytes(at: path), file: path)
  }

  /// Whether there is an entry of that name.
  public func contains(_ name: String) -> Bool { entries.contains { $0.name == name } }

  /// The contents of the entry of that name.
  ///
  /// - Throws: I022 when there is none, and what `contents(of:)` throws.
  public func contents(_ name: String) throws(CompilationFailed) -> [UInt8] {
    guard let entry = entries.first(where: { $0.name == name }) else {
      let names = entries.prefix(10).map { "'\($0.name)'" }.joined(separator: ", ")
      throw CompilationFailed(
        "I022", "the archive has no entry '\(name)'", at: .file(file), notes: ["its entries: \(names)"])
    }
    return try contents(of: entry)
  }

  /// The contents of an entry, unpacked and checked.
  ///
  /// - Throws: I021 for a compression that is not supported, I023 when the contents are damaged.
  public func contents(of entry: Entry) throws(CompilationFailed) -> [UInt8] {
    let location = Location.object(file: file, path: entry.name)
    let packed = try packedBytes(of: entry, location)
    let contents: [UInt8]
    switch entry.method {
    case 0:
      guard entry.compressedSize == entry.size else {
        throw CompilationFailed("I023", "a stored entry has two different sizes", at: location)
      }
      contents = Array(bytes[packed])
    case 8:
      contents = try inflated(packed, size: entry.size, location)
    default:
      throw CompilationFailed(
        "I021", "compression method \(entry.method) is not supported", at: location,
        notes: ["pack the archive with 'stored' or 'deflated' entries"])
    }
    guard crc32(of: contents) == entry.crc else {
      throw CompilationFailed("I023", "the entry is damaged: its CRC differs", at: location)
    }
    return contents
  }

  /// The range of an entry's packed bytes, behind its local header.
  private func packedBytes(of entry: Entry, _ location: Location) throws(CompilationFailed) -> Range<Int> {
    let damaged = CompilationFailed(
      "I023", "the entry is damaged: its local header or data are not there", at: location)
    var cursor = ByteCursor(bytes, at: entry.header, orThrow: damaged)
    guard try cursor.integer(UInt32.self) == 0x0403_4b50 else { throw damaged }
    _ = try cursor.take(22)
    let nameLength = Int(try cursor.integer(UInt16.self))
    let extraLength = Int(try cursor.integer(UInt16.self))
    _ = try cursor.take(nameLength + extraLength)
    return try cursor.take(entry.compressedSize)
  }

  private func inflated(_ packed: Range<Int>, size: Int, _ location: Location) throws(CompilationFailed)
    -> [UInt8]
  {
    var status = Z_STREAM_ERROR
    let contents = [UInt8](unsafeUninitializedCapacity: max(size, 1)) { output, count in
      var stream = z_stream()
      guard czlib_raw_inflate_init(&stream) == Z_OK else { return }
      bytes.withUnsafeBufferPointer { input in
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress.map { $0 + packed.lowerBound })
        stream.avail_in = UInt32(packed.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(size)
        status = inflate(&stream, Z_FINISH)
      }
      count = size - Int(stream.avail_out)
      inflateEnd(&stream)
    }
    guard status == Z_STREAM_END, contents.count == size else {
      throw CompilationFailed("I023", "the entry is damaged: its deflated data are not valid", at: location)
    }
    return contents
  }
}

extension ZIPArchive {
  /// The offset of the end-of-directory record: the last one whose comment reaches to the end of the file.
  private static func endOfDirectory(_ bytes: [UInt8]) -> Int? {
    let size = 22
    var offset = bytes.count - size
    while offset >= 0 && offset >= bytes.count - size - 0xFFFF {
      if bytes[offset] == 0x50, bytes[offset + 1] == 0x4b, bytes[offset + 2] == 5, bytes[offset + 3] == 6,
        offset + size + Int(bytes[offset + 20]) + Int(bytes[offset + 21]) << 8 == bytes.count
      {
        return offset
      }
      offset -= 1
    }
    return nil
  }

  private static func entries(_ bytes: [UInt8], end: Int, file: String) throws(CompilationFailed) -> [Entry] {
    let damaged = CompilationFailed("I020", "the directory of the ZIP archive is damaged", at: .file(file))
    var record = ByteCursor(bytes, at: end + 4, orThrow: damaged)
    let disk = try record.integer(UInt16.self)
    let directoryDisk = try record.integer(UInt16.self)
    let countHere = try record.integer(UInt16.self)
    let count = try record.integer(UInt16.self)
    let size = try record.integer(UInt32.self)
    let start = try record.integer(UInt32.self)
    if count == 0xFFFF || size == .max || start == .max { throw unsupported("ZIP64", .file(file)) }
    guard disk == 0, directoryDisk == 0, countHere == count else {
      throw unsupported("an archive in several parts", .file(file))
    }
    var cursor = ByteCursor(bytes, at: Int(start), orThrow: damaged)
    var entries: [Entry] = []
    var names: Set<String> = []
    for _ in 0..<count {
      let entry = try entry(&cursor, file, damaged)
      guard names.insert(entry.name).inserted else {
        throw CompilationFailed("I020", "the archive has two entries '\(entry.name)'", at: .file(file))
      }
      if !entry.name.hasSuffix("/") { entries.append(entry) }
    }
    guard cursor.offset == Int(start) + Int(size), cursor.offset <= end else { throw damaged }
    return entries
  }

  /// The next record of the central directory.
  private static func entry(_ cursor: inout ByteCursor, _ file: String, _ damaged: CompilationFailed)
    throws(CompilationFailed) -> Entry
  {
    guard try cursor.integer(UInt32.self) == 0x0201_4b50 else { throw damaged }
    _ = try cursor.take(4)
    let flags = try cursor.integer(UInt16.self)
    let method = try cursor.integer(UInt16.self)
    _ = try cursor.take(4)
    let crc = try cursor.integer(UInt32.self)
    let compressedSize = try cursor.integer(UInt32.self)
    let size = try cursor.integer(UInt32.self)
    let nameLength = Int(try cursor.integer(UInt16.self))
    let extraLength = Int(try cursor.integer(UInt16.self))
    let commentLength = Int(try cursor.integer(UInt16.self))
    _ = try cursor.take(8)
    let header = try cursor.integer(UInt32.self)
    let name = try cursor.text(nameLength)
    _ = try cursor.take(extraLength + commentLength)

    let location = Location.object(file: file, path: name)
    if compressedSize == .max || size == .max || header == .max { throw unsupported("ZIP64", location) }
    if flags & 1 != 0 { throw unsupported("encryption", location) }
    if Int(size) > maximumEntrySize || Int(size) > (Int(compressedSize) + 1) * maximumRatio {
      throw CompilationFailed("I020", "the entry claims an impossible size of \(size) bytes", at: location)
    }
    return Entry(
      name: name, size: Int(size), compressedSize: Int(compressedSize), method: method, crc: crc,
      header: Int(header))
  }

  private static func unsupported(_ feature: String, _ location: Location) -> CompilationFailed {
    CompilationFailed(
      "I021", "\(feature) is not supported in a ZIP archive", at: location,
      notes: ["pack the archive again as a plain ZIP file below 4 GiB"])
  }
}

/// A ZIP archive of stored entries, dated 1980-01-01 so that equal contents give equal bytes.
///
/// - Throws: I003 when the sizes need ZIP64.
func storedZIP(_ entries: [(name: String, contents: [UInt8])], file: String) throws(CompilationFailed)
  -> [UInt8]
{
  var archive: [UInt8] = []
  var directory: [UInt8] = []
  let total = entries.reduce(0) { $0 + $1.contents.count + 2 * $1.name.utf8.count + 128 }
  guard total < UInt32.max, entries.count < 0xFFFF else {
    throw CompilationFailed(
      "I003", "the contents are too large for a ZIP archive of 4 GiB", at: .file(file),
      notes: ["write .h5 instead"])
  }
  archive.reserveCapacity(total)
  for (name, contents) in entries {
    // Common to both headers: version, flags (UTF-8 name), method, time, date, CRC, both sizes, name length,
    // no extra.
    var common: [UInt8] = []
    for value in [20, 0x800, 0, 0, 0x21] as [UInt16] { common.append(littleEndian: value) }
    common.append(littleEndian: crc32(of: contents))
    common.append(littleEndian: UInt32(contents.count))
    common.append(littleEndian: UInt32(contents.count))
    common.append(littleEndian: UInt16(name.utf8.count))
    common.append(littleEndian: UInt16(0))

    directory.append(littleEndian: 0x0201_4b50 as UInt32)
    directory.append(littleEndian: 20 as UInt16)
    directory += common
    directory += [UInt8](repeating: 0, count: 10)
    directory.append(littleEndian: UInt32(archive.count))
    directory += name.utf8

    archive.append(littleEndian: 0x0403_4b50 as UInt32)
    archive += common
    archive += name.utf8
    archive += contents
  }
  let start = archive.count
  archive += directory
  archive.append(littleEndian: 0x0605_4b50 as UInt32)
  archive.append(littleEndian: 0 as UInt32)
  archive.append(littleEndian: UInt16(entries.count))
  archive.append(littleEndian: UInt16(entries.count))
  archive.append(littleEndian: UInt32(directory.count))
  archive.append(littleEndian: UInt32(start))
  archive.append(littleEndian: 0 as UInt16)
  return archive
}

/// The CRC-32 of ZIP (zlib's).
func crc32(of bytes: [UInt8]) -> UInt32 {
  bytes.withUnsafeBufferPointer { UInt32(CZlib.crc32_z(0, $0.baseAddress, $0.count)) }
}

extension [UInt8] {
  mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
