import Diagnostics

/// Reads little-endian values off a byte array in order; every step is checked against the bounds.
struct ByteCursor {
  let bytes: [UInt8]
  private(set) var offset: Int
  /// What is thrown when the bytes end before the value that is asked for.
  private let failure: CompilationFailed

  init(_ bytes: [UInt8], at offset: Int = 0, orThrow failure: CompilationFailed) {
    self.bytes = bytes
    self.offset = offset
    self.failure = failure
  }

  /// The range of the next `count` bytes, which are skipped.
  mutating func take(_ count: Int) throws(CompilationFailed) -> Range<Int> {
    guard count >= 0, offset >= 0, offset <= bytes.count, count <= bytes.count - offset else { throw failure }
    defer { offset += count }
    return offset..<offset + count
  }

  mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(CompilationFailed) -> T {
    let start = try take(MemoryLayout<T>.size).lowerBound
    return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: T.self)) }
  }

  /// The next `count` bytes as UTF-8; what is not UTF-8 becomes U+FFFD.
  mutating func text(_ count: Int) throws(CompilationFailed) -> String {
    String(decoding: bytes[try take(count)], as: UTF8.self)
  }

  /// The next `count` values of a trivial type in this machine's own byte order.
  mutating func array<T: BitwiseCopyable>(_: T.Type, count: Int) throws(CompilationFailed) -> [T] {
    let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
    if overflow { throw failure }
    let range = try take(size)
    return [T](unsafeUninitializedCapacity: count) { buffer, initialized in
      bytes.withUnsafeBytes { source in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[range]))
      }
      initialized = count
    }
  }
}
