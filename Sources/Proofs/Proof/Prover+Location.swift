import FixedPoint
import Graph

// Which signals carry an element.
extension Prover {
  /// Looks for the signals of an element that is a linear form, and proves that they carry it.
  mutating func locateLinear(_ element: Element, _ value: BoundedForm) {
    values[element] = value
    guard let bounds = value.bounds, !value.form.isConstant else { return }
    var bases: Set<Atom> = []
    forms.table.bases(of: value.form, into: &bases)
    present(bases)
    if let known = named[value.form] {
      // Another element of the same form has a signal.
      (values[element], status[element]) = (known, .proved)
      return
    }
    var matches = places(of: element, value, bounds)
    status[element] = .proved
    if matches.isEmpty, locateRounded(element, value) { return }
    if matches.isEmpty {
      noteDifference(element, value)
      status[element] = granted[element] == nil ? .open : .assumed
      if let place = granted[element] { matches = [place] }
    }
    if !matches.isEmpty { values[element] = carried(element, value, by: matches) }
    noteGranted(element)
  }

  private mutating func noteGranted(_ element: Element) {
    guard granted[element] != nil, status[element] == .assumed, let value = values[element] else { return }
    forms.table.bases(of: value.form, into: &grantedAtoms)
  }

  /// Notes that signals carry a form of an element, and gives what they carry, by its name.
  private mutating func carried(
    _ element: Element, _ value: BoundedForm, by places: [(net: Net, low: Int)]
  ) -> BoundedForm {
    var carried = value
    // A form of one term is as good as a name.
    if value.form.terms.count > 1,
      let widest = places.max(by: { netlist.width($0.net) < netlist.width($1.net) })
    {
      carried = name(element, value, low: widest.low)
    }
    named[value.form] = carried
    for found in places { place(forms.table.floor(carried, found.low), at: found.net) }
    return carried
  }

  /// The signals that carry an element's and an offset's sum, of known form and bounds.
  private mutating func places(
    of element: Element, plus offset: Int128 = 0, _ value: BoundedForm, _ bounds: Interval
  ) -> [(net: Net, low: Int)] {
    let whole = signals.wholeCandidates(element, plus: offset, bounds)
      .filter { carries($0.net, low: $0.low, value) }
    if !whole.isEmpty { return whole }
    return signals.partialCandidates(element, plus: offset, bounds)
      .filter { carries($0.net, low: $0.low, value) }
  }

  /// Looks for signals of an element that carry with it what rounds it behind: then a floor is all that is left to do.
  private mutating func locateRounded(_ element: Element, _ value: BoundedForm) -> Bool {
    for offset in elements.roundingOffsets(element) {
      let sum = forms.table.sum(value, BoundedForm(constant: offset))
      guard let bounds = sum.bounds else { continue }
      let matches = places(of: element, plus: offset, sum, bounds)
      if matches.isEmpty { continue }
      let carried = carried(element, sum, by: matches)
      values[element] = forms.table.sum(carried, BoundedForm(constant: -offset))
      return true
    }
    return false
  }

  /// Whether a signal has bits `low` ... of a form, by its operands or by what it is known to carry.
  private mutating func carries(_ net: Net, low: Int, _ value: BoundedForm) -> Bool {
    let target = forms.table.floor(value, low).form
    let width = netlist.width(net)
    if forms.value(net).form.isEqual(target, modulo: width) { return true }
    return forms.fixedValue(net) != nil && forms.structure(net).form.isEqual(target, modulo: width)
  }

  /// Gives an element's form a name: an atom for what is left of it without bits that are always 0.
  private mutating func name(_ element: Element, _ value: BoundedForm, low: Int) -> BoundedForm {
    let upper = forms.table.floor(value, low)
    let power = Int128(1) << Int128(low)
    let isWhole = upper.form.scaled(by: power) == value.form
    let key = isWhole ? upper : value
    let atom = named[key.form] ?? forms.table.value(.element(element), key.bounds)
    named[key.form] = atom
    return isWhole ? forms.table.scaled(atom, by: power) : atom
  }

  /// A signal with the element's values in the samples but another form: whether it has other values elsewhere.
  private mutating func noteDifference(_ element: Element, _ value: BoundedForm) {
    guard signals.isVaried(element), let bounds = value.bounds else { return }
    for candidate in signals.wholeCandidates(element, bounds) where refutations[element] == nil {
      guard let found = counterexample(candidate.net, low: candidate.low, value) else { continue }
      refutations[element] = Refutation(
        net: candidate.net, low: candidate.low, message: found.message, isCertain: found.isCertain)
    }
  }

  /// Looks for the signals of an element that is a function of its operands, and proves that they carry it.
  mutating func locateFunction(_ element: Element, _ node: Int) {
    let range = elements.ranges[element]
    let whole = signals.wholeCandidates(element, range)
    let isExact = !whole.isEmpty
    let candidates = isExact ? whole : signals.partialCandidates(element, range)
    var proved: [(net: Net, low: Int)] = []
    var isUnknown = false
    for candidate in candidates.prefix(isExact ? 8 : 4) {
      switch proveEqual(candidate.net, low: candidate.low, element) {
      case .proved: proved.append(candidate)
      case .refuted(let message, let isCertain):
        if signals.isVaried(element) && refutations[element] == nil {
          refutations[element] = Refutation(
            net: candidate.net, low: candidate.low, message: message, isCertain: isCertain)
        }
      case .unknown(let reason):
        isUnknown = true
        reasons[element] = reason
      }
      if isExact && !proved.isEmpty { break }
    }
    if !proved.isEmpty {
      status[element] = .proved
      refutations[element] = nil
      reasons[element] = nil
    } else if let place = granted[element] {
      status[element] = .assumed
      proved = [place]
    } else if isUnknown || candidates.isEmpty && function(element) == nil, let first = candidates.first,
      isExact
    {
      // Taken for granted, so that its readers can be proved; it is not counted as proved itself.
      status[element] = .assumed
      proved = [first]
    } else {
      return
    }
    carry(element, range, proved)
    noteGranted(element)
  }

  private mutating func carry(_ element: Element, _ range: Interval, _ places: [(net: Net, low: Int)]) {
    // A signal that carries something already has a name for it, which is the element where both fit the word alike.
    if let place = places.first, place.low == 0, let value = carriedValue(place.net),
      let bounds = FormTable.narrower(value.bounds, forms.table.bounds(of: value.form)),
      fit(bounds, range, width: netlist.width(place.net))
    {
      values[element] = BoundedForm(value.form, FormTable.narrower(range, bounds))
      return
    }
    let value = forms.table.value(.element(element), range)
    values[element] = value
    for match in places { place(forms.table.floor(value, match.low), at: match.net) }
  }

  /// Notes what a signal carries, for the readers of the elements in it.
  private mutating func place(_ value: BoundedForm, at net: Net) {
    if found[net] != nil { return }
    found[net] = value
    var bases: Set<Atom> = []
    forms.table.bases(of: value.form, into: &bases)
    for atom in bases { locations[atom, default: [:]][net] = value }
  }

  /// Makes signals carry the elements that are about to be read: a signal may carry several, of which one is a part of
  /// another.
  mutating func present(_ atoms: Set<Atom>) {
    var changed: [Net: BoundedForm] = [:]
    for atom in atoms.sorted() {
      for (net, value) in locations[atom] ?? [:] where forms.fixedValue(net) != value { changed[net] = value }
    }
    forms.fix(changed)
  }

  /// Whether two integers in these ranges are equal if their low bits are.
  private func fit(_ a: Interval, _ b: Interval, width: Int) -> Bool {
    let union = a.union(b)
    return union.width <= width
  }

  /// What a signal is known to carry, also by the current node.
  private func carriedValue(_ net: Net) -> BoundedForm? { found[net] ?? forms.fixedValue(net) }

  /// Whether an output port has its element.
  mutating func prove(_ output: OutputWord) -> Bool {
    guard let net = output.net else { return elements.ranges[output.element].width == 0 }
    if let value = values[output.element] {
      var bases: Set<Atom> = []
      forms.table.bases(of: value.form, into: &bases)
      present(bases)
      if forms.value(net).form.isEqual(value.form, modulo: output.width) { return true }
      // Taken for granted at a signal that the port does not read.
      if granted[output.element] != nil { return false }
    }
    switch proveEqual(net, low: 0, output.element) {
    case .proved: return true
    case .refuted(let message, let isCertain):
      if signals.firstDifference(output.element, low: 0, net, width: output.width) == nil {
        refutations[output.element] =
          refutations[output.element]
          ?? Refutation(net: net, low: 0, message: message, isCertain: isCertain)
      }
      return false
    case .unknown(let reason):
      if reasons[output.element] == nil { reasons[output.element] = reason }
      return false
    }
  }
}
