import FixedPoint
import Functions
import Graph

extension GraphBuilder {
  /// The exact type of a tensor as far as the model's own quantizers and exact constants tell it; nil where a type is
  /// left to the user.
  func exactType(of node: NodeID) -> TensorType? {
    var known: [NodeID: TensorType?] = [:]
    return exactType(of: node, &known)
  }

  private func exactType(of id: NodeID, _ known: inout [NodeID: TensorType?]) -> TensorType? {
    if let type = known[id] { return type }
    let node = graph[id]
    // A quantizer's range holds whatever it reads.
    if case .quantize(.fixed(let types, let scales)) = node.primitive {
      let type = TensorType(
        PerElement((0..<types.count).map { Format(types[$0]) }), scales: scales.uniform == .one ? nil : scales
      )
      known[id] = refined(type, node, &known)
      return known[id] ?? nil
    }
    known[id] = computed(node, &known)
    return known[id] ?? nil
  }

  /// The type of a quantizer's results, narrower where its operand's type is known.
  private func refined(_ type: TensorType, _ node: Node, _ known: inout [NodeID: TensorType?]) -> TensorType {
    computed(node, &known) ?? type
  }

  private func computed(_ node: Node, _ known: inout [NodeID: TensorType?]) -> TensorType? {
    var node = node
    switch node.primitive {
    case .input, .forest, .scan: return nil
    case .constant(let weights): if !weights.isExact { return nil }
    case .linear(let linear): if !linear.weights.isExact || !(linear.bias?.isExact ?? true) { return nil }
    case .map(let map):
      guard case .relu(let maximum, let negativeSlope, let threshold) = map.function,
        let slope = Rational(exactly: negativeSlope), let corner = Rational(exactly: threshold)
      else { return nil }
      let rectifier = Rectifier(
        maximum: maximum.flatMap { Rational(exactly: $0) }, negativeSlope: slope, threshold: corner)
      node.primitive = .map(Map(map.function, form: .rectifier(rectifier)))
    case .gather: return nil
    case .contract, .combine, .quantize, .reduce, .rearrange: break
    }
    var operands = Graph(name: "", framework: "")
    for (i, operand) in node.operands.enumerated() {
      guard let type = exactType(of: operand, &known) else { return nil }
      var typed = graph[operand]
      typed.type = type
      operands.nodes.append(typed)
      node.operands[i] = NodeID(i)
    }
    return try? operands.exactType(node)
  }
}

extension GraphBuilder {
  /// Factors and offsets of channels, along the first axis, that have units in common with the scales of the tensor's own
  /// quantizers and that binary32 can't tell from the given ones; nil where those are as good.
  ///
  /// A scale of 24 bits times a factor of 24 bits has no unit in common with an offset of 24 bits that a number of
  /// moderate width could count. The framework rounds all three in binary32, so that 32 bits of the product are more than
  /// it knows.
  func shortened(_ x: NodeID, factors: [Float], offsets: [Float]) -> (scale: Weights, shift: Weights)? {
    guard let type = exactType(of: x), !type.isUnscaled else { return nil }
    let size = shape(x).elementCount / factors.count
    var scales: [Rational] = []
    var raw: [Int64] = []
    var units: [Rational] = []
    for (channel, factor) in factors.enumerated() {
      let own = type.unit(channel * size).factor
      let isShared = (0..<size).allSatisfy { type.unit(channel * size + $0).factor == own }
      let product = (Double(factor.magnitude) * own.doubleValue).rounded(toBits: 32)
      let offset = Double(offsets[channel])
      let step = Double(sign: .plus, exponent: Int(offset.exponent) - 29, significand: 1)
      let unit =
        offset == 0
        ? 1 : product * Double(sign: .plus, exponent: Int((step / product).exponent), significand: 1)
      guard isShared, product > 0, let exact = Rational(exactly: product),
        let scale = try? exact.divided(by: own),
        let exactUnit = Rational(exactly: unit), (offset / unit).magnitude < 0x1p40
      else { return nil }
      scales.append(scale)
      raw.append(Int64((offset / unit).rounded()))
      units.append(exactUnit)
    }
    let signs: [Int64] = factors.map { $0 < 0 ? -1 : 1 }
    return (
      Weights(raw: signs, exponent: 0, shape: [factors.count], scales: PerElement(scales)),
      Weights(raw: raw, exponent: 0, shape: [factors.count], scales: PerElement(units))
    )
  }
}

extension Double {
  /// The nearest number of so many significant bits.
  fileprivate func rounded(toBits bits: Int) -> Double {
    if self == 0 { return 0 }
    let step = Double(sign: .plus, exponent: Int(exponent) - bits + 1, significand: 1)
    return (self / step).rounded() * step
  }
}
