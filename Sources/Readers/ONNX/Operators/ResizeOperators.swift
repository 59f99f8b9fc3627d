import Diagnostics
import FixedPoint
import Graph

extension ONNXOperator {
  static let resizeOperators = [
    ONNXOperator(
      ["Resize"],
      attributes: [
        "mode", "coordinate_transformation_mode", "nearest_mode", "cubic_coeff_a", "exclude_outside",
        "extrapolation_value", "axes", "antialias", "keep_aspect_ratio_policy",
      ], emit: emitResize),
    ONNXOperator(
      ["Upsample"], attributes: ["mode", "scales", "height_scale", "width_scale"], emit: emitUpsample),
    ONNXOperator(
      ["ConvTranspose"],
      attributes: [
        "kernel_shape", "strides", "pads", "auto_pad", "dilations", "group", "output_padding", "output_shape",
      ], emit: emitTransposedConvolution),
  ]

  private static func emitResize(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.tensor(0, &builder)
    let shape = call.fullShape(x, builder)
    // Up to operator set 10 the scales are operand 2.
    let isOld = call.context.opset < 11
    if call.flag("antialias") { throw call.failure("I408", "'antialias' is not supported") }
    let policy = call.text("keep_aspect_ratio_policy", default: "stretch")
    guard policy == "stretch" else { throw call.failure("I408", "'keep_aspect_ratio_policy' is '\(policy)'") }
    var axes: [Int] = []
    for axis in call.ints("axes") ?? Array(shape.indices) {
      axes.append(try call.axis(axis, rank: shape.count))
    }
    let scales = try call.constant(isOld ? 1 : 2)?.values ?? []
    let sizes = isOld ? [] : try call.integers(3) ?? []
    guard scales.count == axes.count || sizes.count == axes.count else {
      throw call.failure("I408", "expected a scale or a size for each of \(axes.count) axes")
    }
    var resize = AxisResize(
      mode: call.text("mode", default: "nearest"),
      coordinates: isOld ? "asymmetric" : call.text("coordinate_transformation_mode", default: "half_pixel"),
      nearest: isOld ? "floor" : call.text("nearest_mode", default: "round_prefer_floor"),
      cubic: try call.float("cubic_coeff_a", default: -0.75), excludesOutside: call.flag("exclude_outside"))
    var targets: [(axis: Int, outputs: Int, scale: Double?)] = []
    for (i, axis) in axes.enumerated() {
      if !sizes.isEmpty {
        targets.append((axis, sizes[i], nil))
      } else {
        let length = (Double(shape[axis]) * scales[i]).rounded(.down)
        guard length >= 1, length <= 65536 else { throw call.failure("I408", "has the scale \(scales[i])") }
        targets.append((axis, Int(length), scales[i]))
      }
    }
    return [.tensor(try apply(&resize, targets, x, call, &builder))]
  }

  private static func emitUpsample(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.tensor(0, &builder)
    let shape = call.fullShape(x, builder)
    var scales = call.attributes["scales"].map { $0.floats.map(Double.init) } ?? []
    if scales.isEmpty { scales = try call.constant(1)?.values ?? [] }
    guard scales.count == shape.count else { throw call.failure("I408", "expected a scale for each axis") }
    var resize = AxisResize(
      mode: call.text("mode", default: "nearest"), coordinates: "asymmetric", nearest: "floor", cubic: -0.75,
      excludesOutside: false)
    var targets: [(axis: Int, outputs: Int, scale: Double?)] = []
    for (axis, scale) in scales.enumerated() {
      let length = (Double(shape[axis]) * scale).rounded(.down)
      guard length >= 1, length <= 65536 else { throw call.failure("I408", "has the scale \(scale)") }
      targets.append((axis, Int(length), scale))
    }
    return [.tensor(try apply(&resize, targets, x, call, &builder))]
  }

  private static func apply(
    _ resize: inout AxisResize, _ targets: [(axis: Int, outputs: Int, scale: Double?)], _ x: NodeID,
    _ call: ONNXCall, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    var y = x
    for target in targets {
      let count = call.fullShape(y, builder)[target.axis]
      if target.outputs == count && (target.scale ?? 1) == 1 { continue }
      let axis = try call.sampleAxis(target.axis, rank: call.fullRank(y, builder))
      guard let map = resize.map(count, to: target.outputs, scale: target.scale) else {
        throw call.failure("I408", "resizes by '\(resize.mode)' with '\(resize.coordinates)'")
      }
      y = try builder.resample(y, axis: axis, map, call, "axis\(target.axis)")
    }
    return y
  }

  private static func emitTransposedConvolution(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try builder.channelsLast(try call.sample(0, &builder), call)
    let shape = builder.shape(x)
    let rank = shape.count - 1
    let kernel = try call.requireConstant(1)
    let groups = call.int("group", default: 1)
    guard rank >= 1, kernel.shape.count == rank + 2, groups > 0, kernel.shape.allSatisfy({ $0 > 0 }),
      kernel.shape[0] == shape[rank], shape[rank] % groups == 0
    else {
      throw call.failure(
        "I409", "a kernel of shape \(kernel.shape) in \(groups) groups does not fit \(shape[rank]) channels")
    }
    let geometry = try call.transposedWindows(
      Array(shape.dropLast()), kernel: Array(kernel.shape.dropFirst(2)))
    let channels = shape[rank] / groups
    let outputs = kernel.shape[1]
    let taps = geometry.kernel.elementCount
    // [group, channel, output, tap] becomes [group, tap, channel, output].
    let grouped = kernel.reshaped([groups, channels, outputs, taps]).transposed([0, 3, 1, 2])
    var bias: Weights?
    if let constant = try call.constant(2) {
      guard constant.shape == [groups * outputs] else {
        throw call.failure(
          "I409", "a bias of shape \(constant.shape) does not fit \(groups * outputs) filters")
      }
      bias = constant.reshaped([groups, outputs]).weights(isQuantizedModel: call.context.isQuantized)
    }
    let y = try builder.convolveTransposed(
      x, geometry, groups: groups, weights: grouped.weights(isQuantizedModel: call.context.isQuantized),
      bias: bias, call, "channels_last")
    return [try call.result(try builder.channelsFirst(y, call), &builder)]
  }
}

/// How `Resize` finds the elements of one axis.
private struct AxisResize {
  var mode: String
  var coordinates: String
  var nearest: String
  var cubic: Double
  var excludesOutside: Bool

  /// The map of an axis; nil for modes that are not known.
  func map(_ count: Int, to outputs: Int, scale: Double?) -> AxisMap? {
    // Positions are fractions: numerator over one denominator for all results.
    let isExact = scale.map { Double(count) * $0 == Double(outputs) } ?? true
    let ratio = scale.map { 1 / $0 } ?? Double(count) / Double(outputs)
    var positions: [Double] = []
    var exact: (numerators: [Int], denominator: Int)?
    for o in 0..<outputs {
      switch coordinates {
      case "half_pixel", "half_pixel_symmetric": positions.append((Double(o) + 0.5) * ratio - 0.5)
      case "pytorch_half_pixel": positions.append(outputs > 1 ? (Double(o) + 0.5) * ratio - 0.5 : 0)
      case "asymmetric": positions.append(Double(o) * ratio)
      case "align_corners":
        positions.append(outputs > 1 ? Double(o) * Double(count - 1) / Double(outputs - 1) : 0)
      default: return nil
      }
    }
    if isExact || coordinates == "align_corners" {
      switch coordinates {
      case "half_pixel", "half_pixel_symmetric":
        exact = ((0..<outputs).map { (2 * $0 + 1) * count - outputs }, 2 * outputs)
      case "pytorch_half_pixel" where outputs > 1:
        exact = ((0..<outputs).map { (2 * $0 + 1) * count - outputs }, 2 * outputs)
      case "asymmetric": exact = ((0..<outputs).map { $0 * count }, outputs)
      case "align_corners" where outputs > 1: exact = ((0..<outputs).map { $0 * (count - 1) }, outputs - 1)
      default: break
      }
    } else if coordinates == "half_pixel_symmetric" {
      return nil
    }
    switch mode {
    case "nearest": return nearestMap(positions, exact, count)
    case "linear":
      if let exact { return .linear(exact.numerators, denominator: exact.denominator, count: count) }
      return interpolated(positions, count) { part in [(0, 1 - part), (1, part)] }
    case "cubic": return interpolated(positions, count, cubicWeights)
    default: return nil
    }
  }

  private func nearestMap(
    _ positions: [Double], _ exact: (numerators: [Int], denominator: Int)?, _ count: Int
  )
    -> AxisMap?
  {
    var indices: [Int] = []
    for (i, position) in positions.enumerated() {
      // Exact fractions decide ties where binary64 might not.
      let value = exact.map { Double($0.numerators[i]) / Double($0.denominator) } ?? position
      let index: Double
      switch nearest {
      case "floor": index = value.rounded(.down)
      case "ceil": index = value.rounded(.up)
      case "round_prefer_floor": index = (value - 0.5).rounded(.up)
      case "round_prefer_ceil": index = (value + 0.5).rounded(.down)
      default: return nil
      }
      indices.append(Int(min(max(index, 0), Double(count - 1))))
    }
    return .picking(indices)
  }

  /// Keys' cubic convolution (1981) at a fraction of a step behind an element.
  private func cubicWeights(_ part: Double) -> [(offset: Int, weight: Double)] {
    func near(_ x: Double) -> Double { ((cubic + 2) * x - (cubic + 3)) * x * x + 1 }
    func far(_ x: Double) -> Double { ((cubic * x - 5 * cubic) * x + 8 * cubic) * x - 4 * cubic }
    return [(-1, far(1 + part)), (0, near(part)), (1, near(1 - part)), (2, far(2 - part))]
  }

  private func interpolated(
    _ positions: [Double], _ count: Int, _ weights: (Double) -> [(offset: Int, weight: Double)]
  ) -> AxisMap {
    AxisMap(
      rows: positions.map { position in
        let low = position.rounded(.down)
        var row: [(index: Int, coefficient: Double)] = []
        for (offset, weight) in weights(position - low) {
          let index = Int(low) + offset
          let isOutside = index < 0 || index >= count
          if isOutside && excludesOutside { continue }
          row.append((min(max(index, 0), count - 1), weight))
        }
        let sum = excludesOutside ? row.reduce(0) { $0 + $1.coefficient } : 1
        return row.map { ($0.index, $0.coefficient / sum) }
      }, denominator: 1)
  }
}

extension ONNXCall {
  /// The positions of `ConvTranspose`.
  fileprivate func transposedWindows(_ positions: [Int], kernel: [Int]) throws(CompilationFailed)
    -> TransposedWindows
  {
    let rank = positions.count
    func extents(_ name: String, _ count: Int, _ fallback: Int, from least: Int) throws(CompilationFailed)
      -> [Int]
    {
      let values = ints(name) ?? Array(repeating: fallback, count: count)
      guard values.count == count, values.allSatisfy({ $0 >= least && $0 < 1 << 16 }) else {
        throw failure("I408", "'\(name)' is \(values), expected \(count) integers from \(least) on")
      }
      return values
    }
    if let stated = ints("kernel_shape"), stated != kernel {
      throw failure("I409", "'kernel_shape' is \(stated), the kernel has \(kernel)")
    }
    let strides = try extents("strides", rank, 1, from: 1)
    let dilation = try extents("dilations", rank, 1, from: 1)
    let extra = try extents("output_padding", rank, 0, from: 0)
    let pads = try extents("pads", 2 * rank, 0, from: 0)
    let mode = text("auto_pad", default: "NOTSET")
    guard ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", ""].contains(mode) else {
      throw failure("I408", "'auto_pad' is '\(mode)'")
    }
    let wanted = ints("output_shape").map { Array($0.suffix(rank)) }
    var result = TransposedWindows(
      kernel: kernel, strides: strides, dilation: dilation, outputs: [], crop: [])
    for axis in 0..<rank {
      let natural =
        strides[axis] * (positions[axis] - 1) + extra[axis] + (kernel[axis] - 1) * dilation[axis] + 1
      guard mode.hasPrefix("SAME") || wanted != nil else {
        let before = mode == "VALID" ? 0 : pads[axis]
        result.outputs.append(natural - before - (mode == "VALID" ? 0 : pads[axis + rank]))
        result.crop.append(before)
        continue
      }
      // onnxruntime pads nothing where a kernel does not reach the next position.
      let outputs = wanted?[axis] ?? min(positions[axis] * strides[axis], natural)
      let total = max(natural - outputs, 0)
      result.outputs.append(outputs)
      result.crop.append(mode == "SAME_UPPER" ? total / 2 : total - total / 2)
    }
    guard result.outputs.allSatisfy({ $0 > 0 && $0 <= 1 << 16 }) else {
      throw failure("I409", "a tensor of shape \(result.outputs) can't be built")
    }
    return result
  }
}
