import Diagnostics
import Graph

extension ONNXOperator {
  static let padOperators = [
    ONNXOperator(["Pad"], attributes: ["mode", "pads", "value"], emit: emitPad)
  ]

  /// Margins of a number, or of what the tensor holds near its ends; negative ones cut elements off.
  private static func emitPad(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let full = call.fullShape(call.operand(0), builder) else {
      throw call.failure("I408", "has no operand 1")
    }
    let mode = call.text("mode", default: "constant")
    guard ["constant", "reflect", "edge", "wrap"].contains(mode) else {
      throw call.failure("I408", "pads by '\(mode)', expected 'constant', 'reflect', 'edge' or 'wrap'")
    }
    let pads = try call.ints("pads", operand: 1) ?? []
    let axes = try call.integers(3) ?? Array(full.indices)
    guard pads.count == 2 * axes.count, pads.allSatisfy({ $0.magnitude < 1 << 31 }) else {
      throw call.failure("I408", "has \(pads.count) pads for \(axes.count) axes")
    }
    var margins: [(axis: Int, before: Int, after: Int)] = []
    for (i, given) in axes.enumerated() where pads[i] != 0 || pads[i + axes.count] != 0 {
      margins.append((try call.axis(given, rank: full.count), pads[i], pads[i + axes.count]))
    }
    var value = call.attributes["value"].map { Double($0.f) } ?? 0
    if let constant = try call.constant(2), let number = constant.uniform { value = number }
    if mode != "constant" { return [try extend(call, margins, full, mode, &builder)] }
    if case .constant(let constant)? = call.operand(0) {
      return [.constant(constant.padded(margins, with: value))]
    }
    let x = try call.tensor(0, &builder)
    let shape = builder.shape(x)
    var ranges = shape.map { (start: 0, step: 1, count: $0) }
    for (given, before, after) in margins {
      let axis = try call.sampleAxis(given, rank: full.count)
      ranges[axis] = (-before, 1, shape[axis] + before + after)
    }
    if value == 0 { return [.tensor(try builder.view(x, ranges, padding: .zero, call))] }
    guard value.isFinite else { throw call.failure("I408", "pads with \(value)") }
    return [.tensor(try surround(x, ranges, value, call, &builder))]
  }

  /// A part of a tensor with a number around it: blocks of constants joined to it along each axis.
  private static func surround(
    _ x: NodeID, _ ranges: [(start: Int, step: Int, count: Int)], _ value: Double, _ call: ONNXCall,
    _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> NodeID {
    var y = x
    for (axis, range) in ranges.enumerated() {
      let extent = builder.shape(y)[axis]
      var kept = builder.shape(y).map { (start: 0, step: 1, count: $0) }
      let first = max(range.start, 0)
      let end = min(range.start + range.count, extent)
      guard first < end else { throw call.failure("I409", "leaves nothing of axis \(axis)") }
      kept[axis] = (first, 1, end - first)
      y = try builder.view(y, kept, padding: .none, call, "part")
      var parts = [y]
      func margin(_ count: Int) throws(CompilationFailed) -> NodeID {
        var block = builder.shape(y)
        block[axis] = count
        return try builder.constant(value, shape: block, call, "margin")
      }
      if range.start < 0 { parts.insert(try margin(-range.start), at: 0) }
      let after = range.start + range.count - extent
      if after > 0 { parts.append(try margin(after)) }
      if parts.count > 1 { y = try builder.add(.rearrange(.concatenate(axis: axis)), parts, call, "padded") }
    }
    return y
  }

  /// Margins of elements of the tensor itself.
  private static func extend(
    _ call: ONNXCall, _ margins: [(axis: Int, before: Int, after: Int)], _ full: [Int], _ mode: String,
    _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> ONNXValue {
    var x = try call.tensor(0, &builder)
    for (given, before, after) in margins {
      let axis = try call.sampleAxis(given, rank: full.count)
      let extent = builder.shape(x)[axis]
      _ = try call.checkedCount([
        extent, before.magnitude > 1 << 20 || after.magnitude > 1 << 20 ? 1 << 30 : 1,
      ])
      guard extent + before + after > 0, mode != "reflect" || max(before, after) < extent else {
        throw call.failure("I409", "a margin of \(before) and \(after) does not fit \(extent) elements")
      }
      let indices = (-before..<(extent + after)).map { position -> Int in
        switch mode {
        case "edge": min(max(position, 0), extent - 1)
        case "wrap": ((position % extent) + extent) % extent
        default: position < 0 ? -position : position < extent ? position : 2 * (extent - 1) - position
        }
      }
      x = try builder.select(x, axis: axis, indices, call, "axis\(given)")
    }
    return .tensor(x)
  }
}

extension ONNXConstant {
  /// The constant with margins of a number around it.
  fileprivate func padded(_ margins: [(axis: Int, before: Int, after: Int)], with value: Double)
    -> ONNXConstant
  {
    var ranges = shape.map { (start: 0, step: 1, count: $0) }
    for (axis, before, after) in margins { ranges[axis] = (-before, 1, max(shape[axis] + before + after, 0)) }
    let view = AffineView.part(ranges, padding: .zero)
    let values = Rearrangement.view(view).sources([shape]).map { source in
      if case .element(_, let index) = source { self.values[index] } else { value }
    }
    return ONNXConstant(shape: view.shape, values: values, isInteger: isInteger)
  }
}
