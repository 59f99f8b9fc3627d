import Diagnostics
import ONNXProto

/// A model's own functions, written out where they are called: names inside them get the call's name in front, and
/// attributes that they take from the call the call's values.
struct ONNXFunctions {
  private let file: String
  private var functions: [String: Onnx_FunctionProto] = [:]
  private var count = 0

  /// How deep functions may call each other, and how many operators they may become.
  private static let maximumDepth = 64
  private static let maximumCount = 1 << 18

  init(_ model: Onnx_ModelProto, file: String) {
    self.file = file
    for function in model.functions { functions[Self.key(function.domain, function.name)] = function }
  }

  private static func key(_ domain: String, _ name: String) -> String {
    "\(domain == "ai.onnx" ? "" : domain):\(name)"
  }

  /// The operators of the main graph without calls of functions.
  ///
  /// - Throws: I416 for functions that call each other without end, or are made for another operator set.
  static func expanded(_ model: Onnx_ModelProto, file: String) throws(CompilationFailed) -> [Onnx_NodeProto] {
    if model.functions.isEmpty { return model.graph.node }
    var functions = ONNXFunctions(model, file: file)
    let opset = model.opsetImport.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version
    for function in model.functions {
      let own = function.opsetImport.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version
      if let own, let opset, own != opset {
        throw CompilationFailed(
          "I416", "function '\(function.name)' uses operator set \(own), the model \(opset)", at: .file(file),
          notes: ["onnx.inliner.inline_local_functions writes the functions out"])
      }
    }
    var result: [Onnx_NodeProto] = []
    for (index, node) in model.graph.node.enumerated() {
      try functions.expand(node, named: node.name.isEmpty ? "\(node.opType)_\(index)" : node.name, 0, &result)
    }
    return result
  }

  private mutating func expand(
    _ node: Onnx_NodeProto, named name: String, _ depth: Int, _ result: inout [Onnx_NodeProto]
  ) throws(CompilationFailed) {
    guard let function = functions[Self.key(node.domain, node.opType)] else {
      count += 1
      result.append(node)
      return
    }
    guard depth < Self.maximumDepth, count < Self.maximumCount else {
      throw CompilationFailed(
        "I416", "function '\(function.name)' calls itself, or too many others", at: .file(file))
    }
    var names: [String: String] = ["": ""]
    for (i, input) in function.input.enumerated() { names[input] = i < node.input.count ? node.input[i] : "" }
    for (i, output) in function.output.enumerated() where i < node.output.count && !node.output[i].isEmpty {
      names[output] = node.output[i]
    }
    var attributes: [String: Onnx_AttributeProto] = [:]
    for attribute in function.attributeProto + node.attribute { attributes[attribute.name] = attribute }
    for (index, inner) in function.node.enumerated() {
      var copy = Self.renamed(inner, names, prefix: name)
      copy.attribute = inner.attribute.compactMap { attribute in
        if attribute.refAttrName.isEmpty { return Self.renamed(attribute, names, prefix: name) }
        var value = attributes[attribute.refAttrName]
        value?.name = attribute.name
        return value
      }
      let own = inner.name.isEmpty ? "\(inner.opType)_\(index)" : inner.name
      copy.name = "\(name)/\(own)"
      try expand(copy, named: copy.name, depth + 1, &result)
    }
  }

  private static func renamed(_ node: Onnx_NodeProto, _ names: [String: String], prefix: String)
    -> Onnx_NodeProto
  {
    var copy = node
    copy.input = node.input.map { names[$0] ?? "\(prefix)/\($0)" }
    copy.output = node.output.map { names[$0] ?? "\(prefix)/\($0)" }
    return copy
  }

  /// The branches of an `If` in a function read the function's names.
  private static func renamed(_ attribute: Onnx_AttributeProto, _ names: [String: String], prefix: String)
    -> Onnx_AttributeProto
  {
    guard attribute.hasG else { return attribute }
    var copy = attribute
    copy.g.node = attribute.g.node.map { node in
      var inner = renamed(node, names, prefix: prefix)
      inner.attribute = node.attribute.map { renamed($0, names, prefix: prefix) }
      return inner
    }
    for index in copy.g.output.indices {
      let name = copy.g.output[index].name
      copy.g.output[index].name = names[name] ?? "\(prefix)/\(name)"
    }
    for index in copy.g.initializer.indices {
      copy.g.initializer[index].name = "\(prefix)/\(copy.g.initializer[index].name)"
    }
    return copy
  }
}
