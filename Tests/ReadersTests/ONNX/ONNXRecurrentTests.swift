import Diagnostics
import Foundation
import Graph
import ONNXProto
import Testing

@testable import Readers

/// `Tests/Models/scripts/recurrent_onnx.py` recorded what onnxruntime computes.
@Suite("Recurrent operators of ONNX")
struct ONNXRecurrentTests {
  @Test(arguments: [
    "onnx/recurrent_operators.onnx", "onnx/recurrent_batch_first.onnx", "onnx/recurrent_torch.onnx",
    "onnx/recurrent_torch_dynamo.onnx",
  ])
  func sameOutputs(_ file: String) throws {
    for output in try RecordedModel(file: file).differences() {
      #expect(output.error <= 1, "\(output.name) differs by \(output.error)")
    }
  }

  /// An LSTM of two units over sequences of four vectors of three.
  private static func model(_ change: (inout Onnx_GraphProto) -> Void = { _ in }) throws -> [UInt8] {
    var graph = Onnx_GraphProto()
    func tensor(_ name: String, _ shape: [Int]) {
      var tensor = Onnx_TensorProto()
      tensor.name = name
      tensor.dims = shape.map(Int64.init)
      tensor.dataType = 1
      tensor.floatData = Array(repeating: 0.25, count: shape.reduce(1, *))
      graph.initializer.append(tensor)
    }
    tensor("w", [1, 8, 3])
    tensor("r", [1, 8, 2])
    tensor("b", [1, 16])
    tensor("h0", [1, 1, 2])
    var node = Onnx_NodeProto()
    node.opType = "LSTM"
    node.input = ["x", "w", "r", "b", "", "h0", "h0"]
    node.output = ["y", "h", "c"]
    graph.node = [node]
    graph.input = [value("x", [4, 0, 3])]
    graph.output = [value("y", [4, 1, 0, 2])]
    change(&graph)
    var model = Onnx_ModelProto()
    model.irVersion = 8
    var opset = Onnx_OperatorSetIdProto()
    opset.version = 17
    model.opsetImport = [opset]
    model.graph = graph
    return try model.serializedBytes()
  }

  private static func value(_ name: String, _ shape: [Int]) -> Onnx_ValueInfoProto {
    var value = Onnx_ValueInfoProto()
    value.name = name
    value.type.tensorType.elemType = 1
    for extent in shape {
      var dimension = Onnx_TensorShapeProto.Dimension()
      if extent > 0 { dimension.dimValue = Int64(extent) } else { dimension.dimParam = "samples" }
      value.type.tensorType.shape.dim.append(dimension)
    }
    return value
  }

  private static func attribute(_ name: String, _ change: (inout Onnx_AttributeProto) -> Void)
    -> Onnx_AttributeProto
  {
    var attribute = Onnx_AttributeProto()
    attribute.name = name
    change(&attribute)
    return attribute
  }

  private func codes(_ bytes: [UInt8]) -> [String] {
    do throws(CompilationFailed) {
      return try ONNXReader.read(bytes, file: "m.onnx", name: "m").notices.map(\.code.description)
    } catch {
      return error.diagnostics.filter { $0.severity == .error && $0.location != nil }.map(\.code.description)
    }
  }

  @Test func samplesStandFirstAmongTheOutputs() throws {
    let read = try ONNXReader.read(Self.model(), file: "m.onnx", name: "m")
    #expect(read.notices.map(\.code) == ["I430"])
    #expect(read.graph[read.graph.outputs[0].node].shape == [4, 1, 2])
    #expect(read.graph.isWellFormed)
  }

  @Test func refusesWhatItCannotRead() throws {
    func with(_ attribute: Onnx_AttributeProto) throws -> [String] {
      codes(try Self.model { $0.node[0].attribute = [attribute] })
    }
    #expect(try with(Self.attribute("direction") { $0.s = Data("sideways".utf8) }) == ["I408"])
    #expect(try with(Self.attribute("clip") { $0.f = 3 }) == ["I408"])
    #expect(try with(Self.attribute("input_forget") { $0.i = 1 }) == ["I408"])
    #expect(try with(Self.attribute("hidden_size") { $0.i = 3 }) == ["I409"])
    #expect(try with(Self.attribute("layout") { $0.i = 1 }) == ["I405"])
    #expect(try with(Self.attribute("activations") { $0.strings = [Data("Tanh".utf8)] }) == ["I408"])
    let unheard = Self.attribute("activations") {
      $0.strings = ["Sigmoid", "Sine", "Tanh"].map { Data($0.utf8) }
    }
    #expect(try with(unheard) == ["I408"])
    #expect(codes(try Self.model { $0.initializer[0].dims = [1, 3, 8] }) == ["I409"])
    #expect(codes(try Self.model { $0.initializer[2].dims = [2, 8] }) == ["I409"])
    #expect(codes(try Self.model { $0.initializer[3].dims = [1, 2, 1] }) == ["I409"])
    #expect(codes(try Self.model { $0.input = [Self.value("x", [0, 4, 3])] }) == ["I405"])
    // An operator that looks at the samples' axis.
    let soft = try Self.model { graph in
      var node = Onnx_NodeProto()
      node.opType = "Softmax"
      node.input = ["y"]
      node.output = ["z"]
      graph.node.append(node)
      graph.output = [Self.value("z", [4, 1, 0, 2])]
    }
    #expect(codes(soft) == ["I405"])
  }
}
