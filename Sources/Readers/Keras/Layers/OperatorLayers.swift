import Diagnostics
import FixedPoint
import Functions
import Graph

// The functions of `keras.ops`, which functional models of Keras 3 call on tensors. Those that are named like a layer but
// take other attributes have the kind `ops>NAME`.
extension LayerImporter {
  static let operatorLayers: [LayerImporter] =
    functionOperators + comparisonOperators + shapeOperators + reductionOperators + [
      LayerImporter(["Matmul"]) { (call, builder) throws(CompilationFailed) in
        var inputs = try call.inputs()
        for (side, name) in ["transpose_a", "transpose_b"].enumerated() where side < inputs.count {
          guard try call.bool(name, default: false) else { continue }
          var order = Array(0..<builder.rank(inputs[side]))
          guard order.count >= 2 else { throw call.failure("I116", "expected matrices to transpose") }
          order.swapAt(order.count - 2, order.count - 1)
          inputs[side] = try builder.transpose(inputs[side], order, call, name)
        }
        return [try builder.matmul(inputs, call)]
      },
      LayerImporter(["Einsum"], attributes: ["subscripts"]) { (call, builder) throws(CompilationFailed) in
        let value = try call.require("subscripts")
        let inputs = try call.inputs()
        guard
          let equation = EinsumEquation(
            try value.requireString(), ranks: inputs.map { builder.rank($0) + 1 })?
            .withoutSamples
        else { throw value.failure("I114", "the equation does not keep the samples apart") }
        return [try builder.einsum(equation, inputs, call)]
      },
      LayerImporter(["Square"]) { (call, builder) throws(CompilationFailed) in
        let x = try call.input()
        return [try builder.add(.combine(.multiply), [x, x], call)]
      },
      LayerImporter(["Power"], emit: emitPower),
      LayerImporter(["Clip"], attributes: ["x_min", "x_max"]) { (call, builder) throws(CompilationFailed) in
        let low = try call.require("x_min").requireDouble()
        let high = try call.require("x_max").requireDouble()
        return [try builder.clip(try call.input(), low, high, call)]
      },
      LayerImporter(["Cast"]) { (call, _) throws(CompilationFailed) in [try call.input()] },
      LayerImporter(
        ["DotProductAttention"], attributes: ["is_causal", "flash_attention", "attn_logits_soft_cap"],
        callArguments: ["scale", "bias", "mask"], emit: emitDotProductAttention),
      LayerImporter(["LayerNorm"], attributes: ["axis", "epsilon", "rms_scaling"]) {
        (call, builder) throws(CompilationFailed) in
        let form = NormalizationForm(
          isCentred: !(try call.bool("rms_scaling", default: false)),
          epsilon: try call.double("epsilon", default: 1e-7))
        return [try normalize(call, form, &builder)]
      },
      LayerImporter(["RMSNorm"], attributes: ["axis", "epsilon"]) {
        (call, builder) throws(CompilationFailed) in
        let form = NormalizationForm(isCentred: false, epsilon: try call.double("epsilon", default: 1e-7))
        return [try normalize(call, form, &builder)]
      },
      LayerImporter(["Normalize"], attributes: ["axis", "order", "epsilon"]) {
        (call, builder) throws(CompilationFailed) in
        guard try call.double("order", default: 2) == 2 else {
          throw call.failure("I114", "'order' is not 2")
        }
        let least = try call.double("epsilon", default: 1e-7)
        let form = NormalizationForm(isCentred: false, isAveraged: false, epsilon: 0, least: least * least)
        return [try normalize(call, form, &builder)]
      },
    ]

  private static let functionOperators: [LayerImporter] = {
    let functions: [(kinds: [String], function: Function)] = [
      (["Absolute", "Abs"], .abs), (["Exp"], .exp), (["Log"], .log), (["Sqrt"], .sqrt), (["Rsqrt"], .rsqrt),
      (["Reciprocal"], .reciprocal), (["Sign"], .sign), (["Tanh"], .tanh), (["Erf"], .erf),
      (["Relu"], .relu(maximum: nil, negativeSlope: 0, threshold: 0)),
      (["Relu6"], .relu(maximum: 6, negativeSlope: 0, threshold: 0)), (["Sigmoid"], .sigmoid),
      (["Softplus"], .softplus), (["Softsign"], .softsign), (["Silu"], .silu), (["Selu"], .selu),
      (["LogSigmoid"], .logSigmoid), (["HardSigmoid"], .hardSigmoid(slope: 1.0 / 6, offset: 0.5)),
      (["HardSilu"], .hardSilu), (["HardTanh"], .hardTanh), (["TanhShrink"], .tanhShrink),
      (["SparsePlus"], .sparsePlus), (["Mish"], .mish),
    ]
    func number(
      _ kind: String, _ attribute: String, _ fallback: Double,
      _ make: @escaping @Sendable (Double) -> Function
    ) -> LayerImporter {
      LayerImporter([kind], attributes: [attribute]) { (call, builder) throws(CompilationFailed) in
        let function = make(try call.double(attribute, default: fallback))
        return [try builder.apply(function, try call.input(), call)]
      }
    }
    return functions.map { kinds, function in
      LayerImporter(kinds) { (call, builder) throws(CompilationFailed) in
        [try builder.apply(function, try call.input(), call)]
      }
    } + [
      number("LeakyRelu", "negative_slope", 0.2) { .relu(maximum: nil, negativeSlope: $0, threshold: 0) },
      number("Elu", "alpha", 1) { .elu(alpha: $0) }, number("Celu", "alpha", 1) { .celu(alpha: $0) },
      number("SoftShrink", "threshold", 0.5) { .softShrink(threshold: $0) },
      number("HardShrink", "threshold", 0.5) { .hardShrink(threshold: $0) },
      number("Squareplus", "b", 4) { .squareplus(b: $0) },
      LayerImporter(["Gelu"], attributes: ["approximate"]) { (call, builder) throws(CompilationFailed) in
        let function = Function.gelu(approximate: try call.bool("approximate", default: true))
        return [try builder.apply(function, try call.input(), call)]
      },
      softmax("ops>Softmax", logarithm: false), softmax("LogSoftmax", logarithm: true),
    ]
  }()

  private static func softmax(_ kind: String, logarithm: Bool) -> LayerImporter {
    LayerImporter([kind], attributes: ["axis"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      var axis = builder.rank(x) - 1
      if let value = call.attribute("axis") { axis = try call.axis(value, rank: builder.rank(x)) }
      return [try builder.softmax(x, axis: axis, logarithm: logarithm, call)]
    }
  }

  private static func normalize(_ call: LayerCall, _ form: NormalizationForm, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> NodeID
  {
    // Factors and offsets that are left out stand as nulls among the operands.
    let operands = call.operands.filter { if case .literal(let value) = $0 { !value.isNull } else { true } }
    guard operands.count == 1, case .node(let x) = operands[0] else {
      throw call.failure("I113", "expected one operand, found \(operands.count)")
    }
    var axis = builder.rank(x) - 1
    if let value = call.attribute("axis") {
      guard let element = value.array == nil ? value : value[0], value.array?.count ?? 1 == 1 else {
        throw value.failure("I114", "expected one axis")
      }
      axis = try call.axis(element, rank: builder.rank(x))
    }
    return try builder.normalize(x, [axis], form, scale: nil, shift: nil, call)
  }

  private static func emitPower(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    guard call.operands.count == 2, case .node(let x) = call.operands[0],
      case .literal(let value) = call.operands[1]
    else { throw call.failure("I113", "only a power with a number as exponent is supported") }
    return [try builder.power(x, try value.requireDouble(), call)]
  }

  private static func emitDotProductAttention(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    var inputs: [NodeID] = []
    var form = AttentionForm()
    for (position, x) in try call.inputs().enumerated() {
      switch call.operandNames.indices.contains(position) ? call.operandNames[position] : nil {
      case "bias"?: form.biasTensor = x
      case "mask"?: form.visible = x
      default: inputs.append(x)
      }
    }
    guard inputs.count == 3, inputs.allSatisfy({ builder.rank($0) == 3 }) else {
      throw call.failure("I113", "expected query, key and value of heads")
    }
    form.scale = 1 / Double(builder.shape(inputs[0])[2]).squareRoot()
    if let given = call.keywords.first(where: { $0.name == "scale" })?.value.double { form.scale = given }
    form.isCausal = try call.bool("is_causal", default: false)
    if call.attribute("attn_logits_soft_cap") != nil {
      form.cap = try call.double("attn_logits_soft_cap", default: 0)
    }
    let heads = builder.shape(inputs[0])[1]
    func byHead(_ x: NodeID, _ name: String) throws(CompilationFailed) -> NodeID {
      let moved = try builder.transpose(x, [1, 0, 2], call, "\(name)_heads")
      guard heads % builder.shape(moved)[0] == 0 else { throw call.failure("I116", "the heads do not fit") }
      return try builder.repeated(
        moved, axis: 0, count: heads / builder.shape(moved)[0], call, "\(name)_repeated")
    }
    let attended = try builder.attend(
      try byHead(inputs[0], "query"), try byHead(inputs[1], "key"), try byHead(inputs[2], "value"), form,
      call, "attended")
    return [try builder.transpose(attended, [1, 0, 2], call, nil)]
  }
}

extension EinsumEquation {
  /// The equation for one sample; nil where not every operand and the result begin with the samples' label.
  var withoutSamples: EinsumEquation? {
    guard let sample = result.first, operands.allSatisfy({ $0.first == sample }),
      operands.allSatisfy({ $0.filter { $0 == sample }.count == 1 })
    else { return nil }
    var equation = self
    equation.result.removeFirst()
    equation.operands = operands.map { Array($0.dropFirst()) }
    return equation
  }
}

extension GraphBuilder {
  /// numpy's matmul of two tensors: products of the last two axes, the others broadcast.
  mutating func matmul(_ inputs: [NodeID], _ call: some LayerSite, _ role: String? = nil)
    throws(CompilationFailed) -> NodeID
  {
    guard inputs.count == 2 else {
      throw call.failure("I113", "expected two operands, found \(inputs.count)")
    }
    let ranks = inputs.map { rank($0) }
    guard ranks.allSatisfy({ $0 >= 1 }) else { throw call.failure("I116", "expected tensors with axes") }
    // Labels from the end: rows 1, summed 0, columns 2, the axes before by their distance.
    var left = (0..<ranks[0]).map { 100 + ranks[0] - $0 }
    var right = (0..<ranks[1]).map { 100 + ranks[1] - $0 }
    left[ranks[0] - 1] = 0
    if ranks[0] > 1 { left[ranks[0] - 2] = 1 }
    right[max(ranks[1] - 2, 0)] = 0
    if ranks[1] > 1 { right[ranks[1] - 1] = 2 }
    // Axes of one element repeat along those of the other operand.
    var operands = inputs
    let stack = max(ranks[0], ranks[1]) - 2
    for distance in stride(from: stack + 2, to: 2, by: -1) {
      let label = 100 + distance
      let extents = zip(operands, [left, right]).map { x, labels in
        labels.firstIndex(of: label).map { shape(x)[$0] }
      }
      for side in 0..<2 {
        guard extents[side] == 1, let other = extents[1 - side], other > 1 else { continue }
        let labels = side == 0 ? left : right
        guard let axis = labels.firstIndex(of: label) else { continue }
        operands[side] = try repeated(
          operands[side], axis: axis, count: other, call, "stack\(side)_\(distance)")
      }
    }
    let outer = left.filter { $0 >= 100 }.count >= right.filter { $0 >= 100 }.count ? left : right
    let result = outer.filter { $0 >= 100 } + (ranks[0] > 1 ? [1] : []) + (ranks[1] > 1 ? [2] : [])
    let y = try contract(operands[0], left, with: operands[1], right, result: result, call, role)
    return try result.isEmpty ? reshape(y, [1], call, "shaped") : y
  }

  /// x^exponent: whole positive exponents as products.
  ///
  /// - Throws: I114 for other exponents than those, 1/2, −1/2 and −1.
  mutating func power(_ x: NodeID, _ exponent: Double, _ call: some LayerSite) throws(CompilationFailed)
    -> NodeID
  {
    if let function = [0.5: Function.sqrt, -0.5: .rsqrt, -1: .reciprocal][exponent] {
      return try add(.map(Map(function)), [x], call)
    }
    guard let count = Int(exactly: exponent), (1...8).contains(count) else {
      throw call.failure("I114", "the exponent is \(exponent), expected 1 to 8, 1/2, -1/2 or -1")
    }
    if count == 1 { return x }
    // Squares of squares: the exact range of a square is not negative.
    var result: NodeID?
    var square = x
    var rest = count
    var level = 1
    while rest > 0 {
      if rest & 1 == 1 {
        if let known = result {
          result = try add(.combine(.multiply), [known, square], call, rest == 1 ? nil : "product\(level)")
        } else {
          result = square
        }
      }
      rest >>= 1
      if rest > 0 {
        let isLast = rest == 1 && result == nil
        square = try add(
          .combine(.multiply), [square, square], call, isLast ? nil : "power\(2 << (level - 1))")
      }
      level += 1
    }
    return result ?? x
  }

  mutating func clip(_ x: NodeID, _ low: Double, _ high: Double, _ call: some LayerSite)
    throws(CompilationFailed) -> NodeID
  {
    guard low <= high, low.isFinite, high.isFinite else {
      throw call.failure("I114", "clips to \(low) and \(high)")
    }
    let lower = try constant(low, shape: shape(x), call, "lower")
    let upper = try constant(high, shape: shape(x), call, "upper")
    let raised = try add(.combine(.maximum), [x, lower], call, "maximum")
    return try add(.combine(.minimum), [raised, upper], call)
  }

  /// 1 where the tensor is 0, else 0.
  mutating func negated(_ x: NodeID, _ call: some LayerSite, _ role: String? = nil) throws(CompilationFailed)
    -> NodeID
  {
    let zero = try constant(0, shape: shape(x), call, "false")
    return try add(.combine(.equal), [x, zero], call, role)
  }

  /// 1 where the tensor is not 0, else 0.
  mutating func truth(_ x: NodeID, _ call: some LayerSite, _ role: String?) throws(CompilationFailed)
    -> NodeID
  {
    if case .combine(let kind) = graph[x].primitive, kind.isComparison { return x }
    let zero = try constant(0, shape: shape(x), call, "false")
    return try add(.combine(.notEqual), [x, zero], call, role)
  }
}
