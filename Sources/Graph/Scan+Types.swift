import FixedPoint

extension Scan {
  /// The types that cover a sequence's slices in all steps; nil where an element's scale differs from step to step.
  public static func sliceType(_ sequence: TensorType, steps: Int) throws(WidthOverflow) -> TensorType? {
    let count = sequence.count / steps
    var elements: [(format: Format, scale: Rational)] = []
    for i in 0..<count {
      var union: (format: Format, scale: Rational) = (Format(.zero, exponent: 0), .one)
      for step in 0..<steps {
        let next = sequence.element(step * count + i)
        guard let both = try TensorType.union(union, next) else { return nil }
        union = both
      }
      elements.append(union)
    }
    return TensorType(elements: elements)
  }

  /// The type of the result: that of a step, once for each step.
  func exactType(steps: Int) -> TensorType {
    guard let type = body[result].type else { preconditionFailure("a body without types") }
    let elements = (0..<type.count).map(type.element)
    return TensorType(elements: (0..<steps).flatMap { _ in elements })
  }

  /// Why operands of these types do not fit the types of the body, or states those of the next step, if they do not.
  func typingProblem(_ operands: [TensorType], steps: Int) throws(WidthOverflow) -> String? {
    let inputs = body.inputs.compactMap { body[$0].type }
    guard inputs.count == operands.count else { return "has a body whose inputs have no types" }
    for (input, operand) in zip(inputs, operands).prefix(sequences) {
      if try Scan.sliceType(operand, steps: steps) != input { return "has a body for slices of other types" }
    }
    for (number, next) in nextStates.enumerated() {
      let state = inputs[sequences + number]
      guard let type = body[next].type, try state.holds(type), try state.holds(operands[sequences + number])
      else { return "has a state whose type does not hold its values" }
    }
    return nil
  }
}

extension TensorType {
  /// One element's format and scale.
  func element(_ i: Int) -> (format: Format, scale: Rational) { (formats[i], scales[i]) }

  /// The element that covers two; nil where their scales differ. The constant 0 has any scale.
  fileprivate static func union(
    _ a: (format: Format, scale: Rational), _ b: (format: Format, scale: Rational)
  ) throws(WidthOverflow) -> (format: Format, scale: Rational)? {
    if b.format.range == .zero {
      return (Format(a.format.range.union(.zero), exponent: a.format.exponent), a.scale)
    }
    if a.format.range == .zero {
      return (Format(b.format.range.union(.zero), exponent: b.format.exponent), b.scale)
    }
    guard a.scale == b.scale else { return nil }
    let exponent = min(a.format.exponent, b.format.exponent)
    let left = try a.format.range.shifted(left: a.format.exponent - exponent)
    let right = try b.format.range.shifted(left: b.format.exponent - exponent)
    return (Format(left.union(right), exponent: exponent), a.scale)
  }

  /// The type that covers the values of two, element by element; nil where a scale differs.
  public func union(with other: TensorType) throws(WidthOverflow) -> TensorType? {
    var elements: [(format: Format, scale: Rational)] = []
    for i in 0..<count {
      guard let both = try TensorType.union(element(i), other.element(i)) else { return nil }
      elements.append(both)
    }
    return TensorType(elements: elements)
  }

  /// Whether every value of another type is one of this, element by element and with the same scale.
  public func holds(_ other: TensorType) throws(WidthOverflow) -> Bool {
    guard count == other.count else { return false }
    for i in 0..<count {
      let format = other.formats[i]
      if format.range == .zero && formats[i].range.contains(0) { continue }
      guard scales[i] == other.scales[i], format.exponent >= formats[i].exponent,
        formats[i].range.contains(try format.range.shifted(left: format.exponent - formats[i].exponent))
      else { return false }
    }
    return true
  }

  /// By how many bits the raw integers of a type that this one holds are shifted left to become raw integers of this
  /// one, for each element of the other; where it has more elements, this type is repeated.
  public func shifts(of other: TensorType) -> [Int] {
    (0..<other.count).map { i in
      other.formats[i].range == .zero ? 0 : other.formats[i].exponent - formats[i % count].exponent
    }
  }
}

/// By how many bits raw integers are shifted left on their way into a typed body.
public struct ScanShifts: Hashable, Sendable {
  /// For each operand, for each of its elements.
  public var operands: [[Int]]
  /// For each state that a step leaves, for each of its elements.
  public var nextStates: [[Int]]

  /// - Requires: the scan is typed, and fits operands of these types.
  public init(_ scan: Scan, _ types: [TensorType]) {
    let inputs = scan.body.inputs.compactMap { scan.body[$0].type }
    operands = zip(inputs, types).map { $0.shifts(of: $1) }
    nextStates = zip(inputs.dropFirst(scan.sequences), scan.nextStates).map { input, next in
      scan.body[next].type.map { input.shifts(of: $0) } ?? []
    }
  }
}
