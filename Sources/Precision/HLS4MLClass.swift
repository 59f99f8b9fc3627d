import Functions
import Graph

extension Node {
  /// The class that hls4ml 1.3 makes of the node: the keys of `LayerType` that have an effect.
  var hls4mlClass: String {
    // All that a step computes belongs to the recurrent layer.
    if isRecurrent { return layer.kind }
    switch primitive {
    case .input: return "Input"
    case .map(let map): return map.function.hls4mlClass(of: layer.kind)
    // The product that ends a softmax.
    case .combine(.multiply) where !layer.kind.hasSuffix("Multiply"): return "Softmax"
    default: break
    }
    let kind = layer.kind.hasPrefix("Q") ? String(layer.kind.dropFirst()) : layer.kind
    if kind.hasPrefix("Global"), kind.contains("Pooling") { return "GlobalPooling\(kind.suffix(2))" }
    if kind.contains("Pooling") { return "Pooling\(kind.suffix(2))" }
    switch kind {
    case "BinaryDense", "TernaryDense": return "Dense"
    case "Conv2DBatchnorm": return "Conv2DBatchnorm"
    case "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum": return "Merge"
    case "Flatten": return "Reshape"
    case "Permute": return "Transpose"
    case "UpSampling1D", "UpSampling2D": return "Resize"
    default: return kind
    }
  }

  /// The classes of hls4ml's that keys of `LayerType` can name.
  static let hls4mlClasses: Set<String> = Set(
    [
      "Input", "Dense", "Conv1D", "Conv2D", "Conv2DBatchnorm", "SeparableConv1D", "SeparableConv2D",
      "DepthwiseConv1D", "DepthwiseConv2D", "BatchNormalization", "Pooling1D", "Pooling2D", "GlobalPooling1D",
      "GlobalPooling2D", "ZeroPadding1D", "ZeroPadding2D", "Merge", "Concatenate", "Dot", "Activation",
      "ParametrizedActivation", "HardActivation", "PReLU", "Softmax", "TernaryTanh", "Reshape", "Transpose",
      "Resize", "Embedding", "SimpleRNN", "LSTM", "GRU", "Bidirectional", "TimeDistributed", "EinsumDense",
      "LayerNormalization", "MultiHeadAttention", "ApplyAlpha",
    ].map { $0.lowercased() })

  /// Whether hls4ml gives the layer an accumulator.
  var hls4mlAccumulates: Bool {
    let name = hls4mlClass
    return name.contains("Conv") || name.contains("Pooling") || name.hasSuffix("Dense") || isRecurrent
  }

  /// Whether the node is part of a recurrent layer that hls4ml has.
  private var isRecurrent: Bool { ["LSTM", "GRU"].contains(layer.kind) }

  /// Whether the node is a step inside a layer that hls4ml computes in one: its result has no type of its own.
  var isInner: Bool { name != layer.name && ["PReLU", "Average"].contains(layer.kind) }
}

extension Function {
  /// The class of an activation, by itself or fused into a layer of some kind.
  fileprivate func hls4mlClass(of kind: String) -> String {
    switch self {
    case .exp, .reciprocal: return "Softmax"
    case .hardSigmoid, .hardTanh: return "HardActivation"
    case .elu: return "ParametrizedActivation"
    case .relu(_, let negativeSlope, let threshold):
      if kind == "PReLU" { return kind }
      return negativeSlope != 0 || threshold != 0 ? "ParametrizedActivation" : "Activation"
    default: return "Activation"
    }
  }
}
