import Diagnostics
import Graph
import ONNXProto

/// How calls of one operator become nodes of the graph.
///
/// An importer names every attribute that it understands; all others are reported, so that nothing that matters is
/// passed over in silence.
struct ONNXOperator: Sendable {
  typealias Emit = @Sendable (ONNXCall, inout GraphBuilder) throws(CompilationFailed) -> [ONNXValue]

  let kinds: [String]
  let attributes: Set<String>
  let emit: Emit

  init(_ kinds: [String], attributes: [String] = [], emit: @escaping Emit) {
    self.kinds = kinds
    self.attributes = Set(attributes)
    self.emit = emit
  }

  /// The importers in the groups in which the table of support names them.
  static let groups: [(title: String, operators: [ONNXOperator])] = [
    ("Arithmetic and logic", arithmeticOperators + comparisonOperators),
    ("Functions and normalisations", activationOperators + normalizationOperators),
    ("Products and windows", contractionOperators + windowOperators + attentionOperators),
    ("Reductions", reductionOperators),
    (
      "Shapes, indices and constants",
      shapeOperators + padOperators + indexOperators + selectionOperators + resizeOperators
        + constantOperators
    ),
    ("Recurrent layers", recurrentOperators),
    ("Quantizers", quantizationOperators + linearQuantizationOperators + integerOperators),
    ("Classic models", treeEnsembleOperators + classicOperators),
  ]

  /// Every importer, by operator.
  static let all: [String: ONNXOperator] = {
    var table: [String: ONNXOperator] = [:]
    for importer in groups.flatMap(\.operators) {
      for kind in importer.kinds {
        precondition(table.updateValue(importer, forKey: kind) == nil, "two importers of '\(kind)'")
      }
    }
    return table
  }()

  /// The domains whose operators are read: the standard ones and QONNX's, under the names that its tools gave it.
  static let domains: Set<String> = [
    "", "ai.onnx", "ai.onnx.ml", "qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas",
  ]

  /// What is read of onnxruntime's own operators.
  private static let runtimeKinds: Set<String> = [
    "Gelu", "QuantizeLinear", "DequantizeLinear", "QGemm", "QLinearAdd", "QLinearMul", "QLinearConcat",
    "QLinearAveragePool", "QLinearGlobalAveragePool", "QLinearSigmoid", "QLinearLeakyRelu",
  ]

  /// The importer of a node's operator, nil where it is not read.
  static func importer(of node: Onnx_NodeProto) -> ONNXOperator? {
    if node.domain == "com.microsoft", runtimeKinds.contains(node.opType) { return all[node.opType] }
    return domains.contains(node.domain) ? all[node.opType] : nil
  }

  /// Why an operator that users have met is not read, where there is more to say than that.
  static let refusals: [String: String] = [
    "DynamicQuantizeLinear": "its scale depends on the data; quantize statically",
    "FloatQuant": "hardware of fixed point has no floating-point types",
    "If": "hardware of fixed latency has no branches, unless the condition is constant",
    "NonZero": "how many elements it gives depends on the data",
    "Loop": "hardware of fixed latency has no loops, unless the number of rounds is constant",
    "Scan": "hardware of fixed latency has no loops",
  ]

  /// Reports the attributes of a call that the importer does not understand: with an empty value as a notice I410, with
  /// another as an error I407.
  func check(_ node: Onnx_NodeProto, _ name: String, at location: Location, _ sink: inout DiagnosticSink) {
    for attribute in node.attribute where !attributes.contains(attribute.name) {
      let message = "attribute '\(attribute.name)' of operator '\(name)' (\(node.opType))"
      if attribute.saysNothing {
        sink.notice("I410", "\(message) is not known and has no value", at: location)
      } else {
        sink.error(
          "I407", "\(message) is not supported", at: location,
          notes: ["export the model without it, or report it with the model"])
      }
    }
  }
}

extension Onnx_AttributeProto {
  fileprivate var saysNothing: Bool {
    switch type {
    case .int: i == 0
    case .float: f == 0
    case .string: s.isEmpty
    case .ints: ints.isEmpty
    case .floats: floats.isEmpty
    case .strings: strings.isEmpty
    default: false
    }
  }
}
