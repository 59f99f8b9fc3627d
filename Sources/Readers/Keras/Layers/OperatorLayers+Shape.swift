import Diagnostics
import FixedPoint
import Functions
import Graph

extension LayerImporter {
  static let comparisonOperators: [LayerImporter] =
    [
      ("Less", Combination.less, false), ("LessEqual", .lessOrEqual, false), ("Greater", .less, true),
      ("GreaterEqual", .lessOrEqual, true), ("Equal", .equal, false), ("NotEqual", .notEqual, false),
    ].map { kind, combination, isSwapped in
      LayerImporter([kind]) { (call, builder) throws(CompilationFailed) in
        let operands = try builder.tensors(call)
        guard operands.count == 2 else { throw call.failure("I113", "expected two operands") }
        return [try builder.combine(combination, isSwapped ? operands.reversed() : operands, call)]
      }
    } + [
      LayerImporter(["LogicalAnd"]) { (call, builder) throws(CompilationFailed) in
        [try builder.logical(.minimum, call)]
      },
      LayerImporter(["LogicalOr"]) { (call, builder) throws(CompilationFailed) in
        [try builder.logical(.maximum, call)]
      },
      LayerImporter(["LogicalXor"]) { (call, builder) throws(CompilationFailed) in
        [try builder.logical(.notEqual, call)]
      },
      LayerImporter(["LogicalNot"]) { (call, builder) throws(CompilationFailed) in
        [try builder.negated(try call.input(), call)]
      },
      LayerImporter(["Where"]) { (call, builder) throws(CompilationFailed) in
        let operands = try builder.tensors(call)
        guard operands.count == 3 else { throw call.failure("I113", "expected a condition and two operands") }
        return [try builder.combine(.select, operands, call)]
      },
    ]

  static let shapeOperators: [LayerImporter] = [
    LayerImporter(["GetItem"], emit: emitGetItem),
    LayerImporter(["Transpose"], attributes: ["axes"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let value = try call.require("axes")
      let axes = try value.requireInts().map { $0 < 0 ? $0 + builder.rank(x) + 1 : $0 }
      guard axes.first == 0, axes.sorted() == Array(0...builder.rank(x)) else {
        throw value.failure("I114", "\(axes) is no order of the axes that keeps the batch first")
      }
      return [try builder.transpose(x, axes.dropFirst().map { $0 - 1 }, call, nil)]
    },
    LayerImporter(["Swapaxes"], attributes: ["axis1", "axis2"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let a = try call.axis(try call.require("axis1"), rank: builder.rank(x))
      let b = try call.axis(try call.require("axis2"), rank: builder.rank(x))
      var order = Array(0..<builder.rank(x))
      order.swapAt(a, b)
      return [try builder.transpose(x, order, call, nil)]
    },
    LayerImporter(["Moveaxis"], attributes: ["source", "destination"]) {
      (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let from = try call.axis(try call.require("source"), rank: builder.rank(x))
      let to = try call.axis(try call.require("destination"), rank: builder.rank(x))
      var order = Array(0..<builder.rank(x))
      order.insert(order.remove(at: from), at: to)
      return [try builder.transpose(x, order, call, nil)]
    },
    LayerImporter(["ops>Reshape"], attributes: ["newshape"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let value = try call.require("newshape")
      var target = try value.requireInts()
      let count = builder.shape(x).elementCount
      guard let first = target.first, first == -1 || first == 1 else {
        throw value.failure("I114", "the shape \(target) does not keep the batch first")
      }
      target.removeFirst()
      let known = target.filter { $0 != -1 }
      let product = known.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
      if let free = target.firstIndex(of: -1), known.count == target.count - 1, product > 0 {
        target[free] = count / product
      }
      guard known.allSatisfy({ $0 > 0 && $0 <= 1 << 24 }), !target.isEmpty, !target.contains(-1),
        target.elementCount == count
      else { throw value.failure("I114", "\(count) elements do not fit the shape \(target)") }
      return [try builder.reshape(x, target, call)]
    },
    LayerImporter(["ExpandDims"], attributes: ["axis"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      var shape = builder.shape(x)
      shape.insert(1, at: try call.axis(try call.require("axis"), rank: shape.count + 1))
      return [try builder.reshape(x, shape, call)]
    },
    LayerImporter(["Squeeze"], attributes: ["axis"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      var shape = builder.shape(x)
      if let value = call.attribute("axis") {
        let axis = try call.axis(value, rank: shape.count)
        guard shape[axis] == 1 else {
          throw value.failure("I114", "axis \(axis + 1) has \(shape[axis]) elements")
        }
        shape.remove(at: axis)
      } else {
        shape.removeAll { $0 == 1 }
      }
      return [try builder.reshape(x, shape.isEmpty ? [1] : shape, call)]
    },
    LayerImporter(["Stack"], attributes: ["axis"]) { (call, builder) throws(CompilationFailed) in
      let inputs = try call.inputs()
      guard let first = inputs.first, inputs.allSatisfy({ builder.shape($0) == builder.shape(first) }) else {
        throw call.failure("I116", "expected operands of one shape")
      }
      var shape = builder.shape(first)
      let axis = try call.axis(try call.require("axis"), rank: shape.count + 1)
      shape.insert(1, at: axis)
      var parts: [NodeID] = []
      for x in inputs { parts.append(try builder.reshape(x, shape, call, "part")) }
      return [
        parts.count == 1 ? parts[0] : try builder.add(.rearrange(.concatenate(axis: axis)), parts, call)
      ]
    },
    LayerImporter(["Split"], attributes: ["indices_or_sections", "axis"], emit: emitSplit),
    LayerImporter(
      ["Pad"], attributes: ["pad_width", "mode"], callArguments: ["constant_values"], emit: emitPad),
    LayerImporter(["Tile"], attributes: ["repeats"]) { (call, builder) throws(CompilationFailed) in
      var x = try call.input()
      let value = try call.require("repeats")
      let counts = try value.array == nil ? [value.requireInt()] : value.requireInts()
      let rank = builder.rank(x)
      guard counts.count <= rank + 1, counts.allSatisfy({ (1...1 << 16).contains($0) }),
        counts.count <= rank || counts[0] == 1
      else { throw value.failure("I114", "repeats \(counts) times, expected not to repeat samples") }
      for (i, count) in counts.suffix(rank).enumerated() where count > 1 {
        let axis = rank - min(counts.count, rank) + i
        x = try builder.add(
          .rearrange(.concatenate(axis: axis)), Array(repeating: x, count: count), call, "axis\(axis + 1)")
      }
      return [x]
    },
    LayerImporter(["Repeat"], attributes: ["repeats", "axis"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let axis = try call.axis(try call.require("axis"), rank: builder.rank(x))
      return [try builder.repeated(x, axis: axis, count: try call.count("repeats"), call, nil)]
    },
    LayerImporter(["Flip"], attributes: ["axis"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let axis = try call.axis(try call.require("axis"), rank: builder.rank(x))
      return [try builder.select(x, axis: axis, Array((0..<builder.shape(x)[axis]).reversed()), call, nil)]
    },
    LayerImporter(["Take"], attributes: ["axis"]) { (call, builder) throws(CompilationFailed) in
      guard call.operands.count == 2, case .node(let x) = call.operands[0],
        case .literal(let value) = call.operands[1]
      else { throw call.failure("I113", "expected a tensor and constant indices") }
      let axis = try call.axis(try call.require("axis"), rank: builder.rank(x))
      let extent = builder.shape(x)[axis]
      let given = try value.array == nil ? [value.requireInt()] : value.requireInts()
      let indices = given.map { $0 < 0 ? $0 + extent : $0 }
      guard !indices.isEmpty, indices.allSatisfy({ (0..<extent).contains($0) }) else {
        throw value.failure("I114", "\(given) are no indices of \(extent) elements")
      }
      let y = try builder.select(x, axis: axis, indices, call)
      var shape = builder.shape(y)
      if value.array == nil { shape.remove(at: axis) }
      return [try builder.reshape(y, shape.isEmpty ? [1] : shape, call)]
    },
  ]

  static let reductionOperators: [LayerImporter] =
    [("Sum", Reduction.sum), ("Max", .maximum), ("Min", .minimum), ("Amax", .maximum), ("Amin", .minimum)].map
  {
    kind, reduction in
    LayerImporter([kind], attributes: ["axis", "keepdims", "initial"]) {
      (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let axes = try reducedAxes(call, rank: builder.rank(x))
      return [
        try builder.reduce(
          reduction, x, axes, keepsAxes: try call.bool("keepdims", default: false), call, "reduced")
      ]
    }
  } + [
    LayerImporter(["Mean", "ops>Average"], attributes: ["axis", "keepdims"]) {
      (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let axes = try reducedAxes(call, rank: builder.rank(x))
      let keeps = try call.bool("keepdims", default: false)
      let count = axes.reduce(1) { $0 * builder.shape(x)[$1] }
      let sum = try builder.reduce(.sum, x, axes, keepsAxes: keeps, call, "sum")
      return [try builder.affine(sum, factor: Rational(1, Int128(count)), call)]
    },
    LayerImporter(["Var"], attributes: ["axis", "keepdims"]) { (call, builder) throws(CompilationFailed) in
      [try builder.variance(call)]
    },
    LayerImporter(["Std"], attributes: ["axis", "keepdims"]) { (call, builder) throws(CompilationFailed) in
      [try builder.add(.map(Map(.sqrt)), [try builder.variance(call)], call)]
    },
    LayerImporter(["Norm"], attributes: ["ord", "axis", "keepdims"]) {
      (call, builder) throws(CompilationFailed) in
      let order = call.attribute("ord")
      guard order == nil || order?.double == 2 else { throw call.failure("I114", "'ord' is not 2") }
      let x = try call.input()
      let axes = try reducedAxes(call, rank: builder.rank(x))
      let square = try builder.add(.combine(.multiply), [x, x], call, "square")
      let sum = try builder.reduce(
        .sum, square, axes, keepsAxes: try call.bool("keepdims", default: false), call, "sum")
      return [try builder.add(.map(Map(.sqrt)), [sum], call)]
    },
    LayerImporter(["Argmax"], attributes: ["axis", "keepdims"]) { (call, builder) throws(CompilationFailed) in
      let x = try call.input()
      let axes = try reducedAxes(call, rank: builder.rank(x))
      guard axes.count == 1 else { throw call.failure("I114", "expected one axis") }
      return [
        try builder.reduce(
          .argmax, x, axes, keepsAxes: try call.bool("keepdims", default: false), call, "index")
      ]
    },
  ]

  static func reducedAxes(_ call: LayerCall, rank: Int) throws(CompilationFailed) -> [Int] {
    guard let value = call.attribute("axis") else {
      throw call.failure("I114", "works along the axis of the samples")
    }
    var axes: Set<Int> = []
    for element in value.array.map({ Array($0) }) ?? [value] {
      axes.insert(try call.axis(element, rank: rank))
    }
    return axes.sorted()
  }

  /// x[:, 1:3, ..., -1, None]: slices, indices, an ellipsis and new axes.
  private static func emitGetItem(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    guard call.operands.count == 2, case .node(var x) = call.operands[0],
      case .literal(let value) = call.operands[1]
    else { throw call.failure("I113", "expected a tensor and a constant index") }
    var parts = value.array.map { Array($0) } ?? [value]
    let rank = builder.rank(x) + 1
    func isEllipsis(_ part: JSONValue) -> Bool { part["class_name"]?.string == "__ellipsis__" }
    func bounds(_ part: JSONValue) -> JSONValue? {
      // Keras 2 writes the bounds alone.
      if part["class_name"]?.string == "__slice__" { return part["config"] }
      return part["stop"] == nil ? nil : part
    }
    let consumed = parts.filter { !$0.isNull && !isEllipsis($0) }.count
    guard consumed <= rank, parts.filter(isEllipsis).count <= 1 else {
      throw value.failure("I114", "an index of \(consumed) parts does not fit \(rank) axes")
    }
    if let position = parts.firstIndex(where: isEllipsis) {
      let part = parts.remove(at: position)
      parts.insert(contentsOf: Array(repeating: part, count: rank - consumed), at: position)
    }
    // The samples come first and stay whole.
    if let first = parts.first {
      let isWhole =
        isEllipsis(first)
        || bounds(first).map { config in ["start", "stop", "step"].allSatisfy { config[$0]?.isNull ?? true } }
          ?? false
      guard isWhole else { throw first.failure("I114", "picks samples") }
      parts.removeFirst()
    }
    var axis = 0
    var target: [Int] = []
    for part in parts {
      if part.isNull {
        target.append(1)
        continue
      }
      let extent = builder.shape(x)[axis]
      if let config = bounds(part) {
        let indices = try slice(config, extent)
        guard !indices.isEmpty else { throw part.failure("I114", "an empty slice") }
        x = try builder.select(x, axis: axis, indices, call, "axis\(axis + 1)")
        target.append(indices.count)
      } else if isEllipsis(part) {
        target.append(extent)
      } else {
        let index = try part.requireInt()
        let position = index < 0 ? index + extent : index
        guard (0..<extent).contains(position) else {
          throw part.failure("I114", "there is no element \(index)")
        }
        x = try builder.select(x, axis: axis, [position], call, "axis\(axis + 1)")
      }
      axis += 1
    }
    target += builder.shape(x)[axis...]
    return [try builder.reshape(x, target.isEmpty ? [1] : target, call)]
  }

  /// Python's slices.
  private static func slice(_ config: JSONValue, _ extent: Int) throws(CompilationFailed) -> [Int] {
    func number(_ name: String) throws(CompilationFailed) -> Int? {
      guard let value = config[name], !value.isNull else { return nil }
      return try value.requireInt()
    }
    let step = try number("step") ?? 1
    guard step != 0 else { throw config.failure("I114", "a slice with the step 0") }
    func clamp(_ value: Int, _ range: ClosedRange<Int>) -> Int {
      min(max(value < 0 ? max(value, -extent - 1) + extent : value, range.lowerBound), range.upperBound)
    }
    if step > 0 {
      let start = clamp(try number("start") ?? 0, 0...extent)
      return Array(stride(from: start, to: clamp(try number("stop") ?? extent, 0...extent), by: step))
    }
    let start = clamp(try number("start") ?? extent - 1, -1...(extent - 1))
    let stop = try number("stop").map { clamp($0, -1...(extent - 1)) } ?? -1
    return Array(stride(from: start, to: stop, by: step))
  }

  private static func emitSplit(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let axis = try call.axis(try call.require("axis"), rank: builder.rank(x))
    let extent = builder.shape(x)[axis]
    let value = try call.require("indices_or_sections")
    var edges: [Int]
    if value.array != nil {
      edges = [0] + (try value.requireInts()) + [extent]
    } else {
      let count = try value.requireInt()
      guard count > 0, extent % count == 0 else {
        throw value.failure("I114", "\(count) parts do not divide \(extent)")
      }
      edges = (0...count).map { $0 * extent / count }
    }
    guard edges.last == extent, zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw value.failure("I114", "\(edges) are no edges of parts")
    }
    var parts: [NodeID] = []
    for (low, high) in zip(edges, edges.dropFirst()) {
      parts.append(
        try builder.select(
          x, axis: axis, Array(low..<high), call, parts.isEmpty ? nil : "part\(parts.count + 1)"))
    }
    return parts
  }

  private static func emitPad(_ call: LayerCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [NodeID]
  {
    let x = try call.input()
    let shape = builder.shape(x)
    let value = try call.require("pad_width")
    let pairs = try value.requireArray().map { (pair) throws(CompilationFailed) in try pair.requireInts() }
    guard pairs.count == shape.count + 1,
      pairs.allSatisfy({ $0.count == 2 && $0.allSatisfy { (0..<1 << 16).contains($0) } }),
      pairs[0] == [0, 0]
    else { throw value.failure("I114", "expected a margin before and after each axis but the batch") }
    let margins = pairs.dropFirst().enumerated().map { axis, pair in
      Margin(axis: axis, before: pair[0], after: pair[1])
    }
    // TensorFlow's names are Keras' in capitals.
    let modes = ["constant", "edge", "reflect", "symmetric", "wrap"]
    let mode = try call.choice("mode", modes + ["CONSTANT", "REFLECT", "SYMMETRIC"]).lowercased()
    if let continuation = Continuation(rawValue: mode) {
      return [try builder.pad(x, margins, .elements(continuation), call)]
    }
    let number = call.keywords.first { $0.name == "constant_values" && !$0.value.isNull }?.value
    let margin = try number?.requireDouble() ?? 0
    guard margin.isFinite else { throw call.failure("I114", "pads with \(margin)") }
    return [try builder.pad(x, margins, .number(margin), call)]
  }
}

extension GraphBuilder {
  /// The operands of a call, numbers among them as constants of one element.
  mutating func tensors(_ call: LayerCall) throws(CompilationFailed) -> [NodeID] {
    var result: [NodeID] = []
    for operand in call.operands {
      switch operand {
      case .node(let node): result.append(node)
      case .literal(let value):
        let number: Double
        if let flag = value.bool { number = flag ? 1 : 0 } else { number = try value.requireDouble() }
        guard number.isFinite else {
          throw value.failure("I114", "expected a finite number, found \(number)")
        }
        result.append(try constant(number, shape: [1], call, "constant"))
      }
    }
    return result
  }

  fileprivate mutating func logical(_ combination: Combination, _ call: LayerCall) throws(CompilationFailed)
    -> NodeID
  {
    var operands: [NodeID] = []
    for x in try call.inputs() { operands.append(try truth(x, call, "truth")) }
    guard operands.count == 2 else { throw call.failure("I113", "expected two operands") }
    return try combine(combination, operands, call)
  }

  /// The mean of the squared differences from the mean.
  fileprivate mutating func variance(_ call: LayerCall) throws(CompilationFailed) -> NodeID {
    let x = try call.input()
    let axes = try LayerImporter.reducedAxes(call, rank: rank(x))
    let share = Rational(1, Int128(axes.reduce(1) { $0 * shape(x)[$1] }))
    let sum = try reduce(.sum, x, axes, keepsAxes: true, call, "sum")
    let mean = try affine(sum, factor: share, call, "mean")
    let difference = try combine(.subtract, [x, mean], call, "difference")
    let square = try add(.combine(.multiply), [difference, difference], call, "square")
    let keeps = try call.bool("keepdims", default: false)
    let total = try reduce(.sum, square, axes, keepsAxes: keeps, call, "square_sum")
    return try affine(total, factor: share, call, "variance")
  }
}
