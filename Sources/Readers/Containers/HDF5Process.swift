import CHDF5
import Diagnostics
import Glibc

extension HDF5File {
  /// Reads the file at `path`.
  ///
  /// - Throws: I001, I002 as `InputFile`; I010 when it is not a sound HDF5 file; I011 when libhdf5 crashes on
  ///   it; I012 when it takes too long; I013, I014 when the reading process fails otherwise.
  public init(path: String) throws(CompilationFailed) {
    let descriptor = try InputFile.open(path)
    defer { close(descriptor) }
    let size = try InputFile.size(of: descriptor, path)
    self = try HDF5Process.read(descriptor, file: path, limits: HDF5Limits(fileSize: size))
  }

  /// Reads an HDF5 file that lies in memory, such as `model.weights.h5` of a `.keras` archive.
  ///
  /// - Parameter name: what diagnostics call it: the archive and the entry.
  public init(image: [UInt8], name: String) throws(CompilationFailed) {
    let descriptor = chdf5_memory_file()
    guard descriptor >= 0 else { throw HDF5Process.unavailable(errno, name) }
    defer { close(descriptor) }
    let failure = image.withUnsafeBytes { writeAll($0, to: descriptor) }
    guard failure == 0 else { throw HDF5Process.unavailable(failure, name) }
    self = try HDF5Process.read(descriptor, file: name, limits: HDF5Limits(fileSize: image.count))
  }
}

/// What the child process may use.
struct HDF5Limits {
  /// Wall and CPU time.
  var seconds: UInt32
  /// Address space in bytes.
  var addressSpace: UInt64 = 6 << 30
  /// How many bytes of elements the file may unfold to.
  var elements: Int

  /// Generous for a sound file of that size: 32 MiB take a fraction of a second; deflate packs at most 1032
  /// to 1, and elements that were never written take no room at all.
  init(fileSize: Int) {
    seconds = 8 + UInt32(fileSize >> 25)
    elements = min(max(64 << 20, fileSize * 1032), 2 << 30)
  }
}

/// Runs libhdf5 in a child process of the same binary and takes over what it read.
///
/// libhdf5 1.10 crashes or hangs on about one in twenty corrupt files; here that is an error message.
enum HDF5Process {
  /// Reads the file on `descriptor`; `file` is its name in diagnostics.
  static func read(
    _ descriptor: Int32, file: String, limits: HDF5Limits, executable: String = executable()
  ) throws(CompilationFailed) -> HDF5File {
    let (bytes, end) = try run(executable, descriptor, file, limits)
    var parser = HDF5DumpParser(bytes, file: file)
    let malformed: CompilationFailed
    do {
      let parsed = try parser.parse()
      if case .exited(0) = end { return parsed }
      malformed = CompilationFailed("I013", "the HDF5 reading process failed", at: .file(file))
    } catch {
      malformed = error
    }
    let location = Location.object(file: file, path: parser.path)
    if let reported = parser.reported {
      throw CompilationFailed("I010", "the HDF5 file can't be read: \(reported)", at: location)
    }
    switch end {
    case .timedOut:
      throw CompilationFailed(
        "I012", "libhdf5 did not read the file within \(limits.seconds) s", at: location, notes: [damagedNote]
      )
    case .signalled(let signal):
      throw CompilationFailed(
        "I011", "libhdf5 crashed on the file (signal \(signal))", at: location, notes: [damagedNote])
    case .exited:
      throw CompilationFailed(
        malformed.diagnostics[0].code, malformed.diagnostics[0].message, at: location,
        notes: ["the executable was '\(executable)'; FPGAML_BINARY names another"])
    }
  }

  private static let damagedNote = "the file is probably damaged: save or copy it again"

  /// How the child ended.
  private enum End {
    case exited(Int32)
    case signalled(Int32)
    case timedOut
  }

  /// The binary whose main function calls `HDF5Child.runIfRequested`: ours, but for a test bundle the
  /// `fpgaml` beside it; `$FPGAML_BINARY` overrules.
  static func executable() -> String {
    if let named = getenv("FPGAML_BINARY") { return String(cString: named) }
    let own = String(decoding: target(of: "/proc/self/exe"), as: UTF8.self)
    guard own.hasSuffix(".xctest"), let slash = own.lastIndex(of: "/") else { return "/proc/self/exe" }
    return own[...slash] + "fpgaml"
  }

  private static func target(of link: String) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
      buffer.withMemoryRebound(to: CChar.self) { characters in
        count = characters.baseAddress.map { max(readlink(link, $0, characters.count), 0) } ?? 0
      }
    }
  }

  static func unavailable(_ error: Int32, _ file: String, _ executable: String = executable())
    -> CompilationFailed
  {
    CompilationFailed(
      "I014", "can't start the process that reads HDF5: \(systemMessage(error))", at: .file(file),
      notes: ["the executable is '\(executable)'; FPGAML_BINARY names another"])
  }

  private static func run(_ executable: String, _ descriptor: Int32, _ file: String, _ limits: HDF5Limits)
    throws(CompilationFailed) -> (bytes: [UInt8], end: End)
  {
    var ends: [Int32] = [-1, -1]
    guard chdf5_pipe(&ends) == 0 else { throw unavailable(errno, file, executable) }
    defer { close(ends[0]) }
    let (process, failure) = spawn(executable, descriptor, output: ends[1], limits)
    close(ends[1])
    guard failure == 0 else { throw unavailable(failure, file, executable) }

    let deadline = ContinuousClock.now + .seconds(Int(limits.seconds))
    var bytes: [UInt8] = []
    let isComplete = collect(
      ends[0], into: &bytes, until: deadline, atMost: limits.elements + limits.elements / 8)
    var status: Int32 = 0
    while true {
      let ended = waitpid(process, &status, WNOHANG)
      if ended == process { break }
      if ended < 0 && errno != EINTR { throw unavailable(errno, file, executable) }
      if !isComplete || ContinuousClock.now >= deadline {
        kill(process, SIGKILL)
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
        return (bytes, .timedOut)
      }
      usleep(200)
    }
    let signal = status & 0x7F
    if signal == SIGALRM || signal == SIGXCPU { return (bytes, .timedOut) }
    return (bytes, signal == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signal))
  }

  /// Starts the child with the file on its descriptor 3 and `output` as its standard output.
  private static func spawn(_ executable: String, _ file: Int32, output: Int32, _ limits: HDF5Limits)
    -> (pid_t, failure: Int32)
  {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, file, HDF5Child.fileDescriptor)
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    let arguments = [
      "fpgaml", HDF5Child.argument, "\(limits.seconds)", "\(limits.addressSpace)", "\(limits.elements)",
    ]
    var pointers = arguments.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    pointers.append(nil)
    var process: pid_t = 0
    let failure = posix_spawn(&process, executable, &actions, nil, &pointers, environ)
    return (process, failure)
  }

  /// Reads until the end of the stream; false when the time or the size ran out before.
  private static func collect(
    _ descriptor: Int32, into bytes: inout [UInt8], until deadline: ContinuousClock.Instant, atMost limit: Int
  ) -> Bool {
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { chunk.deallocate() }
    while true {
      let left = deadline - .now
      let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
      guard milliseconds > 0, bytes.count <= limit else { return false }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&waiting, 1, Int32(milliseconds)) <= 0 { continue }
      let got = Glibc.read(descriptor, chunk.baseAddress, chunk.count)
      if got < 0 && errno == EINTR { continue }
      if got <= 0 { return true }
      bytes.append(contentsOf: chunk.prefix(got))
    }
  }
}
