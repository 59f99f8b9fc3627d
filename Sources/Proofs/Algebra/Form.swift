import FixedPoint

/// An integer as a linear function of atoms: constant + Σ coefficient · atom, terms by rising atom, no coefficient 0.
///
/// Arithmetic wraps at 2^128; words have at most 128 bits, so that what a form says about a word stays true.
struct Form: Hashable, Sendable {
  struct Term: Hashable, Sendable {
    var atom: Atom
    var coefficient: Int128
  }

  var constant: Int128
  private(set) var terms: [Term]

  init(_ constant: Int128 = 0) {
    self.constant = constant
    terms = []
  }

  init(_ atom: Atom, times coefficient: Int128 = 1) {
    constant = 0
    terms = [Term(atom: atom, coefficient: coefficient)]
  }

  /// - Requires: terms by rising atom, no coefficient 0.
  init(constant: Int128, terms: [Term]) {
    self.constant = constant
    self.terms = terms
  }

  var isConstant: Bool { terms.isEmpty }

  func scaled(by factor: Int128) -> Form {
    if factor == 0 { return Form() }
    if factor == 1 { return self }
    return Form(
      constant: constant &* factor,
      terms: terms.compactMap {
        let coefficient = $0.coefficient &* factor
        return coefficient == 0 ? nil : Term(atom: $0.atom, coefficient: coefficient)
      })
  }

  /// self + factor · other.
  func adding(_ other: Form, times factor: Int128 = 1) -> Form {
    if factor == 0 { return self }
    if other.terms.isEmpty { return Form(constant: constant &+ other.constant &* factor, terms: terms) }
    var result = Form(constant &+ other.constant &* factor)
    result.terms.reserveCapacity(terms.count + other.terms.count)
    var (i, j) = (0, 0)
    while i < terms.count || j < other.terms.count {
      if j == other.terms.count || i < terms.count && terms[i].atom < other.terms[j].atom {
        result.terms.append(terms[i])
        i += 1
      } else if i == terms.count || other.terms[j].atom < terms[i].atom {
        let coefficient = other.terms[j].coefficient &* factor
        if coefficient != 0 { result.terms.append(Term(atom: other.terms[j].atom, coefficient: coefficient)) }
        j += 1
      } else {
        let coefficient = terms[i].coefficient &+ other.terms[j].coefficient &* factor
        if coefficient != 0 { result.terms.append(Term(atom: terms[i].atom, coefficient: coefficient)) }
        i += 1
        j += 1
      }
    }
    return result
  }

  /// Whether all coefficients and the constant are equal modulo 2^width: then the integers are, too.
  func isEqual(_ other: Form, modulo width: Int) -> Bool {
    if self == other { return true }
    let difference = adding(other, times: -1)
    let mask = Int128(truncatingIfNeeded: UInt128.ones(width))
    return difference.constant & mask == 0 && difference.terms.allSatisfy { $0.coefficient & mask == 0 }
  }
}

/// Something that forms are linear in, by its number.
struct Atom: Hashable, Comparable, Sendable {
  var index: Int32

  static func < (a: Atom, b: Atom) -> Bool { a.index < b.index }
}

/// An integer with what is known of its bounds; nil where nothing is.
struct BoundedForm: Hashable, Sendable {
  var form: Form
  var bounds: Interval?

  init(_ form: Form, _ bounds: Interval?) {
    self.form = form
    self.bounds = bounds
  }

  init(constant: Int128) {
    form = Form(constant)
    bounds = constant.magnitude < 1 << 120 ? Interval(constant) : nil
  }
}
