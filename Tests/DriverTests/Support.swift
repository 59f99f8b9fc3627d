import FixedPoint
import Foundation
import Functions
import Graph
import GraphTestSupport
import Lowering
import Testing
import Verification

@testable import Driver

/// Small typed graphs, and the command line on them.
enum Tiny {
  static let layer = Layer(name: "fc", kind: "Dense", path: "test")

  static func input(_ graph: inout Graph, _ type: FixedType, count: Int, name: String = "x") -> NodeID {
    let id = graph.add(
      .input(shape: [count]), name: name, layer: Layer(name: name, kind: "InputLayer", path: "test"))
    graph[id].inputTypes = PerElement(repeating: type, count: count)
    graph[id].type = TensorType(PerElement(repeating: Format(type), count: count))
    graph[id].typeSource = .option
    return id
  }

  static func add(
    _ graph: inout Graph, _ primitive: Primitive, _ operands: [NodeID], _ name: String
  ) throws -> NodeID {
    let id = graph.add(primitive, operands, name: name, layer: Layer(name: name, kind: "Dense", path: "test"))
    graph[id].type = try graph.exactType(graph[id])
    graph[id].typeSource = .exact
    return id
  }

  /// x · weights, quantized, with the input twice as wide as needed for a change to be seen.
  static func dense(
    weights: [Int64], inputs: Int, type: FixedType = FixedType(width: 6, integerBits: 3),
    result: FixedType? = FixedType(width: 5, integerBits: 4, rounding: .rnd, overflow: .sat)
  ) throws -> Graph {
    var graph = Graph(name: "tiny", framework: "none")
    let x = input(&graph, type, count: inputs)
    let outputs = weights.count / inputs
    let matrix = Weights(raw: weights, exponent: -2, shape: [1, inputs, outputs])
    var y = try add(&graph, .linear(Linear(inputs: inputs, outputs: outputs, weights: matrix)), [x], "fc")
    if let result {
      y = try add(
        &graph, .quantize(.fixed(PerElement(repeating: result, count: outputs))), [y], "fc_result")
    }
    graph.outputs = [Graph.Output(name: "y", node: y)]
    return graph
  }

  /// Writes a graph.json and compiles it without running a tool.
  static func build(
    _ graph: Graph, into folder: URL, name: String, _ change: (inout CompileRequest) -> Void = { _ in }
  ) throws -> BuildFolder {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appendingPathComponent("\(name).json")
    try Data(graph.encoded().utf8).write(to: file)
    var request = CompileRequest(model: ModelRequest(path: file.path))
    request.verification.scope = nil
    change(&request)
    let target = folder.appendingPathComponent(name)
    _ = try Compilation(request).build(into: target.path)
    return BuildFolder(target.path)
  }
}

/// A folder that is removed with the object.
final class TemporaryFolder {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("fpgaml-test-\(ProcessInfo.processInfo.globallyUniqueString)")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The contents of every file below a folder, by path.
  static func contents(of folder: URL) -> [String: Data] {
    var files: [String: Data] = [:]
    for path in FileManager.default.subpaths(atPath: folder.path) ?? [] {
      let file = folder.appendingPathComponent(path)
      if let data = try? Data(contentsOf: file) { files[path] = data }
    }
    return files
  }
}

/// The command line that was built with the tests.
enum CommandLineTool {
  static let url: URL? = {
    if let named = ProcessInfo.processInfo.environment["FPGAML_BINARY"] { return URL(fileURLWithPath: named) }
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    var folder = bundle
    for _ in 0..<4 {
      let file = folder.appendingPathComponent("fpgaml")
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), !isFolder.boolValue {
        return file
      }
      folder = folder.deletingLastPathComponent()
    }
    return nil
  }()

  static func start(_ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = try #require(url)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  static func run(_ arguments: [String]) throws -> Int32 {
    let process = try start(arguments)
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// Runs to the end, limited in CPU time, so that other work on the machine does not count.
  static func limited(_ arguments: [String]) throws -> ToolResult {
    let binary = try #require(url).path
    let limited = "ulimit -t 20; exec \"$0\" \"$@\""
    return try Tool.run(
      "sh", ["-c", limited, binary] + arguments, in: FileManager.default.temporaryDirectory, timeLimit: 600)
  }
}

/// The repository's root.
let packageRoot = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

extension RandomGraph {
  /// Random graphs of the next seeds from one on. Some need more bits than there are: an error of its own, tested
  /// elsewhere, and passed over here.
  static func compilable(_ count: Int, from seed: UInt64, nodes: Int = 6) -> [Graph] {
    var graphs: [Graph] = []
    var next = seed
    while graphs.count < count {
      if let graph = try? make(seed: next, nodes: nodes), (try? graph.lowered(LoweringOptions())) != nil {
        graphs.append(graph)
      }
      next &+= 1
    }
    return graphs
  }
}
