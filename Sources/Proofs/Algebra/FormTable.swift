import FixedPoint

/// The atoms of forms, and arithmetic on forms that makes new ones.
///
/// Division by a power of two that leaves a rest is an atom of its own, in a normal form: ⌊A / 2^p⌋ with the multiples of
/// 2^p taken out of A, floors of floors as one, ⌊(y + 2^(p−1)) / 2^p⌋ = ⌊y / 2^(p−1)⌋ − ⌊y / 2^p⌋. So a word cut into bits
/// and put together again gives the form that it had, and both ways to round to nearest give the same form.
struct FormTable: Sendable {
  enum Kind: Hashable, Sendable {
    /// The value of an element of a tensor of the graph.
    case element(Int)
    /// ⌊form / 2^shift⌋.
    case floor(Form, shift: Int)
    case product(Atom, Atom)
    /// The unsigned value of a word of the netlist of which nothing else is known.
    case word(Net)
  }

  private(set) var kinds: [Kind] = []
  private(set) var bounds: [Interval?] = []
  private var known: [Kind: Atom] = [:]

  func kind(_ atom: Atom) -> Kind { kinds[Int(atom.index)] }
  func bounds(_ atom: Atom) -> Interval? { bounds[Int(atom.index)] }

  /// The atom of a kind; bounds are kept from the first time.
  mutating func atom(_ kind: Kind, _ range: Interval?) -> Atom {
    if let atom = known[kind] { return atom }
    let atom = Atom(index: Int32(kinds.count))
    kinds.append(kind)
    bounds.append(range)
    known[kind] = atom
    return atom
  }

  mutating func value(_ kind: Kind, _ range: Interval?) -> BoundedForm {
    BoundedForm(Form(atom(kind, range)), range)
  }

  /// Bounds of a form from those of its atoms.
  func bounds(of form: Form) -> Interval? {
    guard form.constant.magnitude < 1 << 120 else { return nil }
    do throws(WidthOverflow) {
      var range = Interval(form.constant)
      for term in form.terms {
        guard let atom = bounds(term.atom) else { return nil }
        range = try range.adding(atom.scaled(by: term.coefficient))
      }
      return range
    } catch {
      return nil
    }
  }

  /// Both bounds, where there are two.
  static func narrower(_ a: Interval?, _ b: Interval?) -> Interval? {
    guard let a, let b else { return a ?? b }
    return a.intersection(b) ?? a
  }

  // MARK: - Linear operations

  func sum(_ a: BoundedForm, _ b: BoundedForm, times factor: Int128 = 1) -> BoundedForm {
    let form = a.form.adding(b.form, times: factor)
    var range: Interval?
    if let x = a.bounds, let y = b.bounds { range = try? x.adding(y.scaled(by: factor)) }
    return BoundedForm(form, range)
  }

  func scaled(_ a: BoundedForm, by factor: Int128) -> BoundedForm {
    BoundedForm(a.form.scaled(by: factor), a.bounds.flatMap { try? $0.scaled(by: factor) })
  }

  /// The product, or nil where it has too many terms.
  mutating func product(_ a: BoundedForm, _ b: BoundedForm) -> BoundedForm? {
    var range: Interval?
    if let x = a.bounds, let y = b.bounds { range = try? x.multiplied(by: y) }
    if a.form.isConstant { return BoundedForm(b.form.scaled(by: a.form.constant), range) }
    if b.form.isConstant { return BoundedForm(a.form.scaled(by: b.form.constant), range) }
    guard a.form.terms.count * b.form.terms.count <= 16 else { return nil }
    var result = a.form.scaled(by: b.form.constant).adding(
      Form(b.form.constant &* a.form.constant), times: -1
    )
    .adding(b.form, times: a.form.constant)
    for x in a.form.terms {
      for y in b.form.terms {
        let pair = (min(x.atom, y.atom), max(x.atom, y.atom))
        let atom = atom(.product(pair.0, pair.1), productBounds(pair.0, pair.1))
        result = result.adding(Form(atom), times: x.coefficient &* y.coefficient)
      }
    }
    return BoundedForm(result, FormTable.narrower(range, bounds(of: result)))
  }

  private func productBounds(_ a: Atom, _ b: Atom) -> Interval? {
    guard let x = bounds(a), let y = bounds(b), let range = try? x.multiplied(by: y) else { return nil }
    // A square is not negative.
    return a == b ? Interval(max(0, range.lower), max(0, range.upper)) : range
  }

  // MARK: - Words

  /// ⌊a / 2^shift⌋.
  mutating func floor(_ a: BoundedForm, _ shift: Int) -> BoundedForm {
    if shift == 0 { return a }
    var range: Interval?
    if let bounds = a.bounds {
      let count = Int128(min(shift, 127))
      range = Interval(bounds.lower >> count, bounds.upper >> count)
      if let range, range.isConstant { return BoundedForm(constant: range.lower) }
    }
    // Beyond what integers hold, a is not an integer any more, only known modulo 2^128.
    guard shift <= 120 else { return value(.floor(a.form, shift: shift), range) }
    let power = Int128(1) << Int128(shift)
    var outside = Form()
    var inside = Form()
    (outside.constant, inside.constant) = FormTable.divided(a.form.constant, power)
    var (quotients, rests): ([Form.Term], [Form.Term]) = ([], [])
    for term in a.form.terms {
      let (quotient, rest) = FormTable.divided(term.coefficient, power)
      if quotient != 0 { quotients.append(Form.Term(atom: term.atom, coefficient: quotient)) }
      if rest != 0 { rests.append(Form.Term(atom: term.atom, coefficient: rest)) }
    }
    outside = Form(constant: outside.constant, terms: quotients)
    inside = Form(constant: inside.constant, terms: rests)
    let isWhole = quotients.isEmpty && outside.constant == 0
    let rest = BoundedForm(
      inside, isWhole ? FormTable.narrower(a.bounds, bounds(of: inside)) : bounds(of: inside))
    let result = outside.adding(remainderFloor(rest, shift).form)
    return BoundedForm(result, range ?? bounds(of: result))
  }

  /// quotient · power + rest with rest in (−power / 2, power / 2].
  private static func divided(_ value: Int128, _ power: Int128) -> (quotient: Int128, rest: Int128) {
    var rest = value & (power - 1)
    if rest > power / 2 { rest -= power }
    return ((value &- rest) / power, rest)
  }

  /// The floor of a form whose coefficients are reduced modulo 2^shift.
  private mutating func remainderFloor(_ a: BoundedForm, _ shift: Int) -> BoundedForm {
    if a.form.isConstant { return BoundedForm(constant: a.form.constant >> Int128(shift)) }
    if let range = a.bounds {
      // Where only the sign is left, the smallest shift that leaves only the sign.
      let least = max(Interval(range.lower, max(range.upper, 0)).width - (range.isSigned ? 1 : 0), 0)
      if (range.lower >> Int128(shift)) == (range.upper >> Int128(shift)) {
        return BoundedForm(constant: range.lower >> Int128(shift))
      }
      if least < shift { return floor(a, least) }
    }
    if a.form.constant == Int128(1) << Int128(shift - 1) {
      let rest = BoundedForm(Form(constant: 0, terms: a.form.terms), nil)
      let bounded = BoundedForm(rest.form, bounds(of: rest.form))
      let (half, whole) = (floor(bounded, shift - 1), floor(bounded, shift))
      return sum(half, whole, times: -1)
    }
    if let nested = flattened(a.form, shift) { return floor(nested.form, nested.shift) }
    let range = a.bounds.map { Interval($0.lower >> Int128(shift), $0.upper >> Int128(shift)) }
    return value(.floor(a.form, shift: shift), range)
  }

  /// A floor with a single floor in it, taken once, is one floor: ⌊(⌊b / 2^q⌋ + t) / 2^p⌋ = ⌊(b + 2^q·t) / 2^(p+q)⌋.
  private func flattened(_ form: Form, _ shift: Int) -> (form: BoundedForm, shift: Int)? {
    var inner: (index: Int, form: Form, shift: Int)?
    for (index, term) in form.terms.enumerated() {
      guard case .floor(let operand, let innerShift) = kind(term.atom) else { continue }
      if inner != nil || term.coefficient != 1 { return nil }
      inner = (index, operand, innerShift)
    }
    guard let inner, inner.shift + shift <= 120 else { return nil }
    var rest = form.terms
    rest.remove(at: inner.index)
    let whole = inner.form.adding(
      Form(constant: form.constant, terms: rest), times: Int128(1) << Int128(inner.shift))
    return (BoundedForm(whole, bounds(of: whole)), inner.shift + shift)
  }

  /// The unsigned integer of the low `width` bits.
  mutating func unsigned(_ a: BoundedForm, _ width: Int) -> BoundedForm {
    if let range = a.bounds, range.lower >= 0, width >= 122 || range.upper >> Int128(width) == 0 { return a }
    guard width <= 120 else { return BoundedForm(a.form, nil) }
    let power = Int128(1) << Int128(width)
    let result = sum(a, floor(a, width), times: -power)
    let range = Interval(0, power - 1)
    return BoundedForm(result.form, FormTable.narrower(range, bounds(of: result.form)))
  }

  /// The signed integer of the low `width` bits.
  mutating func signed(_ a: BoundedForm, _ width: Int) -> BoundedForm {
    guard width <= 120 else { return BoundedForm(a.form, nil) }
    let half = Int128(1) << Int128(width - 1)
    let range = Interval(-half, half - 1)
    if let bounds = a.bounds, range.contains(bounds) { return a }
    let shifted = sum(a, BoundedForm(constant: half))
    let result = sum(a, floor(shifted, width), times: -2 * half)
    return BoundedForm(result.form, FormTable.narrower(range, bounds(of: result.form)))
  }

  // MARK: - Atoms in forms

  /// Elements and words that a form depends on, also inside floors and products.
  func bases(of form: Form, into result: inout Set<Atom>) {
    for term in form.terms {
      switch kind(term.atom) {
      case .element, .word: result.insert(term.atom)
      case .floor(let inner, _): bases(of: inner, into: &result)
      case .product(let a, let b):
        bases(of: Form(a), into: &result)
        bases(of: Form(b), into: &result)
      }
    }
  }
}
