import Diagnostics
import FixedPoint
import Graph

extension LayerImporter {
  static let poolingAttributes = ["pool_size", "strides", "padding", "data_format"]

  static let poolingLayers: [LayerImporter] = [1, 2, 3].flatMap { rank -> [LayerImporter] in
    // HGQ's layers that pass types on have no volumes.
    func names(_ kind: String, _ short: String) -> [String] {
      ["\(kind)\(rank)D", "\(short)\(rank)D"] + (rank < 3 ? ["HGQ>P\(kind)\(rank)D"] : [])
    }
    return [
      LayerImporter(names("MaxPooling", "MaxPool"), attributes: poolingAttributes) {
        (call, builder) throws(CompilationFailed) in
        [try builder.maxPool(try call.input(), try builder.poolingWindows(call, rank: rank), call)]
      },
      LayerImporter(names("AveragePooling", "AvgPool"), attributes: poolingAttributes) {
        (call, builder) throws(CompilationFailed) in
        [try builder.averagePool(try call.input(), try builder.poolingWindows(call, rank: rank), call)]
      },
      LayerImporter(
        ["GlobalMaxPooling\(rank)D", "GlobalMaxPool\(rank)D"], attributes: ["data_format", "keepdims"]
      ) { (call, builder) throws(CompilationFailed) in
        let windows = try builder.globalWindows(call, rank: rank)
        return [
          try builder.global(call, try builder.maxPool(try call.input(), windows, call, isGlobal: true))
        ]
      },
      LayerImporter(
        ["GlobalAveragePooling\(rank)D", "GlobalAvgPool\(rank)D"], attributes: ["data_format", "keepdims"]
      ) { (call, builder) throws(CompilationFailed) in
        let windows = try builder.globalWindows(call, rank: rank)
        return [
          try builder.global(call, try builder.averagePool(try call.input(), windows, call, isGlobal: true))
        ]
      },
    ]
  }
}

extension GraphBuilder {
  func poolingWindows(_ call: LayerCall, rank: Int) throws(CompilationFailed) -> Windows {
    try Windows(
      call, shape: shape(try call.input()), rank: rank, kernel: "pool_size", hasDilation: false)
  }

  func globalWindows(_ call: LayerCall, rank: Int) throws(CompilationFailed) -> Windows {
    let shape = shape(try call.input())
    try call.requireChannelsLast()
    guard shape.count == rank + 1 else {
      throw call.failure("I116", "expected a tensor of \(rank + 1) axes, found \(shape)")
    }
    return Windows(covering: shape)
  }

  /// The maximum over each window; positions outside the tensor never win.
  mutating func maxPool(_ x: NodeID, _ windows: Windows, _ call: some LayerSite, isGlobal: Bool = false)
    throws(CompilationFailed) -> NodeID
  {
    let operand = try channelWindows(x, windows, padding: .lowest, call)
    return try add(.reduce(.maximum), [operand], call, isGlobal ? "maximum" : nil)
  }

  /// The sum over each window times the exact inverse of the number of its elements.
  ///
  /// - Parameters:
  ///   - counted: the windows whose elements are counted; without them those of the tensor itself.
  mutating func averagePool(
    _ x: NodeID, _ windows: Windows, _ call: some LayerSite, isGlobal: Bool = false, counted: Windows? = nil
  ) throws(CompilationFailed) -> NodeID {
    let sum = try sumPool(x, windows, call)
    let coverage = (counted ?? windows).coverage
    let role = isGlobal ? "average" : nil
    if let count = coverage.first, coverage.allSatisfy({ $0 == count }) {
      return try affine(sum, factor: Rational(1, Int128(count)), call, role)
    }
    let channels = shape(sum).last ?? 1
    let scales = coverage.flatMap { Array(repeating: Rational(1, Int128($0)), count: channels) }
    let scale = Weights(
      raw: Array(repeating: 1, count: scales.count), exponent: 0, shape: [scales.count],
      scales: PerElement(scales))
    return try affine(sum, scale: scale, call, role)
  }

  mutating func sumPool(_ x: NodeID, _ windows: Windows, _ call: some LayerSite) throws(CompilationFailed)
    -> NodeID
  {
    let operand = try channelWindows(x, windows, padding: .zero, call)
    return try add(.reduce(.sum), [operand], call, "sum")
  }

  /// The result of a global pooling, [1, …, channels], in the shape that the layer gives.
  mutating func global(_ call: LayerCall, _ x: NodeID) throws(CompilationFailed) -> NodeID {
    let channels = shape(x).last ?? 1
    let keepsAxes = try call.bool("keepdims", default: false)
    return try reshape(x, keepsAxes ? shape(x) : [channels], call)
  }
}
