import Diagnostics
import Glibc

/// Files as bytes, with failures as located diagnostics.
public enum InputFile {
  /// The largest file that is read into memory.
  static let maximumSize = 4 << 30

  /// The contents of the file at `path`.
  ///
  /// - Throws: I001 when the file can't be opened or read, I002 when it is a folder or larger than 4 GiB.
  public static func bytes(at path: String) throws(CompilationFailed) -> [UInt8] {
    let descriptor = try open(path)
    defer { close(descriptor) }
    let size = try size(of: descriptor, path)
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let got = read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = errno }
        if got <= 0 { break }
        count += got
      }
    }
    if failure != 0 { throw unreadable(path, failure) }
    return bytes
  }

  /// The contents of the UTF-8 text file at `path`; bytes that are not UTF-8 become U+FFFD.
  public static func text(at path: String) throws(CompilationFailed) -> String {
    String(decoding: try bytes(at: path), as: UTF8.self)
  }

  /// An open descriptor of the regular file at `path`, for the caller to close.
  static func open(_ path: String) throws(CompilationFailed) -> Int32 {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw unreadable(path, errno) }
    return descriptor
  }

  /// The size in bytes of an open regular file.
  static func size(of descriptor: Int32, _ path: String) throws(CompilationFailed) -> Int {
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw unreadable(path, errno) }
    if status.st_mode & S_IFMT != S_IFREG {
      throw CompilationFailed("I002", "expected a file, found a folder or a device", at: .file(path))
    }
    if status.st_size > maximumSize {
      throw CompilationFailed(
        "I002", "the file is larger than \(maximumSize >> 30) GiB (\(status.st_size) bytes)", at: .file(path))
    }
    return Int(status.st_size)
  }

  private static func unreadable(_ path: String, _ error: Int32) -> CompilationFailed {
    CompilationFailed("I001", "can't read the file: \(systemMessage(error))", at: .file(path))
  }
}

/// Files written whole: the bytes appear under their name in one step, or not at all.
enum OutputFile {
  /// Writes `bytes` to `path`, replacing what is there.
  ///
  /// - Throws: I003 when the file can't be written.
  static func write(_ bytes: [UInt8], to path: String) throws(CompilationFailed) {
    try replace(path) { (temporary) throws(CompilationFailed) in
      let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
      if descriptor < 0 { throw unwritable(path, errno) }
      let failure = bytes.withUnsafeBytes { writeAll($0, to: descriptor) }
      let closing = close(descriptor) == 0 ? 0 : errno
      if failure != 0 || closing != 0 { throw unwritable(path, failure != 0 ? failure : closing) }
    }
  }

  /// Calls `write` with the name of a temporary file beside `path`, then moves that file into place.
  static func replace(_ path: String, _ write: (String) throws(CompilationFailed) -> Void)
    throws(CompilationFailed)
  {
    let temporary = "\(path).\(getpid()).tmp"
    do {
      try write(temporary)
    } catch {
      unlink(temporary)
      throw error
    }
    if rename(temporary, path) != 0 {
      let failure = errno
      unlink(temporary)
      throw unwritable(path, failure)
    }
  }

  static func unwritable(_ path: String, _ error: Int32) -> CompilationFailed {
    CompilationFailed("I003", "can't write the file: \(systemMessage(error))", at: .file(path))
  }
}

/// Writes all of `bytes`; returns 0, or the error number.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
  var done = 0
  while done < bytes.count {
    let written = write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
    if written < 0 && errno == EINTR { continue }
    if written < 0 { return errno }
    done += written
  }
  return 0
}

/// The system's sentence for an error number, beginning in lower case as our messages do.
func systemMessage(_ error: Int32) -> String {
  let message = String(cString: strerror(error))
  return message.prefix(1).lowercased() + message.dropFirst()
}
