import FixedPoint

extension Graph {
  /// The type of a node's exact result, from the types of its operands.
  ///
  /// - Requires: operands are typed; weights and leaves are exact; functions have a form.
  /// - Throws: `WidthOverflow` where a result needs more than 120 bits.
  public func exactType(_ node: Node) throws(WidthOverflow) -> TensorType {
    let operands = node.operands.map { operand -> TensorType in
      guard let type = self[operand].type else { preconditionFailure("operand without a type") }
      return type
    }
    switch node.primitive {
    case .input: preconditionFailure("an input's type is not computed")
    case .constant(let weights): return weights.exactType
    case .linear(let linear): return try linear.exactType(operands[0])
    case .contract:
      return try Contraction(operands, node.operands.map { self[$0].shape }).type
    case .gather(let gather): return try gather.exactType(operands[0])
    case .combine(.multiply) where node.operands.count == 2 && node.operands[0] == node.operands[1]:
      return try Combination.squareType(operands[0])
    case .combine(let kind): return try kind.exactType(operands)
    case .map(let map): return try map.exactType(operands[0])
    case .quantize(let quantizer): return try quantizer.exactType(operands[0])
    case .reduce(let kind):
      return try kind.exactType(operands[0], length: self[node.operands[0]].shape.last ?? 1)
    case .rearrange(let rearrangement):
      return try rearrangement.exactType(operands, node.operands.map { self[$0].shape })
    case .forest(let forest): return try forest.exactType(operands[0])
    case .scan(let scan): return scan.exactType(steps: node.shape[0])
    }
  }
}

extension TensorType {
  public func unit(_ i: Int) -> Unit { Unit(exponent: formats[i].exponent, factor: scales[i]) }

  /// A type of elements given one by one.
  init(elements: some Sequence<(format: Format, scale: Rational)>) {
    var formats = PerElement<Format>.Builder(capacity: elements.underestimatedCount)
    var scales = PerElement<Rational>.Builder(capacity: elements.underestimatedCount)
    for (format, scale) in elements {
      formats.append(format)
      scales.append(scale)
    }
    self.init(formats.result, scales: scales.result)
  }

  /// The type whose elements are what a function makes of these; it is called once for equal ones.
  func map(
    _ transform: (Format, Rational) throws(WidthOverflow) -> (format: Format, scale: Rational)
  ) throws(WidthOverflow) -> TensorType {
    struct Key: Hashable {
      var format: Int
      var scale: Int
    }
    var known: [Key: Int] = [:]
    var results: [(format: Format, scale: Rational)] = []
    var places: [Int] = []
    places.reserveCapacity(count)
    for i in 0..<count {
      let key = Key(format: formats.place(i), scale: scales.place(i))
      if let place = known[key] {
        places.append(place)
        continue
      }
      known[key] = results.count
      places.append(results.count)
      results.append(try transform(formats[i], scales[i]))
    }
    return TensorType(elements: places.lazy.map { results[$0] })
  }
}

extension Weights {
  /// The type in which each element is its odd part: constants cost no more bits than they have.
  var exactType: TensorType {
    TensorType(
      elements: (0..<count).map { i in
        guard let term = term(i) else { return (Format(.zero, exponent: 0), .one) }
        return (Format(Interval(term.raw), exponent: term.unit.exponent), term.unit.factor)
      })
  }
}

extension Linear {
  func exactType(_ operand: TensorType) throws(WidthOverflow) -> TensorType {
    if let accumulator {
      return TensorType(
        PerElement(repeating: Format(accumulator), count: operand.count / inputs * outputs))
    }
    var formats = PerElement<Format>.Builder(capacity: operand.count / inputs * outputs)
    var scales = PerElement<Rational>.Builder(capacity: operand.count / inputs * outputs)
    try forEachRow(operand) { _, row in
      row.formats.forEach { formats.append($0) }
      row.scales.forEach { scales.append($0) }
    }
    return TensorType(formats.result, scales: scales.result)
  }

  /// Calls `body` with the index of the first operand element and the integer form of each position and group, in
  /// order. Equal rows are computed once.
  public func forEachRow(
    _ operand: TensorType, _ body: (_ firstElement: Int, _ row: LinearRow) -> Void
  ) throws(WidthOverflow) {
    // Equal places stand for equal values.
    struct Key: Hashable {
      var group: Int
      var formats: ArraySlice<UInt32>
      var scales: ArraySlice<UInt32>
    }
    var known: [Key: LinearRow] = [:]
    for start in stride(from: 0, to: operand.count, by: inputs) {
      let elements = start..<(start + inputs)
      let key = Key(
        group: start / inputs % groups, formats: operand.formats.places(elements),
        scales: operand.scales.places(elements))
      let row: LinearRow
      if let found = known[key] {
        row = found
      } else {
        row = try self.row(
          group: key.group, formats: elements.map { operand.formats[$0] },
          scales: elements.map { operand.scales[$0] })
        known[key] = row
      }
      body(start, row)
    }
  }
}

extension Combination {
  func exactType(_ operands: [TensorType]) throws(WidthOverflow) -> TensorType {
    if isComparison {
      return TensorType(PerElement(repeating: Format(.bit, exponent: 0), count: operands[0].count))
    }
    if self == .select { return try Combination.unionType(operands[1], operands[2]) }
    var elements: [(format: Format, scale: Rational)] = []
    for i in 0..<operands[0].count {
      var unit = operands[0].unit(i)
      var range = operands[0].formats[i].range
      for operand in operands.dropFirst() {
        if self == .multiply {
          range = try range.multiplied(by: operand.formats[i].range)
          unit = try unit.multiplied(by: operand.unit(i))
          continue
        }
        let common = try unit.common(with: operand.unit(i))
        let left = try range.scaled(by: unit.steps(of: common))
        let right = try operand.formats[i].range.scaled(by: operand.unit(i).steps(of: common))
        unit = common
        switch self {
        case .add: range = try left.adding(right)
        case .subtract: range = try left.subtracting(right)
        case .maximum: range = Interval(max(left.lower, right.lower), max(left.upper, right.upper))
        case .minimum: range = Interval(min(left.lower, right.lower), min(left.upper, right.upper))
        case .multiply, .less, .lessOrEqual, .equal, .notEqual, .select: break
        }
      }
      elements.append((Format(range, exponent: unit.exponent), unit.factor))
    }
    return TensorType(elements: elements)
  }
}

extension Combination {
  /// The type of a tensor times itself, which is not negative.
  fileprivate static func squareType(_ operand: TensorType) throws(WidthOverflow) -> TensorType {
    var elements: [(format: Format, scale: Rational)] = []
    for i in 0..<operand.count {
      let range = operand.formats[i].range
      let product = try range.multiplied(by: range)
      let nearest = range.contains(0) ? 0 : min(range.lower.magnitude, range.upper.magnitude)
      let least = Int128(nearest * nearest)
      let unit = try operand.unit(i).multiplied(by: operand.unit(i))
      elements.append((Format(Interval(least, product.upper), exponent: unit.exponent), unit.factor))
    }
    return TensorType(elements: elements)
  }

  /// The type of what is an element of either operand.
  private static func unionType(_ a: TensorType, _ b: TensorType) throws(WidthOverflow) -> TensorType {
    var elements: [(format: Format, scale: Rational)] = []
    for i in 0..<a.count {
      let unit = try a.unit(i).common(with: b.unit(i))
      let left = try a.formats[i].range.scaled(by: a.unit(i).steps(of: unit))
      let right = try b.formats[i].range.scaled(by: b.unit(i).steps(of: unit))
      elements.append((Format(left.union(right), exponent: unit.exponent), unit.factor))
    }
    return TensorType(elements: elements)
  }

  /// The unit in which operand `operand` meets the others at element i, for a result of the given type: comparisons have
  /// one of their own, and the condition of a selection is compared with 0 only.
  public func unit(
    of operand: Int, at i: Int, _ operands: [TensorType], result: TensorType
  ) throws(WidthOverflow) -> Unit {
    switch self {
    case .multiply: operands[operand].unit(i)
    case .select where operand == 0: operands[0].unit(i)
    case .less, .lessOrEqual, .equal, .notEqual: try operands[0].unit(i).common(with: operands[1].unit(i))
    case .add, .subtract, .maximum, .minimum, .select: result.unit(i)
    }
  }
}

extension Reduction {
  func exactType(_ operand: TensorType, length: Int) throws(WidthOverflow) -> TensorType {
    var elements: [(format: Format, scale: Rational)] = []
    for start in stride(from: 0, to: operand.count, by: length) {
      if self == .argmax {
        elements.append((Format(Interval(0, Int128(length - 1)), exponent: 0), .one))
        continue
      }
      var unit = operand.unit(start)
      for i in start..<(start + length) { unit = try unit.common(with: operand.unit(i)) }
      var range: Interval?
      for i in start..<(start + length) {
        let next = try operand.formats[i].range.scaled(by: operand.unit(i).steps(of: unit))
        guard let sofar = range else {
          range = next
          continue
        }
        switch self {
        case .sum: range = try sofar.adding(next)
        case .maximum: range = Interval(max(sofar.lower, next.lower), max(sofar.upper, next.upper))
        case .minimum: range = Interval(min(sofar.lower, next.lower), min(sofar.upper, next.upper))
        case .argmax: break
        }
      }
      elements.append((Format(range ?? .zero, exponent: unit.exponent), unit.factor))
    }
    return TensorType(elements: elements)
  }
}

extension Rearrangement {
  func exactType(_ operands: [TensorType], _ shapes: [[Int]]) throws(WidthOverflow) -> TensorType {
    if case .reshape = self { return operands[0] }
    if case .view(let view) = self {
      let outside = try padding == .lowest ? operands[0].lowestValue : (Format(.zero, exponent: 0), .one)
      let indices = view.indices(shapes[0])
      return TensorType(
        operands[0].formats.selecting(indices, padding: outside.format),
        scales: operands[0].scales.selecting(indices, padding: outside.scale))
    }
    return TensorType(
      elements: sources(shapes).lazy.map { source in
        switch source {
        case .element(let operand, let index): operands[operand].element(index)
        // Only views have any.
        case .padding: (Format(.zero, exponent: 0), .one)
        }
      })
  }

  /// What stands outside the operand, for views.
  public var padding: AffineView.Padding { if case .view(let view) = self { view.padding } else { .none } }
}

extension TensorType {
  /// The constant that no element of the tensor is below, as the format of `lowest` padding.
  public var lowestValue: (format: Format, scale: Rational) {
    get throws(WidthOverflow) {
      var unit = unit(0)
      for i in 1..<max(count, 1) { unit = try unit.common(with: self.unit(i)) }
      var low: Int128 = .max
      for i in 0..<count {
        low = min(low, try formats[i].range.scaled(by: self.unit(i).steps(of: unit)).lower)
      }
      return (Format(Interval(low), exponent: unit.exponent), unit.factor)
    }
  }
}
