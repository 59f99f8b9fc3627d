import FixedPoint
import Graph

/// What became of the comparison of a signal with a function.
enum ConeOutcome: Hashable, Sendable {
  case proved
  /// With values for which they differ, and whether those are known to occur.
  case refuted(String, isCertain: Bool)
  /// Neither, and why.
  case unknown(String)
}

/// The words between a signal and others of known form.
struct Cone {
  /// Operands first; the border included.
  var nets: [Net] = []
  var border: [Net: Form] = [:]
  /// What the signal depends on beside the allowed atoms.
  var foreign: Set<Atom> = []
  /// Whether it depends on something that has no form at all.
  var isOpen = false
}

// Signals as functions of elements.
extension Prover {
  /// Boolean functions of at most so many bits are compared.
  private static let maximumBits = 256
  /// The nodes of diagrams that turned out too large, altogether; the diagrams after them are smaller ones.
  private static let maximumWastedNodes = 1 << 20
  private static let maximumLaterNodes = 1 << 14
  /// The nodes of diagrams where operands are put as functions of their own operands after a difference.
  private static let maximumDeeperNodes = 1 << 14
  private static let maximumCone = 4000

  /// Whether a signal has bits `low` ... of an element, as many as it has bits, for all values of the element's operands.
  ///
  /// Operands are taken to have any value in their ranges at first. Where the two differ then, the values may be out of
  /// reach, which circuits use: so the operands are put as functions of their own operands, back to the inputs if need be.
  mutating func proveEqual(_ net: Net, low: Int, _ element: Element) -> ConeOutcome {
    var expanded: Set<Atom> = []
    var doubt: String?
    func outcome(_ reason: String) -> ConeOutcome {
      doubt.map { .refuted($0, isCertain: false) } ?? .unknown(reason)
    }
    for _ in 0..<6 {
      guard let function = function(element, without: expanded) else {
        return outcome("it is of a kind that is not proved, or what it reads has no signal")
      }
      var allowed: Set<Atom> = []
      function.leaves { form, _ in forms.table.bases(of: form, into: &allowed) }
      present(allowed)
      let cone = cone(of: net, allowed)
      if cone.isOpen { return outcome("its signal depends on too many others") }
      let inner = allowed.filter { !isInput($0) && !grantedAtoms.contains($0) }
      if cone.foreign.isEmpty {
        var limit = maximumNodes
        if wastedNodes >= Prover.maximumWastedNodes { limit = min(limit, Prover.maximumLaterNodes) }
        if doubt != nil { limit = min(limit, Prover.maximumDeeperNodes) }
        let decision = decide(net, low: low, element, function, cone, allowed, limit: limit)
        guard case .refuted(let message, _) = decision, !inner.isEmpty else {
          if case .unknown(let reason) = decision { return outcome(reason) }
          return decision
        }
        doubt = doubt ?? message
        if deeper == 0 { break }
        deeper -= 1
      }
      // The signal reads past the operands, or makes use of what they cannot be.
      if inner.isSubset(of: expanded) { break }
      expanded.formUnion(inner)
    }
    return outcome("its signal depends on others than the operands'")
  }

  func isInput(_ atom: Atom) -> Bool {
    guard case .element(let element) = forms.table.kind(atom) else { return false }
    if case .input = elements.rules[elements.node(element)] { return true }
    return false
  }

  /// The words from a signal back to those that are forms of the allowed atoms.
  mutating func cone(of net: Net, _ allowed: Set<Atom>) -> Cone {
    var cone = Cone()
    var seen: Set<Net> = [net]
    var stack = [net]
    while let next = stack.popLast() {
      cone.nets.append(next)
      if cone.nets.count > Prover.maximumCone {
        cone.isOpen = true
        break
      }
      let form = forms.value(next).form
      var bases: Set<Atom> = []
      forms.table.bases(of: form, into: &bases)
      if bases.isSubset(of: allowed) {
        cone.border[next] = form
        continue
      }
      let operands = netlist.operation(next).operands
      if operands.isEmpty {
        cone.foreign.formUnion(bases.subtracting(allowed))
        continue
      }
      for operand in operands where seen.insert(operand).inserted { stack.append(operand) }
    }
    cone.nets.sort()
    return cone
  }

  private mutating func decide(
    _ net: Net, low: Int, _ element: Element, _ function: ElementFunction, _ cone: Cone, _ allowed: Set<Atom>,
    limit: Int
  ) -> ConeOutcome {
    let atoms = allowed.sorted()
    guard atoms.reduce(0, { $0 + (forms.table.bounds($1)?.width ?? 1000) }) <= Prover.maximumBits else {
      return .unknown("it depends on too many bits")
    }
    var key = ConeEncoder(forms.table, elements)
    key.encode(function)
    key.encode(cone, netlist)
    key.encode(net: net, low: low, range: elements.ranges[element])
    if let known = cache[key.key], case .refuted = known {
    } else if let known = cache[key.key] {
      return known
    }
    var outcome = ConeOutcome.unknown("its Boolean function is too large")
    do throws(DecisionDiagrams.LimitExceeded) {
      outcome = try compare(net, low: low, element, function, cone, atoms, limit: limit)
    } catch {
      wastedNodes += limit
      if let found = exhausted(net, low: low, element, function, cone, atoms) { outcome = found }
    }
    cache[key.key] = outcome
    return outcome
  }

  /// Compares the two as Boolean functions.
  private func compare(
    _ net: Net, low: Int, _ element: Element, _ function: ElementFunction, _ cone: Cone, _ atoms: [Atom],
    limit: Int
  ) throws(DecisionDiagrams.LimitExceeded) -> ConeOutcome {
    var words = try ElementWords(atoms, table: forms.table, graph: graph, limit: limit) {
      atom in
      if case .element(let element) = forms.table.kind(atom) { elements.exponents[element] } else { 0 }
    }
    let width = netlist.width(net)
    let full = try words.word(function)
    let expected = DecisionDiagrams.resized(full, max(full.count, low + width))
    var border: [Net: DiagramWord] = [:]
    for (net, form) in cone.border { border[net] = try words.word(form, width: netlist.width(net)) }
    var evaluation = DiagramEvaluation(words.diagrams, border: border)
    try evaluation.evaluate(cone.nets, netlist)
    let domain = words.domain
    let got = evaluation.word(net)
    var diagrams = evaluation.diagrams
    var difference = try diagrams.differs(got, Array(expected[low..<(low + width)]))
    difference = try diagrams.or(difference, evaluation.isUndefined)
    // The range of the graph's type, on which all that follows relies.
    let range = elements.ranges[element]
    let wide = max(full.count, range.width + 2)
    let value = DecisionDiagrams.resized(full, wide)
    for (a, b) in [
      (value, DecisionDiagrams.constant(range.lower, width: wide)),
      (DecisionDiagrams.constant(range.upper, width: wide), value),
    ] { difference = try diagrams.or(difference, try diagrams.isLessSigned(a, b)) }
    difference = try diagrams.and(difference, domain)
    guard let example = diagrams.example(difference) else { return .proved }
    let isSet: (Int) -> Bool = { example[$0] ?? false }
    let operands = atoms.map { describe($0, words.value($0, isSet)) }.joined(separator: ", ")
    let mask = UInt128.ones(width)
    let wanted =
      UInt128(truncatingIfNeeded: diagrams.value(expected, isSigned: true, isSet) >> Int128(low)) & mask
    let found = UInt128(truncatingIfNeeded: diagrams.value(got, isSigned: false, isSet)) & mask
    return .refuted(
      found == wanted
        ? "a table is read outside its entries for \(operands)"
        : "\(found) instead of \(wanted) for \(operands)", isCertain: true)
  }

  /// `fc1[3] = 17`.
  func describe(_ atom: Atom, _ value: Int128) -> String {
    guard case .element(let element) = forms.table.kind(atom) else { return "" }
    // An atom may stand for the element without bits that are always 0, or with what rounds it.
    guard let form = values[element]?.form, form.terms.count == 1, form.terms[0].atom == atom else {
      return "\(name(element)) = \(value)"
    }
    return "\(name(element)) = \(value * form.terms[0].coefficient + form.constant)"
  }

  /// `fc1[3]`.
  func name(_ element: Element) -> String {
    let node = elements.node(element)
    return "\(graph.nodes[node].name)[\(element - elements.firsts[node])]"
  }

  // MARK: - Counterexamples to forms

  /// Values of the operands for which a signal does not have bits `low` ... of a form, and whether they are known to
  /// occur; nil where none was found.
  mutating func counterexample(
    _ net: Net, low: Int, _ value: BoundedForm
  ) -> (message: String, isCertain: Bool)? {
    var allowed: Set<Atom> = []
    forms.table.bases(of: value.form, into: &allowed)
    let cone = cone(of: net, allowed)
    guard cone.foreign.isEmpty, !cone.isOpen else { return nil }
    let atoms = allowed.sorted()
    var random = SplitMix64(seed: 1)
    for attempt in 0..<34 {
      var assignment: [Atom: Int128] = [:]
      for atom in atoms {
        guard let bounds = forms.table.bounds(atom) else { return nil }
        let coefficient = value.form.terms.first { $0.atom == atom }?.coefficient ?? 1
        switch attempt {
        case 0: assignment[atom] = coefficient > 0 ? bounds.upper : bounds.lower
        case 1: assignment[atom] = coefficient > 0 ? bounds.lower : bounds.upper
        default: assignment[atom] = Int128.random(in: bounds.lower...bounds.upper, using: &random)
        }
      }
      let wanted = UInt128(truncatingIfNeeded: forms.table.evaluate(value.form, assignment) >> Int128(low))
      let got = netlist.evaluate(net, cone) { forms.table.evaluate($0, assignment) }
      let mask = UInt128.ones(netlist.width(net))
      if wanted & mask != got {
        let operands =
          atoms.prefix(8).map { describe($0, assignment[$0] ?? 0) } + (atoms.count > 8 ? ["…"] : [])
        let found = got.map { "\($0)" } ?? "undefined"
        let message = "\(found) instead of \(wanted & mask) for \(operands.joined(separator: ", "))"
        return (message, atoms.allSatisfy(isInput))
      }
    }
    return nil
  }
}

extension FormTable {
  /// The integer that a form is for values of its elements.
  func evaluate(_ form: Form, _ values: [Atom: Int128]) -> Int128 {
    var result = form.constant
    for term in form.terms { result = result &+ term.coefficient &* evaluate(term.atom, values) }
    return result
  }

  private func evaluate(_ atom: Atom, _ values: [Atom: Int128]) -> Int128 {
    switch kind(atom) {
    case .element, .word: values[atom] ?? 0
    case .floor(let form, let shift): evaluate(form, values) >> Int128(min(shift, 127))
    case .product(let a, let b): evaluate(a, values) &* evaluate(b, values)
    }
  }
}

extension Netlist {
  /// A word from those at the border of its cone; nil where a table is read outside its entries.
  func evaluate(_ net: Net, _ cone: Cone, _ border: (Form) -> Int128) -> UInt128? {
    var values: [UInt128] = []
    return evaluate(net, cone, &values, border)
  }

  /// The same with room for all words up to the signal, to be used again.
  func evaluate(
    _ net: Net, _ cone: Cone, _ values: inout [UInt128], _ border: (Form) -> Int128
  ) -> UInt128? {
    if values.count <= net.index { values = Array(repeating: 0, count: net.index + 1) }
    for next in cone.nets {
      let mask = UInt128.ones(width(next))
      if let form = cone.border[next] {
        values[next.index] = UInt128(truncatingIfNeeded: border(form)) & mask
      } else {
        if case .lookup(let table, let index) = operation(next),
          tables[table].entries[Int(values[index.index])] == nil
        {
          return nil
        }
        values[next.index] = value(of: operation(next)) { values[$0.index] } & mask
      }
    }
    return values[net.index]
  }
}
