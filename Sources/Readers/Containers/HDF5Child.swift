import CHDF5
import Glibc

/// The child's side of `HDF5Process`: reads one HDF5 file with libhdf5, under limits, and writes it as an
/// `HDF5Dump`.
public enum HDF5Child {
  static let argument = "--fpgaml-hdf5-child"
  /// The descriptor on which the child finds the file.
  static let fileDescriptor: Int32 = 3

  /// Does the child's work and exits, if `arguments` ask for it; otherwise returns at once.
  ///
  /// To be called first thing by the main function of the executable.
  public static func runIfRequested(_ arguments: [String]) {
    guard arguments.count == 5, arguments[1] == argument, let seconds = UInt32(arguments[2]),
      let addressSpace = UInt64(arguments[3]), let budget = Int(arguments[4])
    else { return }
    chdf5_limit_process(seconds, addressSpace)
    setenv("HDF5_PLUGIN_PRELOAD", "::", 1)  // loads no code on a file's behalf
    let walker = HDF5Walker(budget: budget)
    do {
      try walker.walk(fileDescriptor)
    } catch {
      walker.output.fail(error.message)
    }
    walker.output.flush()
    _exit(0)  // not exit: libhdf5 closes what it still holds there, on corrupt structures
  }
}

/// Why the file can't be read.
struct HDF5Failure: Error {
  let message: String

  init(_ message: String) { self.message = message }

  /// What libhdf5 gave as the reason of the call that has just failed.
  static func library(_ what: String) -> HDF5Failure {
    HDF5Failure(chdf5_last_error().map { "\(what): \(String(cString: $0))" } ?? what)
  }
}

/// Owns one identifier of libhdf5 and closes it exactly once.
private struct HDF5Handle: ~Copyable {
  let id: hid_t
  private let close: @Sendable (hid_t) -> herr_t

  init(_ id: hid_t, _ what: String, close: @escaping @Sendable (hid_t) -> herr_t) throws(HDF5Failure) {
    guard id >= 0 else { throw .library(what) }
    self.id = id
    self.close = close
  }

  deinit { _ = close(id) }
}

/// Walks a file and writes what it finds.
private final class HDF5Walker {
  var output = HDF5DumpWriter()
  /// How many bytes of elements may still be written.
  private var budget: Int
  /// The addresses of the groups from the root to the one being walked: meeting one again is a cycle.
  private var ancestors: [UInt64] = []
  private var objects = 0
  private static let maximumObjects = 1_000_000

  init(budget: Int) { self.budget = budget }

  func walk(_ descriptor: Int32) throws(HDF5Failure) {
    output.put(HDF5Dump.header)
    output.flush()
    _ = chdf5_silence()
    let file = try open(descriptor)
    let root = try HDF5Handle(
      H5Oopen(file.id, "/", chdf5_default()), "libhdf5 can't open the root group", close: { H5Oclose($0) })
    try group(root.id)
    output.put(.done)
  }

  /// Opens the file on a descriptor as an image in memory, so that the library touches no file at all.
  private func open(_ descriptor: Int32) throws(HDF5Failure) -> HDF5Handle {
    let size = Int(lseek(descriptor, 0, SEEK_END))
    guard size > 0 else { throw HDF5Failure("the file is empty") }
    guard let image = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), image != MAP_FAILED else {
      throw HDF5Failure(systemMessage(errno))
    }
    defer { munmap(image, size) }
    let access = try HDF5Handle(
      H5Pcreate(chdf5_file_access()), "libhdf5 can't start", close: { H5Pclose($0) })
    guard H5Pset_fapl_core(access.id, 1 << 20, false) >= 0, H5Pset_file_image(access.id, image, size) >= 0
    else {
      throw .library("libhdf5 can't take the file")
    }
    return try HDF5Handle(
      H5Fopen("image", chdf5_read_only(), access.id), "libhdf5 can't open the file", close: { H5Fclose($0) })
  }

  private func group(_ id: hid_t) throws(HDF5Failure) {
    var address: UInt64 = 0
    guard chdf5_address(id, &address) >= 0 else { throw .library("libhdf5 can't locate the group") }
    guard !ancestors.contains(address) else { throw HDF5Failure("the group contains itself") }
    guard ancestors.count < HDF5Dump.maximumDepth else {
      throw HDF5Failure("groups are nested more than \(HDF5Dump.maximumDepth) deep")
    }
    ancestors.append(address)
    output.put(.group)
    try attributes(of: id)
    let (links, status) = names(id, chdf5_links)
    guard status >= 0 else { throw .library("libhdf5 can't list the group") }
    for (name, kind) in links {
      output.put(.opening)
      output.put(name)
      output.flush()
      try follow(name, in: id, kind: kind)
    }
    output.put(.end)
    ancestors.removeLast()
  }

  private func follow(_ name: String, in group: hid_t, kind: Int32) throws(HDF5Failure) {
    objects += 1
    guard objects <= Self.maximumObjects else {
      throw HDF5Failure("there are more than \(Self.maximumObjects) objects")
    }
    guard kind == H5L_TYPE_HARD.rawValue || kind == H5L_TYPE_SOFT.rawValue else {
      return absent("a link to another file, which is not followed")
    }
    let opened = H5Oopen(group, name, chdf5_default())
    if opened < 0 && kind == H5L_TYPE_SOFT.rawValue {
      return absent("a link to an object that does not exist")
    }
    let object = try HDF5Handle(opened, "libhdf5 can't open the object", close: { H5Oclose($0) })
    switch H5Iget_type(object.id) {
    case H5I_GROUP: try self.group(object.id)
    case H5I_DATASET: try dataset(object.id)
    default: absent("a named type")
    }
  }

  private func absent(_ reason: String) {
    output.put(.absent)
    output.put(reason)
  }

  private func dataset(_ id: hid_t) throws(HDF5Failure) {
    output.put(.dataset)
    let type = try HDF5Handle(H5Dget_type(id), "libhdf5 can't read the type", close: { H5Tclose($0) })
    let space = try HDF5Handle(H5Dget_space(id), "libhdf5 can't read the shape", close: { H5Sclose($0) })
    let creation = try HDF5Handle(
      H5Dget_create_plist(id), "libhdf5 can't read the layout", close: { H5Pclose($0) })
    var elsewhere: String?
    if H5Pget_layout(creation.id) == H5D_VIRTUAL {
      elsewhere = "a virtual dataset, whose parts lie in other files"
    }
    if H5Pget_external_count(creation.id) > 0 { elsewhere = "its elements lie in another file" }
    try value(type.id, space.id, elsewhere: elsewhere) {
      H5Dread(id, $0, chdf5_space_all(), chdf5_space_all(), chdf5_default(), $1)
    }
    try attributes(of: id)
    output.put(.end)
  }

  private func attributes(of id: hid_t) throws(HDF5Failure) {
    let (attributes, status) = names(id, chdf5_attributes)
    guard status >= 0 else { throw .library("libhdf5 can't list the attributes") }
    for (name, _) in attributes {
      let attribute = try HDF5Handle(
        H5Aopen(id, name, chdf5_default()), "libhdf5 can't open attribute '\(name)'", close: { H5Aclose($0) })
      let type = try HDF5Handle(
        H5Aget_type(attribute.id), "libhdf5 can't read the type of attribute '\(name)'",
        close: { H5Tclose($0) })
      let space = try HDF5Handle(
        H5Aget_space(attribute.id), "libhdf5 can't read the shape of attribute '\(name)'",
        close: { H5Sclose($0) })
      output.put(.attribute)
      output.put(name)
      let attributeID = attribute.id
      try value(type.id, space.id, elsewhere: nil) { H5Aread(attributeID, $0, $1) }
    }
  }

  /// The names that a visit of the library gives, with the kinds of links.
  private func names(_ id: hid_t, _ visit: (hid_t, chdf5_visitor?, UnsafeMutableRawPointer?) -> herr_t)
    -> (names: [(String, Int32)], status: herr_t)
  {
    var found: [(String, Int32)] = []
    let status = withUnsafeMutablePointer(to: &found) { pointer in
      visit(
        id,
        { name, kind, context in
          guard let name, let context else { return -1 }
          context.assumingMemoryBound(to: [(String, Int32)].self).pointee.append(
            (String(cString: name), kind))
          return 0
        }, pointer)
    }
    return (found, status)
  }
}

extension HDF5Walker {
  private typealias Read = (_ memoryType: hid_t, _ buffer: UnsafeMutableRawPointer?) -> herr_t

  /// Writes type, shape and elements of a dataset or an attribute.
  private func value(_ type: hid_t, _ space: hid_t, elsewhere: String?, read: Read) throws(HDF5Failure) {
    let shape = try shape(of: space)
    guard let count = elementCount(shape) else { throw HDF5Failure("the extents \(shape) are too large") }
    output.put(typeName(type))
    output.put(UInt8(shape.count))
    for extent in shape { output.put(UInt64(extent)) }
    if let elsewhere { return unsupported(elsewhere) }
    switch H5Tget_class(type) {
    case H5T_STRING:
      if H5Tis_variable_str(type) > 0 {
        try variableStrings(type, space, count, read)
      } else {
        try fixedStrings(type, count, read)
      }
    case H5T_INTEGER where H5Tget_size(type) <= 8, H5T_ENUM where H5Tget_size(type) <= 8:
      if H5Tget_size(type) == 8 && H5Tget_class(type) == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_NONE {
        try numbers(.unsignedIntegers, chdf5_native_uint64(), 8, count, read)
      } else {
        try numbers(.integers, chdf5_native_int64(), 8, count, read)
      }
    case H5T_FLOAT:
      let (exponent, mantissa) = floatFields(type)
      if exponent <= 8 && mantissa <= 23 {
        try numbers(.float32, chdf5_native_float(), 4, count, read)
      } else if exponent <= 11 && mantissa <= 52 {
        try numbers(.float64, chdf5_native_double(), 8, count, read)
      } else {
        unsupported("elements of type \(typeName(type))")
      }
    default: unsupported("elements of type \(typeName(type))")
    }
  }

  private func unsupported(_ reason: String) {
    output.put(HDF5Dump.Form.unsupported.rawValue)
    output.put(reason)
  }

  private func shape(of space: hid_t) throws(HDF5Failure) -> [Int] {
    if H5Sget_simple_extent_type(space) == H5S_NULL { return [0] }
    let rank = Int(H5Sget_simple_extent_ndims(space))
    guard rank >= 0 else { throw .library("libhdf5 can't read the shape") }
    guard rank <= HDF5Dump.maximumRank else {
      throw HDF5Failure("the rank \(rank) exceeds \(HDF5Dump.maximumRank)")
    }
    var extents = [hsize_t](repeating: 0, count: HDF5Dump.maximumRank)
    guard H5Sget_simple_extent_dims(space, &extents, nil) >= 0 else {
      throw .library("libhdf5 can't read the shape")
    }
    var shape: [Int] = []
    for extent in extents.prefix(rank) {
      guard let extent = Int(exactly: extent) else { throw HDF5Failure("the extent \(extent) is too large") }
      shape.append(extent)
    }
    return shape
  }

  /// Takes `size` bytes from what may still be written.
  private func reserve(_ count: Int, _ size: Int) throws(HDF5Failure) -> Int {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
    guard !overflow, bytes <= budget else {
      throw HDF5Failure("the elements take more memory than a file of this size can hold")
    }
    budget -= bytes
    return bytes
  }

  private func numbers(_ form: HDF5Dump.Form, _ memoryType: hid_t, _ size: Int, _ count: Int, _ read: Read)
    throws(HDF5Failure)
  {
    output.put(form.rawValue)
    let bytes = try reserve(count, size)
    if bytes == 0 { return }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 16)
    defer { buffer.deallocate() }
    guard read(memoryType, buffer.baseAddress) >= 0 else { throw .library("libhdf5 can't read the elements") }
    output.put(UnsafeRawBufferPointer(buffer))
  }

  /// Strings of one length, which need not end in NUL.
  private func fixedStrings(_ type: hid_t, _ count: Int, _ read: Read) throws(HDF5Failure) {
    output.put(HDF5Dump.Form.strings.rawValue)
    let size = H5Tget_size(type)
    let bytes = try reserve(count, max(size, 1))
    if bytes == 0 { return }
    let memoryType = try HDF5Handle(H5Tcopy(type), "libhdf5 can't copy the type", close: { H5Tclose($0) })
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 16)
    defer { buffer.deallocate() }
    guard read(memoryType.id, buffer.baseAddress) >= 0 else {
      throw .library("libhdf5 can't read the strings")
    }
    let isPaddedWithSpaces = H5Tget_strpad(type) == H5T_STR_SPACEPAD
    for index in 0..<count {
      var field = UnsafeRawBufferPointer(rebasing: buffer[index * size..<(index + 1) * size])
      if let end = field.firstIndex(of: 0) { field = UnsafeRawBufferPointer(rebasing: field[..<end]) }
      while isPaddedWithSpaces, field.last == UInt8(ascii: " ") {
        field = UnsafeRawBufferPointer(rebasing: field.dropLast())
      }
      output.put(UInt32(field.count))
      output.put(field)
    }
  }

  /// Strings that libhdf5 allocates, each as long as it is.
  private func variableStrings(_ type: hid_t, _ space: hid_t, _ count: Int, _ read: Read) throws(HDF5Failure)
  {
    output.put(HDF5Dump.Form.strings.rawValue)
    if try reserve(count, MemoryLayout<UnsafePointer<CChar>?>.stride) == 0 { return }
    // The memory type repeats the file's character set.
    let memoryType = try HDF5Handle(H5Tcopy(type), "libhdf5 can't copy the type", close: { H5Tclose($0) })
    let strings = UnsafeMutableBufferPointer<UnsafePointer<CChar>?>.allocate(capacity: count)
    strings.initialize(repeating: nil)
    defer { strings.deallocate() }
    guard read(memoryType.id, strings.baseAddress) >= 0 else {
      throw .library("libhdf5 can't read the strings")
    }
    defer { H5Dvlen_reclaim(memoryType.id, space, chdf5_default(), strings.baseAddress) }
    let lengths = strings.map { $0.map { strlen($0) } ?? 0 }
    for length in lengths { _ = try reserve(length, 1) }
    for (string, length) in zip(strings, lengths) {
      output.put(UInt32(length))
      output.put(UnsafeRawBufferPointer(start: string, count: length))
    }
  }

  private func floatFields(_ type: hid_t) -> (exponent: Int, mantissa: Int) {
    var (sign, exponentAt, exponent, mantissaAt, mantissa) = (0, 0, Int.max, 0, Int.max)
    H5Tget_fields(type, &sign, &exponentAt, &exponent, &mantissaAt, &mantissa)
    return (exponent, mantissa)
  }

  private func typeName(_ type: hid_t) -> String {
    let bits = H5Tget_size(type) * 8
    switch H5Tget_class(type) {
    case H5T_INTEGER: return "\(H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "")int\(bits)"
    case H5T_FLOAT: return bits == 16 && floatFields(type).exponent == 8 ? "bfloat16" : "float\(bits)"
    case H5T_STRING: return "string"
    case H5T_ENUM: return H5Tget_nmembers(type) == 2 && bits == 8 ? "bool" : "enumeration"
    case H5T_COMPOUND: return "compound"
    case H5T_ARRAY: return "array"
    case H5T_VLEN: return "sequence"
    case H5T_REFERENCE: return "reference"
    case H5T_BITFIELD: return "bitfield"
    case H5T_OPAQUE: return "opaque"
    default: return "unknown"
    }
  }
}

/// Collects the dump and writes it to standard output.
private struct HDF5DumpWriter {
  private var buffer: [UInt8] = []
  /// Where in the buffer the last record begins. Records are written out early only when nothing in them can
  /// fail.
  private var record = 0

  mutating func put(_ tag: HDF5Dump.Tag) {
    record = buffer.count
    buffer.append(tag.rawValue)
  }

  /// Ends the dump with a failure in place of the record that was begun.
  mutating func fail(_ message: String) {
    buffer.removeSubrange(record...)
    put(.failure)
    put(message)
  }

  mutating func put(_ bytes: [UInt8]) { buffer += bytes }

  mutating func put<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value) { buffer.append(contentsOf: $0) }
  }

  mutating func put(_ text: String) {
    put(UInt32(text.utf8.count))
    buffer += text.utf8
  }

  mutating func put(_ bytes: UnsafeRawBufferPointer) {
    if bytes.count < 1 << 16 {
      buffer.append(contentsOf: bytes)
      if buffer.count >= 1 << 20 { flush() }
    } else {
      flush()
      if writeAll(bytes, to: STDOUT_FILENO) != 0 { _exit(1) }
    }
  }

  /// Writes what has been collected; without a parent to read it, there is no point in going on.
  mutating func flush() {
    if buffer.withUnsafeBytes({ writeAll($0, to: STDOUT_FILENO) }) != 0 { _exit(1) }
    buffer.removeAll(keepingCapacity: true)
    record = 0
  }
}
