import Diagnostics
import FixedPoint
import Functions
import Graph

/// How QONNX rounds to integers (qonnx.custom_op.general.Quant, `rounding_mode`): the modes of fixed-point types, and two
/// more.
enum IntegerRounding: Hashable, Sendable {
  case mode(Rounding)
  case ceiling
  case awayFromZero

  init?(_ name: String) {
    switch name.uppercased() {
    case "ROUND", "HALF_EVEN": self = .mode(.rndConv)
    case "CEIL": self = .ceiling
    case "FLOOR": self = .mode(.trn)
    case "UP": self = .awayFromZero
    case "DOWN", "ROUND_TO_ZERO": self = .mode(.trnZero)
    case "HALF_UP": self = .mode(.rndInf)
    case "HALF_DOWN": self = .mode(.rndZero)
    default: return nil
    }
  }

  /// The value that the framework makes of a binary32 constant.
  func round(_ x: Float) -> Float {
    switch self {
    case .ceiling: return x.rounded(.up)
    case .awayFromZero: return x.rounded(.awayFromZero)
    case .mode(let mode):
      switch mode {
      case .rndConv: return x.rounded(.toNearestOrEven)
      case .trn: return x.rounded(.down)
      case .trnZero: return x.rounded(.towardZero)
      case .rndInf: return x.rounded(.toNearestOrAwayFromZero)
      case .rndZero:
        let floor = x.magnitude.rounded(.down)
        let up = x.magnitude - floor > 0.5 ? floor + 1 : floor
        return x < 0 ? -up : up
      case .rnd: return (x + 0.5).rounded(.down)
      case .rndMinInf: return (x - 0.5).rounded(.up)
      }
    }
  }
}

/// scale · clamp(round(x / scale), lower, upper) for each element of a tensor.
struct IntegerQuantizer: Sendable {
  var scales: PerElement<Rational>
  var bounds: PerElement<Bounds>
  var rounding: IntegerRounding

  struct Bounds: Hashable, Sendable, Codable {
    var lower: Int64
    var upper: Int64

    /// The integers of so many bits as QONNX counts them.
    init?(bits: Int, isSigned: Bool, isNarrow: Bool) {
      guard (1...60).contains(bits) else { return nil }
      let half = Int64(1) << Int64(bits - 1)
      lower = isSigned ? (isNarrow ? 1 - half : -half) : 0
      upper = isSigned ? half - 1 : (half - 1) * 2 + (isNarrow ? 0 : 1)
    }

    init(lower: Int64, upper: Int64) {
      self.lower = lower
      self.upper = upper
    }

    func moved(by offset: Int64) -> Bounds { Bounds(lower: lower + offset, upper: upper + offset) }

    /// The type whose saturation these are, nil where there is none.
    func type(_ rounding: Rounding) -> FixedType? {
      let isUnsigned = lower == 0
      let (limit, overflow) = upper.addingReportingOverflow(1)
      if overflow || limit <= 0 || limit & (limit - 1) != 0 { return nil }
      let bits = limit.trailingZeroBitCount
      if isUnsigned {
        return FixedType(width: bits, integerBits: bits, isSigned: false, rounding: rounding, overflow: .sat)
      }
      let width = bits + 1
      if lower == -limit {
        return FixedType(width: width, integerBits: width, rounding: rounding, overflow: .sat)
      }
      if lower == -upper, bits > 0 {
        return FixedType(width: width, integerBits: width, rounding: rounding, overflow: .satSym)
      }
      return nil
    }

    /// A signed type that holds the integers and one more at either end.
    func cover(_ rounding: Rounding) -> FixedType {
      let largest = max(lower.magnitude, upper.magnitude) + 1
      let width = 66 - largest.leadingZeroBitCount
      return FixedType(width: width, integerBits: width, rounding: rounding, overflow: .sat)
    }
  }
}

extension GraphBuilder {
  /// Quantizes a tensor; modes and bounds that no fixed-point type has become exact compositions.
  mutating func quantize(_ x: NodeID, _ quantizer: IntegerQuantizer, _ call: ONNXCall)
    throws(CompilationFailed) -> NodeID
  {
    if case .mode(let mode) = quantizer.rounding {
      let types = (0..<quantizer.bounds.count).compactMap { quantizer.bounds[$0].type(mode) }
      if types.count == quantizer.bounds.count {
        return try add(
          .quantize(IntegerQuantizer.fixed(types, quantizer.scales)), [x], call)
      }
    }
    func round(_ x: NodeID, _ mode: Rounding, _ role: String) throws(CompilationFailed) -> NodeID {
      let types = quantizer.bounds.map { $0.cover(mode) }
      return try add(.quantize(IntegerQuantizer.fixed(types.array, quantizer.scales)), [x], call, role)
    }
    let rounded: NodeID
    switch quantizer.rounding {
    case .mode(let mode): rounded = try round(x, mode, "rounded")
    case .ceiling:
      let mirrored = try affine(x, factor: Rational(-1), call, "mirrored")
      rounded = try affine(try round(mirrored, .trn, "floor"), factor: Rational(-1), call, "ceiling")
    case .awayFromZero:
      // Up where positive, down where negative.
      let rectifier = Function.relu(maximum: nil, negativeSlope: 0, threshold: 0)
      let positive = try add(.map(Map(rectifier)), [x], call, "positive")
      let negative = try add(.combine(.subtract), [x, positive], call, "negative")
      let mirrored = try affine(positive, factor: Rational(-1), call, "mirrored")
      let above = try affine(try round(mirrored, .trn, "above_floor"), factor: Rational(-1), call, "above")
      let below = try round(negative, .trn, "below")
      rounded = try add(.combine(.add), [above, below], call, "rounded")
    }
    func constant(_ values: [Int64], _ role: String) throws(CompilationFailed) -> NodeID {
      let weights = Weights(raw: values, exponent: 0, shape: shape(x), scales: quantizer.scales)
      return try add(.constant(weights), [], call, role)
    }
    let bounds = quantizer.bounds.array
    let low = try add(
      .combine(.maximum), [rounded, try constant(bounds.map(\.lower), "lower")], call, "maximum")
    return try add(.combine(.minimum), [low, try constant(bounds.map(\.upper), "upper")], call)
  }
}

extension IntegerQuantizer {
  /// A conversion to integers of a scale. Powers of two of scales become exponents, so that a scale is 1 wherever it can be.
  static func fixed(_ types: [FixedType], _ scales: PerElement<Rational>) -> Quantizer {
    var shifted: [FixedType] = []
    var odd: [Rational] = []
    for (i, type) in types.enumerated() {
      let unit = Unit(exponent: 0, factor: scales[i])
      var type = type
      type.integerBits += unit.exponent
      shifted.append(type)
      odd.append(unit.factor)
    }
    return .fixed(PerElement(shifted), scales: PerElement(odd))
  }
}
