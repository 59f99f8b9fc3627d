import FixedPoint
import Functions
import Graph

extension Typer {
  /// A function of every element: rectifiers stay exact, others become tables of at most 2^12 entries, or pieces.
  mutating func visitMap(_ node: Node, _ map: Map, _ id: NodeID) throws(WidthOverflow) -> NodeID {
    if case .relu(let maximum, let negativeSlope, let threshold) = map.function,
      let rectifier = Rectifier(maximum: maximum, negativeSlope: negativeSlope, threshold: threshold)
    {
      var node = node
      node.primitive = .map(
        Map(map.function, form: .rectifier(try hls4mlRectifier(rectifier, node))))
      return try converted(append(node, .exact), node, id)
    }
    if let table = try hls4mlTable(node, map.function) { return try converted(table, node, id) }
    if let ramp = try exactRamp(node, map.function) { return try converted(ramp, node, id) }
    if map.function == .abs, !node.shape.isEmpty {
      return try converted(magnitude(node.operands[0], node), node, id)
    }
    if let reduced = try rangeReduced(node, map.function, id) { return reduced }
    let decision = quantizerBehind(id) ?? policy.result(of: node)
    let type = decision?.type ?? TypePolicy.defaultActivation
    let source = decision?.source ?? .byDefault
    if let sum = try ramped(node, map.function, type) {
      return try convert(
        sum, to: TypePolicy.Decision(type: type, source: source), name: "\(node.name)_result")
    }
    let result = try tabulated(node, map.function, type)
    self.result[result].typeSource = source
    return result
  }

  /// A clipped line whose slope is a binary fraction is exact without a table; nil for every other function.
  private mutating func exactRamp(_ node: Node, _ function: Function) throws(WidthOverflow) -> NodeID? {
    switch function {
    case .hardSigmoid(let slope, let offset) where slope == 0.5 || slope == 0.1875:
      return try ramp(node, slope: slope, offset: offset)
    case .hardTanh:
      // 2 · clip(x / 2 + 1/2, 0, 1) − 1.
      var inner = node
      inner.name = "\(node.name)_ramp"
      let ramp = try ramp(inner, slope: 0.5, offset: 0.5)
      return try scaled(ramp, by: 2, plus: -1, name: node.name, node)
    default: return nil
    }
  }

  /// A table of the function, correctly rounded; pieces where the operand has too many values for one.
  mutating func tabulated(
    _ node: Node, _ function: Function, _ type: FixedType
  ) throws(WidthOverflow) -> NodeID {
    let operand = node.operands[0]
    guard let tensor = result[operand].type else {
      preconditionFailure("'\(node.name)' reads an operand without a type")
    }
    let isSmall = tensor.formats.distinct.allSatisfy {
      ($0.range.count ?? .max) <= NarrowedOperand.mostEntries
    }
    if tensor.isUnscaled, isSmall {
      return try table(operand, node.name, node, function: function, result: type)
    }
    let narrowing = OperandNarrowing(function: function, type: type)
    let exponents = tensor.formats.distinct.map(\.exponent)
    let grid = tensor.isUnscaled ? exponents.min() : nil
    var narrowed = try narrowing.narrowed(tensor.valueRange, exponent: grid)
    if (narrowed.format.range.count ?? .max) > NarrowedOperand.mostEntries {
      // Elements on grids of their own would need pieces of their own.
      if Set(exponents).count > 1, narrowed.type == nil { narrowed.type = narrowed.format.type }
      if let fit = try fits.fit(function, narrowed, result: type) {
        let form = MapForm.pieces(
          [fit.pieces], piecesOfElement: PerElement(repeating: 0, count: tensor.count))
        return try add(
          .map(Map(function, form: form, errorBound: fit.errorBound)),
          [convertOperand(operand, narrowed, node)], node.name, node)
      }
      narrowed = try narrowing.narrowed(tensor.valueRange, exponent: grid, mostBits: 12)
    }
    let converted = try convertOperand(operand, narrowed, node)
    let table = try table(converted, node.name, node, function: function, result: type)
    if narrowed.spread > 0, case .map(var map) = result[table].primitive {
      let samples = try function.samples(over: narrowed.format, spread: narrowed.spread, result: type)
      let results = try function.table(for: narrowed.format, result: type).map { $0 ?? 0 }
      map.errorBound = narrowed.errorBound(results, samples, type)
      result[table].primitive = .map(map)
    }
    return table
  }

  private mutating func convertOperand(
    _ operand: NodeID, _ narrowed: NarrowedOperand, _ node: Node
  ) throws(WidthOverflow) -> NodeID {
    guard let type = narrowed.type else { return operand }
    let quantizer = Quantizer.fixed(PerElement(repeating: type, count: result[operand].count))
    return try add(.quantize(quantizer), [operand], "\(node.name)_operand", node, source: .byDefault)
  }

  /// The type of the one unscaled quantizer that reads a function's result: the table is rounded into it directly.
  func quantizerBehind(_ id: NodeID) -> TypePolicy.Decision? {
    guard let types = soleQuantizer(id), let type = types.uniform else { return nil }
    return TypePolicy.Decision(type: type, source: .model)
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
}

extension FixedType {
  /// The conversion of a number that may be infinite, which saturates.
  func convertInfinity(_ value: Double) -> Int128 {
    convert(value) ?? (value < 0 ? rawRange.lower : value > 0 ? rawRange.upper : 0)
  }
}
