import Diagnostics
import FixedPoint

/// A quantizer of QKeras (quantizers.py of version 0.9), with what it does at inference.
struct QKerasQuantizer: Sendable {
  /// A factor of the quantized values.
  enum Alpha: Hashable, Sendable {
    case none
    case number(Double)
    /// One for each channel.
    case channels([Double])
    /// Fitted to the tensor; `powersOfTwo` for `auto_po2`.
    case automatic(powersOfTwo: Bool)
  }

  /// `quantized_bits` and `quantized_linear`: `integer` does not count the sign, `bits` does.
  struct FixedPoint: Hashable, Sendable {
    var bits: Int
    var integer: Int
    var isSymmetric: Bool
    var keepsNegative: Bool
    var alpha: Alpha
    /// The axis of the channels for a fitted factor; the last one where nil.
    var scaleAxis: Int?

    /// Bits besides the sign.
    var unsignedBits: Int { bits - (keepsNegative ? 1 : 0) }
  }

  /// `quantized_po2` and `quantized_relu_po2`.
  struct PowerOfTwo: Hashable, Sendable {
    var exponents: ClosedRange<Int>
    var maximum: Double?
    var isQuadratic: Bool
    var isFloor: Bool
  }

  enum Form: Hashable, Sendable {
    case bits(FixedPoint)
    case linear(FixedPoint)
    case relu(bits: Int, integer: Int, usesSigmoid: Bool, negativeSlope: Double, upperBound: Double?)
    case tanh(bits: Int, isSymmetric: Bool, isReal: Bool)
    case sigmoid(bits: Int, isSymmetric: Bool, isReal: Bool)
    case hswish(FixedPoint, shift: Double, upperBound: Double)
    case binary(isZeroOne: Bool, alpha: Alpha)
    case ternary(alpha: Alpha, threshold: Double, unrolls: Int)
    case powerOfTwo(PowerOfTwo)
    case reluPowerOfTwo(PowerOfTwo, negativeSlope: Double)
  }

  var name: String
  var form: Form
  /// Where it is written.
  var location: Location

  func failure(_ code: DiagnosticCode, _ message: String, notes: [String] = []) -> CompilationFailed {
    CompilationFailed(code, "quantizer '\(name)': \(message)", at: location, notes: notes)
  }

  /// The same quantizer on a kernel: QKeras fits the factor where none is given (`_set_trainable_parameter`).
  var onKernel: QKerasQuantizer {
    var result = self
    switch form {
    case .bits(var parameters) where parameters.alpha == .none:
      parameters.alpha = .automatic(powersOfTwo: true)
      parameters.isSymmetric = true
      result.form = .bits(parameters)
    case .linear(var parameters) where parameters.alpha == .none:
      parameters.alpha = .automatic(powersOfTwo: true)
      parameters.isSymmetric = true
      result.form = .linear(parameters)
    case .binary(let isZeroOne, .none):
      result.form = .binary(isZeroOne: isZeroOne, alpha: .automatic(powersOfTwo: true))
    case .ternary(.none, let threshold, let unrolls):
      result.form = .ternary(alpha: .automatic(powersOfTwo: true), threshold: threshold, unrolls: unrolls)
    default: break
    }
    return result
  }
}

// MARK: Reading

extension QKerasQuantizer {
  /// Reads a quantizer from a call in a string or from `{"class_name": …, "config": …}`.
  ///
  /// - Throws: I200 for a text that is no call, I201 for an unknown quantizer, I202 for one that can't be
  ///   built, I203 for arguments.
  init(_ value: JSONValue) throws(CompilationFailed) {
    var arguments: Arguments
    if let text = value.string {
      guard let call = PythonCall(text) else {
        throw value.failure(
          "I200", "'\(text)' is not a quantizer", notes: ["write it as name(argument, name=value)"])
      }
      arguments = try Arguments(call, at: value)
    } else {
      arguments = try Arguments(value)
    }
    name = arguments.name
    location = value.location
    form = try QKerasQuantizer.form(&arguments)
    try arguments.finish()
  }

  /// The parameters of each quantizer in the order of its signature.
  fileprivate static let signatures: [String: [String]] = [
    "quantized_bits": [
      "bits", "integer", "symmetric", "keep_negative", "alpha", "use_stochastic_rounding", "scale_axis",
      "qnoise_factor", "var_name", "use_ste", "use_variables",
    ],
    "quantized_linear": [
      "bits", "integer", "symmetric", "keep_negative", "alpha", "use_stochastic_rounding", "scale_axis",
      "qnoise_factor", "var_name", "use_variables",
    ],
    "quantized_relu": [
      "bits", "integer", "use_sigmoid", "negative_slope", "use_stochastic_rounding", "relu_upper_bound",
      "is_quantized_clip", "qnoise_factor", "var_name", "use_ste", "use_variables",
    ],
    "quantized_tanh": ["bits", "use_stochastic_rounding", "symmetric", "use_real_tanh"],
    "quantized_sigmoid": ["bits", "symmetric", "use_real_sigmoid", "use_stochastic_rounding"],
    "quantized_hswish": [
      "bits", "integer", "symmetric", "alpha", "use_stochastic_rounding", "scale_axis", "qnoise_factor",
      "var_name",
      "use_ste", "use_variables", "relu_shift", "relu_upper_bound", "keep_negative",
    ],
    "binary": ["use_01", "alpha", "use_stochastic_rounding"],
    "stochastic_binary": ["alpha", "temperature", "use_real_sigmoid"],
    "ternary": ["alpha", "threshold", "use_stochastic_rounding", "number_of_unrolls"],
    "stochastic_ternary": ["alpha", "threshold", "temperature", "use_real_sigmoid", "number_of_unrolls"],
    "quantized_po2": [
      "bits", "max_value", "use_stochastic_rounding", "quadratic_approximation", "log2_rounding",
      "qnoise_factor",
      "var_name", "use_ste", "use_variables",
    ],
    "quantized_relu_po2": [
      "bits", "max_value", "negative_slope", "use_stochastic_rounding", "quadratic_approximation",
      "log2_rounding",
      "qnoise_factor", "var_name", "use_ste", "use_variables",
    ],
    "bernoulli": ["alpha", "temperature", "use_real_sigmoid"],
    "quantized_ulaw": ["bits", "integer", "symmetric", "u"],
  ]

  /// Whether QKeras has a quantizer of that name.
  static func isName(_ name: String) -> Bool { signatures[name] != nil }

  private static func form(_ arguments: inout Arguments) throws(CompilationFailed) -> Form {
    // Stochastic quantizers draw samples in training only.
    arguments.ignore(
      "use_stochastic_rounding", "temperature", "var_name", "use_ste", "use_variables")
    if try arguments.number("qnoise_factor", default: 1) != 1 {
      throw arguments.failure("I203", "a 'qnoise_factor' other than 1 leaves values unquantized")
    }
    switch arguments.name {
    case "quantized_bits": return .bits(try fixedPoint(&arguments, isSymmetric: false))
    case "quantized_linear": return .linear(try fixedPoint(&arguments, isSymmetric: true))
    case "quantized_relu": return try relu(&arguments)
    case "quantized_tanh":
      return .tanh(
        bits: try arguments.bits(default: 8), isSymmetric: try arguments.flag("symmetric", default: false),
        isReal: try arguments.flag("use_real_tanh", default: false))
    case "quantized_sigmoid":
      return .sigmoid(
        bits: try arguments.bits(default: 8), isSymmetric: try arguments.flag("symmetric", default: false),
        isReal: try arguments.flag("use_real_sigmoid", default: false))
    case "quantized_hswish":
      let shift = try arguments.number("relu_shift", default: 3)
      let upperBound = try arguments.number("relu_upper_bound", default: 6)
      guard shift > 0, upperBound > 0 else {
        throw arguments.failure("I203", "'relu_shift' and 'relu_upper_bound' must be above 0")
      }
      return .hswish(try fixedPoint(&arguments, isSymmetric: false), shift: shift, upperBound: upperBound)
    case "binary", "stochastic_binary":
      arguments.ignore("use_real_sigmoid")
      return .binary(isZeroOne: try arguments.flag("use_01", default: false), alpha: try arguments.alpha())
    case "ternary", "stochastic_ternary":
      arguments.ignore("use_real_sigmoid")
      let threshold = try arguments.number("threshold", default: 0.33)
      let unrolls = try arguments.integer("number_of_unrolls", default: 5)
      guard threshold >= 0, unrolls > 0, unrolls < 1000 else {
        throw arguments.failure("I203", "'threshold' or 'number_of_unrolls' is out of range")
      }
      return .ternary(alpha: try arguments.alpha(), threshold: threshold, unrolls: unrolls)
    case "quantized_po2": return .powerOfTwo(try powerOfTwo(&arguments, signBits: 1))
    case "quantized_relu_po2":
      let slope = try arguments.slope()
      return .reluPowerOfTwo(try powerOfTwo(&arguments, signBits: 0), negativeSlope: slope)
    case "bernoulli":
      throw arguments.failure(
        "I202", "it draws random numbers at inference too", notes: ["use binary(use_01=1)"])
    case "quantized_ulaw":
      throw arguments.failure("I202", "µ-law levels are not supported", notes: ["use quantized_bits"])
    default: throw arguments.failure("I201", "there is no such quantizer")
    }
  }

  private static func fixedPoint(_ arguments: inout Arguments, isSymmetric: Bool)
    throws(CompilationFailed) -> FixedPoint
  {
    let alpha = try arguments.alpha()
    var symmetric = try arguments.flag("symmetric", default: isSymmetric)
    if case .automatic = alpha { symmetric = true }
    return FixedPoint(
      bits: try arguments.bits(default: 8), integer: try arguments.integer("integer", default: 0),
      isSymmetric: symmetric, keepsNegative: try arguments.flag("keep_negative", default: true), alpha: alpha,
      scaleAxis: try arguments.optionalNumber("scale_axis").map { Int($0) })
  }

  private static func relu(_ arguments: inout Arguments) throws(CompilationFailed) -> Form {
    let bits = try arguments.bits(default: 8)
    let integer = try arguments.integer("integer", default: 0)
    let slope = try arguments.slope()
    let usesSigmoid = try arguments.flag("use_sigmoid", default: false)
    // Without is_quantized_clip the bound is applied to the quantized value, with it nowhere.
    let bound = try arguments.optionalNumber("relu_upper_bound")
    let isClipped = try arguments.flag("is_quantized_clip", default: true)
    guard slope == 0 || (bits > 1 && !usesSigmoid) else {
      throw arguments.failure("I203", "a negative slope with one bit or a sigmoid is not supported")
    }
    if let bound, bound < 0 { throw arguments.failure("I203", "'relu_upper_bound' is \(bound)") }
    return .relu(
      bits: bits, integer: integer, usesSigmoid: usesSigmoid, negativeSlope: slope,
      upperBound: isClipped || bound == 0 ? nil : bound)
  }

  private static func powerOfTwo(_ arguments: inout Arguments, signBits: Int)
    throws(CompilationFailed) -> PowerOfTwo
  {
    let bits = try arguments.bits(default: 8)
    let maximum = try arguments.optionalNumber("max_value")
    if let maximum, maximum <= 0 { throw arguments.failure("I203", "'max_value' is \(maximum)") }
    let rounding = try arguments.string("log2_rounding", default: "rnd")
    guard ["rnd", "floor"].contains(rounding) else {
      throw arguments.failure("I203", "'log2_rounding' is '\(rounding)', expected 'rnd' or 'floor'")
    }
    let isQuadratic = try arguments.flag("quadratic_approximation", default: false)
    // The exponent has a sign unless every value is at most 1.
    let exponentBits = bits - signBits - (maximum.map { $0 > 1 } ?? true ? 1 : 0)
    guard (0...6).contains(exponentBits) else {
      throw arguments.failure("I203", "exponents of \(exponentBits) bits are not supported, expected 0 to 6")
    }
    var upper = (1 << exponentBits) - 1
    if isQuadratic { upper = 2 * (upper / 2) }
    return PowerOfTwo(
      exponents: -(1 << exponentBits)...upper, maximum: maximum, isQuadratic: isQuadratic,
      isFloor: rounding == "floor")
  }
}

/// The arguments of a quantizer, taken one by one; what is left over is an error.
private struct Arguments {
  let name: String
  private var values: [String: PythonCall.Literal] = [:]
  private let place: JSONValue

  func failure(_ code: DiagnosticCode, _ message: String, notes: [String] = []) -> CompilationFailed {
    place.failure(code, "quantizer '\(name)': \(message)", notes: notes)
  }

  init(_ call: PythonCall, at place: JSONValue) throws(CompilationFailed) {
    name = call.name
    self.place = place
    let signature = QKerasQuantizer.signatures[call.name] ?? []
    if call.positional.count > signature.count && !signature.isEmpty {
      throw failure("I203", "it takes \(signature.count) arguments, found \(call.positional.count)")
    }
    for (parameter, value) in zip(signature, call.positional) { values[parameter] = value }
    for (parameter, value) in call.keywords where values.updateValue(value, forKey: parameter) != nil {
      throw failure("I203", "'\(parameter)' is given twice")
    }
  }

  init(_ value: JSONValue) throws(CompilationFailed) {
    name = try KerasLayer.kind(of: value)
    place = value
    guard let config = value["config"] else { return }
    for (parameter, argument) in try config.requireObject() {
      guard let literal = PythonCall.Literal(argument) else {
        throw argument.failure(
          "I203", "'\(parameter)' of quantizer '\(name)' is not a number, a text or a list")
      }
      values[parameter] = literal
    }
  }

  /// Reports arguments that the quantizer does not have.
  func finish() throws(CompilationFailed) {
    let left = values.keys.sorted().filter { values[$0] != PythonCall.Literal.none }
    if let first = left.first { throw failure("I203", "it has no argument '\(first)'") }
  }

  mutating func ignore(_ names: String...) { for name in names { values[name] = nil } }

  private mutating func take(_ name: String) -> PythonCall.Literal? {
    guard let value = values.removeValue(forKey: name), value != .none else { return nil }
    return value
  }

  mutating func optionalNumber(_ name: String) throws(CompilationFailed) -> Double? {
    guard let value = take(name) else { return nil }
    guard let numbers = value.numbers, numbers.count == 1 else {
      throw failure("I203", "'\(name)' is not a number")
    }
    return numbers[0]
  }

  mutating func number(_ name: String, default fallback: Double) throws(CompilationFailed) -> Double {
    try optionalNumber(name) ?? fallback
  }

  mutating func integer(_ name: String, default fallback: Int) throws(CompilationFailed) -> Int {
    guard let number = try optionalNumber(name) else { return fallback }
    guard let integer = Int(exactly: number), abs(integer) <= 1000 else {
      throw failure("I203", "'\(name)' is \(number), expected an integer")
    }
    return integer
  }

  mutating func bits(default fallback: Int) throws(CompilationFailed) -> Int {
    let bits = try integer("bits", default: fallback)
    guard (1...32).contains(bits) else { throw failure("I203", "'bits' is \(bits), expected 1 to 32") }
    return bits
  }

  mutating func flag(_ name: String, default fallback: Bool) throws(CompilationFailed) -> Bool {
    guard let number = try optionalNumber(name) else { return fallback }
    guard number == 0 || number == 1 else {
      throw failure("I203", "'\(name)' is \(number), expected true or false")
    }
    return number == 1
  }

  mutating func string(_ name: String, default fallback: String) throws(CompilationFailed) -> String {
    guard let value = take(name) else { return fallback }
    guard case .string(let text) = value else { throw failure("I203", "'\(name)' is not a text") }
    return text
  }

  /// A slope for negative values: 0 or a power of two.
  mutating func slope() throws(CompilationFailed) -> Double {
    let slope = try number("negative_slope", default: 0)
    guard slope == 0 || (slope > 0 && slope <= 1 && slope.significand == 1) else {
      throw failure("I203", "'negative_slope' is \(slope), expected 0 or a power of two up to 1")
    }
    return slope
  }

  mutating func alpha() throws(CompilationFailed) -> QKerasQuantizer.Alpha {
    guard let value = take("alpha") else { return .none }
    if case .string(let text) = value {
      guard ["auto", "auto_po2"].contains(text) else {
        throw failure("I203", "'alpha' is '\(text)', expected 'auto', 'auto_po2' or a number")
      }
      return .automatic(powersOfTwo: text == "auto_po2")
    }
    guard let numbers = value.numbers, !numbers.isEmpty, numbers.allSatisfy({ $0 > 0 }) else {
      throw failure("I203", "'alpha' is not a number above 0")
    }
    return numbers.count == 1 ? .number(numbers[0]) : .channels(numbers)
  }
}
