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
      graph.node.append(Self.node("Scan", ["y"], ["z"]))
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
    func model(_ entries: [(String, String)]) throws -> [UInt8] {
      try Self.model { graph in
        graph.initializer[1].dataLocation = .external
        graph.initializer[1].externalData = entries.map { key, value in
          var entry = Onnx_StringStringEntryProto()
          entry.key = key
          entry.value = value
          return entry
        }
      }
    }
    for location in ["/etc/passwd", "../secret", "sub/../../secret", "", "absent.data", ".", "sub\0/../../x"]
    {
      #expect(codes(try model([("location", location)])) == ["I402"], "\(location)")
    }
    #expect(codes(try model([])) == ["I402"])
    // Four floats need 16 bytes.
    let folder = try TemporaryFolder()
    _ = try folder.write(Array(repeating: 0, count: 20), "m.data")
    func codesBeside(_ entries: [(String, String)]) throws -> [String] {
      let bytes = try model([("location", "m.data")] + entries)
      do throws(CompilationFailed) {
        _ = try ONNXReader.read(bytes, file: folder.path("m.onnx"), name: "m")
        return []
      } catch {
        return error.diagnostics.map(\.code.description)
      }
    }
    #expect(try codesBeside([("offset", "4"), ("length", "16")]) == [])
    #expect(try codesBeside([("offset", "4")]) == [])
    #expect(try codesBeside([("offset", "8")]) == ["I403"])
    for range in [
      ("8", "16"), ("-4", "16"), ("21", "0"), ("4", "-1"), ("x", "16"), ("\(Int.max)", "\(Int.max)"),
    ] {
      #expect(try codesBeside([("offset", range.0), ("length", range.1)]) == ["I402"], "\(range)")
    }
  }

  /// Weights that are no numbers, which a quantizer would make integers of; infinities saturate.
  @Test func refusesToQuantizeNaN() throws {
    func model(_ value: Float) throws -> [UInt8] {
      var model = try Onnx_ModelProto(
        serializedBytes: Self.model { graph in
          graph.initializer += [
            Self.tensor("w", [4], [0.5, 1, value, -0.25]), Self.tensor("scale", [], [0.25]),
            Self.tensor("zero", [], [0]), Self.tensor("bits", [], [4]),
          ]
          var quant = Self.node("Quant", ["w", "scale", "zero", "bits"], ["q"])
          quant.domain = "qonnx.custom_op.general"
          graph.node = [quant, Self.node("Add", ["x", "q"], ["y"])]
        })
      var opset = Onnx_OperatorSetIdProto()
      opset.domain = "qonnx.custom_op.general"
      opset.version = 1
      model.opsetImport.append(opset)
      return try model.serializedBytes()
    }
    #expect(try outputs(model(.infinity)) == [1.5, -1, 2.25, 2.75])
    #expect(codes(try model(.nan)) == ["I408"])
  }

  private func attribute(_ name: String, _ change: (inout Onnx_AttributeProto) -> Void) -> Onnx_AttributeProto
  {
    var attribute = Onnx_AttributeProto()
    attribute.name = name
    change(&attribute)
    return attribute
  }

  /// What a model of one input of four elements makes of 1, −2, 0.5, 3.
  private func outputs(_ bytes: [UInt8]) throws -> [Double] {
    let read = try ONNXReader.read(bytes, file: "m.onnx", name: "m")
    #expect(read.graph.isWellFormed)
    return FloatInterpreter(read.graph).run([[1, -2, 0.5, 3]])[read.graph.outputs[0].node.index]
  }

  /// A function of the model's own, with an attribute from its call, that another one calls.
  @Test func writesFunctionsOut() throws {
    func model(_ edit: (inout Onnx_ModelProto) -> Void = { _ in }) throws -> [UInt8] {
      var model = try Onnx_ModelProto(
        serializedBytes: Self.model { graph in
          var call = Self.node("Outer", ["y"], ["z"])
          call.domain = "own"
          graph.node.append(call)
          graph.output = [Self.value("z", [0, 4])]
        })
      var inner = Onnx_FunctionProto()
      inner.name = "Inner"
      inner.domain = "own"
      inner.input = ["a"]
      inner.output = ["b"]
      inner.attribute = ["slope"]
      var leaky = Self.node("LeakyRelu", ["a"], ["t"])
      leaky.attribute = [
        attribute("alpha") {
          $0.refAttrName = "slope"
          $0.type = .float
        }
      ]
      inner.node = [leaky, Self.node("Neg", ["t"], ["b"])]
      var outer = Onnx_FunctionProto()
      outer.name = "Outer"
      outer.domain = "own"
      outer.input = ["x"]
      outer.output = ["y"]
      var call = Self.node("Inner", ["x"], ["t"])
      call.domain = "own"
      call.attribute = [
        attribute("slope") {
          $0.f = 0.5
          $0.type = .float
        }
      ]
      outer.node = [call, Self.node("Identity", ["t"], ["y"])]
      model.functions = [inner, outer]
      edit(&model)
      return try model.serializedBytes()
    }
    #expect(try outputs(model()) == [-3, 1.5, -2, -7])
    // One that calls itself, and one of another operator set.
    let endless = try model { $0.functions[0].node[1] = $0.functions[1].node[0] }
    #expect(codes(endless) == ["I416"])
    let older = try model { model in
      var opset = Onnx_OperatorSetIdProto()
      opset.version = 9
      model.functions[0].opsetImport = [opset]
    }
    #expect(codes(older) == ["I416"])
  }

  @Test func takesTheBranchOfAConstant() throws {
    func model(_ condition: String) throws -> [UInt8] {
      try Self.model { graph in
        var constant = Onnx_TensorProto()
        constant.name = "no"
        constant.dataType = 9
        constant.int32Data = [0]
        graph.initializer.append(constant)
        func branch(_ kind: String) -> Onnx_GraphProto {
          var branch = Onnx_GraphProto()
          branch.node = [Self.node(kind, ["y"], ["\(kind)_y"])]
          branch.output = [Self.value("\(kind)_y", [0, 4])]
          return branch
        }
        var node = Self.node("If", [condition], ["z"])
        node.attribute = [
          attribute("then_branch") { $0.g = branch("Unheard") },
          attribute("else_branch") { $0.g = branch("Abs") },
        ]
        graph.node.append(node)
        graph.output = [Self.value("z", [0, 4])]
      }
    }
    #expect(try outputs(model("no")) == [3, 3, 2, 7])
    #expect(codes(try model("y")) == ["I406"])
  }

  @Test func unrollsLoopsOfKnownLength() throws {
    func model(_ trips: String, _ body: String = "body") throws -> [UInt8] {
      try Self.model { graph in
        var rounds = Onnx_TensorProto()
        rounds.name = "rounds"
        rounds.dataType = 7
        rounds.int64Data = [3]
        graph.initializer += [rounds, Self.tensor("endless", [], [1e9])]
        var inner = Onnx_GraphProto()
        inner.input = ["i", "is_on", "state"].map { Self.value($0, []) }
        inner.node = [
          Self.node("Add", ["state", "y"], ["sum"]), Self.node("Identity", ["is_on"], ["goes_on"]),
        ]
        inner.output = ["goes_on", "sum", "sum"].map { Self.value($0, []) }
        var node = Self.node("Loop", [trips, "", "y"], ["z", "all"])
        node.attribute = [attribute(body) { $0.g = inner }]
        graph.node += [node, Self.node("ReduceMax", ["all"], ["most"])]
        if let last = graph.node.indices.last {
          graph.node[last].attribute = [
            attribute("axes") {
              $0.ints = [0]
              $0.type = .ints
            },
            attribute("keepdims") {
              $0.i = 0
              $0.type = .int
            },
          ]
        }
        graph.output = [Self.value("z", [0, 4]), Self.value("most", [0, 4])]
      }
    }
    #expect(try outputs(model("rounds")) == [12, -12, 8, 28])
    #expect(codes(try model("y")) == ["I406"])
    #expect(codes(try model("endless")) == ["I406"])
    #expect(codes(try model("rounds", "no_body")) == ["I406"])
  }

  /// Masks hide positions with −∞ or the least float; only a softmax may read them.
  @Test func masksHidePositions() throws {
    func model(_ isShown: Bool) throws -> [UInt8] {
      try Self.model { graph in
        graph.initializer.append(Self.tensor("mask", [1, 4], [0, -.infinity, 0, -.greatestFiniteMagnitude]))
        graph.node.append(Self.node("Add", ["y", "mask"], ["s"]))
        graph.node.append(Self.node("Softmax", ["s"], ["z"]))
        graph.output = [Self.value("z", [0, 4])] + (isShown ? [Self.value("s", [0, 4])] : [])
      }
    }
    let shares = try outputs(model(false))
    #expect(shares[1] == 0 && shares[3] == 0)
    #expect(abs(shares[0] + shares[2] - 1) < 1e-12)
    let shown = try ONNXReader.read(model(true), file: "m.onnx", name: "m").graph
    let scores = FloatInterpreter(shown).run([[1, -2, 0.5, 3]])[shown.outputs[1].node.index]
    #expect(scores[1] == -.infinity)
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

  static let damaged = [
    "products", "shapes", "attention", "single", "torch_pieces_dynamo20", "exact_selections",
    "exact_quantizers",
    "exact_classic",
  ]

  /// 320 damaged models, 1600 in the long form, are read or refused at a place, never a crash.
  @Test(arguments: damaged)
  func survivesDamage(_ name: String) throws {
    let original = try InputFile.bytes(at: "\(RecordedModel.folder)/onnx/\(name).onnx")
    var refused = 0
    for (_, bytes) in Mutants(of: original) {
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
