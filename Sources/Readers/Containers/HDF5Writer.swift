import CHDF5
import Diagnostics
import Synchronization

/// Writes HDF5 files of plain datasets: float64, little-endian, contiguous, without times, so that equal
/// values give equal bytes.
enum HDF5Writer {
  /// libhdf5 as distributed is not safe for threads.
  private static let library = Mutex<Void>(())

  /// Writes each array as a dataset of its name at the root of the file at `path`.
  ///
  /// - Throws: I003 when the file can't be written.
  static func write(_ arrays: [NamedArray], to path: String) throws(CompilationFailed) {
    try OutputFile.replace(path) { (temporary) throws(CompilationFailed) in
      let failure = library.withLock { _ in writeFile(arrays, temporary) }
      if let failure { throw CompilationFailed("I003", "can't write the file: \(failure)", at: .file(path)) }
    }
  }

  /// Returns what went wrong, or nil.
  private static func writeFile(_ arrays: [NamedArray], _ path: String) -> String? {
    func failure() -> String { chdf5_last_error().map { String(cString: $0) } ?? "libhdf5 fails" }
    _ = chdf5_silence()
    let file = H5Fcreate(path, chdf5_truncate(), chdf5_default(), chdf5_default())
    guard file >= 0 else { return failure() }
    var message: String?
    for array in arrays {
      if writeDataset(array, file) < 0 {
        message = failure()
        break
      }
    }
    if H5Fclose(file) < 0, message == nil { message = failure() }
    return message
  }

  private static func writeDataset(_ array: NamedArray, _ file: hid_t) -> herr_t {
    let extents = array.shape.map { hsize_t($0) }
    let space = H5Screate_simple(Int32(extents.count), extents, nil)
    guard space >= 0 else { return -1 }
    defer { H5Sclose(space) }
    let creation = H5Pcreate(chdf5_dataset_creation())
    guard creation >= 0 else { return -1 }
    defer { H5Pclose(creation) }
    guard H5Pset_obj_track_times(creation, false) >= 0 else { return -1 }
    let dataset = H5Dcreate2(
      file, array.name, chdf5_little_endian_double(), space, chdf5_default(), creation, chdf5_default())
    guard dataset >= 0 else { return -1 }
    defer { H5Dclose(dataset) }
    if array.values.isEmpty { return 0 }
    return H5Dwrite(
      dataset, chdf5_native_double(), chdf5_space_all(), chdf5_space_all(), chdf5_default(), array.values)
  }
}
