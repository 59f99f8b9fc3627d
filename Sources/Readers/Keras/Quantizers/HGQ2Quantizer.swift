import Diagnostics
import FixedPoint
import Graph

/// A quantizer of HGQ2 (hgq.quantizer, version 0.2), its types read from the trained variables.
struct HGQ2Quantizer {
  /// The type of every element; nil for a `dummy`, which does nothing.
  private let types: PerElement<FixedType>?
  /// What the operand is divided by before, and the result multiplied with after the conversion.
  private let scale: Rational?
  /// A factor and a number that are applied last.
  private let affine: (factor: Double, shift: Double)?
  private let call: LayerCall

  /// - Parameters:
  ///   - config: the `QuantizerConfig`.
  ///   - part: where its variables are in the layer.
  ///   - shape: the tensor's, without the batch.
  /// - Throws: I253 for a kind of quantizer that is not fixed-point, I254 for variables that make no sense.
  init(
    _ config: JSONValue, _ part: [String], shape: [Int], _ call: LayerCall, _ builder: GraphBuilder
  ) throws(CompilationFailed) {
    self.call = call
    let hard = Hard(rawValue: config["class_name"]?.string ?? "")
    let config = config["config"] ?? config
    let kind = try config.requireString("q_type")
    scale = try HGQ2Quantizer.scale(config)
    affine = try hard == .sigmoid ? (0.25, 0.5) : HGQ2Quantizer.affine(config)
    if kind == "dummy" {
      types = nil
      return
    }
    guard kind == "kbi" || kind == "kif" else {
      throw config.failure(
        "I253", "a quantizer of type '\(kind)' is not supported", notes: ["fpgaml reads 'kbi' and 'kif'"])
    }
    let rounding = try Rounding(config.require("round_mode"))
    let overflow = try hard == nil ? Overflow(config.require("overflow_mode")) : .sat
    let isWeight = config["is_weight"]?.bool ?? false
    let isTrained = config["trainable"]?.bool ?? true
    // Trained weights are rounded but not wrapped.
    let isUnbounded = overflow == .wrap && isWeight && isTrained && (kind == "kif" || rounding == .rnd)
    // Keras stores trained variables before others; a wrapping quantizer adapts its integer bits without
    // training.
    let trained = kind == "kbi" ? ["b", "i"] : ["i", "f"]
    let names =
      overflow == .wrap
      ? trained.filter { $0 != "i" } + ["k", "i", "i_decay_speed"] : trained + ["k"]
    let variables = try call.weights(names, part: part, builder)
    guard let k = variables["k"] else { throw call.failure("I105", "there is no variable 'k'") }
    let integer = try variables.array("i", k.shape)
    let other = try variables.array(kind == "kbi" ? "b" : "f", k.shape)
    var elements: [ElementType] = []
    for (position, sign) in k.values.enumerated() {
      guard sign == 0 || sign == 1, abs(integer[position]) < 1000, abs(other[position]) < 1000 else {
        throw CompilationFailed(
          "I254", "element \(position) has the sign \(sign) and \(integer[position]) integer bits",
          at: k.location)
      }
      let i = Int(integer[position].rounded(.toNearestOrEven))
      let rest = Int(other[position].rounded(.toNearestOrEven))
      let fraction = kind == "kbi" ? rest - i : rest
      elements.append(
        ElementType(isSigned: isUnbounded || sign == 1, integer: isUnbounded ? 40 : i, fraction: fraction))
    }
    types = try call.types(
      elements, shape: k.shape, to: shape, rounding, isUnbounded ? .sat : overflow, at: k.location)
  }

  /// Configurations that are functions at the same time; what makes them so is not written into the file.
  private enum Hard: String {
    /// Saturates at ±1.
    case tanh = "HardTanhConfig"
    /// Saturates at ±2, then x / 4 + 1/2.
    case sigmoid = "HardSigmoidConfig"
  }

  private static func scale(_ config: JSONValue) throws(CompilationFailed) -> Rational? {
    guard let value = config["scaler"], !value.isNull else { return nil }
    let number = try value.requireDouble()
    guard number > 0, let scale = Rational(exactly: Double(Float(number))) else {
      throw value.failure("I253", "a 'scaler' of \(number) is not supported")
    }
    return scale == .one ? nil : scale
  }

  private static func affine(_ config: JSONValue) throws(CompilationFailed) -> (
    factor: Double, shift: Double
  )? {
    guard let value = config["affine"], !value.isNull else { return nil }
    let numbers = try value.requireDoubles()
    guard numbers.count == 2, numbers.allSatisfy(\.isFinite) else {
      throw value.failure("I253", "'affine' is \(numbers), expected a factor and a number to add")
    }
    return (numbers[0], numbers[1])
  }

  /// Applies the quantizer to a tensor.
  func apply(_ x: NodeID, _ builder: inout GraphBuilder, _ role: String?) throws(CompilationFailed) -> NodeID
  {
    var y = x
    if let types {
      let scales = scale.map { PerElement(repeating: $0, count: types.count) }
      let inner = affine == nil ? role : role.map { "\($0)_rounded" } ?? "rounded"
      y = try builder.quantize(x, types, scales: scales, call, inner)
    }
    guard let affine else { return y }
    let channels = builder.shape(y).last ?? 1
    return try builder.affine(
      y, scale: .coefficients(affine.factor, channels: channels),
      shift: .coefficients(affine.shift, channels: channels), call, role)
  }

  /// The quantized form of a variable of the layer.
  func convert(_ variable: LayerVariable) throws(CompilationFailed) -> Weights {
    guard let types else { return Weights(real: variable.values, shape: variable.shape) }
    guard affine == nil else {
      throw call.failure("I253", "an 'affine' quantizer on weights is not supported")
    }
    var variable = variable
    if let scale { variable.values = variable.values.map { Double(Float($0) / Float(scale.doubleValue)) } }
    let weights = try call.quantized(variable, types)
    guard let scale, case .exact(let raw, let exponent, _) = weights.storage else { return weights }
    return Weights(
      raw: raw, exponent: exponent, shape: weights.shape,
      scales: PerElement(repeating: scale, count: raw.count))
  }
}
