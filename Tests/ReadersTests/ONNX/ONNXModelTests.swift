import Diagnostics
import Foundation
import Graph
import ONNXProto
import Testing

@testable import Readers

@Suite struct ONNXModelTests {
  static let shared = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("../shared").standardized
    .path

  /// A model that is x · 2 + 1 in float, then one operator.
  static func model(_ edit: (inout Onnx_GraphProto) -> Void = { _ in }) throws -> [UInt8] {
    var model = Onnx_ModelProto()
    model.irVersion = 8
    var opset = Onnx_OperatorSetIdProto()
    opset.version = 17
    model.opsetImport = [opset]
    var graph = Onnx_GraphProto()
    graph.input = [value("x", [0, 4])]
    graph.output = [value("y", [0, 4])]
    graph.initializer = [tensor("two", [], [2]), tensor("one", [4], [1, 1, 1, 1])]
    graph.node = [node("Mul", ["x", "two"], ["t"]), node("Add", ["t", "one"], ["y"])]
    edit(&graph)
    model.graph = graph
    return try model.serializedBytes()
  }

  static func node(_ kind: String, _ input: [String], _ output: [String]) -> Onnx_NodeProto {
    var node = Onnx_NodeProto()
    node.opType = kind
    node.input = input
    node.output = output
    return node
  }

  static func tensor(_ name: String, _ shape: [Int64], _ values: [Float]) -> Onnx_TensorProto {
    var tensor = Onnx_TensorProto()
    tensor.name = name
    tensor.dims = shape
    tensor.dataType = 1
    tensor.floatData = values
    return tensor
  }

  static func value(_ name: String, _ shape: [Int64]) -> Onnx_ValueInfoProto {
    var value = Onnx_ValueInfoProto()
    value.name = name
    value.type.tensorType.elemType = 1
    for extent in shape {
      var dimension = Onnx_TensorShapeProto.Dimension()
      if extent == 0 { dimension.dimParam = "N" } else { dimension.dimValue = extent }
      value.type.tensorType.shape.dim.append(dimension)
    }
    return value
  }

  private func codes(_ bytes: [UInt8]) -> [String] {
    do throws(CompilationFailed) {
      _ = try ONNXReader.read(bytes, file: "m.onnx", name: "m")
      return []
    } catch {
      return error.diagnostics.filter { $0.severity == .error }.map(\.code.description)
    }
  }

  @Test func computesWhatItSays() throws {
    let read = try ONNXReader.read(Self.model(), file: "m.onnx", name: "m")
    #expect(read.graph.isWellFormed)
    #expect(!read.isFullyQuantized)
    let results = FloatInterpreter(read.graph).run([[1, -2, 0.5, 3]])
    #expect(results[read.graph.outputs[0].node.index] == [3, -3, 2, 7])
  }

  @Test func listsAllUnsupportedOperators() throws {
    let bytes = try Self.model { graph in
      graph.node.append(Self.node("Loop", ["y"], ["z"]))
      graph.node.append(Self.node("Unheard", ["y"], ["w"]))
    }
    #expect(codes(bytes) == ["I406", "I406"])
  }

  @Test func refusesWhatItCannotRead() throws {
    #expect(codes([0x08, 0x08, 0x3A, 0xFF]) == ["I400"])
    #expect(codes(try Self.model { $0.node = [] }) == ["I401"])
    #expect(codes(try Self.model { $0.initializer[1].floatData = [1] }) == ["I403"])
    #expect(codes(try Self.model { $0.input = [Self.value("x", [4])] }) == ["I404"])
    #expect(codes(try Self.model { $0.input = [Self.value("x", [1, 0])] }) == ["I404"])
    #expect(codes(try Self.model { $0.node[1].input[0] = "missing" }) == ["I411"])
    #expect(codes(try Self.model { $0.output[0].name = "missing" }) == ["I411"])
    #expect(
      codes(
        try Self.model { graph in
          graph.initializer[1].dims = [3]
          graph.initializer[1].floatData = [1, 1, 1]
        }) == ["I116"])
    let attributed = try Self.model { graph in
      var attribute = Onnx_AttributeProto()
      attribute.name = "unknown"
      attribute.type = .int
      attribute.i = 3
      graph.node[0].attribute = [attribute]
    }
    #expect(codes(attributed) == ["I407"])
    // Samples of a fixed number are kept apart, or are one sample as a whole; each means something else here.
    let mixed = try Self.model { graph in
      graph.node.append(Self.node("Flatten", ["y"], ["z"]))
      graph.node.append(Self.node("MatMul", ["z", "z"], ["w"]))
    }
    #expect(codes(mixed) == ["I405"])
  }

  @Test func externalDataStayInTheFolder() throws {
    for location in ["/etc/passwd", "../secret", "absent.data"] {
      let bytes = try Self.model { graph in
        var entry = Onnx_StringStringEntryProto()
        entry.key = "location"
        entry.value = location
        graph.initializer[1].dataLocation = .external
        graph.initializer[1].externalData = [entry]
      }
      #expect(codes(bytes) == ["I402"])
    }
  }

  /// Where samples move to another axis they are kept apart; a model that works along that axis is read for one sample.
  /// Both say so.
  @Test func axisOfSamples() throws {
    let moved = try Self.model { graph in
      graph.node.append(Self.node("Transpose", ["y"], ["z"]))
      graph.output.append(Self.value("z", [4, 1]))
    }
    var read = try ONNXReader.read(moved, file: "m.onnx", name: "m")
    #expect(read.notices.map(\.code) == ["I430"])
    #expect(read.graph[read.graph.outputs[1].node].shape == [4])
    let joined = try Self.model { graph in
      graph.node.append(Self.node("Transpose", ["y"], ["z"]))
      graph.node.append(Self.node("Softmax", ["z"], ["w"]))
      graph.output.append(Self.value("w", [4, 1]))
    }
    read = try ONNXReader.read(joined, file: "m.onnx", name: "m")
    #expect(read.notices.map(\.code) == ["I415"])
    #expect(read.graph[read.graph.outputs[1].node].shape == [4, 1])
  }

  static let damaged = ["products", "shapes", "attention", "single", "torch_pieces_dynamo20"]

  /// 200 damaged models are read or refused at a place, never a crash.
  @Test(arguments: damaged)
  func survivesDamage(_ name: String) throws {
    let original = try InputFile.bytes(at: "\(RecordedModel.folder)/onnx/\(name).onnx")
    var refused = 0
    for (_, bytes) in Mutants(of: original, count: 40) {
      do throws(CompilationFailed) {
        _ = try ONNXReader.read(bytes, file: "m.onnx", name: "m")
      } catch {
        refused += 1
        #expect(error.diagnostics.allSatisfy { $0.location != nil })
      }
    }
    #expect(refused > 0)
  }

  static let models: [String] = ["qonnx", "torch", "from_repos"].flatMap { group in
    let folder = "\(shared)/models/\(group)"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().map { "\(folder)/\($0)/\($0).onnx" }.filter {
      FileManager.default.fileExists(atPath: $0)
    }
  }

  @Test(.enabled(if: !models.isEmpty, "shared models are absent"), arguments: models)
  func agreesWithTheFramework(_ path: String) throws {
    let read = try ModelReader.read(path)
    let graph = read.graph.selecting(.model)
    #expect(graph.isWellFormed)
    let golden = try Vectors(path: "\(URL(fileURLWithPath: path).deletingLastPathComponent().path)/golden.h5")
    let size = graph.inputs.reduce(0) { $0 + graph[$1].count }
    if size > 2000 { return }
    let interpreter = FloatInterpreter(graph)
    let input = try #require(golden["input"])
    let output = try #require(golden["output"])
    let width = output.values.count / (input.values.count / size)
    for sample in 0..<(size > 100 ? 1 : 8) {
      let got = interpreter.run([Array(input.values[(sample * size)..<((sample + 1) * size)])])
      let want = output.values[(sample * width)..<((sample + 1) * width)]
      let largest = want.map(\.magnitude).max() ?? 0
      for (a, b) in zip(got[graph.outputs[0].node.index], want) {
        #expect(abs(a - b) <= 1e-5 * max(1, largest))
      }
    }
  }
}
