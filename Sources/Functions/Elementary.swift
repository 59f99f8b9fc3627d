/// Enclosures of the exponential function and of what follows from it, at one precision.
struct Elementary<E: Enclosure> {
  let precision: E.Precision
  private let naturalLogarithmOf2: E
  /// √(2/π), where the error function is asked for.
  private let errorFunctionScale: E?
  /// π/2, where a circular function is asked for.
  private let quarterTurn: E?

  init(_ precision: E.Precision, withErrorFunction: Bool, withQuarterTurn: Bool = false) {
    self.precision = precision
    naturalLogarithmOf2 = E.naturalLogarithmOf2(precision)
    errorFunctionScale =
      withErrorFunction ? (E(Fraction(2), precision) / E.pi(precision)).squareRoot() : nil
    quarterTurn = withQuarterTurn ? E.pi(precision).scaled(-1) : nil
  }

  func constant(_ value: Fraction) -> E { E(value, precision) }
  private func integer(_ value: Int) -> E { E(Fraction(.init(value)), precision) }
  private var one: E { integer(1) }
  private var bits: Int { E.bits(precision) }

  /// e^x = 2^k · e^(x − k ln 2) by the power series of what remains, which lies within ±0.36.
  ///
  /// - Requires: x is at most about 4096.
  func exponential(_ x: E) -> E {
    let approximation = x.approximation
    guard approximation.magnitude < 0x1p40 || approximation < 0 else { return integer(0) / integer(0) }
    // e^x < 2^(x · 1.44) below 0.
    if approximation < -Double(bits) { return integer(0).widened(by: one.scaled(-bits)) }
    let exponent = Int((approximation * 1.4426950408889634).rounded())
    let rest = x - naturalLogarithmOf2 * integer(exponent)
    var term = one
    var sum = one
    var n = 1
    while !term.isNegligible {
      term = (term * rest).divided(by: n)
      sum = sum + term
      n += 1
    }
    // The omitted terms sum to less than the last one.
    return sum.widened(by: term).scaled(exponent)
  }

  /// artanh z = z + z³/3 + …, for |z| of at most about 1/3.
  func inverseHyperbolicTangent(_ z: E) -> E {
    let square = z * z
    var power = z
    var sum = z
    var n = 1
    while !power.isNegligible {
      power = power * square
      n += 2
      sum = sum + power.divided(by: n)
    }
    return sum.widened(by: power)
  }

  /// ln(1 + u) = 2 artanh(u / (2 + u)), for u in 0 … 1.
  func logarithm(onePlus u: E) -> E { inverseHyperbolicTangent(u / (integer(2) + u)).scaled(1) }

  /// ln of m · 2^exponent for m near 1.
  func logarithm(_ m: E, exponent: Int) -> E {
    inverseHyperbolicTangent((m - one) / (m + one)).scaled(1) + naturalLogarithmOf2 * integer(exponent)
  }

  /// 1 / (1 + e^−x), for x >= 0.
  func sigmoid(_ x: E) -> E { one / (one + exponential(-x)) }

  /// (1 − e^−2x) / (1 + e^−2x), for x >= 0.
  func hyperbolicTangent(_ x: E) -> E {
    let u = exponential((-x).scaled(1))
    return (one - u) / (one + u)
  }

  /// e^x − 1.
  func exponentialMinusOne(_ x: E) -> E { exponential(x) - one }

  /// erf(x / √2) = √(2/π) e^(−x²/2) (x + x³/3 + x⁵/15 + …), for x >= 0: all terms are positive (Abramowitz and Stegun
  /// 7.1.6).
  func errorFunction(overRoot2 x: E) -> E {
    guard let errorFunctionScale else { preconditionFailure("made without the error function") }
    let square = x * x
    let approximation = square.approximation
    // 1 − erf t < e^(−t²).
    if !(approximation < 2 * Double(bits)) { return one.widened(by: one.scaled(-bits)) }
    var term = x
    var sum = x
    var n = 1
    repeat {
      n += 2
      term = (term * square).divided(by: n)
      sum = sum + term
      // The omitted terms sum to less than the last one once each is below half of the one before.
    } while !(term.isNegligible && Double(n + 2) > 2 * approximation)
    return errorFunctionScale * exponential((-square).scaled(-1)) * sum.widened(by: term)
  }

  /// erf x = erf(x√2 / √2), for x >= 0.
  func errorFunction(_ x: E) -> E { errorFunction(overRoot2: x * integer(2).squareRoot()) }

  /// sin(x + turns · π/2), for x of at most about 2^30: the whole quarter turns nearest to x are taken off, and what
  /// remains, which lies within ±0.8, goes into the power series of sine or cosine.
  func sine(_ x: E, quarterTurns turns: Int) -> E {
    guard let quarterTurn else { preconditionFailure("made without circular functions") }
    guard x.approximation.magnitude < 0x1p30 else { return integer(0) / integer(0) }
    let whole = Int((x.approximation * 0.6366197723675814).rounded())
    let rest = x - quarterTurn * integer(whole)
    let quadrant = (whole + turns) & 3
    let isCosine = quadrant & 1 == 1
    let square = rest * rest
    var term = isCosine ? one : rest
    var sum = term
    var n = isCosine ? 0 : 1
    while !term.isNegligible {
      term = -(term * square).divided(by: (n + 1) * (n + 2))
      sum = sum + term
      n += 2
    }
    // Signs alternate and terms fall, so that those omitted sum to less than the last one.
    let value = sum.widened(by: term)
    return quadrant >= 2 ? -value : value
  }

  /// arctan x, for x >= 0: above 1 by that of 1/x, then twice arctan x = 2 arctan(x / (1 + √(1 + x²))), then its power series.
  func inverseTangent(_ x: E) -> E {
    guard let quarterTurn else { preconditionFailure("made without circular functions") }
    if x.approximation > 1 { return quarterTurn - inverseTangent(one / x) }
    var z = x
    for _ in 0..<2 { z = z / (one + (one + z * z).squareRoot()) }
    let square = z * z
    var power = z
    var sum = z
    var n = 1
    while !power.isNegligible {
      power = -(power * square)
      n += 2
      sum = sum + power.divided(by: n)
    }
    return sum.widened(by: power).scaled(2)
  }
}
