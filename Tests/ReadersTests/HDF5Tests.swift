import CZlib
import Diagnostics
import Foundation
import Testing

@testable import Readers

@Suite struct HDF5Tests {
  private func kinds() throws -> HDF5Group { try HDF5File(path: Fixture.path("kinds.h5")).root }

  @Test func attributes() throws {
    let root = try kinds()
    #expect(try root.requireString("fixed") == "abc")
    #expect(try root.requireString("variable") == "varié")
    #expect(try root.requireStrings("fixed_list") == ["dense", "dense_1", "exactly8"])
    #expect(try root.requireStrings("variable_list") == ["a", "", "ccc"])
    #expect(try root.requireStrings("empty_list") == [])
    #expect(root.attribute("empty_list")?.type == "float64")
    #expect(root.attribute("empty_list")?.shape == [0])
    #expect(try root.requireStrings("split_names") == ["a", "b", "c"])
    #expect(try root.strings("absent") == nil)
    #expect(root.attribute("null")?.shape == [0])
    #expect(root.attribute("number")?.elements == .integers([-5]))
    #expect(root.attribute("flag")?.elements == .integers([1]))
    #expect(root.attribute("flag")?.type == "bool")
    #expect(root.attributes.map(\.name) == root.attributes.map(\.name).sorted())
    #expect(failure { _ = try root.requireString("number") }?.code == "I018")
    #expect(failure { _ = try root.requireStrings("number") }?.code == "I018")
    #expect(failure { _ = try root.requireStrings("absent") }?.code == "I016")
  }

  @Test(arguments: ["little_f2", "little_f4", "big_f4", "little_f8", "big_f8"])
  func floats(_ name: String) throws {
    let name = name.replacingOccurrences(of: "_f", with: "")
    let dataset = try kinds().requireDataset("floats/\(name)")
    #expect(dataset.shape == [2, 3])
    #expect(dataset.value.type == "float\(8 * (Int(String(name.suffix(1))) ?? 0))")
    let values = try dataset.doubles()
    let small = name.hasSuffix("2") ? Double(Float16(1e-3)) : name.hasSuffix("4") ? Double(Float(1e-3)) : 1e-3
    #expect(values == [0, 1.5, -2.25, small, 65504, 0])
    #expect(values[5].sign == .minus)
  }

  @Test(arguments: [
    ("i1", Int(Int8.min), Int(Int8.max)), ("i2", Int(Int16.min), Int(Int16.max)),
    ("big_i2", Int(Int16.min), Int(Int16.max)), ("i4", Int(Int32.min), Int(Int32.max)),
    ("i8", Int.min, Int.max),
    ("u1", 0, 255), ("u2", 0, 65535), ("u4", 0, 4_294_967_295), ("u8", 0, Int.max),
  ])
  func integers(_ name: String, _ low: Int, _ high: Int) throws {
    let dataset = try kinds().requireDataset("integers/\(name)")
    #expect(try dataset.integers() == [low, 0, 1, high])
    if high == Int.max { #expect(failure { _ = try dataset.doubles() }?.code == "I018") }
  }

  @Test func otherDatasets() throws {
    let root = try kinds()
    #expect(try root.requireDataset("booleans").integers() == [1, 0, 1])
    #expect(try root.requireDataset("scalar").shape == [])
    #expect(try root.requireDataset("scalar").doubles() == [3.5])
    #expect(try root.requireDataset("hard").doubles() == [3.5])
    #expect(try root.requireDataset("no_elements").shape == [0, 4])
    #expect(try root.requireDataset("no_elements").doubles() == [])
    #expect(try root.requireDataset("rank3").shape == [2, 3, 4])
    #expect(try root.requireDataset("soft").integers() == Array(0..<24))
    #expect(try root.requireDataset("chunked").doubles() == (0..<100).map(Double.init))
    #expect(try root.requireDataset("never_written").doubles() == [7, 7, 7])
    #expect(try root.requireDataset("strings").value.elements == .strings(["x", "yz"]))
    let kernel = try root.requireDataset("group/with space/kernel:0")
    #expect(kernel.path == "/group/with space/kernel:0")
    #expect(kernel.name == "kernel:0")
    #expect(kernel.attributes.first?.value.elements == .strings(["mm"]))
    #expect(root.group("group/with space")?.name == "with space")
    #expect(failure { _ = try root.requireDataset("rank3/x") }?.code == "I016")
    #expect(failure { _ = try root.requireGroup("rank3") }?.code == "I016")
    #expect(failure { _ = try root.requireDataset("strings").doubles() }?.code == "I018")
  }

  /// What can't be read does not disturb the rest, and says why when it is asked for.
  @Test(arguments: [
    ("compound", "compound"), ("external", "another file"), ("dangling", "does not exist"),
    ("integers/too_large", "2^63"),
  ])
  func unsupported(_ name: String, _ reason: String) throws {
    let dataset = try kinds().requireDataset(name)
    let diagnostic = failure { _ = try dataset.doubles() }
    #expect(diagnostic?.code == "I015")
    #expect(diagnostic?.message.contains(reason) == true)
    #expect(diagnostic?.location == .object(file: dataset.file, path: "/\(name)"))
  }

  @Test func newFileFormat() throws {
    let root = try HDF5File(path: Fixture.path("new_format.h5")).root
    #expect(try root.requireString("long").count == 70000)
    #expect(try root.requireDataset("g/d11").doubles() == [11])
    #expect(root.group("g")?.datasets.count == 12)
  }

  @Test func imageInMemory() throws {
    let image = try HDF5File(image: try Fixture.bytes("kinds.h5"), name: "m.keras: weights")
    #expect(try image.root.requireDataset("rank3").integers() == Array(0..<24))
    let diagnostic = failure { _ = try HDF5File(image: Array("no HDF5".utf8), name: "m.keras: weights") }
    #expect(diagnostic?.code == "I010")
    #expect(diagnostic?.location?.description.hasPrefix("m.keras: weights") == true)
  }

  @Test func refusals() throws {
    let cyclic = failure { _ = try HDF5File(path: Fixture.path("cyclic.h5")) }
    #expect(cyclic?.code == "I010")
    #expect(cyclic?.message.contains("contains itself") == true)
    #expect(cyclic?.location == .object(file: Fixture.path("cyclic.h5"), path: "/a/b/back"))
    let huge = failure { _ = try HDF5File(path: Fixture.path("huge.h5")) }
    #expect(huge?.code == "I010")
    #expect(huge?.message.contains("more memory") == true)
    #expect(failure { _ = try HDF5File(path: "/nonexistent.h5") }?.code == "I001")
    #expect(failure { _ = try HDF5File(path: "/tmp") }?.code == "I002")
    #expect(failure { _ = try HDF5File(path: #filePath) }?.code == "I010")
  }

  /// Groups, datasets, attributes and a checksum of all values, as h5py sees them (`make_shared_facts.py`).
  @Test(.enabled(if: Shared.isPresent, "the shared models are absent"))
  func realFilesAgreeWithH5py() throws {
    let facts = try JSONDocument(path: Fixture.path("shared_facts.json")).root.requireObject()
    #expect(
      facts.count == Shared.files(withExtension: "h5").count + Shared.files(withExtension: "keras").count)
    for (name, expected) in facts {
      let path = Shared.models.appendingPathComponent(name).path
      let file: HDF5File
      if name.hasSuffix(".keras") {
        let archive = try ZIPArchive(path: path)
        #expect(try JSONDocument(try archive.contents("config.json"), file: path).root.object != nil)
        file = try HDF5File(image: try archive.contents("model.weights.h5"), name: path)
      } else {
        file = try HDF5File(path: path)
      }
      var found = Facts()
      found.visit(file.root)
      #expect(
        [found.groups, found.datasets, found.attributes, Int(found.crc)] == (try expected.requireInts()),
        "\(name)")
    }
  }

  /// The Swift side of `make_shared_facts.py`.
  private struct Facts {
    var groups = 0
    var datasets = 0
    var attributes = 0
    var crc: UInt = 0

    mutating func add(_ bytes: some Sequence<UInt8>) {
      let bytes = Array(bytes)
      crc = crc32_z(crc, bytes, bytes.count)
    }

    mutating func add(_ array: HDF5Array) {
      func numbers(_ values: [Double]) { values.withUnsafeBytes { add($0) } }
      switch array.elements {
      case .float32(let values): numbers(values.map(Double.init))
      case .float64(let values): numbers(values)
      case .integers(let values): numbers(values.map { Double($0) })
      case .strings(let strings): for string in strings { add(string.utf8 + [0]) }
      case .unsupported(let reason): Issue.record("unsupported: \(reason)")
      }
    }

    mutating func add(_ list: [HDF5Attribute]) {
      for attribute in list {
        attributes += 1
        add(attribute.name.utf8)
        add(attribute.value)
      }
    }

    mutating func visit(_ group: HDF5Group) {
      groups += 1
      add(group.path.utf8)
      add(group.attributes)
      for dataset in group.datasets {
        datasets += 1
        add(dataset.path.utf8)
        add(dataset.value)
        add(dataset.attributes)
      }
      for inner in group.groups { visit(inner) }
    }
  }
}

/// libhdf5 crashes and hangs on some of these; the reader gives a located message, and soon.
@Suite struct HDF5DamageTests {
  /// The fixtures, and in the long form of the tests some real models as well.
  private static func originals() throws -> [[UInt8]] {
    let fixtures = try ["kinds.h5", "vectors.h5", "new_format.h5"].map { try Fixture.bytes($0) }
    let models = [
      "keras2/lstm/lstm.h5", "qkeras/qkeras_3layer/qkeras_3layer.h5", "hgq1/hgq1_jets/hgq1_jets.h5",
    ]
    guard Mutants.isLong, Shared.isPresent else { return fixtures }
    return try fixtures
      + models.map { try InputFile.bytes(at: Shared.models.appendingPathComponent($0).path) }
  }

  @Test func damagedFiles() throws {
    let originals = try Self.originals()
    var codes: [String: Int] = [:]
    let clock = ContinuousClock()
    for seed in 0..<Mutants.defaultCount {
      let mutant = Mutants(of: originals[seed / 5 % originals.count]).mutant(UInt64(seed))
      let start = clock.now
      do {
        _ = try HDF5File(image: mutant, name: "mutant")
        codes["read", default: 0] += 1
      } catch {
        codes["\(error.diagnostics[0].code)", default: 0] += 1
        #expect(["I010", "I011", "I012"].contains(error.diagnostics[0].code), "mutant \(seed): \(error)")
        #expect(error.diagnostics[0].location != nil)
      }
      #expect(clock.now - start < .seconds(10), "mutant \(seed)")
    }
    if Mutants.isLong { print("damaged HDF5 files:", codes.sorted { $0.key < $1.key }) }
    #expect(codes["I010", default: 0] > 0)
  }

  /// A child that talks nonsense, dies, or never ends is an error as well.
  @Test(
    arguments: [
      ("nonsense", "I013"), ("fails", "I013"), ("crashes", "I011"), ("hangs", "I012"),
      ("hangs_silently", "I012"),
      ("absent", "I014"),
    ] as [(String, DiagnosticCode)])
  func badChildren(_ name: String, _ code: DiagnosticCode) throws {
    let child = Fixture.path("children/\(name).sh")
    let descriptor = try InputFile.open(Fixture.path("vectors.h5"))
    defer { close(descriptor) }
    var limits = HDF5Limits(fileSize: 3)
    limits.seconds = 1
    do {
      _ = try HDF5Process.read(descriptor, file: "m.h5", limits: limits, executable: child)
      Issue.record("read by '\(name)'")
    } catch {
      #expect(error.diagnostics[0].code == code, "\(error)")
      #expect(error.status == .badInput)
    }
  }

  /// Dumps cut short or damaged anywhere do not parse, or parse to something: never a crash.
  @Test func damagedDumps() {
    var dump = HDF5Dump.header
    dump += [HDF5Dump.Tag.group.rawValue, HDF5Dump.Tag.attribute.rawValue, 1, 0, 0, 0, 0x61]
    dump +=
      [5, 0, 0, 0] + Array("int64".utf8) + [1, 2, 0, 0, 0, 0, 0, 0, 0, HDF5Dump.Form.integers.rawValue]
    dump += [UInt8](repeating: 7, count: 16) + [HDF5Dump.Tag.opening.rawValue, 1, 0, 0, 0, 0x62]
    dump += [HDF5Dump.Tag.dataset.rawValue, 6, 0, 0, 0] + Array("string".utf8)
    dump += [0, HDF5Dump.Form.strings.rawValue, 2, 0, 0, 0, 0x78, 0x79, HDF5Dump.Tag.end.rawValue]
    dump += [HDF5Dump.Tag.end.rawValue, HDF5Dump.Tag.done.rawValue]
    var whole = HDF5DumpParser(dump, file: "f")
    #expect((try? whole.parse())?.root.dataset("b")?.value.elements == .strings(["xy"]))
    for length in 0..<dump.count {
      var cut = HDF5DumpParser(Array(dump.prefix(length)), file: "f")
      #expect((try? cut.parse()) == nil)
    }
    for (_, bytes) in Mutants(of: dump, count: 2000) {
      var parser = HDF5DumpParser(bytes, file: "f")
      _ = try? parser.parse()
    }
  }
}
