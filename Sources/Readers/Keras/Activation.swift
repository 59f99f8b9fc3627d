import Diagnostics
import FixedPoint
import Functions
import Graph

extension GraphBuilder {
  /// Applies the activation that a layer's attribute names, as a node `<layer>_<activation>`.
  mutating func activate(
    _ x: NodeID, _ call: LayerCall, attribute: String = "activation", dialect: QuantizerDialect = .keras
  ) throws(CompilationFailed) -> NodeID {
    guard let value = call.attribute(attribute) else { return x }
    return try activate(x, value, call, isLayer: false, dialect: dialect)
  }

  /// Applies an activation: a name, a call in a string, or a serialized function, layer or quantizer.
  ///
  /// - Parameters:
  ///   - isLayer: whether the result bears the layer's own name.
  ///   - role: what the result is called instead of the activation's name.
  mutating func activate(
    _ x: NodeID, _ value: JSONValue, _ call: LayerCall, isLayer: Bool, dialect: QuantizerDialect,
    role: String? = nil
  ) throws(CompilationFailed) -> NodeID {
    if let text = value.string, !text.contains("("),
      let activation = Activation(text, generation: generation, dialect: dialect)
    {
      return try apply(activation, x, call, role: isLayer ? nil : role ?? roleName(text))
    }
    if value.object != nil {
      let name = try value.requireString("class_name")
      if name == "function" {
        return try activate(x, value.require("config"), call, isLayer: isLayer, dialect: dialect, role: role)
      }
      if let activation = try Activation(layer: value) {
        return try apply(
          activation, x, call, role: isLayer ? nil : role ?? roleName(KerasLayer.snakeCase(name)))
      }
    }
    if let text = value.string, !text.contains("("), !QKerasQuantizer.isName(text) {
      throw value.failure("I201", "activation '\(text)' is not supported")
    }
    let quantizer = try QKerasQuantizer(value)
    return try quantize(x, quantizer, call, role: isLayer ? nil : role ?? roleName(quantizer.name))
  }

  /// A function of every element: of sums, comparisons and choices where it can be, which are exact for any operand.
  mutating func apply(_ function: Function, _ x: NodeID, _ call: some LayerSite, _ role: String? = nil)
    throws(CompilationFailed) -> NodeID
  {
    switch function {
    case .softShrink(let threshold): try shrink(x, threshold: threshold, bias: threshold, call, role)
    case .hardShrink(let threshold): try shrink(x, threshold: threshold, bias: 0, call, role)
    default: try add(.map(Map(function)), [x], call, role)
    }
  }

  /// x moved toward 0 by the bias where it is beyond the threshold, else 0.
  mutating func shrink(
    _ x: NodeID, threshold: Double, bias: Double, _ call: some LayerSite, _ role: String? = nil
  ) throws(CompilationFailed) -> NodeID {
    let shape = shape(x)
    let upper = try constant(threshold, shape: shape, call, "upper")
    let lower = try constant(-threshold, shape: shape, call, "lower")
    if bias == threshold, threshold >= 0 {
      let raised = try add(.combine(.maximum), [x, lower], call, "raised")
      let inner = try add(.combine(.minimum), [raised, upper], call, "inner")
      return try add(.combine(.subtract), [x, inner], call, role)
    }
    let isAbove = try add(.combine(.less), [upper, x], call, "is_above")
    let isBelow = try add(.combine(.less), [x, lower], call, "is_below")
    let down = bias == 0 ? x : try affine(x, factor: .one, shift: -bias, call, "down")
    let up = bias == 0 ? x : try affine(x, factor: .one, shift: bias, call, "up")
    let zero = try constant(0, shape: shape, call, "zero")
    let inner = try add(.combine(.select), [isBelow, up, zero], call, "inner")
    return try add(.combine(.select), [isAbove, down, inner], call, role)
  }

  private func roleName(_ name: String) -> String { String(name.prefix { $0 != "(" }) }

  mutating func apply(_ activation: Activation, _ x: NodeID, _ call: LayerCall, role: String?)
    throws(CompilationFailed) -> NodeID
  {
    switch activation {
    case .linear: return x
    case .function(let function): return try apply(function, x, call, role)
    case .steps(let steps): return try add(.quantize(.steps(steps)), [x], call, role)
    case .softmax(let axis, let logarithm):
      let rank = rank(x)
      let position = axis < 0 ? axis + rank : axis - 1
      guard position >= 0, position < rank else {
        throw call.failure("I114", "axis \(axis) is not one of the \(rank) axes behind the batch")
      }
      return try softmax(x, axis: position, logarithm: logarithm, call, role)
    case .gated: return try gated(x, call, role: role)
    }
  }

  /// The first half of the last axis times the sigmoid of the second.
  private mutating func gated(_ x: NodeID, _ call: LayerCall, role: String?) throws(CompilationFailed)
    -> NodeID
  {
    let axis = rank(x) - 1
    let extent = shape(x)[axis]
    guard extent % 2 == 0 else { throw call.failure("I114", "\(extent) elements have no halves") }
    let prefix = role.map { "\($0)_" } ?? ""
    let values = try select(x, axis: axis, Array(0..<extent / 2), call, "\(prefix)values")
    let second = try select(x, axis: axis, Array(extent / 2..<extent), call, "\(prefix)second")
    let gate = try add(.map(Map(.sigmoid)), [second], call, "\(prefix)gate")
    return try combine(.multiply, [values, gate], call, role)
  }
}

/// Whose name an activation's name is: `hard_sigmoid` has three definitions.
enum QuantizerDialect: Sendable {
  case keras, qkeras
}

/// What an activation's name stands for.
enum Activation: Hashable, Sendable {
  case linear
  case function(Function)
  case steps(Steps)
  /// Axes are counted with the batch as axis 0, or from the end.
  case softmax(axis: Int, logarithm: Bool)
  /// `glu`: one half of the last axis times the sigmoid of the other.
  case gated

  static let relu = Activation.rectifier()

  static func rectifier(maximum: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0)
    -> Activation
  {
    .function(.relu(maximum: maximum, negativeSlope: negativeSlope, threshold: threshold))
  }

  /// ±1 by sign.
  static func sign(zeroIsPositive: Bool) -> Activation {
    .steps(Steps(thresholds: [.init(Rational(0), isInclusive: zeroIsPositive)], levels: [-1, 1]))
  }

  /// The activation of that name in that generation of Keras, or nil.
  init?(_ name: String, generation: Int, dialect: QuantizerDialect = .keras) {
    if dialect == .qkeras, let own = Activation.qkeras[name] {
      self = own
    } else if name == "hard_sigmoid" {
      self = .function(
        generation == 2 ? .hardSigmoid(slope: 0.2, offset: 0.5) : .hardSigmoid(slope: 1.0 / 6, offset: 0.5))
    } else if name == "gelu" {
      self = .function(.gelu(approximate: false))
    } else if let activation = Activation.byName[name] {
      self = activation
    } else {
      return nil
    }
  }

  private static let byName: [String: Activation] = [
    "linear": .linear, "relu": .relu, "relu6": .rectifier(maximum: 6), "relu1": .rectifier(maximum: 1),
    "leaky_relu": .rectifier(negativeSlope: 0.2), "elu": .function(.elu(alpha: 1)), "selu": .function(.selu),
    "sigmoid": .function(.sigmoid), "tanh": .function(.tanh), "softplus": .function(.softplus),
    "softsign": .function(.softsign), "exponential": .function(.exp), "silu": .function(.silu),
    "swish": .function(.silu), "mish": .function(.mish), "log_sigmoid": .function(.logSigmoid),
    "hard_silu": .function(.hardSilu), "hard_swish": .function(.hardSilu), "hard_tanh": .function(.hardTanh),
    "celu": .function(.celu(alpha: 1)), "squareplus": .function(.squareplus(b: 4)),
    "soft_shrink": .function(.softShrink(threshold: 0.5)),
    "hard_shrink": .function(.hardShrink(threshold: 0.5)),
    "tanh_shrink": .function(.tanhShrink), "sparse_plus": .function(.sparsePlus),
    "sparse_sigmoid": .function(.hardSigmoid(slope: 0.5, offset: 0.5)),
    "softmax": .softmax(axis: -1, logarithm: false), "log_softmax": .softmax(axis: -1, logarithm: true),
    "glu": .gated,
    // Custom activations of hls4ml's example models.
    "binary_tanh": .sign(zeroIsPositive: false), "ternary_tanh": ternaryTanh,
  ]

  /// 1 above 1/2, −1 up to −1/2, else 0.
  private static let ternaryTanh = Activation.steps(
    Steps(
      thresholds: [.init(Rational(-1, 2), isInclusive: false), .init(Rational(1, 2), isInclusive: false)],
      levels: [-1, 0, 1]))

  /// QKeras's own functions (quantizers.py), by the name of their hard sigmoid clip(x / 2 + 1/2, 0, 1).
  private static let qkeras: [String: Activation] = [
    "hard_sigmoid": .function(.hardSigmoid(slope: 0.5, offset: 0.5)),
    "smooth_sigmoid": .function(.hardSigmoid(slope: 0.1875, offset: 0.5)),
    "hard_tanh": .function(.hardTanh),
    // round(clip(x / 2 + 1/2, 0, 1)): 1/2 rounds to 0.
    "binary_sigmoid": .steps(Steps(thresholds: [.init(Rational(0), isInclusive: false)], levels: [0, 1])),
    "binary_tanh": .sign(zeroIsPositive: false),
  ]

  /// The activation of a serialized layer such as `{"class_name": "LeakyReLU", "config": {"alpha": 0.1}}`, or
  /// nil.
  init?(layer: JSONValue) throws(CompilationFailed) {
    guard let config = layer["config"], config.object != nil else { return nil }
    try self.init(kind: try layer.requireString("class_name"), config: config)
  }

  /// The activation that a layer of that kind is, or nil.
  init?(kind: String, config: JSONValue) throws(CompilationFailed) {
    func number(_ names: String..., default fallback: Double) throws(CompilationFailed) -> Double {
      for name in names {
        guard let value = config[name], !value.isNull else { continue }
        // Keras 2 writes numpy numbers as `{"class_name": "__numpy__", "value": …}` or as lists of one.
        let number = try (value["config"]?["value"] ?? value["value"] ?? value).requireDouble()
        guard number.isFinite else { throw value.failure("I114", "'\(name)' is not finite") }
        return number
      }
      return fallback
    }
    switch kind {
    case "ReLU":
      let isLimited = config["max_value"].map { !$0.isNull } ?? false
      self = .rectifier(
        maximum: isLimited ? try number("max_value", default: 0) : nil,
        negativeSlope: try number("negative_slope", default: 0),
        threshold: try number("threshold", default: 0))
    case "LeakyReLU": self = .rectifier(negativeSlope: try number("negative_slope", "alpha", default: 0.3))
    case "ThresholdedReLU": self = .rectifier(threshold: try number("theta", default: 1))
    case "ELU": self = .function(.elu(alpha: try number("alpha", default: 1)))
    default: return nil
    }
  }
}
