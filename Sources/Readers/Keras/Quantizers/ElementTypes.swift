import Diagnostics
import FixedPoint
import Graph

/// The numbers that describe one fixed-point type of a tensor trained with types of its own for every
/// element.
struct ElementType: Hashable, Sendable {
  var isSigned: Bool
  /// Bits left of the point, without the sign.
  var integer: Int
  /// Bits right of the point.
  var fraction: Int

  /// The type; without bits it is that of the constant 0.
  ///
  /// - Returns: nil for widths that the compiler does not compute with.
  func fixedType(_ rounding: Rounding, _ overflow: Overflow) -> FixedType? {
    let sign = isSigned ? 1 : 0
    guard abs(integer) <= 1000, abs(fraction) <= 1000 else { return nil }
    let width = sign + integer + fraction
    if width <= 0 {
      return FixedType(width: 0, integerBits: 0, isSigned: false, rounding: rounding, overflow: overflow)
    }
    guard width <= FixedType.maximumWidth else { return nil }
    return FixedType(
      width: width, integerBits: integer + sign, isSigned: isSigned, rounding: rounding, overflow: overflow)
  }
}

extension LayerCall {
  /// The fixed-point types of every element of a tensor from numbers that numpy's rule spreads over it.
  ///
  /// - Parameters:
  ///   - elements: in row-major order of `shape`, whose leading axes of length 1 may exceed those of the
  ///     tensor.
  func types(
    _ elements: [ElementType], shape: [Int], to target: [Int], _ rounding: Rounding, _ overflow: Overflow,
    at location: Location
  ) throws(CompilationFailed) -> PerElement<FixedType> {
    var types: [FixedType] = []
    for (i, element) in elements.enumerated() {
      guard let type = element.fixedType(rounding, overflow) else {
        throw CompilationFailed(
          "I250",
          "element \(i) has \(element.integer) integer and \(element.fraction) fraction bits, more than "
            + "can be computed with", at: location)
      }
      types.append(type)
    }
    if types.count == 1 { return PerElement(repeating: types[0], count: target.elementCount) }
    let inner = Array(shape.drop { $0 == 1 })
    let fits =
      inner.count <= target.count
      && zip(inner.reversed(), target.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
    guard fits, types.count == shape.elementCount else {
      throw CompilationFailed(
        "I251", "bit widths of shape \(shape) do not fit a tensor of shape \(target)", at: location)
    }
    return PerElement(types.broadcast(inner, to: target))
  }

  /// Weights converted into types of their own, in the float32 arithmetic of the framework.
  func quantized(_ variable: LayerVariable, _ types: PerElement<FixedType>) throws(CompilationFailed)
    -> Weights
  {
    var values: [Double] = []
    values.reserveCapacity(variable.values.count)
    for (i, value) in variable.values.enumerated() {
      let type = types[i]
      guard let rounded = type.rounding.float32(Float(value), exponent: type.exponent) else {
        throw failure("I107", "element \(i) of '\(variable.name)' is too large for its type")
      }
      values.append(type.value(type.reduce(rounded)))
    }
    guard let weights = Weights(exactly: values, shape: variable.shape) else {
      throw failure("I204", "the quantized values of '\(variable.name)' do not fit 62 bits")
    }
    return weights
  }
}

extension Rounding {
  /// x / 2^exponent rounded to an integer with the float32 operations of HGQ and of HGQ2's `quantizers`; nil
  /// where that is beyond 2^100.
  func float32(_ x: Float, exponent: Int) -> Int128? {
    let scaled = x * Float(sign: .plus, exponent: -exponent, significand: 1)
    let magnitude = abs(scaled)
    let rounded: Float
    switch self {
    case .trn: rounded = scaled.rounded(.down)
    case .trnZero: rounded = scaled.rounded(.towardZero)
    case .rnd: rounded = (scaled + 0.5).rounded(.down)
    case .rndMinInf: rounded = -(-scaled + 0.5).rounded(.down)
    case .rndInf: rounded = (magnitude + 0.5).rounded(.down) * (scaled < 0 ? -1 : 1)
    case .rndZero: rounded = -(-magnitude + 0.5).rounded(.down) * (scaled < 0 ? -1 : 1)
    case .rndConv: rounded = scaled.rounded(.toNearestOrEven)
    }
    return abs(rounded) < 0x1p100 ? Int128(rounded) : nil
  }
}
