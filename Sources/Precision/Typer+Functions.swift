import FixedPoint
import Functions
import Graph

extension Typer {
  /// A function of every element: rectifiers stay exact, others become tables of at most 2^12 entries.
  mutating func visitMap(_ node: Node, _ map: Map, _ id: NodeID) throws(WidthOverflow) -> NodeID {
    if case .relu(let maximum, let negativeSlope, let threshold) = map.function,
      let rectifier = Rectifier(maximum: maximum, negativeSlope: negativeSlope, threshold: threshold)
    {
      var node = node
      node.primitive = .map(Map(map.function, form: .rectifier(rectifier)))
      return try converted(append(node, .exact), node, id)
    }
    if let table = try hls4mlTable(node, map.function) { return try converted(table, node, id) }
    if let reduced = try rangeReduced(node, map.function, id) { return reduced }
    let decision = quantizerBehind(id) ?? policy.result(of: node)
    let type = decision?.type ?? TypePolicy.defaultActivation
    let operand = try narrowed(node.operands[0], map.function, type, node)
    let result = try table(operand, node.name, node, function: map.function, result: type)
    self.result[result].typeSource = decision?.source ?? .byDefault
    return result
  }

  /// The type of the one unscaled quantizer that reads a function's result: the table is rounded into it directly.
  func quantizerBehind(_ id: NodeID) -> TypePolicy.Decision? {
    guard let types = soleQuantizer(id), let type = types.uniform else { return nil }
    return TypePolicy.Decision(type: type, source: .model)
  }

  /// The operand in at most 2^12 steps that cover its range, as far as the function still changes there.
  private mutating func narrowed(
    _ operand: NodeID, _ function: Function, _ type: FixedType, _ node: Node
  ) throws(WidthOverflow) -> NodeID {
    guard let formats = result[operand].type?.formats, let tensor = result[operand].type else {
      return operand
    }
    if tensor.isUnscaled, formats.distinct.allSatisfy({ ($0.range.count ?? .max) <= 1 << 12 }) {
      return operand
    }
    var values: [Double] = []
    for i in 0..<tensor.count {
      values.append(tensor.value(formats[i].range.lower, element: i))
      values.append(tensor.value(formats[i].range.upper, element: i))
    }
    if let limit = function.saturation(fractionBits: type.fractionBits) {
      values = values.map { min(max($0, limit.lowerBound), limit.upperBound) }
    }
    var narrow = TypePolicy.covering(values, width: 12)
    narrow.rounding = .rnd
    let quantizer = Quantizer.fixed(PerElement(repeating: narrow, count: tensor.count))
    return try add(.quantize(quantizer), [operand], "\(node.name)_operand", node, source: .byDefault)
  }

  /// A table of a function, one for each different format of the operand.
  ///
  /// - Parameters:
  ///   - sign: −1 tabulates f(−x).
  ///   - isHLS4ML: entries are evaluated in binary32 and converted by the result type, else correctly rounded.
  mutating func table(
    _ operand: NodeID, _ name: String, _ node: Node, function: Function, result type: FixedType,
    sign: Int128 = 1,
    isHLS4ML: Bool = false
  ) throws(WidthOverflow) -> NodeID {
    guard let tensor = result[operand].type else {
      preconditionFailure("'\(name)' reads an operand without a type")
    }
    let formats = tensor.formats.distinct
    var tables: [FunctionTable] = []
    for format in formats {
      let entries = try function.entries(format, sign: sign, result: type, isHLS4ML: isHLS4ML)
      tables.append(
        FunctionTable(first: Int64(format.range.lower), entries: entries, exponent: type.exponent))
    }
    let tableOfElement = tensor.formats.map { formats.firstIndex(of: $0) ?? 0 }
    return try add(
      .map(Map(function, form: .tables(tables, tableOfElement: tableOfElement))), [operand], name, node)
  }

  /// Adds a node of the same layer as another.
  mutating func add(
    _ primitive: Primitive, _ operands: [NodeID], _ name: String, _ node: Node, source: TypeSource = .exact
  ) throws(WidthOverflow) -> NodeID {
    let shape = primitive.resultShape(operands.map { result[$0].shape })
    return try append(
      Node(name: name, layer: node.layer, primitive: primitive, operands: operands, shape: shape), source)
  }
}

extension Function {
  /// The results for all raw integers of a format, in steps of a type.
  func entries(
    _ format: Format, sign: Int128, result type: FixedType, isHLS4ML: Bool
  ) throws(WidthOverflow) -> [Int64] {
    guard let count = format.range.count, count <= 1 << 16, type.width <= 62 else { throw WidthOverflow() }
    if isHLS4ML {
      let unit = Double(sign: .plus, exponent: format.exponent, significand: 1)
      return (0..<count).map { i in
        let x = Double(sign * (format.range.lower + Int128(i))) * unit
        return Int64(type.convertInfinity(Double(binary32(Float(x)))))
      }
    }
    // Where the function is not defined any entry will do.
    return try table(for: format, scale: Rational(sign), result: type).map { Int64($0 ?? 0) }
  }

  /// The operands beyond which the result changes by less than half of 2^−fractionBits; nil where it always changes.
  func saturation(fractionBits: Int) -> ClosedRange<Double>? {
    // ln 2 · (fractionBits + 1), with one bit to spare.
    let limit = 0.6931471805599453 * Double(max(fractionBits, 0) + 2)
    switch self {
    case .sigmoid: return -limit...limit
    case .tanh: return -(limit / 2)...(limit / 2)
    case .exp: return -limit...Double.greatestFiniteMagnitude
    default: return nil
    }
  }
}

extension FixedType {
  /// The conversion of a number that may be infinite, which saturates.
  func convertInfinity(_ value: Double) -> Int128 {
    convert(value) ?? (value < 0 ? rawRange.lower : value > 0 ? rawRange.upper : 0)
  }
}
