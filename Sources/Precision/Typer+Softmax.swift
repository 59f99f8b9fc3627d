import FixedPoint
import Functions
import Graph

/// The types inside a softmax in its stable form: d = max x − x; exp(−d); their sum; its reciprocal; the products.
struct SoftmaxTypes: Hashable {
  /// Into which d is converted, and then its high bits, which index the table of exponentials.
  var difference: FixedType
  var exponentialIndex: FixedType
  var exponential: FixedType
  /// Address bits of a table of exponentials.
  var exponentialIndexBits = 10
  /// Nil: the sum is exact.
  var accumulator: FixedType?
  /// Into which the sum is converted, and then its high bits, which index the table of reciprocals.
  var sum: FixedType
  var reciprocalIndex: FixedType
  var reciprocal: FixedType
  /// Whether entries are evaluated in binary32, as hls4ml does; else they are the correctly rounded values.
  var isHLS4ML: Bool
}

extension Typer {
  /// A softmax over the last axis, typed as a whole: its inner tensors have ranges of their own that no single rule for
  /// activations fits.
  mutating func softmax(_ node: Node, of operand: NodeID, _ id: NodeID) throws(WidthOverflow) -> NodeID {
    let types = softmaxTypes(node, operand: operand)
    let strategy = types.isHLS4ML ? policy.configuration?.setting(\.implementation, of: node) : nil
    let product: NodeID
    switch strategy {
    case "argmax": product = try argmax(node, of: operand)
    case "legacy": product = try legacySoftmax(node, of: operand, types)
    default:
      let exponentials =
        try strategy == "latency"
        ? directExponentials(node, of: operand, types) : stableExponentials(node, of: operand, types)
      product = try normalized(exponentials, types, node)
    }
    guard let decision = policy.activation(of: node), !isQuantizedNext(id) else { return product }
    return try convert(product, to: decision, name: "\(node.name)_result")
  }

  /// exp(x − max x).
  private mutating func stableExponentials(
    _ node: Node, of operand: NodeID, _ types: SoftmaxTypes
  ) throws(WidthOverflow) -> NodeID {
    let source = source(types)
    let length = result[operand].shape.last ?? 1
    let outer = Array(result[operand].shape.dropLast())
    func part(_ name: String) -> String { "\(node.name)_\(name)" }
    let greatest = try add(.reduce(.maximum), [operand], part("max"), node)
    let difference = try add(
      .combine(.subtract), [try spread(greatest, outer, length, part("max"), node), operand],
      part("difference"),
      node)
    let norm = try add(
      .quantize(uniform(types.difference, difference)), [difference], part("norm"), node, source: source)
    let index = try add(
      .quantize(uniform(types.exponentialIndex, norm)), [norm], part("exp_index"), node, source: source)
    return try table(
      index, part("exp"), node, function: .exp, result: types.exponential, sign: -1, isHLS4ML: types.isHLS4ML)
  }

  /// The exponentials divided by their sum.
  private mutating func normalized(
    _ exponentials: NodeID, _ types: SoftmaxTypes, _ node: Node
  ) throws(WidthOverflow) -> NodeID {
    let source = source(types)
    let length = result[exponentials].shape.last ?? 1
    let outer = Array(result[exponentials].shape.dropLast())
    func part(_ name: String) -> String { "\(node.name)_\(name)" }
    var total: NodeID
    if let accumulator = types.accumulator {
      total = try rowSum(exponentials, in: accumulator, part("sum"), node)
    } else {
      total = try add(.reduce(.sum), [exponentials], part("total"), node)
      total = try add(.rearrange(.reshape(outer + [1])), [total], part("sum"), node)
    }
    let inverseOperand = try add(
      .quantize(uniform(types.sum, total)), [total], part("inv_inp"), node, source: source)
    let inverseIndex = try add(
      .quantize(uniform(types.reciprocalIndex, inverseOperand)), [inverseOperand], part("inv_index"), node,
      source: source)
    let inverse = try table(
      inverseIndex, part("inv"), node, function: .reciprocal, result: types.reciprocal, sign: 1,
      isHLS4ML: types.isHLS4ML)
    return try add(
      .combine(.multiply), [exponentials, try spread(inverse, outer, length, part("inv"), node)], node.name,
      node)
  }

  private func source(_ types: SoftmaxTypes) -> TypeSource {
    types.isHLS4ML ? .configuration("softmax") : .byDefault
  }

  /// The sum over the last axis, in order, in an accumulator.
  mutating func rowSum(
    _ operand: NodeID, in accumulator: FixedType, _ name: String, _ node: Node
  ) throws(WidthOverflow) -> NodeID {
    let length = result[operand].shape.last ?? 1
    let ones = Weights(raw: Array(repeating: 1, count: length), exponent: 0, shape: [1, length, 1])
    var linear = Linear(inputs: length, outputs: 1, weights: ones)
    linear.accumulator = accumulator
    return try add(.linear(linear), [operand], name, node)
  }

  /// One value per row, repeated along the last axis.
  mutating func spread(
    _ value: NodeID, _ outer: [Int], _ length: Int, _ name: String, _ node: Node
  ) throws(WidthOverflow) -> NodeID {
    let column = try add(.rearrange(.reshape(outer + [1])), [value], name + "_column", node)
    let view = AffineView.broadcast(outer + [1], to: outer + [length])
    return try add(.rearrange(.view(view)), [column], name + "_spread", node)
  }

  func uniform(_ type: FixedType, _ operand: NodeID) -> Quantizer {
    .fixed(PerElement(repeating: type, count: result[operand].count))
  }

  /// hls4ml's types where a configuration speaks of the layer, else types with tables of 4096 entries.
  private func softmaxTypes(_ node: Node, operand: NodeID) -> SoftmaxTypes {
    if let configuration = policy.configuration, !policy.isFullyQuantized,
      !configuration.asksForOwnTables(node)
    {
      return hls4mlSoftmaxTypes(configuration, node, operand)
    }
    func unsigned(_ width: Int, _ integerBits: Int) -> FixedType {
      FixedType(width: width, integerBits: integerBits, isSigned: false, rounding: .rnd, overflow: .sat)
    }
    // exp(−d) is below half a step of 2^−16 from d = 12 on; sums lie between 1 and the number of elements.
    let sumBits = Int128(result[operand].shape.last ?? 1).bitCount
    return SoftmaxTypes(
      difference: unsigned(12, 4), exponentialIndex: unsigned(12, 4), exponential: unsigned(17, 1),
      accumulator: nil, sum: unsigned(12, sumBits), reciprocalIndex: unsigned(12, sumBits),
      reciprocal: unsigned(17, 1), isHLS4ML: false)
  }

  private func hls4mlSoftmaxTypes(
    _ configuration: Configuration, _ node: Node, _ operand: NodeID
  ) -> SoftmaxTypes {
    let standard = FixedType(width: 18, integerBits: 8, rounding: .rnd, overflow: .sat)
    func type(_ tensor: String) -> FixedType { configuration.entry(tensor, of: node)?.type ?? standard }
    let bits = Int128((configuration.setting(\.tableSize, of: node) ?? 1024) - 1).bitCount
    func index(_ type: FixedType) -> FixedType {
      FixedType(width: min(bits, type.width), integerBits: type.integerBits, isSigned: type.isSigned)
    }
    // hls4ml takes the operand's declared type, not what of it is reachable.
    let declared = declaredType(operand)
    let difference = FixedType(
      width: max(declared.width - 1, 1), integerBits: declared.integerBits - 1, isSigned: false)
    let sum = type("inv_inp")
    return SoftmaxTypes(
      difference: difference, exponentialIndex: index(difference), exponential: type("exp_table"),
      exponentialIndexBits: bits, accumulator: type("accum"), sum: sum, reciprocalIndex: index(sum),
      reciprocal: type("inv_table"),
      isHLS4ML: true)
  }

  /// The type that hls4ml gives a tensor: the one that it was converted into, or that was inferred; else the one that
  /// covers its exact values.
  func declaredType(_ id: NodeID) -> FixedType {
    if let type = declaredTypes[id] { return type }
    if case .rearrange = result[id].primitive, result[id].operands.count == 1 {
      return declaredType(result[id].operands[0])
    }
    if case .quantize(.fixed(let types, _)) = result[id].primitive, let type = types.uniform { return type }
    if case .linear(let linear) = result[id].primitive, let accumulator = linear.accumulator {
      return accumulator
    }
    if let type = result[id].inputTypes?.uniform { return type }
    return result[id].type?.union ?? TypePolicy.defaultInput
  }
}

extension Int128 {
  /// Bits of a non-negative integer in binary.
  fileprivate var bitCount: Int { Int128.bitWidth - leadingZeroBitCount }
}
