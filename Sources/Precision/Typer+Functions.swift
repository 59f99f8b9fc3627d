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
      let slope = slopeType(rectifier, node, id)
      var typed = try hls4mlRectifier(rectifier, node)
      if let slope { typed.negativeSlope = rectifier.negativeSlope.converted(to: slope.type) }
      node.primitive = .map(Map(map.function, form: .rectifier(typed)))
      let isExact = slope == nil || typed.negativeSlope == rectifier.negativeSlope
      return try settled(append(node, isExact ? .exact : slope?.source ?? .exact), node, id)
    }
    if let table = try hls4mlTable(node, map.function) { return try converted(table, node, id) }
    if let ramp = try exactRamp(node, map.function) { return try settled(ramp, node, id) }
    if map.function == .abs, !node.shape.isEmpty {
      return try settled(magnitude(node.operands[0], node), node, id)
    }
    if let reduced = try rangeReduced(node, map.function, id) { return reduced }
    let asked = policy.layerChoice(.result, of: node)
    var decision = asked ?? quantizerBehind(id) ?? policy.result(of: node)
    if asked == nil, let model = decision, model.source == .model,
      try !hasTable(node, map.function, model.type)
    {
      decision?.type.addGuardBits()
    }
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

  /// An exact function's result, converted unless the model's own quantizers do so.
  private mutating func settled(_ exact: NodeID, _ node: Node, _ id: NodeID) throws(WidthOverflow) -> NodeID {
    let isAsked = policy.inference(node) != nil || policy.layerChoice(.result, of: node) != nil
    let isLeftToModel = !isAsked && quantizerBehind(id) != nil
    return isLeftToModel ? exact : try converted(exact, node, id)
  }

  /// The type of a rectifier's slope where the result is converted anyway: that of a weight. An exact slope such as 0.3
  /// has 52 bits and would cost more than the layer before it.
  ///
  /// - Returns: nil where the slope stays exact, or has a type of hls4ml's.
  func slopeType(_ rectifier: Rectifier, _ node: Node, _ id: NodeID) -> TypePolicy.Decision? {
    guard rectifier.negativeSlope.numerator != 0, policy.inference(node) == nil, !policy.isFullyQuantized,
      !isQuantizedNext(id), quantizerBehind(id) == nil, policy.result(of: node) != nil
    else { return nil }
    return policy.weights(.weight, [rectifier.negativeSlope.doubleValue], of: node)
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
    if hasTable(node) {
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

  /// Whether a function's operand has so few values that a table holds each result, correctly rounded.
  private func hasTable(_ node: Node) -> Bool {
    guard let tensor = result[node.operands[0]].type, tensor.isUnscaled else { return false }
    return tensor.formats.distinct.allSatisfy { ($0.range.count ?? .max) <= NarrowedOperand.mostEntries }
  }

  /// Whether it has so few where the rounded result still changes.
  private func hasTable(_ node: Node, _ function: Function, _ type: FixedType) throws(WidthOverflow) -> Bool {
    if hasTable(node) { return true }
    guard let tensor = result[node.operands[0]].type, tensor.isUnscaled else { return false }
    let narrowed = try OperandNarrowing(function: function, type: type).narrowed(
      tensor.valueRange, exponent: tensor.formats.distinct.map(\.exponent).min())
    return narrowed.spread == 0 && (narrowed.format.range.count ?? .max) <= NarrowedOperand.mostEntries
  }

  private mutating func convertOperand(
    _ operand: NodeID, _ narrowed: NarrowedOperand, _ node: Node
  ) throws(WidthOverflow) -> NodeID {
    guard let type = narrowed.type else { return operand }
    let quantizer = Quantizer.fixed(PerElement(repeating: type, count: result[operand].count))
    // Clipping alone leaves every result as it was.
    let source: TypeSource = narrowed.spread > 0 ? .byDefault : .exact
    return try add(.quantize(quantizer), [operand], "\(node.name)_operand", node, source: source)
  }

  /// The type of the unscaled quantizers that alone read a function's result, if they have one, also through views and
  /// concatenations: the table is rounded into it directly.
  func quantizerBehind(_ id: NodeID) -> TypePolicy.Decision? {
    var types: Set<FixedType> = []
    var open = [id]
    while let next = open.popLast() {
      if consumers[next.index].isEmpty || source.outputs.contains(where: { $0.node == next }) { return nil }
      for reader in consumers[next.index] {
        switch source[reader].primitive {
        case .rearrange: open.append(reader)
        case .quantize(.fixed(let found, let scales)):
          guard let type = found.uniform, scales.uniform == .one else { return nil }
          types.insert(type)
        default: return nil
        }
      }
    }
    guard types.count == 1, let type = types.first else { return nil }
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

extension Rational {
  /// The value that a type makes of the number.
  fileprivate func converted(to type: FixedType) -> Rational {
    Rational(exactly: type.value(type.convert(doubleValue) ?? 0)) ?? self
  }
}

extension FixedType {
  /// Makes the type one for results that are not correctly rounded before a quantizer of this type, so that few of them
  /// come out on the other side of a rounding edge.
  fileprivate mutating func addGuardBits() {
    let covering = max(integerBits, TypePolicy.defaultActivation.integerBits)
    self = FixedType(
      width: covering + max(fractionBits, 0) + 6, integerBits: covering, rounding: .rnd, overflow: .sat)
  }

  /// The conversion of a number that may be infinite, which saturates.
  func convertInfinity(_ value: Double) -> Int128 {
    convert(value) ?? (value < 0 ? rawRange.lower : value > 0 ? rawRange.upper : 0)
  }
}
