import Diagnostics
import Testing

@testable import Readers

@Suite struct NPYTests {
  private func read(_ name: String) throws -> NamedArray {
    try #require(try Vectors(path: Fixture.path(name)).arrays.first)
  }

  @Test(arguments: ["little_f2", "little_f4", "big_f4", "little_f8", "big_f8"])
  func floats(_ name: String) throws {
    let array = try read("npy_\(name).npy")
    #expect(array == NamedArray(name: "input", shape: [2, 3], values: [0, 1.5, -2.25, 3, 65504, -0.0]))
    #expect(array.values[5].sign == .minus)
  }

  @Test(arguments: ["i1", "u1", "little_i2", "big_i2", "little_u4", "little_i8", "big_u8"])
  func integers(_ name: String) throws {
    #expect(try read("npy_\(name).npy").values == [0, 1, 2, 3, 100, 127])
  }

  @Test func otherForms() throws {
    #expect(try read("npy_bool.npy").values == [1, 0, 0, 1])
    #expect(
      try read("npy_fortran.npy")
        == NamedArray(name: "input", shape: [2, 3, 4], values: (0..<24).map(Double.init)))
    #expect(try read("npy_version2.npy").values == [1, 2])
    #expect(try read("npy_version3.npy").values == [1, 2])
  }

  @Test func everyHalf() {
    let halves = (0...UInt16.max).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    let values = NPYType("<f2")?.values(halves, from: 0, count: 65536)
    #if !(os(macOS) && arch(x86_64))
      for (bits, value) in (values ?? []).enumerated() {
        let expected = Double(Float16(bitPattern: UInt16(bits)))
        if expected.isNaN ? !value.isNaN : value.bitPattern != expected.bitPattern {
          Issue.record("\(bits): \(value)")
        }
      }
    #endif
    #expect(values?.count == 65536)
  }

  @Test(
    arguments: [
      ("npy_scalar.npy", "I607"), ("npy_object.npy", "I602"), ("npy_complex.npy", "I602"),
      ("npy_record.npy", "I602"),
      ("entries.zip", "I600"), ("no_extension", "I600"), ("absent.npy", "I001"),
    ] as [(String, DiagnosticCode)])
  func refusals(_ name: String, _ code: DiagnosticCode) {
    let found = failure { _ = try read(name) }
    #expect(found?.code == code)
    #expect(found?.location != nil)
  }

  @Test func integersBeyondBinary64() throws {
    var bytes = NPY.bytes(NamedArray(name: "a", shape: [1], values: [0]))
    let at = try #require(
      bytes.indices.dropLast().first { bytes[$0] == UInt8(ascii: "f") && bytes[$0 + 1] == UInt8(ascii: "8") })
    bytes[at] = UInt8(ascii: "i")
    for (value, isExact) in [
      (1 << 53, true), (1 << 54, true), ((1 << 53) + 1, false), (Int.min, true), (Int.max, false),
    ] {
      bytes.replaceSubrange(bytes.count - 8..<bytes.count, with: withUnsafeBytes(of: value) { Array($0) })
      let found = failure { _ = try NPY.array(bytes, name: "a", location: .file("f")) }
      #expect(found?.code == (isExact ? nil : "I605"))
    }
  }

  @Test func archives() throws {
    let stored = try Vectors(path: Fixture.path("stored.npz"))
    #expect(stored.arrays.map(\.name) == ["input_0", "input_1"])
    #expect(stored["input_0"]?.values == [1, 2])
    #expect(stored["input_1"]?.values == [3])
    let deflated = try Vectors(path: Fixture.path("deflated.npz"))
    #expect(deflated["input"]?.shape == [4, 16])
    #expect(deflated["input"]?.values == (0..<64).map { Double($0) / 3 })
  }

  @Test(arguments: ["npy_little_f4.npy", "npy_fortran.npy", "stored.npz", "deflated.npz"])
  func damagedFiles(_ name: String) throws {
    let folder = try TemporaryFolder()
    let suffix = String(name.suffix(4))
    for (seed, bytes) in Mutants(of: try Fixture.bytes(name)) {
      let path = try folder.write(bytes, "m\(suffix)")
      let found = failure { _ = try Vectors(path: path) }
      guard let found else { continue }
      #expect(
        ["I601", "I602", "I603", "I606", "I607", "I020", "I021", "I022", "I023"].contains(found.code),
        "mutant \(seed): \(found)")
      #expect(found.location != nil)
    }
  }

  /// Every header of a family of spellings: the white space and quotes that other writers use.
  @Test(arguments: [
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", [3, 4]),
    ("{\"shape\":(3,),\"fortran_order\":True,\"descr\":\"<f4\"}", [3]),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L)}\n", [3, 4]),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", []),
  ])
  func headers(_ text: String, _ shape: [Int]) {
    #expect(NPYHeader(text)?.shape == shape)
    #expect(NPYHeader(text)?.type == "<f4")
  }

  @Test(arguments: [
    "", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, -4)}",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': 3}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x",
    "{'descr': f4, 'fortran_order': False, 'shape': (3,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}",
  ])
  func damagedHeaders(_ text: String) { #expect(NPYHeader(text) == nil) }
}

@Suite struct ShapeTests {
  @Test func elementCounts() {
    #expect(elementCount([]) == 1)
    #expect(elementCount([2, 3, 4]) == 24)
    #expect(elementCount([3, 0, 5]) == 0)
    #expect(elementCount([Int.max]) == Int.max)
    #expect(elementCount([-1]) == nil)
    #expect(elementCount([Int.max, 2]) == nil)
    // Nothing is in it, yet the elements of one sample could not be counted.
    #expect(elementCount([0, Int.max, 2]) == nil)
  }
}

@Suite struct VectorTextTests {
  private func read(_ text: String) throws -> NamedArray {
    try VectorText.array(Array(text.utf8), file: "v.csv")
  }

  @Test(arguments: [
    "1,2.5\n-3,4e-1\n", "1 2.5\n-3 4e-1", "1, 2.5\r\n-3 ,\t.4\r\n", "# names\n\n1\t2.5 # first\n-3 +0.4\n\n",
    "pt,eta\n1,2.5\n-3,0.4", "\u{FEFF}1,2.5\n-3,0.4", "\"p t\";\"e\"\n1,2.5\n-3,0.4",
  ])
  func forms(_ text: String) throws {
    #expect(try read(text) == NamedArray(name: "input", shape: [2, 2], values: [1, 2.5, -3, 0.4]))
  }

  @Test func valuesThatAreNotFinite() throws {
    let values = try read("nan,inf,-Infinity,NaN,+INF").values
    #expect(values[0].isNaN && values[3].isNaN)
    #expect(values[1] == .infinity && values[2] == -.infinity && values[4] == .infinity)
  }

  @Test(arguments: [
    ("1,2\n3,x\n", 2, 3), ("1,2\n3\n", 2, 1), ("1,2\n3,4,5\n", 2, 1), ("1,,2", 1, 3), ("1,2,", 1, 4),
    (",1", 1, 1),
    ("a,b\nc,d\n1,2", 2, 1), ("a,1\n", 1, 1), ("1;2\n", 1, 1), ("0x10\n", 1, 1), ("1,2\né 1e\n", 2, 1),
    ("1\n1e\n", 2, 1), ("1 2\n  3 4-\n", 2, 5), ("1\n--1", 2, 1), ("1\nnanx", 2, 1),
  ])
  func errorsAreLocated(_ text: String, _ line: Int, _ column: Int) {
    let found = failure { _ = try read(text) }
    #expect(found?.code == "I604")
    #expect(found?.location == .text(file: "v.csv", line: line, column: column), "\(text)")
  }

  @Test(arguments: ["", "\n\n", "# nothing\n", "a,b\n"])
  func nothing(_ text: String) { #expect(failure { _ = try read(text) }?.code == "I606") }

  @Test func damagedTexts() throws {
    let source = Array("pt,eta\n1.5,2\n-3e-2,4\n5,nan\n7,8\n".utf8)
    for (seed, bytes) in Mutants(of: source, count: Mutants.defaultCount * 10) {
      let found = failure { _ = try VectorText.array(bytes, file: "v") }
      if let found { #expect(["I604", "I606"].contains(found.code), "mutant \(seed)") }
    }
  }
}

@Suite struct VectorsTests {
  /// Values that show any loss: ends of the range, shortest forms of many digits, signs of zero.
  private static let hard: [Double] = {
    var random = SplitMix(seed: 3)
    var values: [Double] = [
      0, -0.0, 0.1, 1.0 / 3, .leastNonzeroMagnitude, -1.7976931348623157e308, 2.2250738585072014e-308, 1e22,
      123456789,
    ]
    while values.count < 600 {
      let value = Double(bitPattern: random.next())
      if value.isFinite { values.append(value) }
    }
    return values
  }()

  @Test(arguments: ["npy", "npz", "h5", "hdf5", "csv", "dat"])
  func roundTrip(_ suffix: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("output.\(suffix)")
    let array = NamedArray(name: "input", shape: [100, 2, 3], values: Self.hard)
    try Vectors(arrays: [array]).write(to: path)
    let first = try InputFile.bytes(at: path)
    let read = try #require(try Vectors(path: path).arrays.first)
    #expect(read.name == "input")
    #expect(read.shape == (["csv", "dat"].contains(suffix) ? [100, 6] : [100, 2, 3]))
    #expect(read.values.map(\.bitPattern) == array.values.map(\.bitPattern))
    try Vectors(arrays: [array]).write(to: path)
    #expect(try InputFile.bytes(at: path) == first, "equal values give equal bytes")
  }

  @Test(arguments: ["npz", "h5"])
  func severalArrays(_ suffix: String) throws {
    let folder = try TemporaryFolder()
    let arrays = Vectors.names("output", count: 12).enumerated().map { index, name in
      NamedArray(name: name, shape: [2, index], values: (0..<2 * index).map { Double($0 + index) })
    }
    try Vectors(arrays: arrays).write(to: folder.path("o.\(suffix)"))
    #expect(try Vectors(path: folder.path("o.\(suffix)")).arrays == arrays)
    #expect(failure { try Vectors(arrays: arrays).write(to: folder.path("o.npy")) }?.code == "I608")
  }

  @Test func writingFails() throws {
    let one = Vectors(arrays: [NamedArray(name: "output", shape: [1], values: [1])])
    for suffix in ["npy", "npz", "csv", "dat", "h5"] {
      #expect(failure { try one.write(to: "/nonexistent/o.\(suffix)") }?.code == "I003")
    }
    #expect(failure { try one.write(to: "/tmp/o.txt") }?.code == "I600")
    let uneven = [
      NamedArray(name: "a", shape: [1], values: [1]), NamedArray(name: "b", shape: [2], values: [1, 2]),
    ]
    #expect(failure { try Vectors(arrays: uneven).write(to: "/tmp/o.csv") }?.code == "I608")
  }

  @Test func hdf5Inputs() throws {
    let vectors = try Vectors(path: Fixture.path("vectors.h5"))
    #expect(
      vectors["input_0"]
        == NamedArray(name: "input_0", shape: [2, 2], values: [0.5, -1.25, 3, Double(Float(0.1))]))
    #expect(vectors["input_1"]?.values == [1, 2])
    #expect(failure { _ = try Vectors(path: Fixture.path("cyclic.h5")) }?.code == "I010")
  }

  @Test func boundToAModelsInputs() throws {
    func vectors(_ arrays: (String, [Int])...) -> Vectors {
      Vectors(
        arrays: arrays.map { NamedArray(name: $0, shape: $1, values: (0..<$1.reduce(1, *)).map(Double.init)) }
      )
    }
    let flat = try vectors(("input", [2, 6])).inputs(shapes: [[2, 3]], file: "f")
    #expect(flat == [NamedArray(name: "input", shape: [2, 2, 3], values: (0..<12).map(Double.init))])
    #expect(try vectors(("input_0", [2, 6])).inputs(shapes: [[6]], file: "f").first?.name == "input")
    let two = try vectors(("input_0", [2, 1]), ("input_1", [2, 2])).inputs(shapes: [[1], [2]], file: "f")
    #expect(two.map(\.values) == [[0, 1], [0, 1, 2, 3]])
    let sideBySide = try vectors(("input", [2, 3])).inputs(shapes: [[1], [2]], file: "f")
    #expect(sideBySide.map(\.values) == [[0, 3], [1, 2, 4, 5]])
    #expect(sideBySide.map(\.name) == ["input_0", "input_1"])
    #expect(failure { _ = try vectors(("x", [2, 3])).inputs(shapes: [[3]], file: "f") }?.code == "I606")
    let named = try vectors(("b", [2, 1]), ("other", [2, 5]), ("a", [2, 2]))
      .inputs(shapes: [[2], [1]], ownNames: ["a", "b"], file: "f")
    #expect(named.map(\.shape) == [[2, 2], [2, 1]])
    #expect(
      failure {
        _ = try vectors(("a", [2, 1]), ("x", [2, 1])).inputs(
          shapes: [[1], [1]], ownNames: ["a", "b"], file: "f")
      }?.notes == ["the file has 'a', 'x'", "the model calls its inputs 'a', 'b'"])
    #expect(failure { _ = try vectors(("input", [2, 3])).inputs(shapes: [[4]], file: "f") }?.code == "I607")
    #expect(
      failure { _ = try vectors(("input", [2, 3])).inputs(shapes: [[4], [1]], file: "f") }?.code == "I607")
    #expect(
      failure {
        _ = try vectors(("input_0", [2, 1]), ("input_1", [3, 2])).inputs(shapes: [[1], [2]], file: "f")
      }?.code
        == "I607")
  }

  @Test(.enabled(if: Shared.isPresent, "the shared models are absent"))
  func goldenFiles() throws {
    for path in Shared.files(withExtension: "h5") where path.hasSuffix("/golden.h5") {
      let vectors = try Vectors(path: path)
      #expect(vectors.arrays.contains { $0.name.hasPrefix("input") }, "\(path)")
      #expect(vectors.arrays.contains { $0.name.hasPrefix("output") }, "\(path)")
      #expect(Set(vectors.arrays.map(\.samples)).count == 1, "\(path)")
    }
  }
}
