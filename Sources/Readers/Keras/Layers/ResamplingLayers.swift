import Diagnostics
import FixedPoint
import Graph

extension LayerImporter {
  static let transposedConvolutionLayers = [1, 2, 3].map { rank in
    LayerImporter(
      ["Conv\(rank)DTranspose", "Convolution\(rank)DTranspose"],
      attributes: convolutionAttributes + ["output_padding"]
    ) { (call, builder) throws(CompilationFailed) in
      let y = try builder.convolveTransposed(try call.input(), rank: rank, call) {
        Weights(real: $0.values, shape: $0.shape)
      }
      return [try builder.activate(y, call)]
    }
  }

  static let resamplingLayers =
    [
      LayerImporter(
        ["Resizing"],
        attributes: [
          "height", "width", "interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias",
          "fill_mode", "fill_value", "data_format",
        ], callArguments: ["training"], emit: emitResizing)
    ]
    + [1, 2, 3].flatMap { rank in
      ["Average", "Max"].map { kind in
        LayerImporter(["Adaptive\(kind)Pooling\(rank)D"], attributes: ["output_size", "data_format"]) {
          (call, builder) throws(CompilationFailed) in
          let sizes = try call.extents("output_size", rank: rank)
          try call.requireChannelsLast()
          let x = try call.input()
          guard builder.rank(x) == rank + 1 else {
            throw call.failure("I116", "expected a tensor of \(rank + 1) axes, found \(builder.shape(x))")
          }
          return [
            kind == "Max"
              ? try builder.adaptiveMaximum(x, sizes, call) : try builder.adaptiveAverage(x, sizes, call)
          ]
        }
      }
    }

  private static func emitResizing(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    try call.requireChannelsLast()
    for name in ["crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"] {
      if try call.bool(name, default: false) { throw call.failure("I114", "'\(name)' is not supported") }
    }
    guard builder.rank(x) == 3 else {
      throw call.failure("I116", "expected an image, found \(builder.shape(x))")
    }
    let target = [try call.count("height"), try call.count("width")]
    let isNearest = try call.choice("interpolation", ["bilinear", "nearest"]) == "nearest"
    return [try builder.resize(x, target, isNearest: isNearest, call)]
  }
}

extension GraphBuilder {
  /// The positions of a tensor [positions…, channels] resampled.
  mutating func resize(_ x: NodeID, _ target: [Int], isNearest: Bool, _ call: LayerCall)
    throws(CompilationFailed)
    -> NodeID
  {
    var y = x
    for (axis, outputs) in target.enumerated() {
      let count = shape(y)[axis]
      if count == outputs { continue }
      _ = try checkedLength(outputs, call)
      let map = isNearest ? AxisMap.nearest(count, to: outputs) : .bilinear(count, to: outputs)
      y = try resample(y, axis: axis, map, call, "axis\(axis + 1)")
    }
    return y
  }

  private func checkedLength(_ length: Int, _ call: LayerCall) throws(CompilationFailed) -> Int {
    guard length <= 1 << 16 else { throw call.failure("I115", "an axis of \(length) can't be built") }
    return length
  }

  mutating func adaptiveAverage(_ x: NodeID, _ sizes: [Int], _ call: some LayerSite) throws(CompilationFailed)
    -> NodeID
  {
    var y = x
    for (axis, outputs) in sizes.enumerated() {
      let parts = AxisMap.adaptive(shape(y)[axis], to: outputs)
      let lengths = Set(parts.map(\.count)).sorted()
      let common = lengths.reduce(1) { $0 / Int(Rational.gcd(UInt128($0), UInt128($1))) * $1 }
      let map = AxisMap(
        rows: parts.map { part in part.map { (index: $0, coefficient: Double(common / part.count)) } },
        denominator: common)
      y = try resample(y, axis: axis, map, call, "axis\(axis + 1)")
    }
    return y
  }

  mutating func adaptiveMaximum(_ x: NodeID, _ sizes: [Int], _ call: some LayerSite) throws(CompilationFailed)
    -> NodeID
  {
    var y = x
    for (axis, outputs) in sizes.enumerated() {
      var parts: [NodeID] = []
      for (number, part) in AxisMap.adaptive(shape(y)[axis], to: outputs).enumerated() {
        let picked = try select(y, axis: axis, Array(part), call, "axis\(axis + 1)_part\(number)")
        parts.append(
          try reduce(.maximum, picked, [axis], keepsAxes: true, call, "axis\(axis + 1)_max\(number)"))
      }
      y =
        parts.count == 1
        ? parts[0] : try add(.rearrange(.concatenate(axis: axis)), parts, call, "axis\(axis + 1)")
    }
    return y
  }

  /// Keras' transposed convolution with an optional bias, without activation.
  mutating func convolveTransposed(_ x: NodeID, rank: Int, _ call: LayerCall, _ convert: WeightConversion)
    throws(CompilationFailed) -> NodeID
  {
    let shape = shape(x)
    guard shape.count == rank + 1 else {
      throw call.failure("I116", "expected a tensor of \(rank + 1) axes, found \(shape)")
    }
    try call.requireChannelsLast()
    guard try call.count("groups", default: 1) == 1 else { throw call.failure("I114", "'groups' is above 1") }
    let filters = try call.count("filters")
    let usesBias = try call.bool("use_bias", default: true)
    let weights = try call.weights(usesBias ? ["kernel", "bias"] : ["kernel"], self)
    let geometry = try transposedWindows(call, positions: Array(shape.dropLast()))
    let channels = shape[rank]
    let kernelShape = geometry.kernel + [filters, channels]
    let kernel = try convert(
      LayerVariable(name: "kernel", values: try weights.array("kernel", kernelShape), shape: kernelShape))
    let taps = geometry.kernel.elementCount
    let matrix = kernel.reshaped([taps, filters, channels]).transposed([0, 2, 1])
    var bias: Weights?
    if usesBias {
      bias = try convert(
        LayerVariable(name: "bias", values: try weights.array("bias", [filters]), shape: [filters])
      ).reshaped([1, filters])
    }
    return try convolveTransposed(x, geometry, groups: 1, weights: matrix, bias: bias, call, nil)
  }

  private func transposedWindows(_ call: LayerCall, positions: [Int]) throws(CompilationFailed)
    -> TransposedWindows
  {
    let rank = positions.count
    let kernel = try call.extents("kernel_size", rank: rank)
    let strides = try call.extents("strides", rank: rank, default: 1)
    let dilation = try call.extents("dilation_rate", rank: rank, default: 1)
    let isSame = try call.choice("padding", ["valid", "same"]) == "same"
    var extra: [Int]?
    if let value = call.attribute("output_padding") {
      let given =
        try value.array == nil ? Array(repeating: value.requireInt(), count: rank) : value.requireInts()
      guard given.count == rank, given.allSatisfy({ $0 >= 0 && $0 < 1 << 16 }) else {
        throw value.failure("I114", "'output_padding' is \(given), expected \(rank) integers from 0 on")
      }
      extra = given
    }
    var result = TransposedWindows(
      kernel: kernel, strides: strides, dilation: dilation, outputs: [], crop: [])
    for axis in 0..<rank {
      guard kernel[axis] < 1 << 16, dilation[axis] < 1 << 16, strides[axis] < 1 << 16 else {
        throw call.failure("I114", "a window of that size can't be built")
      }
      let reach = (kernel[axis] - 1) * dilation[axis] + 1
      let stride = strides[axis]
      let last = (positions[axis] - 1) * stride
      if isSame {
        let outputs = extra.map { last + reach % 2 + $0[axis] } ?? positions[axis] * stride
        let margin = extra.map { reach + reach % 2 - 2 + $0[axis] } ?? stride + reach - 2
        result.outputs.append(outputs)
        result.crop.append(reach - 1 - min((margin + 1) / 2, reach - 1))
      } else {
        result.outputs.append(last + reach + (extra?[axis] ?? max(reach, stride) - reach))
        result.crop.append(0)
      }
    }
    return result
  }
}
