import Diagnostics
import Graph

extension LayerImporter {
  static let shapeLayers = [
    LayerImporter(["Flatten", "HGQ>PFlatten"], attributes: ["data_format"], emit: emitFlatten),
    LayerImporter(["Reshape", "HGQ>PReshape"], attributes: ["target_shape"], emit: emitReshape),
    LayerImporter(["Permute", "HGQ>PPermute"], attributes: ["dims"], emit: emitPermute),
    LayerImporter(["RepeatVector"], attributes: ["n"], emit: emitRepeatVector),
    LayerImporter(["ZeroPadding1D"], attributes: ["padding", "data_format"]) {
      (call, builder) throws(CompilationFailed) in
      try emitMargins(call, &builder, "padding", rank: 1, sign: 1)
    },
    LayerImporter(["ZeroPadding2D"], attributes: ["padding", "data_format"]) {
      (call, builder) throws(CompilationFailed) in
      try emitMargins(call, &builder, "padding", rank: 2, sign: 1)
    },
    LayerImporter(["ZeroPadding3D"], attributes: ["padding", "data_format"]) {
      (call, builder) throws(CompilationFailed) in
      try emitMargins(call, &builder, "padding", rank: 3, sign: 1)
    },
    LayerImporter(["Cropping1D"], attributes: ["cropping", "data_format"]) {
      (call, builder) throws(CompilationFailed) in
      try emitMargins(call, &builder, "cropping", rank: 1, sign: -1)
    },
    LayerImporter(["Cropping2D"], attributes: ["cropping", "data_format"]) {
      (call, builder) throws(CompilationFailed) in
      try emitMargins(call, &builder, "cropping", rank: 2, sign: -1)
    },
    LayerImporter(["Cropping3D"], attributes: ["cropping", "data_format"]) {
      (call, builder) throws(CompilationFailed) in
      try emitMargins(call, &builder, "cropping", rank: 3, sign: -1)
    },
    LayerImporter(["UpSampling1D"], attributes: ["size", "data_format"]) {
      (call, builder) throws(CompilationFailed) in try emitUpSampling(call, &builder, rank: 1)
    },
    LayerImporter(["UpSampling2D"], attributes: ["size", "interpolation", "data_format"]) {
      (call, builder) throws(CompilationFailed) in try emitUpSampling(call, &builder, rank: 2)
    },
    LayerImporter(["UpSampling3D"], attributes: ["size", "data_format"]) {
      (call, builder) throws(CompilationFailed) in try emitUpSampling(call, &builder, rank: 3)
    },
  ]

  private static func emitFlatten(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    if builder.rank(x) > 1 { try call.requireChannelsLast() }
    return [try builder.reshape(x, [builder.shape(x).elementCount], call)]
  }

  private static func emitReshape(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let value = try call.config.require("target_shape")
    var target = try value.requireInts()
    let count = builder.shape(x).elementCount
    let known = target.filter { $0 != -1 }
    var product = 1
    for extent in known {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow else { throw value.failure("I114", "the target shape is \(target)") }
      product = next
    }
    if let free = target.firstIndex(of: -1), known.count == target.count - 1, count % product == 0 {
      target[free] = count / product
      product = count
    }
    guard product == count, !target.isEmpty, !target.contains(-1) else {
      throw value.failure("I114", "\(count) elements do not fit the target shape \(target)")
    }
    return [try builder.reshape(x, target, call)]
  }

  private static func emitPermute(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let value = try call.config.require("dims")
    let dims = try value.requireInts()
    let rank = builder.rank(x)
    guard dims.sorted() == Array(1...max(rank, 1)) else {
      throw value.failure("I114", "\(dims) is no order of the axes 1 to \(rank)")
    }
    return [try builder.transpose(x, dims.map { $0 - 1 }, call, nil)]
  }

  private static func emitRepeatVector(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let shape = [try call.count("n")] + builder.shape(x)
    return [try builder.broadcast(x, to: shape, call, nil)]
  }

  /// Adds a margin of zeros around the positions, or removes one.
  private static func emitMargins(
    _ call: LayerCall, _ builder: inout GraphBuilder, _ attribute: String, rank: Int, sign: Int
  ) throws(CompilationFailed) -> [NodeID] {
    let x = try call.input()
    try call.requireChannelsLast()
    var shape = builder.shape(x)
    let value = try call.config.require(attribute)
    guard shape.count == rank + 1 else {
      throw call.failure("I116", "expected a tensor of \(rank + 1) axes, found \(shape)")
    }
    let margins = try margins(value, rank: rank)
    var offsets = Array(repeating: 0, count: rank + 1)
    for (axis, margin) in margins.enumerated() {
      offsets[axis] = -sign * margin.before
      shape[axis] += sign * (margin.before + margin.after)
      guard shape[axis] > 0 else { throw value.failure("I114", "nothing is left of axis \(axis + 1)") }
    }
    let strides = shape.indices.map { axis in shape.indices.map { $0 == axis ? 1 : 0 } }
    let view = AffineView(shape: shape, offsets: offsets, strides: strides, padding: sign > 0 ? .zero : .none)
    return [try builder.add(.rearrange(.view(view)), [x], call)]
  }

  /// n, [n, m], or [[n, m], [k, l]]: the margins before and after each axis of positions.
  private static func margins(_ value: JSONValue, rank: Int)
    throws(CompilationFailed) -> [(before: Int, after: Int)]
  {
    var pairs: [(before: Int, after: Int)] = []
    func pair(_ value: JSONValue) throws(CompilationFailed) -> (before: Int, after: Int) {
      let numbers = try value.array == nil ? [value.requireInt(), value.requireInt()] : value.requireInts()
      guard numbers.count == 2, numbers.allSatisfy({ $0 >= 0 && $0 < 1 << 24 }) else {
        throw value.failure("I114", "expected margins from 0 on before and after the axis, found \(numbers)")
      }
      return (numbers[0], numbers[1])
    }
    if let array = value.array, rank > 1 {
      for element in array { pairs.append(try pair(element)) }
    } else {
      pairs = Array(repeating: try pair(value), count: rank)
    }
    guard pairs.count == rank else { throw value.failure("I114", "expected margins for \(rank) axes") }
    return pairs
  }

  /// Repeats every position along its axes.
  private static func emitUpSampling(_ call: LayerCall, _ builder: inout GraphBuilder, rank: Int)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    try call.requireChannelsLast()
    let isNearest = try call.choice("interpolation", ["nearest", "bilinear"]) == "nearest"
    let shape = builder.shape(x)
    guard shape.count == rank + 1 else {
      throw call.failure("I116", "expected a tensor of \(rank + 1) axes, found \(shape)")
    }
    let sizes = try call.extents("size", rank: rank)
    if !isNearest {
      guard zip(shape, sizes).allSatisfy({ $0 * $1 <= 1 << 16 }) else {
        throw call.failure("I115", "a tensor of that size can't be built")
      }
      return [try builder.resize(x, (0..<rank).map { shape[$0] * sizes[$0] }, isNearest: false, call)]
    }
    // [h, w, c] seen as [h, 2, w, 2, c], then as [2h, 2w, c].
    var split: [Int] = []
    var strides = Array(repeating: [Int](), count: rank + 1)
    for (axis, extent) in shape.enumerated() {
      for position in shape.indices { strides[position].append(position == axis ? 1 : 0) }
      split.append(extent)
      if axis < rank {
        for position in shape.indices { strides[position].append(0) }
        split.append(sizes[axis])
      }
    }
    let view = AffineView(shape: split, offsets: Array(repeating: 0, count: rank + 1), strides: strides)
    let repeated = try builder.add(.rearrange(.view(view)), [x], call, "repeated")
    var target = shape
    for axis in 0..<rank {
      let (extent, overflow) = shape[axis].multipliedReportingOverflow(by: sizes[axis])
      guard !overflow else { throw call.failure("I115", "a tensor of that size can't be built") }
      target[axis] = extent
    }
    return [try builder.reshape(repeated, target, call)]
  }
}
