import Diagnostics
import Foundation
import Graph
import ONNXProto

/// Reads ONNX models, QONNX and QCDQ ones among them: a protobuf file becomes a graph.
///
/// Shapes in the file count the samples as their first axis; the graph leaves it out.
struct ONNXReader {
  private let model: Onnx_ModelProto
  /// The operators of the model, its own functions written out.
  private let nodes: [Onnx_NodeProto]
  private var tensors: ONNXTensorReader
  private var context: ONNXContext
  private var builder: GraphBuilder
  private var values: [String: ONNXValue] = [:]
  /// How often each name is read, by operators or as an output.
  private var readers: [String: Int] = [:]
  /// What no more than a softmax makes something of.
  /// How many operators were made of loops so far.
  private var unrolled = 0
  private let scores: Set<String>

  /// Whether the bytes begin like a serialized `ModelProto`: field 1 is a small version number.
  static func isModel(head: [UInt8]) -> Bool {
    // The tags of the fields that may follow `ir_version`: 2 to 8, 14, 20 and 25.
    let following: Set<UInt8> = [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72, 0xA2, 0xCA]
    return head.count > 2 && head[0] == 0x08 && (1...32).contains(head[1]) && following.contains(head[2])
  }

  /// The model in the file at `path`.
  ///
  /// - Throws: everything that can't be read, at once.
  static func read(_ path: String, name: String) throws(CompilationFailed) -> ReadModel {
    let bytes = try InputFile.bytes(at: path)
    return try read(bytes, file: path, name: name)
  }

  static func read(_ bytes: [UInt8], file: String, name: String) throws(CompilationFailed) -> ReadModel {
    let model: Onnx_ModelProto
    do {
      model = try Onnx_ModelProto(serializedBytes: bytes)
    } catch {
      throw CompilationFailed("I400", "the file is no ONNX model: its messages are damaged", at: .file(file))
    }
    var reader = try ONNXReader(model, file: file, name: name)
    do throws(CompilationFailed) {
      return try reader.read()
    } catch {
      // A model that moves or joins its first axis has a meaning for one sample: where a length is fixed, for all of the
      // tensor.
      guard error.diagnostics.contains(where: { $0.code == "I405" }) else { throw error }
      var single = try ONNXReader(model, file: file, name: name)
      single.context.isSingleSample = true
      if let read = try? single.read() { return read }
      // Recurrent layers may have one sample as the second axis.
      var timeFirst = try ONNXReader(model, file: file, name: name)
      timeFirst.context.fixedAxis = 1
      guard timeFirst.hasRecurrence, let read = try? timeFirst.read(), timeFirst.context.batch == 1 else {
        throw error
      }
      return read
    }
  }

  private init(_ model: Onnx_ModelProto, file: String, name: String) throws(CompilationFailed) {
    guard model.hasGraph, !model.graph.node.isEmpty else {
      throw CompilationFailed("I401", "the model has no operators", at: .file(file))
    }
    self.model = model
    nodes = try ONNXFunctions.expanded(model, file: file)
    scores = Self.scores(nodes, outputs: model.graph.output.map(\.name))
    tensors = ONNXTensorReader(file: file)
    let opset = model.opsetImport.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version ?? 1
    let quantizers: Set<String> = [
      "Quant", "IntQuant", "BipolarQuant", "QuantizeLinear", "DequantizeLinear", "QLinearConv",
      "QLinearMatMul",
      "ConvInteger", "MatMulInteger",
    ]
    context = ONNXContext(
      file: file, opset: Int(opset), batch: 1,
      isQuantized: nodes.contains { quantizers.contains($0.opType) })
    let producer = [model.producerName, model.producerVersion].filter { !$0.isEmpty }.joined(separator: " ")
    builder = GraphBuilder(name: name, framework: producer.isEmpty ? "onnx" : "onnx (\(producer))")
    countReaders(nodes)
    for output in model.graph.output { readers[output.name, default: 0] += 1 }
  }

  private mutating func read() throws(CompilationFailed) -> ReadModel {
    checkOperators()
    readInitializers()
    readInputs()
    // What is missing above makes operators fail for no reason of their own.
    try builder.sink.throwIfErrors()
    for (index, node) in nodes.enumerated() { emit(node, index: index, path: "graph.node[\(index)]") }
    try builder.sink.throwIfErrors()
    try addOutputs()
    if context.isSingleSample {
      builder.sink.notice(
        "I415", "the model moves or joins the axis of the samples; it is read for one sample at a time",
        at: .file(context.file))
    }
    return ReadModel(
      graph: builder.graph, notices: builder.sink.diagnostics, isFullyQuantized: context.isQuantized)
  }

  // MARK: Parts

  /// Reports every operator and attribute that is not supported.
  private mutating func checkOperators() {
    for (index, node) in nodes.enumerated() { check(node, index: index, path: "graph.node[\(index)]") }
  }

  private mutating func check(_ node: Onnx_NodeProto, index: Int, path: String) {
    let name = Self.name(of: node, index)
    let location = Location.object(file: context.file, path: path)
    if let importer = ONNXOperator.importer(of: node) {
      importer.check(node, name, at: location, &builder.sink)
    } else if !Self.isBranch(node), !Self.isLoop(node) {
      let domain = node.domain.isEmpty ? "" : "\(node.domain)."
      let reason = ONNXOperator.refusals[node.opType].map { ": \($0)" } ?? ""
      builder.sink.error(
        "I406",
        "operator '\(name)' has the kind '\(domain)\(node.opType)', which is not supported\(reason)",
        at: location)
    }
  }

  private static func isBranch(_ node: Onnx_NodeProto) -> Bool { node.domain.isEmpty && node.opType == "If" }
  private static func isLoop(_ node: Onnx_NodeProto) -> Bool { node.domain.isEmpty && node.opType == "Loop" }

  private mutating func countReaders(_ nodes: [Onnx_NodeProto]) {
    for node in nodes {
      for input in node.input { readers[input, default: 0] += 1 }
      for attribute in node.attribute where attribute.hasG {
        countReaders(attribute.g.node)
        // Each round reads what the body reads.
        if Self.isLoop(node) { countReaders(attribute.g.node) }
        for output in attribute.g.output { readers[output.name, default: 0] += 1 }
      }
    }
  }

  /// The results that become scores of a softmax and nothing else, over operators that keep elements apart.
  private static func scores(_ nodes: [Onnx_NodeProto], outputs: [String]) -> Set<String> {
    let softmaxes: Set<String> = ["Softmax", "LogSoftmax"]
    guard nodes.contains(where: { softmaxes.contains($0.opType) }) else { return [] }
    let passing: Set<String> = ["Add", "Where", "Identity", "Cast", "Reshape", "Dropout"]
    var others = Set(outputs)
    var result: Set<String> = []
    for node in nodes.reversed() {
      let isPassed =
        passing.contains(node.opType)
        && node.output.allSatisfy { result.contains($0) && !others.contains($0) }
      for input in node.input {
        if softmaxes.contains(node.opType) || isPassed { result.insert(input) } else { others.insert(input) }
      }
      for attribute in node.attribute where attribute.hasG {
        for inner in attribute.g.node { others.formUnion(inner.input) }
      }
    }
    return result.subtracting(others)
  }

  private mutating func readInitializers() {
    read(model.graph.initializer)
    for tensor in model.graph.sparseInitializer {
      builder.sink.error(
        "I403", "tensor '\(tensor.values.name)' is sparse, expected a dense one", at: .file(context.file))
    }
  }

  private mutating func read(_ initializers: [Onnx_TensorProto]) {
    for tensor in initializers {
      if tensor.dataType == 8 {
        values[tensor.name] = .texts(tensor.stringData.map { String(decoding: $0, as: UTF8.self) })
        continue
      }
      do throws(CompilationFailed) {
        values[tensor.name] = .constant(try tensors.constant(tensor, name: tensor.name))
      } catch {
        error.diagnostics.forEach { builder.sink.report($0) }
      }
    }
  }

  /// Adds the graph's inputs; initializers may be listed among them.
  private mutating func readInputs() {
    var batches: [Int] = []
    for (index, input) in model.graph.input.enumerated() where values[input.name] == nil {
      do throws(CompilationFailed) {
        let shape = try shape(of: input, index)
        // Where one axis alone is left open, the samples stand along it.
        let axis = shape.firstIndex(of: 0) ?? context.fixedAxis
        batches.append(shape[axis])
        let site = site(of: input, index)
        if context.isSingleSample {
          let isWhole = shape[0] > 1
          var x = try builder.add(.input(shape: isWhole ? shape : Array(shape.dropFirst())), [], site)
          if !isWhole { x = try builder.reshape(x, [1] + builder.shape(x), site, "sample") }
          values[input.name] = .tensor(x)
        } else {
          let own = shape.indices.filter { $0 != axis }.map { shape[$0] }
          values[input.name] =
            SampledTensor(node: try builder.add(.input(shape: own), [], site), axis: axis).value
        }
      } catch {
        error.diagnostics.forEach { builder.sink.report($0) }
      }
    }
    let known = batches.filter { $0 > 0 }
    context.batch = known.first ?? 1
    if known.contains(where: { $0 != context.batch }) || (batches.isEmpty && !builder.sink.hasErrors) {
      builder.sink.error(
        "I404", batches.isEmpty ? "the model has no inputs" : "the inputs have different numbers of samples",
        at: .file(context.file))
    }
  }

  /// The shape of an input with its samples' axis, which is 0 where it is left open.
  private func shape(of input: Onnx_ValueInfoProto, _ index: Int) throws(CompilationFailed) -> [Int] {
    func wrong(_ message: String, _ note: String) -> CompilationFailed {
      CompilationFailed(
        "I404", "input '\(input.name)' \(message)",
        at: .object(file: context.file, path: "graph.input[\(index)]"), notes: [note])
    }
    let type = input.type.tensorType
    guard ONNXElementType(rawValue: Int(type.elemType)) != nil else {
      throw wrong("holds elements of type \(type.elemType)", "expected numbers")
    }
    let extents = type.shape.dim.map(\.dimValue)
    guard extents.count >= 2, extents.count <= 16 else {
      throw wrong("has \(extents.count) axes", "expected the samples' axis and at least one behind it")
    }
    let open = extents.filter { $0 == 0 }.count
    if let axis = extents.dropFirst().firstIndex(where: {
      $0 < 0 || $0 > GraphBuilder.maximumElements || ($0 == 0 && (open > 1 || !hasRecurrence))
    }) {
      throw wrong(
        "has an axis \(axis) of no fixed length", "give every axis but the first a length, then export again")
    }
    guard extents[0] >= 0, extents[0] <= GraphBuilder.maximumElements else {
      throw wrong("has \(extents[0]) samples", "expected a number of samples, or none")
    }
    return extents.map(Int.init)
  }

  /// Whether an operator may want time before samples.
  private var hasRecurrence: Bool {
    nodes.contains { ["LSTM", "GRU", "RNN"].contains($0.opType) }
  }

  private func site(of input: Onnx_ValueInfoProto, _ index: Int, kind: String = "Input") -> ONNXCall {
    ONNXCall(
      kind: kind, name: input.name,
      origin: Layer(name: input.name, kind: kind, path: "graph.\(kind.lowercased())[\(index)]"),
      attributes: [:],
      operands: [], isOnlyReader: [], isOutputRead: [true], context: context)
  }

  /// The node's name, or one made from its kind and place.
  private static func name(of node: Onnx_NodeProto, _ index: Int) -> String {
    node.name.isEmpty ? "\(node.opType)_\(index)" : node.name
  }

  /// - Parameter suffix: what tells the rounds of a loop apart.
  private mutating func emit(_ node: Onnx_NodeProto, index: Int, path: String, suffix: String = "") {
    let name = Self.name(of: node, index) + suffix
    let origin = Layer(name: name, kind: node.opType, path: path)
    if Self.isBranch(node) { return emitBranch(node, name, path, suffix) }
    if Self.isLoop(node) { return emitLoop(node, name, path, suffix) }
    guard let importer = ONNXOperator.importer(of: node) else { return }
    var operands: [ONNXValue?] = []
    for input in node.input {
      guard let value = values[input] else {
        if !input.isEmpty {
          // Where an operator failed, its readers have nothing to say.
          if !builder.sink.hasErrors {
            builder.sink.error(
              "I411", "operator '\(name)' reads '\(input)', which no operator before it computes",
              at: .object(file: context.file, path: origin.path))
          }
          return
        }
        operands.append(nil)
        continue
      }
      operands.append(value)
    }
    var attributes: [String: Onnx_AttributeProto] = [:]
    for attribute in node.attribute { attributes[attribute.name] = attribute }
    do throws(CompilationFailed) {
      let isScore = !node.output.isEmpty && node.output.allSatisfy(scores.contains)
      let call = ONNXCall(
        kind: node.opType, name: name, origin: origin, attributes: attributes,
        operands: isScore ? operands.map { $0?.masking } : operands,
        isOnlyReader: node.input.map { readers[$0] == 1 },
        isOutputRead: node.output.map { readers[$0, default: 0] > 0 }, context: context)
      let made =
        try call.isDisplaced(builder)
        ? importer.emitDisplaced(call, &builder) : importer.emit(call, &builder)
      for (output, value) in zip(node.output, made) where !output.isEmpty {
        values[output] = value
      }
    } catch {
      error.diagnostics.forEach { builder.sink.report($0) }
    }
  }

  /// One branch of an `If` whose condition is constant.
  private mutating func emitBranch(
    _ node: Onnx_NodeProto, _ name: String, _ path: String, _ suffix: String
  ) {
    guard case .constant(let condition)? = values[node.input.first ?? ""], let value = condition.uniform
    else {
      if builder.sink.hasErrors { return }
      builder.sink.error(
        "I406",
        "operator '\(name)' has the kind 'If', which is not supported: its condition depends on the inputs",
        at: .object(file: context.file, path: path))
      return
    }
    let wanted = value != 0 ? "then_branch" : "else_branch"
    guard let position = node.attribute.firstIndex(where: { $0.name == wanted }) else { return }
    let branch = node.attribute[position].g
    guard checked(branch, "\(path).\(wanted)") else { return }
    emit(branch, "\(path).\(wanted)", suffix)
    for (output, result) in zip(node.output, branch.output) where !output.isEmpty {
      values[output] = values[result.name]
    }
  }

  /// Reads a subgraph's constants and reports what is not supported of its operators.
  private mutating func checked(_ graph: Onnx_GraphProto, _ place: String) -> Bool {
    read(graph.initializer)
    for (index, inner) in graph.node.enumerated() {
      check(inner, index: index, path: "\(place).node[\(index)]")
    }
    return !builder.sink.hasErrors
  }

  private mutating func emit(_ graph: Onnx_GraphProto, _ place: String, _ suffix: String) {
    for (index, inner) in graph.node.enumerated() {
      emit(inner, index: index, path: "\(place).node[\(index)]", suffix: suffix)
    }
  }

  /// At most so many operators are made of loops.
  private static let mostUnrolled = 1 << 14

  /// A loop whose number of rounds is known, round by round.
  private mutating func emitLoop(_ node: Onnx_NodeProto, _ name: String, _ path: String, _ suffix: String) {
    if builder.sink.hasErrors { return }
    let body = node.attribute.first { $0.name == "body" }?.g ?? Onnx_GraphProto()
    let location = Location.object(file: context.file, path: path)
    func refuse(_ reason: String) {
      if builder.sink.hasErrors { return }
      builder.sink.error(
        "I406", "operator '\(name)' has the kind 'Loop', which is not supported: \(reason)", at: location)
    }
    /// A number that decides how often the body runs; nil where it is left out, and one that is none where it is not known.
    func number(_ value: ONNXValue?) -> Double? {
      guard let value else { return nil }
      if case .constant(let constant) = value { return constant.uniform ?? .nan }
      return .nan
    }
    func operand(_ position: Int) -> ONNXValue? {
      node.input.count > position ? values[node.input[position]] : nil
    }
    let carriedCount = max(node.input.count - 2, 0)
    guard body.input.count == carriedCount + 2, body.output.count > carriedCount,
      checked(body, "\(path).body")
    else { return refuse("its body does not fit its operands") }
    let most = number(operand(0)) ?? .infinity
    var condition = number(operand(1)) ?? 1
    var carried = (0..<carriedCount).map { operand($0 + 2) }
    var stacks = Array(repeating: [ONNXValue](), count: body.output.count - 1 - carriedCount)
    var round = 0
    while condition != 0, !(Double(round) >= most) {
      guard !most.isNaN, !condition.isNaN else { return refuse("how often it runs depends on the inputs") }
      unrolled += body.node.count + 1
      guard unrolled < Self.mostUnrolled else { return refuse("it runs for too long") }
      values[body.input[0].name] = .constant(
        ONNXConstant(shape: [], values: [Double(round)], isInteger: true))
      values[body.input[1].name] = .constant(ONNXConstant(shape: [], values: [1], isInteger: true))
      for (input, value) in zip(body.input.dropFirst(2), carried) { values[input.name] = value }
      emit(body, "\(path).body", "\(suffix)_round\(round)")
      if builder.sink.hasErrors { return }
      condition = number(values[body.output[0].name]) ?? .nan
      carried = body.output.dropFirst().prefix(carriedCount).map { values[$0.name] }
      for (i, output) in body.output.dropFirst(1 + carriedCount).enumerated() {
        guard let value = values[output.name] else { return refuse("'\(output.name)' is not computed") }
        stacks[i].append(value)
      }
      round += 1
    }
    for (output, value) in zip(node.output, carried) where !output.isEmpty { values[output] = value }
    for (output, stack) in zip(node.output.dropFirst(carriedCount), stacks)
    where readers[output, default: 0] > 0 {
      do throws(CompilationFailed) {
        values[output] = try stacked(
          stack,
          ONNXCall(
            kind: "Loop", name: "\(name)_\(output)", origin: Layer(name: name, kind: "Loop", path: path),
            attributes: [:], operands: [], isOnlyReader: [], isOutputRead: [true], context: context))
      } catch {
        error.diagnostics.forEach { builder.sink.report($0) }
      }
    }
  }

  /// The results of a loop's rounds one behind the other along a new first axis.
  private mutating func stacked(_ rounds: [ONNXValue], _ call: ONNXCall) throws(CompilationFailed)
    -> ONNXValue
  {
    var parts: [NodeID] = []
    var axis: Int?
    for round in rounds {
      let tensor: SampledTensor
      switch round {
      case .tensor(let node): tensor = SampledTensor(node: node, axis: 0)
      case .displaced(let displaced): tensor = displaced
      default: throw call.failure("I408", "gathers results that do not depend on the inputs")
      }
      guard axis == nil || axis == tensor.axis else {
        throw call.failure("I408", "gathers results of several forms")
      }
      axis = tensor.axis
      parts.append(
        try builder.reshape(tensor.node, [1] + builder.shape(tensor.node), call, "part\(parts.count)"))
    }
    guard let axis else { throw call.failure("I408", "gathers results of no rounds") }
    let node =
      parts.count == 1 ? parts[0] : try builder.add(.rearrange(.concatenate(axis: 0)), parts, call)
    return context.isSingleSample ? .tensor(node) : SampledTensor(node: node, axis: axis + 1).value
  }

  private mutating func addOutputs() throws(CompilationFailed) {
    let hasNumbers = model.graph.output.contains {
      if case .tensor? = values[$0.name] { true } else { false }
    }
    for (index, output) in model.graph.output.enumerated() {
      let location = Location.object(file: context.file, path: "graph.output[\(index)]")
      switch values[output.name] {
      case .tensor(var node):
        let shape = builder.shape(node)
        if context.isSingleSample, shape.count > 1, shape[0] == 1 {
          let site = site(of: output, index, kind: "Output")
          node = try builder.reshape(node, Array(shape.dropFirst()), site, "sample")
        }
        builder.addOutput(node, name: output.name)
      case .scaled(let scaled):
        builder.addOutput(
          try scaled.node(&builder, site(of: output, index, kind: "Output")), name: output.name)
      case .label(let label):
        let names = label.labels.enumerated().map { "\($0) for '\($1)'" }.joined(separator: ", ")
        if hasNumbers {
          builder.sink.notice(
            "I414", "output '\(output.name)', the label, is left out", at: location,
            notes: ["--output argmax gives its index: \(names)"])
        } else {
          builder.sink.notice(
            "I414", "output '\(output.name)' is the index of the label", at: location, notes: [names])
          builder.addOutput(label.index, name: output.name)
        }
      case .displaced(let tensor):
        builder.sink.notice(
          "I430",
          "the samples of output '\(output.name)' stand along axis \(tensor.axis) in the model, along the first here",
          at: location)
        builder.addOutput(tensor.node, name: output.name)
      case .constant, .texts:
        // Brevitas returns scale, zero point and width beside a quantized tensor.
        builder.sink.notice("I412", "output '\(output.name)' is constant and left out", at: location)
      case .integers(let integers):
        builder.addOutput(
          try integers.integers(site(of: output, index, kind: "Output"), &builder), name: output.name)
      case nil:
        throw CompilationFailed("I411", "output '\(output.name)' is not computed", at: location)
      }
    }
    if builder.graph.outputs.isEmpty {
      throw CompilationFailed(
        "I411", "the model has no output that depends on its inputs", at: .file(context.file))
    }
  }
}
