import Diagnostics
import Graph

/// The windows of a convolution or a pooling over the positions of a tensor [positions…, channels].
struct Windows: Hashable, Sendable {
  enum Padding: String, Sendable { case valid, same, causal }

  var kernel: [Int]
  var strides: [Int]
  var dilation: [Int]
  /// The positions of the operand, and of the result.
  var inputs: [Int]
  var outputs: [Int]
  /// The margin before the first position.
  var before: [Int]

  var rank: Int { kernel.count }
  /// Elements of a window.
  var count: Int { kernel.elementCount }

  /// The windows that a layer's attributes describe, as TensorFlow places them.
  ///
  /// - Throws: I116 where the tensor has another rank, I114 for attributes that leave no window.
  init(
    _ call: LayerCall, shape: [Int], rank: Int, kernel kernelAttribute: String,
    paddings: [String] = ["valid", "same"], hasDilation: Bool = true
  ) throws(CompilationFailed) {
    guard shape.count == rank + 1 else {
      throw call.failure("I116", "expected a tensor of \(rank + 1) axes, found \(shape)")
    }
    try call.requireChannelsLast()
    kernel = try call.extents(kernelAttribute, rank: rank)
    dilation = hasDilation ? try call.extents("dilation_rate", rank: rank, default: 1) : kernel.map { _ in 1 }
    // A pooling without strides advances by its window.
    strides =
      call.attribute("strides") == nil && kernelAttribute == "pool_size"
      ? kernel : try call.extents("strides", rank: rank, default: 1)
    inputs = Array(shape.dropLast())
    let padding = Padding(rawValue: try call.choice("padding", paddings)) ?? .valid
    outputs = []
    before = []
    for axis in 0..<rank {
      let (reach, overflow) = (kernel[axis] - 1).multipliedReportingOverflow(by: dilation[axis])
      guard !overflow, reach < 1 << 31 else {
        throw call.failure("I114", "a window of that size can't be built")
      }
      switch padding {
      case .valid:
        guard inputs[axis] > reach else {
          throw call.failure("I114", "a window of \(reach + 1) positions does not fit \(inputs[axis])")
        }
        outputs.append((inputs[axis] - reach - 1) / strides[axis] + 1)
        before.append(0)
      case .same:
        let output = (inputs[axis] + strides[axis] - 1) / strides[axis]
        outputs.append(output)
        before.append(max((output - 1) * strides[axis] + reach + 1 - inputs[axis], 0) / 2)
      case .causal:
        outputs.append((inputs[axis] - 1) / strides[axis] + 1)
        before.append(reach)
      }
    }
  }

  /// The window that covers every position, as global pooling takes it.
  init(covering shape: [Int]) {
    inputs = Array(shape.dropLast())
    kernel = inputs
    strides = inputs
    dilation = inputs.map { _ in 1 }
    outputs = inputs.map { _ in 1 }
    before = inputs.map { _ in 0 }
  }

  /// The windows with the elements of one channel last: [outputs…, channels, kernel…].
  func byChannel(channels: Int, padding: AffineView.Padding) -> AffineView {
    view(outputs + [channels] + kernel, channel: { $0[rank] = 1 }, kernelAxis: rank + 1, padding)
  }

  /// The windows with all channels of a group last: [outputs…, groups, kernel…, channels / groups].
  func byGroup(channels: Int, groups: Int) -> AffineView {
    let shape = outputs + [groups] + kernel + [channels / groups]
    return view(
      shape,
      channel: { row in
        row[rank] = channels / groups
        row[shape.count - 1] = 1
      }, kernelAxis: rank + 1, .zero)
  }

  private func view(
    _ shape: [Int], channel: (inout [Int]) -> Void, kernelAxis: Int, _ padding: AffineView.Padding
  ) -> AffineView {
    var strides = Array(repeating: Array(repeating: 0, count: shape.count), count: rank + 1)
    for axis in 0..<rank {
      strides[axis][axis] = self.strides[axis]
      strides[axis][kernelAxis + axis] = dilation[axis]
    }
    channel(&strides[rank])
    return AffineView(
      shape: shape, offsets: before.map { -$0 } + [0], strides: strides, padding: hasMargin ? padding : .none)
  }

  /// Whether a window reaches beyond the tensor.
  private var hasMargin: Bool {
    (0..<rank).contains { axis in
      let last = (outputs[axis] - 1) * strides[axis] + (kernel[axis] - 1) * dilation[axis] - before[axis]
      return before[axis] > 0 || last >= inputs[axis]
    }
  }

  /// How many elements of the tensor lie in each window, in row-major order of the outputs.
  var coverage: [Int] {
    var counts = [1]
    for axis in 0..<rank {
      let along = (0..<outputs[axis]).map { position in
        (0..<kernel[axis]).filter { tap in
          let source = position * strides[axis] + tap * dilation[axis] - before[axis]
          return source >= 0 && source < inputs[axis]
        }.count
      }
      counts = counts.flatMap { outer in along.map { outer * $0 } }
    }
    return counts
  }
}

extension GraphBuilder {
  /// The windows as a tensor whose last axis is one window of one group, all channels of the group in it.
  mutating func windows(_ x: NodeID, _ windows: Windows, groups: Int, _ call: some LayerSite)
    throws(CompilationFailed) -> NodeID
  {
    let channels = shape(x).last ?? 1
    // A kernel of one element needs no windows.
    if windows.count == 1, windows.outputs == windows.inputs { return x }
    let view = try add(
      .rearrange(.view(windows.byGroup(channels: channels, groups: groups))), [x], call, "windows")
    return try reshape(view, windows.outputs + [windows.count * channels], call, "flat")
  }

  /// The windows as a tensor whose last axis is one window of one channel: [outputs…, channels, elements].
  mutating func channelWindows(
    _ x: NodeID, _ windows: Windows, padding: AffineView.Padding, _ call: some LayerSite
  ) throws(CompilationFailed) -> NodeID {
    let channels = shape(x).last ?? 1
    let view = try add(
      .rearrange(.view(windows.byChannel(channels: channels, padding: padding))), [x], call, "windows")
    return try reshape(view, windows.outputs + [channels, windows.count], call, "flat")
  }
}
