import FixedPoint

/// The types that hls4ml 1.3 gives to what a configuration leaves to `auto`: found by converting models and reading the
/// types of the result.
///
/// A type is inferred from the types of operands and weights alone, never from their values; it always truncates and
/// wraps. Layers that no rule speaks of take the model's default, their weights too.
struct HLS4MLInference {
  /// `Model.Precision.default`.
  var standard: FixedType
  /// `Model.Precision.maximum`: neither width nor integer bits of an inferred type are larger.
  var maximum: FixedType?

  private func type(_ width: Int, _ integerBits: Int, isSigned: Bool) -> FixedType {
    unlimited(
      min(width, maximum?.width ?? width), min(integerBits, maximum?.integerBits ?? integerBits),
      isSigned: isSigned)
  }

  /// hls4ml knows no limit; beyond ours no exact sum has a type either.
  private func unlimited(_ width: Int, _ integerBits: Int, isSigned: Bool) -> FixedType {
    FixedType(
      width: min(max(width, 0), FixedType.maximumWidth), integerBits: integerBits, isSigned: isSigned)
  }

  /// Accumulator and result of a dense or convolutional layer with so many products for each result.
  func weightedSum(_ input: FixedType, weight: FixedType, bias: FixedType, terms: Int) -> FixedType {
    let growth = Int.bitWidth - max(terms - 1, 0).leadingZeroBitCount
    return sum(
      unlimited(
        input.width + weight.width + growth, input.integerBits + weight.integerBits + growth,
        isSigned: input.isSigned || weight.isSigned), bias)
  }

  /// Result of a batch normalisation, and of a scale behind a quantized layer.
  func scaled(_ input: FixedType, scale: FixedType, bias: FixedType) -> FixedType {
    sum(
      unlimited(
        input.width + scale.width, input.integerBits + scale.integerBits,
        isSigned: input.isSigned || scale.isSigned), bias)
  }

  /// Result of an addition, a difference or an average of two.
  func sum(_ a: FixedType, _ b: FixedType, isDifference: Bool = false) -> FixedType {
    let (left, right) = aligned(a, b)
    let integerBits = max(left, right) + 1
    return type(
      integerBits + max(a.fractionBits, b.fractionBits), integerBits,
      isSigned: a.isSigned || b.isSigned || isDifference)
  }

  func product(_ a: FixedType, _ b: FixedType) -> FixedType {
    type(a.width + b.width, a.integerBits + b.integerBits, isSigned: a.isSigned || b.isSigned)
  }

  /// Result of a maximum or minimum, which `maximum` does not limit.
  func extreme(_ a: FixedType, _ b: FixedType) -> FixedType {
    if a == b { return a }
    let (left, right) = aligned(a, b)
    let integerBits = max(left, right)
    return unlimited(
      integerBits + max(a.fractionBits, b.fractionBits), integerBits, isSigned: a.isSigned || b.isSigned)
  }

  /// Result of a concatenation, with the first rounding and overflow that are not the plain ones.
  func concatenation(_ a: FixedType, _ b: FixedType) -> FixedType {
    if a == b { return a }
    let covering = extreme(a, b)
    var result = type(covering.width, covering.integerBits, isSigned: covering.isSigned)
    result.rounding = a.rounding != .trn ? a.rounding : b.rounding
    result.overflow = a.overflow != .wrap ? a.overflow : b.overflow
    return result
  }

  /// Accumulator of an average over windows of so many elements; global averages take the default.
  func averageAccumulator(_ input: FixedType, elements: Int) -> FixedType {
    let growth = Int.bitWidth - max(elements - 1, 0).leadingZeroBitCount
    return unlimited(
      input.width + 2 * growth, input.integerBits + growth, isSigned: input.isSigned)
  }

  /// The type of an activation's parameter that is no tensor: as many of its bits as fit 8.
  func parameter(_ value: Double) -> FixedType {
    guard value != 0, let (significand, exponent) = value.integerSignificand else {
      return FixedType(width: 1, integerBits: 1, isSigned: false)
    }
    let isSigned = value < 0
    // The least i for which the value lies below 2^i (a negative one not below −2^i), and its lowest bit.
    let magnitude = isSigned ? -significand - 1 : significand
    let integerBits = Int128.bitWidth - magnitude.leadingZeroBitCount + exponent
    let fractionBits = -(exponent + significand.trailingZeroBitCount)
    let sign = isSigned ? 1 : 0
    return FixedType(
      width: max(min(sign + integerBits + fractionBits, sign + 8), 0), integerBits: sign + integerBits,
      isSigned: isSigned)
  }

  /// Integer bits of two types, each with one more where the other brings the sign.
  private func aligned(_ a: FixedType, _ b: FixedType) -> (Int, Int) {
    (
      a.integerBits + (b.isSigned && !a.isSigned ? 1 : 0), b.integerBits + (a.isSigned && !b.isSigned ? 1 : 0)
    )
  }
}
