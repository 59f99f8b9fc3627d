import Diagnostics
import FixedPoint
import Graph

/// A call of a layer or operator, as far as nodes of the graph bear its name and errors point to it.
protocol LayerSite {
  /// The name of the node that ends the call.
  var name: String { get }
  var origin: Layer { get }

  /// An error about the call as a whole.
  func failure(_ code: DiagnosticCode, _ message: String, notes: [String]) -> CompilationFailed
}

extension LayerSite {
  func failure(_ code: DiagnosticCode, _ message: String) -> CompilationFailed {
    failure(code, message, notes: [])
  }
}

/// The graph of a model while it is read.
struct GraphBuilder {
  private(set) var graph: Graph
  var sink = DiagnosticSink()
  let weights: KerasWeights?
  /// The generation of Keras that wrote the file, 2 or 3: some layers of the same name differ.
  let generation: Int
  private var names: Set<String> = []

  /// The largest tensor of a graph, in elements; more is taken for a damaged file.
  static let maximumElements = 1 << 24

  init(name: String, framework: String, generation: Int = 3, weights: KerasWeights? = nil) {
    graph = Graph(name: name, framework: framework)
    self.generation = generation
    self.weights = weights
  }

  func shape(_ node: NodeID) -> [Int] { graph[node].shape }
  func rank(_ node: NodeID) -> Int { graph[node].shape.count }

  /// Adds a node of a layer: the one that bears the layer's name, or one with a role behind it (`fc1_relu`).
  ///
  /// - Throws: I115 for a tensor that is too large or has no elements.
  mutating func add(
    _ primitive: Primitive, _ operands: [NodeID], _ call: some LayerSite, _ role: String? = nil
  )
    throws(CompilationFailed) -> NodeID
  {
    if case .rearrange(let rearrangement) = primitive { try checkSize(of: rearrangement, call) }
    let name = unique(role.map { "\(call.name)_\($0)" } ?? call.name)
    let node = graph.add(primitive, operands, name: name, layer: call.origin)
    try checkSize(shape(node), call)
    return node
  }

  /// Puts another primitive over the same operands into a node, whose shape stays as it is.
  mutating func replace(_ node: NodeID, with primitive: Primitive) { graph[node].primitive = primitive }

  /// Adds an output; a layer that gives several outputs numbers them from the second on.
  mutating func addOutput(_ node: NodeID, name: String) {
    var candidate = name
    var number = 2
    while graph.outputs.contains(where: { $0.name == candidate }) {
      candidate = "\(name)_\(number)"
      number += 1
    }
    graph.outputs.append(Graph.Output(name: candidate, node: node))
  }

  /// Builds a graph of its own, such as the body of a scan; names stay unique over both.
  mutating func subgraph<Result>(
    named name: String, _ build: (inout GraphBuilder) throws(CompilationFailed) -> Result
  ) throws(CompilationFailed) -> (graph: Graph, result: Result) {
    let outer = graph
    graph = Graph(name: name, framework: outer.framework)
    defer { graph = outer }
    let result = try build(&self)
    return (graph, result)
  }

  /// The name itself, or with the first free number behind it.
  mutating func unique(_ name: String) -> String {
    var candidate = name
    var number = 2
    while !names.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  private func checkSize(of rearrangement: Rearrangement, _ call: some LayerSite) throws(CompilationFailed) {
    switch rearrangement {
    case .reshape(let shape): try checkSize(shape, call)
    case .view(let view): try checkSize(view.shape, call)
    case .concatenate: break
    }
  }

  private func checkSize(_ shape: [Int], _ call: some LayerSite) throws(CompilationFailed) {
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow, product <= GraphBuilder.maximumElements else {
        throw call.failure("I115", "a tensor of shape \(shape) can't be built")
      }
      count = product
    }
  }
}

// MARK: Views

extension GraphBuilder {
  mutating func reshape(_ x: NodeID, _ shape: [Int], _ call: some LayerSite, _ role: String? = nil)
    throws(CompilationFailed) -> NodeID
  {
    if self.shape(x) == shape { return x }
    return try add(.rearrange(.reshape(shape)), [x], call, role)
  }

  /// The tensor repeated to a larger shape by numpy's rule.
  ///
  /// - Throws: I116 where the shapes do not fit.
  mutating func broadcast(
    _ x: NodeID, to target: [Int], _ call: some LayerSite, _ role: String? = "broadcast"
  )
    throws(CompilationFailed) -> NodeID
  {
    let shape = shape(x)
    if shape == target { return x }
    let fits =
      shape.count <= target.count
      && zip(shape.reversed(), target.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
    guard fits else { throw call.failure("I116", "operands of shapes \(shape) and \(target) do not fit") }
    return try add(.rearrange(.view(.broadcast(shape, to: target))), [x], call, role)
  }

  /// The tensor with its axes in another order.
  mutating func transpose(
    _ x: NodeID, _ permutation: [Int], _ call: some LayerSite, _ role: String? = "transpose"
  )
    throws(CompilationFailed) -> NodeID
  {
    if permutation == Array(permutation.indices) { return x }
    return try add(.rearrange(.view(.transpose(shape(x), permutation))), [x], call, role)
  }

  /// Applies `body`, which works on the last axis, on another one.
  mutating func onAxis(
    _ axis: Int, _ x: NodeID, _ call: some LayerSite,
    _ body: (inout GraphBuilder, NodeID) throws(CompilationFailed) -> NodeID
  ) throws(CompilationFailed) -> NodeID {
    let rank = rank(x)
    if axis == rank - 1 { return try body(&self, x) }
    let permutation = (0..<rank).filter { $0 != axis } + [axis]
    let moved = try transpose(x, permutation, call, "transposed")
    let result = try body(&self, moved)
    var inverse = Array(repeating: 0, count: rank)
    for (position, source) in permutation.enumerated() { inverse[source] = position }
    return try transpose(result, inverse, call, "restored")
  }
}

// MARK: Arithmetic

extension GraphBuilder {
  /// y = x · scale + shift, element by element.
  ///
  /// - Parameters:
  ///   - scale, shift: a value for each element of the last axis, or for each element of the tensor.
  mutating func affine(
    _ x: NodeID, scale: Weights, shift: Weights? = nil, _ call: some LayerSite, _ role: String? = nil
  )
    throws(CompilationFailed) -> NodeID
  {
    let shape = shape(x)
    let groups = scale.count
    var scale = scale
    var shift = shift
    scale.shape = [groups, 1, 1]
    shift?.shape = [groups, 1]
    let linear = Linear(groups: groups, inputs: 1, outputs: 1, weights: scale, bias: shift)
    if shape.last == groups { return try add(.linear(linear), [x], call, role) }
    guard groups == shape.elementCount else {
      throw call.failure("I116", "\(groups) factors do not fit a tensor of shape \(shape)")
    }
    let flat = try reshape(x, [groups], call, "elements")
    let result = try add(.linear(linear), [flat], call, "scaled")
    return try reshape(result, shape, call, role)
  }

  /// y = x · factor + shift with the same exact numbers for every element.
  mutating func affine(
    _ x: NodeID, factor: Rational, shift: Double? = nil, _ call: some LayerSite, _ role: String? = nil
  )
    throws(CompilationFailed) -> NodeID
  {
    guard let channels = shape(x).last else { throw call.failure("I116", "expected a tensor with axes") }
    // Scales are above 0; the sign is the integer's.
    let sign: Int64 = factor.numerator < 0 ? -1 : factor.numerator == 0 ? 0 : 1
    let magnitude = Rational(factor.numerator < 0 ? -factor.numerator : factor.numerator, factor.denominator)
    let scale = Weights(
      raw: Array(repeating: sign, count: channels), exponent: 0, shape: [channels],
      scales: magnitude == .one || sign == 0 ? nil : PerElement(repeating: magnitude, count: channels))
    let offset = shift.map { Weights.coefficients($0, channels: channels) }
    return try affine(x, scale: scale, shift: offset, call, role)
  }

  /// Operands of different shapes combined as numpy would.
  mutating func combine(
    _ combination: Combination, _ operands: [NodeID], _ call: some LayerSite, _ role: String? = nil
  )
    throws(CompilationFailed) -> NodeID
  {
    let shapes = operands.map { shape($0) }
    let rank = shapes.map(\.count).max() ?? 0
    var target = Array(repeating: 1, count: rank)
    for shape in shapes {
      for (i, extent) in shape.enumerated() where extent != 1 { target[rank - shape.count + i] = extent }
    }
    var inputs: [NodeID] = []
    for operand in operands { inputs.append(try broadcast(operand, to: target, call)) }
    return try add(.combine(combination), inputs, call, role)
  }

  /// The same number for every element of a tensor of that shape.
  mutating func constant(_ value: Double, shape: [Int], _ call: some LayerSite, _ role: String)
    throws(CompilationFailed) -> NodeID
  {
    let values = Array(repeating: value, count: shape.elementCount)
    return try add(.constant(.coefficients(values, shape: shape)), [], call, role)
  }

  /// The tensor without its last axis, repeated along it again, as softmax needs it.
  mutating func repeatLast(_ x: NodeID, count: Int, _ call: some LayerSite, _ role: String)
    throws(CompilationFailed) -> NodeID
  {
    let shape = shape(x)
    let strides = shape.indices.map { axis in (0...shape.count).map { $0 == axis ? 1 : 0 } }
    let view = AffineView(
      shape: shape + [count], offsets: Array(repeating: 0, count: shape.count), strides: strides)
    return try add(.rearrange(.view(view)), [x], call, role)
  }

  /// Softmax, or its logarithm, over an axis: exp(x − max) / Σ exp(x − max), which is what Keras computes.
  mutating func softmax(
    _ x: NodeID, axis: Int, logarithm: Bool = false, _ call: some LayerSite, _ role: String? = nil
  ) throws(CompilationFailed) -> NodeID {
    try onAxis(axis, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      let prefix = role.map { "\($0)_" } ?? ""
      let count = builder.shape(x).last ?? 1
      let greatest = try builder.add(.reduce(.maximum), [x], call, "\(prefix)max")
      let repeated = try builder.repeatLast(greatest, count: count, call, "\(prefix)max_broadcast")
      let difference = try builder.add(.combine(.subtract), [x, repeated], call, "\(prefix)difference")
      let exponential = try builder.add(.map(Map(.exp)), [difference], call, "\(prefix)exp")
      let sum = try builder.add(.reduce(.sum), [exponential], call, "\(prefix)sum")
      if logarithm {
        let log = try builder.add(.map(Map(.log)), [sum], call, "\(prefix)log")
        let spread = try builder.repeatLast(log, count: count, call, "\(prefix)log_broadcast")
        return try builder.add(.combine(.subtract), [difference, spread], call, role)
      }
      let inverse = try builder.add(.map(Map(.reciprocal)), [sum], call, "\(prefix)reciprocal")
      let spread = try builder.repeatLast(inverse, count: count, call, "\(prefix)reciprocal_broadcast")
      return try builder.add(.combine(.multiply), [exponential, spread], call, role)
    }
  }
}

extension Weights {
  /// Numbers of a model that has no quantizer for them: exact where all of them have at most 16 significant
  /// bits, such as 0.5 and 3, else real, to be converted when types are assigned.
  static func coefficients(_ values: [Double], shape: [Int]) -> Weights {
    let areShort = values.allSatisfy { value in
      guard let part = value.integerSignificand else { return value == 0 }
      return part.significand.magnitude < 1 << 16
    }
    if areShort, let exact = Weights(exactly: values, shape: shape) { return exact }
    return Weights(real: values, shape: shape)
  }

  /// One such number for each of some channels.
  static func coefficients(_ value: Double, channels: Int) -> Weights {
    coefficients(Array(repeating: value, count: channels), shape: [channels])
  }
}
