import Diagnostics
import FixedPoint
import Graph

extension ONNXOperator {
  private static let windowAttributes = ["kernel_shape", "strides", "pads", "auto_pad", "dilations"]

  static let windowOperators = [
    ONNXOperator(["Conv"], attributes: windowAttributes + ["group"], emit: emitConvolution),
    ONNXOperator(
      ["MaxPool"], attributes: windowAttributes + ["ceil_mode", "storage_order"], emit: emitMaxPool),
    ONNXOperator(
      ["AveragePool"], attributes: windowAttributes + ["ceil_mode", "count_include_pad"],
      emit: emitAveragePool),
    ONNXOperator(["LpPool"], attributes: windowAttributes + ["ceil_mode", "p"]) {
      (call, builder) throws(CompilationFailed) in
      let x = try builder.channelsLast(try call.sample(0, &builder), call)
      let (windows, _) = try call.windows(over: Array(builder.shape(x).dropLast()), kernel: nil)
      return [try normPool(x, windows, call, &builder)]
    },
    ONNXOperator(["GlobalLpPool"], attributes: ["p"]) { (call, builder) throws(CompilationFailed) in
      let x = try builder.channelsLast(try call.sample(0, &builder), call)
      return [try normPool(x, Windows(covering: builder.shape(x)), call, &builder)]
    },
    ONNXOperator(["LRN"], attributes: ["alpha", "beta", "bias", "size"], emit: emitLocalNormalization),
    ONNXOperator(["GlobalMaxPool"]) { (call, builder) throws(CompilationFailed) in
      let x = try builder.channelsLast(try call.sample(0, &builder), call)
      let y = try builder.maxPool(x, Windows(covering: builder.shape(x)), call, isGlobal: true)
      return [try call.result(try builder.channelsFirst(y, call), &builder)]
    },
    ONNXOperator(["GlobalAveragePool"]) { (call, builder) throws(CompilationFailed) in
      let x = try builder.channelsLast(try call.sample(0, &builder), call)
      let y = try builder.averagePool(x, Windows(covering: builder.shape(x)), call, isGlobal: true)
      return [try call.result(try builder.channelsFirst(y, call), &builder)]
    },
  ]

  private static func emitConvolution(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try builder.channelsLast(try call.sample(0, &builder), call)
    let shape = builder.shape(x)
    let rank = shape.count - 1
    let channels = shape[rank]
    let kernel = try call.requireConstant(1)
    let groups = call.int("group", default: 1)
    guard rank >= 1, kernel.shape.count == rank + 2, groups > 0, kernel.shape.allSatisfy({ $0 > 0 }),
      channels % groups == 0, kernel.shape[1] == channels / groups, kernel.shape[0] % groups == 0
    else {
      throw call.failure(
        "I409", "a kernel of shape \(kernel.shape) in \(groups) groups does not fit \(channels) channels")
    }
    let window = Array(kernel.shape.dropFirst(2))
    if let stated = call.ints("kernel_shape"), stated != window {
      throw call.failure("I409", "'kernel_shape' is \(stated), the kernel has \(window)")
    }
    let (windows, _) = try call.windows(over: Array(shape.dropLast()), kernel: window)
    let operand = try builder.windows(x, windows, groups: groups, call)
    let filters = kernel.shape[0]
    let outputs = filters / groups
    // [group, output, channel, window] becomes [group, window, channel, output].
    let grouped = kernel.reshaped([groups, outputs, channels / groups, windows.count]).transposed([
      0, 3, 2, 1,
    ])
    let inputs = windows.count * channels / groups
    var linear = Linear(
      groups: groups, inputs: inputs, outputs: outputs,
      weights: grouped.reshaped([groups, inputs, outputs]).weights(
        isQuantizedModel: call.context.isQuantized))
    var bias: Weights?
    if let constant = try call.constant(2) {
      guard constant.shape == [filters] else {
        throw call.failure("I409", "a bias of shape \(constant.shape) does not fit \(filters) filters")
      }
      bias = constant.reshaped([groups, outputs]).weights(isQuantizedModel: call.context.isQuantized)
    }
    linear.bias = bias
    let y = try builder.add(.linear(linear), [operand], call, "channels_last")
    if let bias, let scaled = builder.productScales(bias, of: y) {
      linear.bias = scaled
      builder.replace(y, with: .linear(linear))
    }
    return [try call.result(try builder.channelsFirst(y, call), &builder)]
  }

  private static func emitMaxPool(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    if call.outputCount > 1 { throw call.failure("I408", "yields indices as well") }
    let x = try builder.channelsLast(try call.sample(0, &builder), call)
    let (windows, _) = try call.windows(over: Array(builder.shape(x).dropLast()), kernel: nil)
    let y = try builder.maxPool(x, windows, call, isGlobal: true)
    return [try call.result(try builder.channelsFirst(y, call), &builder)]
  }

  private static func emitAveragePool(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try builder.channelsLast(try call.sample(0, &builder), call)
    let (windows, padded) = try call.windows(over: Array(builder.shape(x).dropLast()), kernel: nil)
    let counted = call.flag("count_include_pad") ? padded : windows
    let y = try builder.averagePool(x, windows, call, isGlobal: true, counted: counted)
    return [try call.result(try builder.channelsFirst(y, call), &builder)]
  }
}

extension ONNXOperator {
  /// Σ |x| or √Σ x² over windows.
  private static func normPool(
    _ x: NodeID, _ windows: Windows, _ call: ONNXCall, _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> ONNXValue {
    let order = call.int("p", default: 2)
    guard order == 1 || order == 2 else { throw call.failure("I408", "'p' is \(order), expected 1 or 2") }
    let sizes =
      order == 1
      ? try builder.magnitude(x, call, "abs") : try builder.add(.combine(.multiply), [x, x], call, "square")
    var y = try builder.sumPool(sizes, windows, call)
    if order == 2 { y = try builder.add(.map(Map(.sqrt)), [y], call, "norm") }
    return try call.result(try builder.channelsFirst(y, call), &builder)
  }

  /// x / (bias + alpha / size · Σ x²)^beta, the sum over `size` channels around each.
  private static func emitLocalNormalization(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try builder.channelsLast(try call.sample(0, &builder), call)
    let channels = builder.shape(x).last ?? 1
    let size = call.int("size", default: 0)
    guard (1...4096).contains(size) else { throw call.failure("I408", "'size' is \(size)") }
    let alpha = try call.float("alpha", default: Double(Float(1e-4)))
    let bias = try call.float("bias", default: 1)
    let square = try builder.add(.combine(.multiply), [x, x], call, "square")
    let rows = (0..<channels).map { c in
      (max(c - (size - 1) / 2, 0)...min(c + size / 2, channels - 1)).map { (index: $0, coefficient: 1.0) }
    }
    let sums = try builder.resample(
      square, axis: builder.rank(x) - 1, AxisMap(rows: rows, denominator: 1), call, "sums")
    let scale = Weights.coefficients(alpha / Double(size), channels: channels)
    let shift = Weights.coefficients(bias, channels: channels)
    let power = try builder.affine(sums, scale: scale, shift: shift, call, "power")
    let factor: NodeID
    let inverse = try builder.add(.map(Map(.rsqrt)), [power], call, "inverse")
    switch try call.float("beta", default: 0.75) {
    case 0.5: factor = inverse
    case 0.75:
      let root = try builder.add(.map(Map(.sqrt)), [inverse], call, "root")
      factor = try builder.add(.combine(.multiply), [inverse, root], call, "factor")
    case 1: factor = try builder.add(.combine(.multiply), [inverse, inverse], call, "factor")
    case let beta: throw call.failure("I408", "'beta' is \(beta), expected 0.5, 0.75 or 1")
    }
    let y = try builder.add(.combine(.multiply), [x, factor], call, "channels_last")
    return [try call.result(try builder.channelsFirst(y, call), &builder)]
  }
}

extension GraphBuilder {
  mutating func channelsLast(_ x: NodeID, _ call: ONNXCall) throws(CompilationFailed) -> NodeID {
    let rank = rank(x)
    guard rank >= 2 else { throw call.failure("I409", "expected channels and positions, found \(shape(x))") }
    return try transpose(x, Array(1..<rank) + [0], call, "last")
  }

  mutating func channelsFirst(_ x: NodeID, _ call: ONNXCall) throws(CompilationFailed) -> NodeID {
    let rank = rank(x)
    return try transpose(x, [rank - 1] + Array(0..<(rank - 1)), call, nil)
  }
}

extension ONNXCall {
  /// The windows that the call's attributes describe, and the same over the tensor with its margins.
  ///
  /// - Parameters:
  ///   - kernel: its extents; nil where an attribute gives them.
  func windows(over positions: [Int], kernel given: [Int]?) throws(CompilationFailed) -> (
    windows: Windows, padded: Windows
  ) {
    let rank = positions.count
    func extents(_ name: String, _ count: Int, _ fallback: Int, from least: Int) throws(CompilationFailed)
      -> [Int]
    {
      let values = ints(name) ?? Array(repeating: fallback, count: count)
      guard values.count == count, values.allSatisfy({ $0 >= least && $0 < 1 << 24 }) else {
        throw failure("I408", "'\(name)' is \(values), expected \(count) integers from \(least) on")
      }
      return values
    }
    var kernel = given ?? []
    if given == nil { kernel = try extents("kernel_shape", rank, 0, from: 1) }
    let strides = try extents("strides", rank, 1, from: 1)
    let dilation = try extents("dilations", rank, 1, from: 1)
    var pads = try extents("pads", 2 * rank, 0, from: 0)
    let mode = text("auto_pad", default: "NOTSET")
    guard ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", ""].contains(mode) else {
      throw failure("I408", "'auto_pad' is '\(mode)'")
    }
    var windows = Windows(covering: positions + [1])
    windows.kernel = kernel
    windows.strides = strides
    windows.dilation = dilation
    windows.outputs = []
    for axis in 0..<rank {
      let reach = (kernel[axis] - 1) * dilation[axis]
      if mode.hasPrefix("SAME") {
        let count = (positions[axis] + strides[axis] - 1) / strides[axis]
        let margin = max((count - 1) * strides[axis] + reach + 1 - positions[axis], 0)
        pads[axis] = mode == "SAME_UPPER" ? margin / 2 : margin - margin / 2
        pads[axis + rank] = margin - pads[axis]
      } else if mode == "VALID" {
        pads[axis] = 0
        pads[axis + rank] = 0
      }
      let room = positions[axis] + pads[axis] + pads[axis + rank] - reach - 1
      guard room >= 0, given != nil || (pads[axis] <= reach && pads[axis + rank] <= reach) else {
        throw failure("I409", "a window of \(reach + 1) positions does not fit \(positions[axis])")
      }
      var count = room / strides[axis] + 1
      // A last window that is not full must begin inside the tensor or its first margin.
      if flag("ceil_mode"), room % strides[axis] != 0,
        count * strides[axis] < positions[axis] + pads[axis]
      {
        count += 1
      }
      windows.outputs.append(count)
    }
    windows.before = Array(pads[..<rank])
    var padded = windows
    padded.inputs = (0..<rank).map { positions[$0] + pads[$0] + pads[$0 + rank] }
    padded.before = positions.map { _ in 0 }
    return (windows, padded)
  }
}
