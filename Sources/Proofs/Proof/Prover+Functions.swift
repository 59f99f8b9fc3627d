import FixedPoint
import Graph

// What an element is: a form of other elements, or a function of them.
extension Prover {
  /// The element as a linear form of what its operands are; nil where it is none, or an operand has no form.
  mutating func linearValue(_ element: Element, _ node: Int) -> BoundedForm? {
    let index = element - elements.firsts[node]
    switch elements.rules[node] {
    case .input, .sources, .lookup, .interpolate, .gather, .other: return nil
    case .contract(let contraction, let left, let right):
      var total = BoundedForm(constant: 0)
      for term in contraction.products(of: index) {
        guard let product = product([left + term.left, right + term.right]) else { return nil }
        total = forms.table.sum(total, forms.table.scaled(product, by: term.step))
      }
      return total
    case .linear(let rows, let inputs):
      let outputs = rows[0].row.outputs
      let (first, row) = rows[index / outputs]
      let n = index % outputs
      var terms: [(element: Element, factor: Int128)] = []
      for k in 0..<inputs where row.coefficients[k * outputs + n] != 0 {
        terms.append((first + k, Int128(row.coefficients[k * outputs + n])))
      }
      return sum(terms, constant: row.constants[n])
    case .accumulated(let rows, let first): return accumulated(rows[index], first)
    case .combine(let kind, let operands, let steps):
      let terms = zip(operands, steps).map { (element: $0 + index, factor: $1[index]) }
      switch kind {
      case .add: return sum(terms, constant: 0)
      case .subtract:
        return sum(
          terms.enumerated().map { ($1.element, $0 == 0 ? $1.factor : -$1.factor) }, constant: 0)
      case .multiply: return product(operands.map { $0 + index })
      case .maximum, .minimum, .less, .lessOrEqual, .equal, .notEqual, .select: return nil
      }
    case .rectify(let rectifiers, let first):
      // Above the threshold everywhere, it is a multiple.
      let (rectifier, range) = (rectifiers[index], elements.ranges[first + index])
      guard range.lower >= rectifier.threshold, let operand = values[first + index],
        rectifier.maximum.map({ range.upper * rectifier.gain <= $0 }) ?? true
      else { return nil }
      return forms.table.scaled(operand, by: rectifier.gain)
    case .quantize(let quantizers, let first):
      guard let operand = values[first + index] else { return nil }
      let range = FormTable.narrower(operand.bounds, elements.ranges[first + index])
      return quantized(quantizers[index], BoundedForm(operand.form, range))
    case .reduce(.sum, let length, let steps, let first):
      return sum(
        (0..<length).map { (first + index * length + $0, steps[index * length + $0]) }, constant: 0)
    case .reduce: return nil
    }
  }

  private func sum(_ terms: [(element: Element, factor: Int128)], constant: Int128) -> BoundedForm? {
    var total = constant
    var parts: [Form.Term] = []
    for (element, factor) in terms {
      guard let value = values[element] else { return nil }
      total = total &+ value.form.constant &* factor
      for term in value.form.terms {
        parts.append(Form.Term(atom: term.atom, coefficient: term.coefficient &* factor))
      }
    }
    parts.sort { $0.atom < $1.atom }
    var merged: [Form.Term] = []
    for part in parts {
      if let last = merged.last, last.atom == part.atom {
        merged[merged.count - 1].coefficient = last.coefficient &+ part.coefficient
      } else {
        merged.append(part)
      }
    }
    let form = Form(constant: total, terms: merged.filter { $0.coefficient != 0 })
    return BoundedForm(form, forms.table.bounds(of: form))
  }

  private mutating func product(_ operands: [Element]) -> BoundedForm? {
    var result: BoundedForm?
    for element in operands {
      guard let value = values[element] else { return nil }
      guard let sofar = result else {
        result = value
        continue
      }
      guard let next = forms.table.product(sofar, value) else { return nil }
      result = next
    }
    return result
  }

  /// hls4ml's accumulation, where every conversion of it is a form.
  private mutating func accumulated(_ row: AccumulatedRow, _ first: Element) -> BoundedForm? {
    var total = BoundedForm(constant: row.start)
    for product in row.products {
      guard let operand = values[first + product.element] else { return nil }
      let exact = forms.table.scaled(operand, by: Int128(product.factor))
      guard let term = quantized(.fixed(row.type, unit: product.unit), exact) else { return nil }
      total = forms.table.sum(total, term)
    }
    // Wrapping every partial sum is wrapping the last one.
    guard row.type.overflow == .wrap else { return nil }
    return quantized(.fixed(row.type, unit: Unit(exponent: row.type.exponent)), total)
  }

  /// A conversion that is a division with a floor: rounding down or to nearest upwards, without saturation.
  private mutating func quantized(_ quantizer: ElementQuantizer, _ operand: BoundedForm) -> BoundedForm? {
    guard case .fixed(let type, let unit) = quantizer, unit.factor == .one, type.width > 0 else { return nil }
    let shift = type.exponent - unit.exponent
    guard shift.magnitude < 100 else { return nil }
    var rounded: BoundedForm
    if shift <= 0 {
      rounded = forms.table.scaled(operand, by: Int128(1) << Int128(-shift))
    } else {
      let half = Int128(1) << Int128(shift - 1)
      switch type.rounding {
      case .trn: rounded = forms.table.floor(operand, shift)
      case .rnd: rounded = forms.table.floor(forms.table.sum(operand, BoundedForm(constant: half)), shift)
      default: return nil
      }
    }
    guard let bounds = rounded.bounds else { return nil }
    if type.reachableRange.contains(bounds) { return rounded }
    guard type.overflow == .wrap else { return nil }
    rounded =
      type.isSigned ? forms.table.signed(rounded, type.width) : forms.table.unsigned(rounded, type.width)
    return rounded
  }

  // MARK: - Functions

  /// The element as a function of integers with a form; nil where it cannot be put so.
  ///
  /// - Parameter expanded: atoms that must not be in it: elements made of them are put as functions of their operands.
  func function(_ element: Element, without expanded: Set<Atom> = [], depth: Int = 0) -> ElementFunction? {
    let node = elements.node(element)
    let index = element - elements.firsts[node]
    func operand(_ element: Element) -> ElementFunction? {
      if let value = values[element], !dependsOn(value.form, expanded) {
        let range = elements.ranges[element]
        return .value(value.form, FormTable.narrower(range, value.bounds) ?? range)
      }
      return depth < 6 ? function(element, without: expanded, depth: depth + 1) : nil
    }
    func operands(_ list: [(element: Element, factor: Int128)]) -> [ElementFunction]? {
      var result: [ElementFunction] = []
      for (element, factor) in list {
        guard let function = operand(element) else { return nil }
        result.append(
          factor == 1
            ? function : .sum([ElementFunction.Term(operand: function, factor: factor)], constant: 0))
      }
      return result
    }
    func total(_ list: [(element: Element, factor: Int128)], _ constant: Int128) -> ElementFunction? {
      var terms: [ElementFunction.Term] = []
      for (element, factor) in list {
        guard let function = operand(element) else { return nil }
        terms.append(ElementFunction.Term(operand: function, factor: factor))
      }
      return .sum(terms, constant: constant)
    }
    switch elements.rules[node] {
    case .input, .other: return nil
    case .accumulated(let rows, let first):
      let row = rows[index]
      let range = row.type.rawRange
      var total = ElementFunction.sum([], constant: row.start)
      for product in row.products {
        guard let factor = operand(first + product.element),
          let reach = try? elements.ranges[first + product.element].scaled(by: Int128(product.factor))
        else { return nil }
        let exact = ElementFunction.sum(
          [ElementFunction.Term(operand: factor, factor: Int128(product.factor))], constant: 0)
        let term = ElementFunction.quantize(.fixed(row.type, unit: product.unit), reach, exact)
        let terms = [total, term].map { ElementFunction.Term(operand: $0, factor: 1) }
        total = .quantize(
          .fixed(row.type, unit: Unit(exponent: row.type.exponent)), range, .sum(terms, constant: 0))
      }
      return total
    case .sources(let sources):
      switch sources[index] {
      case .element(let source): return operand(source)
      case .constant(let value): return .sum([], constant: value)
      }
    case .linear(let rows, let inputs):
      let (outputs, (first, row)) = (rows[0].row.outputs, rows[index / rows[0].row.outputs])
      let n = index % outputs
      let terms = (0..<inputs).map {
        (element: first + $0, factor: Int128(row.coefficients[$0 * outputs + n]))
      }
      return total(terms.filter { $0.factor != 0 }, row.constants[n])
    case .combine(let kind, let starts, let steps):
      let list = zip(starts, steps).map { (element: $0 + index, factor: $1[index]) }
      switch kind {
      case .add: return total(list, 0)
      case .subtract:
        return total(list.enumerated().map { ($1.element, $0 == 0 ? $1.factor : -$1.factor) }, 0)
      case .multiply: return operands(list).map { .product($0) }
      case .maximum, .minimum: return operands(list).map { .extreme(isMaximum: kind == .maximum, $0) }
      case .less, .lessOrEqual, .equal, .notEqual:
        return operands(list).map { .comparison(kind, $0[0], $0[1]) }
      case .select: return operands(list).map { .selection($0[0], $0[1], $0[2]) }
      }
    case .contract(let contraction, let left, let right):
      var terms: [ElementFunction.Term] = []
      for term in contraction.products(of: index) {
        guard let a = operand(left + term.left), let b = operand(right + term.right) else { return nil }
        terms.append(ElementFunction.Term(operand: .product([a, b]), factor: term.step))
      }
      return .sum(terms, constant: 0)
    case .gather(let columns, let first):
      return operand(first + index / columns.count).map { .entry(columns[index % columns.count], $0) }
    case .interpolate(let pieces, let first):
      return operand(first + index).map { .table(node: node, table: pieces[index], $0) }
    case .rectify(let rectifiers, let first):
      return operand(first + index).map { .rectify(rectifiers[index], $0) }
    case .lookup(let tables, let first):
      return operand(first + index).map { .table(node: node, table: tables[index], $0) }
    case .quantize(let quantizers, let first):
      return operand(first + index).map { .quantize(quantizers[index], elements.ranges[first + index], $0) }
    case .reduce(let kind, let length, let steps, let first):
      let list = (0..<length).map {
        (element: first + index * length + $0, factor: steps[index * length + $0])
      }
      switch kind {
      case .sum: return total(list, 0)
      case .maximum, .minimum: return operands(list).map { .extreme(isMaximum: kind == .maximum, $0) }
      case .argmax: return operands(list).map { .argmax($0) }
      }
    }
  }

  private func dependsOn(_ form: Form, _ atoms: Set<Atom>) -> Bool {
    if atoms.isEmpty { return false }
    var bases: Set<Atom> = []
    forms.table.bases(of: form, into: &bases)
    return !bases.isDisjoint(with: atoms)
  }
}
