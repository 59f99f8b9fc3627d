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
    if mode == "constant", case .constant(let constant)? = call.operand(0) {
      return [.constant(constant.padded(margins, with: value))]
    }
    var x = try call.tensor(0, &builder)
    var own: [Margin] = []
    for (given, before, after) in margins {
      let margin = Margin(axis: try call.sampleAxis(given, rank: full.count), before: before, after: after)
      let extent = builder.shape(x)[margin.axis]
      _ = try call.checkedCount([extent, margin.isLarge ? 1 << 30 : 1])
      guard extent + before + after > 0, min(before, after) > -extent,
        mode != "reflect" || max(before, after) < extent
      else {
        throw call.failure("I409", "a margin of \(before) and \(after) does not fit \(extent) elements")
      }
      own.append(margin)
    }
    guard value.isFinite else { throw call.failure("I408", "pads with \(value)") }
    x = try builder.pad(x, own, Continuation(rawValue: mode).map { .elements($0) } ?? .number(value), call)
    return [.tensor(x)]
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
