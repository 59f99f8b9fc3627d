/// What one step of a raw integer is worth: 2^exponent · factor, the factor a fraction of odd numbers.
public struct Unit: Hashable, Sendable {
  public let exponent: Int
  public let factor: Rational

  /// - Requires: factor > 0.
  public init(exponent: Int, factor: Rational = .one) {
    precondition(factor.numerator > 0)
    let up = factor.numerator.trailingZeroBitCount
    let down = factor.denominator.trailingZeroBitCount
    self.exponent = exponent + up - down
    self.factor = up + down == 0 ? factor : Rational(factor.numerator >> up, factor.denominator >> down)
  }

  public func multiplied(by other: Unit) throws(WidthOverflow) -> Unit {
    let exponent = exponent + other.exponent
    if factor == .one { return Unit(exponent: exponent, factor: other.factor) }
    if other.factor == .one { return Unit(exponent: exponent, factor: factor) }
    return Unit(exponent: exponent, factor: try factor.multiplied(by: other.factor))
  }

  /// The largest unit of which both are integer multiples.
  public func common(with other: Unit) throws(WidthOverflow) -> Unit {
    let exponent = min(exponent, other.exponent)
    if factor == other.factor { return Unit(exponent: exponent, factor: factor) }
    return Unit(exponent: exponent, factor: try factor.commonUnit(with: other.factor))
  }

  /// How many steps of `unit` make one of this.
  ///
  /// - Requires: this is an integer multiple of `unit`.
  public func steps(of unit: Unit) throws(WidthOverflow) -> Int128 {
    let shift = exponent - unit.exponent
    let ratio = factor == unit.factor ? .one : try factor.divided(by: unit.factor)
    precondition(shift >= 0 && ratio.denominator == 1, "\(self) is not a multiple of \(unit)")
    return try Interval(ratio.numerator).shifted(left: shift).lower
  }
}
