import Circuit
import Diagnostics
import FixedPoint
import Foundation
import Graph
import HLSBackend
import Lowering
import Planning
import Verification
import VerilogBackend

/// What `compile` and `estimate` are asked for.
public struct CompileRequest: Sendable {
  public var model: ModelRequest
  public var plan = PlanRequest()
  public var verilog = VerilogOptions()
  public var verification = VerificationRequest()
  public var progress = StageProgress.silent

  public init(model: ModelRequest) { self.model = model }

  /// The design's name: the stem of the model's file name, as its files, folder and module are called.
  public var name: String { URL(fileURLWithPath: model.path).deletingPathExtension().lastPathComponent }
}

/// The way of a model from its file to circuits with a time for everything: the steps of the compiler, in order.
public struct Compilation: Sendable {
  public var request: CompileRequest
  public var model: TypedModel
  public var lowered: Lowered
  public var plan: Plan

  /// Reads, types, lowers and plans.
  ///
  /// - Throws: `CompilationFailed` for what is wrong with the input; `Infeasible` where no plan meets the request.
  public init(_ request: CompileRequest) throws {
    self.request = request
    request.progress("reading the model, choosing types")
    model = try request.model.load()
    // A graph.json knows the name of its design.
    if !model.source.isTyped { model.graph.name = request.name }
    try model.graph.requireCompilableSize()
    (lowered, plan) = try Compilation.planned(model.graph, request.plan, progress: request.progress)
  }

  /// What the build folder is called where nothing else is asked for.
  public var folderName: String { URL(fileURLWithPath: model.graph.name).lastPathComponent }

  /// Everything that is written into the build folder but the report.
  public func files() throws(CompilationFailed) -> [GeneratedFile] {
    let interface = ModuleInterface(plan.circuit, options: request.verilog)
    return try VerilogBackend.emit(plan.circuit, options: request.verilog) + HLSBackend.emit(hlsDesign)
      + RTLTestbench.files(for: interface)
      + [GeneratedFile(path: "graph.json", contents: model.graph.encoded())]
  }

  /// The model as one function for each node.
  var hlsDesign: HLSDesign {
    let graph = model.graph
    return HLSDesign(
      name: graph.name, interval: plan.interval, latency: plan.latency,
      inputs: graph.inputs.map { id in
        HLSTensor(
          name: graph[id].name, shape: graph[id].shape, formats: graph[id].type?.formats.array ?? [])
      },
      nodes: lowered.functions.map { HLSNode($0, in: graph) },
      outputs: graph.outputs.map { HLSOutput(name: $0.name, tensor: graph[$0.node].name) })
  }
}

extension HLSNode {
  /// A node's function; a recurrent layer's is that of one step.
  init(_ function: NodeFunction, in graph: Graph) {
    let node = graph[function.node]
    self.init(
      name: node.name, comment: node.summary, circuit: function.circuit,
      arguments: function.repetition == nil ? nil : node.operands.map { graph[$0].name },
      results: function.repetition == nil ? nil : [node.name],
      repetition: function.repetition.map { HLSRepetition(steps: $0.steps, sequences: $0.sequences) })
  }
}

extension Node {
  /// What the node computes, in a few words: `QDense: linear, [16] -> [64], fixed<24,9>`.
  var summary: String {
    let type = self.type.map { ", \($0.union)" } ?? ""
    return "\(layer.kind): \(primitive.kind), \(shape)\(type)"
  }
}
