import FixedPoint

/// What a function's values are at the raw integers of a format, in steps of a result type and brought into the range of
/// a saturating one: entry i, of the format's i-th raw integer, lies within `middles[i]` ± `radii[i]`.
public struct FunctionSamples: Sendable {
  public var middles: [Double]
  public var radii: [Double]
}

extension Function {
  /// Encloses the function at every raw integer of a format, and around it.
  ///
  /// - Parameters:
  ///   - format: at most 2^18 raw integers.
  ///   - spread: enclosures hold for all operands that are at most so many operand steps away from the raw integer.
  ///   - type: its step is the unit; where it saturates, values beyond it count as its ends.
  /// - Returns: enclosures with infinite radius where nothing is known, as around a pole.
  public func samples(
    over format: Format, spread: Double, result type: FixedType
  ) throws(WidthOverflow) -> FunctionSamples {
    guard let count = format.range.count, count <= 1 << 18 else { throw WidthOverflow() }
    let sampler = FunctionSampler(self, exponent: format.exponent, spread: spread, type)
    var result = FunctionSamples(middles: [], radii: [])
    result.middles.reserveCapacity(count)
    result.radii.reserveCapacity(count)
    for raw in format.range.lower...format.range.upper {
      let ball = try sampler.sample(at: raw)
      result.middles.append(ball.middle)
      result.radii.append(ball.radius)
    }
    return result
  }

  /// A bound of the slope anywhere, or nil for functions without one.
  public var largestSlope: Double? {
    switch self {
    case .sigmoid: return 0.25
    case .tanh, .softplus, .softsign, .logSigmoid, .hardTanh, .tanhShrink, .sparsePlus, .softShrink, .abs,
      .sin, .cos, .atan:
      return 1
    case .squareplus(let b): return b >= 0 ? 1 : nil
    case .celu(let alpha): return alpha > 0 ? 1 : nil
    // 1.0999…, 1.0885…, 1.1290… (by erf), 1.1290… (by tanh), 2/√π.
    case .silu: return 1.1
    case .mish: return 1.09
    case .gelu, .erf: return 1.13
    case .selu: return 1.76
    case .elu(let alpha): return max(1, alpha.magnitude)
    case .hardSilu: return 1.5
    case .hardSigmoid(let slope, _): return slope.magnitude
    case .relu(_, let negativeSlope, let threshold):
      return threshold == 0 ? max(1, negativeSlope.magnitude) : nil
    case .exp, .log, .reciprocal, .sqrt, .rsqrt, .square, .sign, .hardSwish, .hardShrink, .sinh, .cosh:
      return nil
    }
  }
}

/// Encloses values of one function in steps of one type.
private struct FunctionSampler {
  let function: Function
  let exponent: Int
  let spread: Double
  let type: FixedType
  let enclosure: FunctionEnclosure<BinaryBall>
  private let limits: ClosedRange<Double>?

  init(_ function: Function, exponent: Int, spread: Double, _ type: FixedType) {
    self.function = function
    self.exponent = exponent
    self.spread = spread
    self.type = type
    enclosure = FunctionEnclosure(function, .init())
    let range = type.reachableRange
    limits =
      type.overflow == .sat || type.overflow == .satSym ? Double(range.lower)...Double(range.upper) : nil
  }

  func sample(at raw: Int128) throws(WidthOverflow) -> BinaryBall {
    let unit = Double(sign: .plus, exponent: exponent, significand: 1)
    let x = BinaryBall(middle: Double(nearest: raw) * unit, radius: spread * unit)
    var ball = BinaryBall(middle: .nan, radius: .infinity)
    if let algebraic = function.algebraic(at: x) {
      ball = algebraic
    } else if raw != 0, let value = enclosure.value(at: x, isNegative: raw < 0) {
      // At 0 branches meet: there the value and the slope are taken.
      ball = value
    }
    ball = ball.scaled(-type.exponent)
    if !ball.middle.isFinite || !ball.radius.isFinite { ball = try atPoint(raw) }
    if let limits {
      ball = BinaryBall(
        middle: min(max(ball.middle, limits.lowerBound), limits.upperBound), radius: ball.radius)
    }
    return ball
  }

  /// From the correctly rounded value: half a step or one away from it, and as much as the slope gives.
  private func atPoint(_ raw: Int128) throws(WidthOverflow) -> BinaryBall {
    var rounder = FunctionRounder(
      function, unit: Fraction(1).scaled(exponent), type.refined(by: 20))
    guard let value = try rounder.rounded(at: raw) else { return BinaryBall(middle: 0, radius: 0) }
    let rise: Double
    if spread == 0 {
      rise = 0
    } else if let slope = function.largestSlope {
      rise = spread * slope * Double(sign: .plus, exponent: exponent - type.exponent, significand: 1)
    } else {
      rise = .infinity
    }
    return BinaryBall(middle: Double(nearest: value) * 0x1p-20, radius: 0x1p-20 + rise * (1 + 0x1p-50))
  }
}

extension FixedType {
  /// The type with more fraction bits.
  fileprivate func refined(by bits: Int) -> FixedType {
    var type = self
    type.width = min(width + bits, FixedType.maximumWidth)
    type.rounding = .rnd
    return type
  }
}

extension Function {
  /// An enclosure of the values of a function that is algebraic, everywhere or where x is; nil for others.
  fileprivate func algebraic(at x: BinaryBall) -> BinaryBall? {
    let one = BinaryBall(exactly: 1)
    func constant(_ value: Double) -> BinaryBall { BinaryBall(exactly: value) }
    switch self {
    case .reciprocal: return one / x
    case .sqrt: return x.root
    case .rsqrt: return one / x.root
    case .square: return x * x
    case .abs: return x.magnitude
    case .sign:
      if x.middle.magnitude <= x.radius && x.radius > 0 { return BinaryBall(middle: 0, radius: 1) }
      return constant(x.middle > 0 ? 1 : x.middle < 0 ? -1 : 0)
    case .softsign: return x / (one + x.magnitude)
    case .hardSilu:
      return x * (x * BinaryBall(Fraction(1, 6), .init()) + constant(0.5)).clipped(to: 0...1)
    case .hardSwish(let shift, let maximum):
      guard maximum > 0 else { return nil }
      return x * (x + constant(shift)).clipped(to: 0...maximum) / constant(maximum)
    case .hardSigmoid(let slope, let offset):
      return
        (BinaryBall(Fraction.simplest(slope), .init()) * x + BinaryBall(Fraction.simplest(offset), .init()))
        .clipped(to: 0...1)
    case .hardTanh: return x.clipped(to: -1...1)
    case .softShrink(let threshold):
      guard threshold >= 0 else { return nil }
      return x - x.clipped(to: -threshold...threshold)
    case .hardShrink(let threshold):
      let inside = x.middle.magnitude <= threshold
      if (x.middle.magnitude - threshold).magnitude > x.radius || x.radius == 0 {
        return inside ? constant(0) : x
      }
      return BinaryBall(middle: x.middle / 2, radius: x.middle.magnitude / 2 + x.radius)
    case .squareplus(let b):
      return b >= 0 ? (x + (x * x + constant(b)).root).scaled(-1) : nil
    case .sparsePlus:
      let square = (x + one).clipped(to: 0...2)
      return (square * square).scaled(-2) + (x - one).clipped(to: 0 ... .greatestFiniteMagnitude)
    case .relu(let maximum, let negativeSlope, let threshold):
      guard threshold == 0 else { return nil }
      let above = x.clipped(to: 0...(maximum ?? .greatestFiniteMagnitude))
      return above + constant(negativeSlope) * x.clipped(to: -.greatestFiniteMagnitude...0)
    case .elu, .celu: return x.middle > 0 ? x : nil
    case .selu: return x.middle > 0 ? x * BinaryBall(Function.seluScale, .init()) : nil
    default: return nil
    }
  }
}

extension BinaryBall {
  /// |x|: no further apart than the operands.
  fileprivate var magnitude: BinaryBall { BinaryBall(middle: middle.magnitude, radius: radius) }

  fileprivate func clipped(to range: ClosedRange<Double>) -> BinaryBall {
    BinaryBall(middle: min(max(middle, range.lowerBound), range.upperBound), radius: radius)
  }

  /// √x, of m · 4^n with m within 1/4 … 1; of a ball that reaches below 0 the root of what is not.
  fileprivate var root: BinaryBall {
    guard middle - radius > 0, middle.isFinite else {
      guard middle + radius >= 0 else { return BinaryBall(middle: .nan, radius: .infinity) }
      let half = (middle + radius).squareRoot() / 2
      return BinaryBall(middle: half, radius: half * (1 + 0x1p-50))
    }
    let exponent = Int((middle.exponent + 2) >> 1)
    let scaled = scaled(-2 * exponent)
    guard scaled.middle - scaled.radius >= 0.25 else {
      // A wide ball or one that begins below 1/4: √ rises by at most the radius over the least root.
      let low = (scaled.middle - scaled.radius).squareRoot()
      return BinaryBall(
        middle: scaled.middle.squareRoot(), radius: (scaled.radius / low) * (1 + 0x1p-50) + 0x1p-52
      ).scaled(exponent)
    }
    return scaled.squareRoot().scaled(exponent)
  }
}
