import Diagnostics
import FixedPoint
import Functions
import Graph

extension GraphBuilder {
  /// Applies a quantizer to a tensor: its function where it has one, then the change of type, then its
  /// factor.
  mutating func quantize(_ x: NodeID, _ quantizer: QKerasQuantizer, _ call: LayerCall, role: String?)
    throws(CompilationFailed) -> NodeID
  {
    switch quantizer.form {
    case .bits(let parameters): return try quantizeBits(x, parameters, quantizer, call, role)
    case .linear(let parameters): return try quantizeLinear(x, parameters, quantizer, call, role)
    case .relu: return try quantizeRelu(x, quantizer, call, role)
    case .tanh(let bits, let isSymmetric, let isReal):
      // The hard tanh of QKeras is clip(x, −1, 1), which the type does by itself.
      let y = isReal ? try add(.map(Map(.tanh)), [x], call, inner(role, "tanh")) : x
      let type = FixedType(
        width: bits, integerBits: 1, rounding: .rndConv, overflow: isSymmetric ? .satSym : .sat)
      return try fix(y, type, call, role)
    case .sigmoid(let bits, let isSymmetric, let isReal):
      let y =
        isReal
        ? try add(.map(Map(.sigmoid)), [x], call, inner(role, "sigmoid"))
        : try affine(x, factor: Rational(1, 2), shift: 0.5, call, inner(role, "scaled"))
      let type = FixedType(width: bits, integerBits: 0, isSigned: false, rounding: .rndConv, overflow: .sat)
      if !isSymmetric { return try fix(y, type, call, role) }
      let fixed = try fix(y, type, call, inner(role, "rounded"))
      let least = try constant(
        Double(sign: .plus, exponent: -bits, significand: 1), shape: shape(x), call, inner(role, "least"))
      return try combine(.maximum, [fixed, least], call, role)
    case .hswish(let parameters, let shift, let upperBound):
      let function: Function =
        shift == 3 && upperBound == 6
        ? .hardSilu : .hardSwish(shift: shift, maximum: upperBound)
      let y = try add(.map(Map(function)), [x], call, inner(role, "hswish"))
      return try quantizeBits(y, parameters, quantizer, call, role)
    case .binary(let isZeroOne, let alpha):
      let steps = Steps(thresholds: [.init(Rational(0), isInclusive: true)], levels: [isZeroOne ? 0 : -1, 1])
      return try step(x, steps, alpha, quantizer, call, role)
    case .ternary(let alpha, let threshold, _):
      guard let edge = Rational(exactly: Double(Float(threshold))) else {
        throw quantizer.failure("I203", "'threshold' is \(threshold)")
      }
      let lower = Rational(-edge.numerator, edge.denominator)
      // At 0 the sign is 0, whatever the threshold.
      let steps = Steps(
        thresholds: [
          .init(lower, isInclusive: threshold == 0), .init(edge, isInclusive: threshold != 0),
        ], levels: [-1, 0, 1])
      return try step(x, steps, alpha, quantizer, call, role)
    case .powerOfTwo(let parameters):
      return try add(.quantize(.steps(try quantizer.steps(parameters, negative: 1))), [x], call, role)
    case .reluPowerOfTwo(let parameters, let slope):
      return try add(.quantize(.steps(try quantizer.steps(parameters, negative: slope))), [x], call, role)
    }
  }

  /// The name of a node on the way to the one with that role.
  private func inner(_ role: String?, _ name: String) -> String { role.map { "\($0)_\(name)" } ?? name }

  /// The conversion of every element into one type.
  mutating func fix(
    _ x: NodeID, _ type: FixedType, scales: PerElement<Rational>? = nil, _ call: LayerCall, _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    let count = shape(x).elementCount
    let types = PerElement(repeating: type, count: count)
    let one = PerElement(repeating: Rational.one, count: count)
    return try add(.quantize(.fixed(types, scales: scales ?? one)), [x], call, role)
  }

  /// Multiplies by the factor of a quantizer, as QKeras does after rounding.
  private mutating func applyFactor(
    _ x: NodeID, _ alpha: QKerasQuantizer.Alpha, _ quantizer: QKerasQuantizer, _ call: LayerCall,
    _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    let channels = shape(x).last ?? 1
    guard let scales = try quantizer.scales(alpha, [channels]) else { return x }
    let scale = Weights(
      raw: Array(repeating: 1, count: channels), exponent: 0, shape: [channels], scales: scales)
    return try affine(x, scale: scale, call, role)
  }

  private func hasFactor(_ alpha: QKerasQuantizer.Alpha) -> Bool { alpha != .none && alpha != .number(1) }

  private mutating func quantizeBits(
    _ x: NodeID, _ parameters: QKerasQuantizer.FixedPoint, _ quantizer: QKerasQuantizer, _ call: LayerCall,
    _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    if parameters.unsignedBits == 0 {
      let steps = Steps(
        thresholds: [.init(Rational(0), isInclusive: true)], levels: [parameters.keepsNegative ? -1 : 0, 1])
      return try step(x, steps, parameters.alpha, quantizer, call, role)
    }
    let rounded = hasFactor(parameters.alpha) ? inner(role, "rounded") : role
    let y = try fix(x, parameters.type, call, rounded)
    return try applyFactor(y, parameters.alpha, quantizer, call, role)
  }

  /// `quantized_linear` divides by its factor before it rounds.
  private mutating func quantizeLinear(
    _ x: NodeID, _ parameters: QKerasQuantizer.FixedPoint, _ quantizer: QKerasQuantizer, _ call: LayerCall,
    _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    if parameters.bits == 1 && parameters.keepsNegative {
      let steps = Steps(
        thresholds: [.init(Rational(0), isInclusive: true)], levels: [-1, 1],
        exponent: parameters.integer - 1)
      return try step(x, steps, parameters.alpha, quantizer, call, role)
    }
    return try fix(
      x, parameters.type, scales: try quantizer.scales(parameters.alpha, shape(x)), call, role)
  }

  private mutating func step(
    _ x: NodeID, _ steps: Steps, _ alpha: QKerasQuantizer.Alpha, _ quantizer: QKerasQuantizer,
    _ call: LayerCall,
    _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    let stepped = hasFactor(alpha) ? inner(role, "stepped") : role
    let y = try add(.quantize(.steps(steps)), [x], call, stepped)
    return try applyFactor(y, alpha, quantizer, call, role)
  }

  private mutating func quantizeRelu(
    _ x: NodeID, _ quantizer: QKerasQuantizer, _ call: LayerCall, _ role: String?
  )
    throws(CompilationFailed) -> NodeID
  {
    guard case .relu(let bits, let integer, let usesSigmoid, let slope, let upperBound) = quantizer.form
    else {
      return x
    }
    let unit = Double(sign: .plus, exponent: integer, significand: 1)
    let rounded = upperBound == nil ? role : inner(role, "rounded")
    var y: NodeID
    if usesSigmoid {
      // round(hard_sigmoid(x / unit) · 2^bits) / 2^bits, moved from 0 … 1 to −unit … unit, then cut at both
      // ends.
      let half = try affine(
        x,
        scale: .coefficients(0.5 / unit, channels: shape(x).last ?? 1),
        shift: .coefficients(0.5, channels: shape(x).last ?? 1),
        call,
        inner(role, "scaled"))
      let p = try fix(
        half, FixedType(width: bits + 2, integerBits: 2, rounding: .rndConv, overflow: .sat), call,
        inner(role, "sigmoid"))
      let spread = try scale(p, by: 2 * unit, call, inner(role, "spread"))
      let moved = try affine(spread, factor: .one, shift: -unit, call, inner(role, "moved"))
      y = try fix(
        moved,
        FixedType(width: bits, integerBits: integer, isSigned: false, rounding: .rndConv, overflow: .sat),
        call, rounded)
    } else if slope == 0 {
      let type = FixedType(
        width: bits, integerBits: integer, isSigned: false, rounding: .rndConv, overflow: .sat)
      y = try fix(x, type, call, rounded)
    } else {
      // Below 0 the result stops at −slope · unit, which the operand reaches at −unit.
      var operand = x
      if slope < 1 {
        let least = try constant(-unit, shape: shape(x), call, inner(role, "least"))
        operand = try combine(.maximum, [x, least], call, inner(role, "limited"))
      }
      let leaky = try apply(.rectifier(negativeSlope: slope), operand, call, role: inner(role, "leaky"))
      let type = FixedType(width: bits, integerBits: integer + 1, rounding: .rndConv, overflow: .sat)
      y = try fix(leaky, type, call, rounded)
    }
    if let upperBound { y = try apply(.rectifier(maximum: upperBound), y, call, role: role) }
    return y
  }
}

extension QKerasQuantizer.FixedPoint {
  /// The type of the quantized values, factor aside.
  var type: FixedType {
    FixedType(
      width: bits, integerBits: integer + (keepsNegative ? 1 : 0), isSigned: keepsNegative,
      rounding: .rndConv,
      overflow: isSymmetric ? .satSym : .sat)
  }
}

// MARK: Powers of two

extension QKerasQuantizer {
  /// The step function of a power-of-two quantizer.
  ///
  /// - Parameters:
  ///   - negative: the slope below 0; where it is 0, negative numbers give the least power.
  func steps(_ parameters: PowerOfTwo, negative slope: Double) throws(CompilationFailed) -> Steps {
    let positive = try magnitudes(parameters)
    let least = positive.exponents.min() ?? 0
    guard (positive.exponents.max() ?? 0) - least <= 61 else {
      throw failure(
        "I204", "its powers of two from 2^\(least) on span more than 62 bits", notes: ["give it fewer bits"])
    }
    let levels = positive.exponents.map { Int64(1) << ($0 - least) }
    if slope == 0 { return Steps(thresholds: positive.edges, levels: levels, exponent: least) }
    let mirrored = try positive.edges.reversed().map { (edge) throws(CompilationFailed) -> Steps.Threshold in
      guard let factor = Rational(exactly: -1 / slope), let value = try? edge.value.multiplied(by: factor)
      else {
        throw failure("I204", "its thresholds can't be represented")
      }
      return Steps.Threshold(value, isInclusive: !edge.isInclusive)
    }
    return Steps(
      thresholds: mirrored + [.init(Rational(0), isInclusive: true)] + positive.edges,
      levels: levels.reversed().map { -$0 } + levels, exponent: least)
  }

  /// The exponents that magnitudes take, ascending, and the edges between them.
  private func magnitudes(_ parameters: PowerOfTwo)
    throws(CompilationFailed) -> (exponents: [Int], edges: [Steps.Threshold])
  {
    // Everywhere that the exponent can change: at powers of two, halfway between them on the logarithmic
    // scale, and at the magnitude below which Keras takes everything for 0.
    var edges: [Double] = [Double(Float(1e-7))]
    for exponent in -26...66 {
      let power = Double(sign: .plus, exponent: exponent, significand: 1)
      edges += [power, power * 2.0.squareRoot()]
    }
    edges.sort()
    var exponents = [parameters.exponent(0)]
    var thresholds: [Steps.Threshold] = []
    for (i, edge) in edges.enumerated() {
      let beyond = i + 1 < edges.count ? (edge * edges[i + 1]).squareRoot() : 2 * edge
      let exponent = parameters.exponent(Float(beyond))
      if exponent == exponents.last { continue }
      guard let value = Rational(exactly: edge) else {
        throw failure("I204", "its thresholds can't be represented")
      }
      let isInclusive = parameters.exponent(Float(edge)) == exponent
      thresholds.append(Steps.Threshold(value, isInclusive: isInclusive))
      exponents.append(exponent)
    }
    return (exponents, thresholds)
  }
}
