import Diagnostics

/// A named array of samples: the first axis is the sample, the others are a tensor's; values row-major.
public struct NamedArray: Sendable, Equatable {
  public var name: String
  public var shape: [Int]
  /// Exactly the file's values; NaN and infinity are kept.
  public var values: [Double]

  /// - Precondition: `values` has as many elements as `shape` says, and there is a first axis.
  public init(name: String, shape: [Int], values: [Double]) {
    precondition(!shape.isEmpty && shape.reduce(1, *) == values.count, "the values do not fill the shape")
    self.name = name
    self.shape = shape
    self.values = values
  }

  public var samples: Int { shape[0] }

  /// How many elements a sample has.
  public var elementsPerSample: Int { shape.dropFirst().reduce(1, *) }
}

/// A file of input or output vectors (INTERFACES: "Input and output vectors"): `.npy`, `.npz`, `.h5`/`.hdf5`,
/// `.csv`, `.dat`, told apart by extension.
public struct Vectors: Sendable, Equatable {
  /// The arrays in the order of their names, `input_2` before `input_10`; in a file without names, one called
  /// `input`.
  public var arrays: [NamedArray]

  public init(arrays: [NamedArray]) { self.arrays = arrays }

  /// The array of that name.
  public subscript(name: String) -> NamedArray? { arrays.first { $0.name == name } }

  /// Reads the file at `path`.
  ///
  /// - Throws: I600 for an unknown extension, I601 to I607 for what is wrong inside, or the codes of the
  ///   container.
  public init(path: String) throws(CompilationFailed) {
    switch try VectorFormat(path: path) {
    case .npy: arrays = [try NPY.array(try InputFile.bytes(at: path), name: "input", location: .file(path))]
    case .npz: arrays = try NPY.archive(path)
    case .hdf5: arrays = try Self.hdf5(path)
    case .csv, .dat: arrays = [try VectorText.array(try InputFile.bytes(at: path), file: path)]
    }
    arrays.sort { Self.precedes($0.name, $1.name) }
  }

  /// Writes the arrays to `path`, as float64 values that read back exactly.
  ///
  /// Text has one sample a line with the arrays side by side; `.npy` holds a single array.
  ///
  /// - Throws: I003 when the file can't be written, I600 for an unknown extension, I608 when the arrays do
  ///   not fit into the format.
  public func write(to path: String) throws(CompilationFailed) {
    switch try VectorFormat(path: path) {
    case .npy:
      guard arrays.count == 1 else {
        throw CompilationFailed(
          "I608", "a .npy file holds one array, not \(arrays.count)", at: .file(path),
          notes: ["write .npz or .h5"])
      }
      try OutputFile.write(NPY.bytes(arrays[0]), to: path)
    case .npz:
      let entries = arrays.map { (name: "\($0.name).npy", contents: NPY.bytes($0)) }
      try OutputFile.write(try storedZIP(entries, file: path), to: path)
    case .hdf5: try HDF5Writer.write(arrays, to: path)
    case .csv: try OutputFile.write(try VectorText.bytes(arrays, separator: ",", file: path), to: path)
    case .dat: try OutputFile.write(try VectorText.bytes(arrays, separator: " ", file: path), to: path)
    }
  }

  /// The names of a model's inputs or outputs in a file: `input`, or `input_0`, `input_1`, ….
  public static func names(_ stem: String, count: Int) -> [String] {
    count == 1 ? [stem] : (0..<count).map { "\(stem)_\($0)" }
  }

  /// The arrays at the root of an HDF5 file; strings and the like beside them are left out.
  private static func hdf5(_ path: String) throws(CompilationFailed) -> [NamedArray] {
    var arrays: [NamedArray] = []
    for dataset in try HDF5File(path: path).root.datasets where !dataset.shape.isEmpty {
      switch dataset.value.elements {
      case .float32, .float64, .integers:
        arrays.append(NamedArray(name: dataset.name, shape: dataset.shape, values: try dataset.doubles()))
      case .strings, .unsupported: continue
      }
    }
    guard !arrays.isEmpty else {
      throw CompilationFailed(
        "I606", "the file holds no array of numbers at its root", at: .file(path),
        notes: ["expected the datasets 'input', or 'input_0', 'input_1', …"])
    }
    return arrays
  }

  /// The order of names, in which digits at the end count as a number.
  private static func precedes(_ a: String, _ b: String) -> Bool {
    func split(_ name: String) -> (stem: String, number: Int) {
      let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }.count
      return (String(name.dropLast(digits)), Int(name.suffix(digits)) ?? -1)
    }
    return split(a) < split(b)
  }
}

extension Vectors {
  /// The arrays for a model's inputs, in model order, each in its input's shape.
  ///
  /// Arrays are found under `input`, or `input_0`, `input_1`, …, or under the inputs' own names; samples may be
  /// flat. A file with a single array may hold all inputs side by side, as text does.
  ///
  /// - Parameters:
  ///   - shapes: the shape of each input without the sample axis.
  ///   - ownNames: what the model calls its inputs.
  ///   - file: the file's name, for diagnostics.
  /// - Throws: I606 when an array is missing, I607 when shapes or numbers of samples do not agree.
  public func inputs(shapes: [[Int]], ownNames: [String] = [], file: String) throws(CompilationFailed)
    -> [NamedArray]
  {
    var names = Self.names("input", count: shapes.count)
    let isNumbered = names.contains { self[$0] != nil } || self["input_0"] != nil
    if !isNumbered, !ownNames.isEmpty, ownNames.allSatisfy({ self[$0] != nil }) { names = ownNames }
    if shapes.count > 1, let whole = self["input"], names.allSatisfy({ self[$0] == nil }) {
      return try Self.split(whole, shapes, file)
    }
    var found: [NamedArray] = []
    for (name, shape) in zip(names, shapes) {
      guard let array = self[name] ?? (shapes.count == 1 ? self["input_0"] : nil) else {
        let present = arrays.map { "'\($0.name)'" }.joined(separator: ", ")
        let own = ownNames.map { "'\($0)'" }.joined(separator: ", ")
        throw CompilationFailed(
          "I606", "there is no array '\(name)'", at: .file(file),
          notes: ["the file has \(present)"] + (own.isEmpty ? [] : ["the model calls its inputs \(own)"]))
      }
      guard array.elementsPerSample == shape.reduce(1, *) else {
        throw CompilationFailed(
          "I607",
          "a sample of '\(name)' has \(array.elementsPerSample) elements, the model's input \(shape) has "
            + "\(shape.reduce(1, *))", at: .object(file: file, path: array.name))
      }
      if let first = found.first, first.samples != array.samples {
        throw CompilationFailed(
          "I607", "'\(first.name)' has \(first.samples) samples, '\(array.name)' has \(array.samples)",
          at: .file(file))
      }
      found.append(NamedArray(name: name, shape: [array.samples] + shape, values: array.values))
    }
    return found
  }

  /// Cuts the lines of one array into the inputs that stand side by side in it.
  private static func split(_ whole: NamedArray, _ shapes: [[Int]], _ file: String)
    throws(CompilationFailed) -> [NamedArray]
  {
    let sizes = shapes.map { $0.reduce(1, *) }
    let width = sizes.reduce(0, +)
    guard whole.elementsPerSample == width else {
      throw CompilationFailed(
        "I607",
        "a sample has \(whole.elementsPerSample) elements, the model's \(shapes.count) inputs have \(width)",
        at: .file(file))
    }
    var start = 0
    var arrays: [NamedArray] = []
    for (index, (shape, size)) in zip(shapes, sizes).enumerated() {
      var values: [Double] = []
      values.reserveCapacity(size * whole.samples)
      for sample in 0..<whole.samples {
        values += whole.values[sample * width + start..<sample * width + start + size]
      }
      arrays.append(NamedArray(name: "input_\(index)", shape: [whole.samples] + shape, values: values))
      start += size
    }
    return arrays
  }
}

/// The formats of vector files.
enum VectorFormat {
  case npy, npz, hdf5, csv, dat

  init(path: String) throws(CompilationFailed) {
    let name = path.split(separator: "/").last ?? ""
    switch name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last?.lowercased() {
    case "npy": self = .npy
    case "npz": self = .npz
    case "h5", "hdf5": self = .hdf5
    case "csv": self = .csv
    case "dat": self = .dat
    default:
      throw CompilationFailed(
        "I600", "expected a file of vectors with a known extension", at: .file(path),
        notes: ["known are .npy, .npz, .h5, .hdf5, .csv and .dat"])
    }
  }
}
