import Diagnostics
import FixedPoint
import Graph

/// A linear map along one axis: result element o is the sum of coefficients · operand elements, all over one denominator.
struct AxisMap: Sendable {
  /// For each element of the result, what it takes of which elements of the operand.
  var rows: [[(index: Int, coefficient: Double)]]
  /// What coefficients are divided by.
  var denominator: Int

  /// Where single elements are picked, which.
  var indices: [Int]? {
    var result: [Int] = []
    for row in rows {
      let kept = row.filter { $0.coefficient != 0 }
      guard kept.count == 1, kept[0].coefficient == Double(denominator) else { return nil }
      result.append(kept[0].index)
    }
    return result
  }

  /// Linear interpolation: result element o lies at the operand's position positions[o] / denominator; elements beyond the
  /// ends count as the ends.
  static func linear(_ positions: [Int], denominator: Int, count: Int) -> AxisMap {
    AxisMap(
      rows: positions.map { position in
        let low = Int((Double(position) / Double(denominator)).rounded(.down))
        let part = position - low * denominator
        let first = min(max(low, 0), count - 1)
        let second = min(max(low + 1, 0), count - 1)
        if first == second { return [(first, Double(denominator))] }
        return [(first, Double(denominator - part)), (second, Double(part))]
      }, denominator: denominator)
  }

  static func picking(_ indices: [Int]) -> AxisMap {
    AxisMap(rows: indices.map { [($0, 1)] }, denominator: 1)
  }

  /// The elements nearest to the centres of `outputs` equal parts of `count` elements, as TensorFlow and JAX take them.
  static func nearest(_ count: Int, to outputs: Int) -> AxisMap {
    picking((0..<outputs).map { min((2 * $0 + 1) * count / (2 * outputs), count - 1) })
  }

  /// Linear interpolation between the centres of equal parts.
  static func bilinear(_ count: Int, to outputs: Int) -> AxisMap {
    linear(
      (0..<outputs).map { (2 * $0 + 1) * count - outputs }, denominator: 2 * outputs, count: count)
  }

  /// Averages over parts of about equal size that cover the axis and may overlap (adaptive pooling).
  static func adaptive(_ count: Int, to outputs: Int) -> [Range<Int>] {
    (0..<outputs).map { ($0 * count / outputs)..<((($0 + 1) * count + outputs - 1) / outputs) }
  }
}

extension GraphBuilder {
  /// Elements of an axis picked by index, in that order.
  mutating func select(
    _ x: NodeID, axis: Int, _ indices: [Int], _ call: some LayerSite, _ role: String? = "picked"
  ) throws(CompilationFailed) -> NodeID {
    let shape = shape(x)
    if indices == Array(0..<shape[axis]) { return x }
    func slice(_ start: Int, _ step: Int, _ count: Int, _ role: String?) throws(CompilationFailed) -> NodeID {
      var offsets = Array(repeating: 0, count: shape.count)
      offsets[axis] = start
      var extents = shape
      extents[axis] = count
      let strides = shape.indices.map { a in shape.indices.map { $0 == a ? (a == axis ? step : 1) : 0 } }
      return try add(
        .rearrange(.view(AffineView(shape: extents, offsets: offsets, strides: strides))), [x], call, role)
    }
    guard let first = indices.first else { throw call.failure("I115", "picks nothing") }
    // Equal steps are a view; anything else is put together.
    let step = indices.count > 1 ? indices[1] - first : 1
    if indices.indices.allSatisfy({ indices[$0] == first + $0 * step }) {
      return try slice(first, step, indices.count, role)
    }
    var parts: [NodeID] = []
    for index in indices { parts.append(try slice(index, 1, 1, "part")) }
    return try add(.rearrange(.concatenate(axis: axis)), parts, call, role)
  }

  /// A linear map along one axis.
  mutating func resample(
    _ x: NodeID, axis: Int, _ map: AxisMap, _ call: some LayerSite, _ role: String
  ) throws(CompilationFailed) -> NodeID {
    if let indices = map.indices { return try select(x, axis: axis, indices, call, role) }
    let count = shape(x)[axis]
    let outputs = map.rows.count
    var values = Array(repeating: 0.0, count: count * outputs)
    for (o, row) in map.rows.enumerated() {
      for (index, coefficient) in row { values[index * outputs + o] += coefficient }
    }
    var weights = Weights.coefficients(values, shape: [1, count, outputs])
    if map.denominator != 1, case .exact(let raw, let exponent, _) = weights.storage {
      let share = Rational(1, Int128(map.denominator))
      weights = Weights(
        raw: raw, exponent: exponent, shape: weights.shape,
        scales: PerElement(repeating: share, count: raw.count))
    } else if map.denominator != 1 {
      weights = Weights(real: values.map { $0 / Double(map.denominator) }, shape: weights.shape)
    }
    let linear = Linear(inputs: count, outputs: outputs, weights: weights)
    return try onAxis(axis, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      try builder.add(.linear(linear), [x], call, role)
    }
  }
}

// MARK: Transposed convolution

/// The positions of a transposed convolution: result o is the sum over operands i and taps t with
/// i · stride + t · dilation − crop = o.
struct TransposedWindows: Sendable {
  var kernel: [Int]
  var strides: [Int]
  var dilation: [Int]
  var outputs: [Int]
  /// Results left out before the first.
  var crop: [Int]
}

extension GraphBuilder {
  /// A transposed convolution of a tensor [positions…, channels]: zeros between the positions, then a convolution with
  /// the kernel turned round.
  ///
  /// - Parameters:
  ///   - weights: [groups, taps, channels / groups, filters / groups], taps in row-major order.
  ///   - bias: [groups, filters / groups].
  mutating func convolveTransposed(
    _ x: NodeID, _ geometry: TransposedWindows, groups: Int, weights: Weights, bias: Weights?,
    _ call: some LayerSite, _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    let shape = shape(x)
    let rank = geometry.kernel.count
    let spread = try spaced(x, geometry.strides, call)
    var windows = Windows(covering: self.shape(spread))
    windows.kernel = geometry.kernel
    windows.strides = geometry.kernel.map { _ in 1 }
    windows.dilation = geometry.dilation
    windows.outputs = geometry.outputs
    windows.before = (0..<rank).map { (geometry.kernel[$0] - 1) * geometry.dilation[$0] - geometry.crop[$0] }
    guard geometry.outputs.allSatisfy({ $0 > 0 }) else {
      throw call.failure("I115", "a tensor of shape \(geometry.outputs) can't be built")
    }
    let operand = try self.windows(spread, windows, groups: groups, call)
    let taps = geometry.kernel.elementCount
    let channels = shape[rank] / groups
    let outputs = weights.count / (groups * taps * channels)
    let block = channels * outputs
    let order = (0..<groups).flatMap { g in
      (0..<taps).flatMap { t in (0..<block).map { (g * taps + taps - 1 - t) * block + $0 } }
    }
    let linear = Linear(
      groups: groups, inputs: taps * channels, outputs: outputs,
      weights: weights.reordered(order, shape: [groups, taps * channels, outputs]), bias: bias)
    return try add(.linear(linear), [operand], call, role)
  }

  /// Zeros behind every position: each axis becomes `stride` times as long.
  private mutating func spaced(_ x: NodeID, _ strides: [Int], _ call: some LayerSite)
    throws(CompilationFailed)
    -> NodeID
  {
    if strides.allSatisfy({ $0 == 1 }) { return x }
    let shape = shape(x)
    // [h, w, c] seen as [h, 1, w, 1, c], then with zeros as [h, s, w, s, c].
    var split: [Int] = []
    var target: [Int] = []
    var joined: [Int] = []
    for (axis, extent) in shape.enumerated() {
      split.append(extent)
      target.append(extent)
      if axis < strides.count {
        split.append(1)
        target.append(strides[axis])
        let (length, overflow) = extent.multipliedReportingOverflow(by: strides[axis])
        if overflow { throw call.failure("I115", "a tensor of that size can't be built") }
        joined.append(length)
      } else {
        joined.append(extent)
      }
    }
    let parts = try reshape(x, split, call, "split")
    let identity = split.indices.map { axis in split.indices.map { $0 == axis ? 1 : 0 } }
    let view = AffineView(
      shape: target, offsets: Array(repeating: 0, count: split.count), strides: identity, padding: .zero)
    let padded = try add(.rearrange(.view(view)), [parts], call, "zeros")
    return try reshape(padded, joined, call, "spaced")
  }
}
