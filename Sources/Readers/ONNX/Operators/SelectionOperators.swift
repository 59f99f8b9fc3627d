import Diagnostics
import FixedPoint
import Graph

// Operators that order, pick and place single elements.
extension ONNXOperator {
  static let selectionOperators = [
    ONNXOperator(["TopK"], attributes: ["axis", "k", "largest", "sorted"], emit: emitTopK),
    ONNXOperator(["Hardmax"], attributes: ["axis"], emit: emitHardmax),
    ONNXOperator(["GatherElements"], attributes: ["axis"], emit: emitGatherElements),
    ONNXOperator(
      ["ScatterElements", "Scatter"], attributes: ["axis", "reduction"], emit: emitScatterElements),
    ONNXOperator(["ScatterND"], attributes: ["reduction"], emit: emitScatterND),
  ]

  /// The k greatest or least elements in order, and where they stand. What `sorted` leaves open is given in order too.
  private static func emitTopK(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.tensor(0, &builder)
    let axis = try call.sampleAxis(call.int("axis", default: -1), rank: call.fullRank(x, builder))
    let count: [Int]?
    if let stated = call.attributes["k"] { count = [Int(stated.i)] } else { count = try call.integers(1) }
    guard let count, count.count == 1 else {
      throw call.failure("I408", "expected a number of elements")
    }
    let extent = builder.shape(x)[axis]
    guard (1...extent).contains(count[0]), extent <= 256 else {
      throw call.failure(
        "I409", "takes \(count[0]) of \(extent) elements, expected up to 256 and one at least")
    }
    let others = (0..<builder.rank(x)).filter { $0 != axis }
    let order = others + [axis]
    let last = try builder.transpose(x, order, call, "transposed")
    let isLargest = call.int("largest", default: 1) != 0
    let sorting = try builder.sorting(last, count: count[0], isDescending: isLargest, call)
    func restored(_ y: NodeID, _ role: String?) throws(CompilationFailed) -> ONNXValue {
      var inverse = order
      for (position, source) in order.enumerated() { inverse[source] = position }
      return .tensor(try builder.transpose(y, inverse, call, role))
    }
    return [try restored(sorting.values, nil), try restored(sorting.indices, "indices")]
  }

  /// 1 at the first of the greatest elements, 0 elsewhere.
  private static func emitHardmax(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let x = try call.tensor(0, &builder)
    let isOld = call.context.opset < 13
    let axis = try call.sampleAxis(
      call.int("axis", default: isOld ? 1 : -1), rank: call.fullRank(x, builder))
    // Up to operator set 12 all axes from that one on are one.
    let axes = isOld ? Array(axis..<builder.rank(x)) : [axis]
    let y = try builder.onAxes(axes, x, call) {
      (builder: inout GraphBuilder, x: NodeID) throws(CompilationFailed) -> NodeID in
      let index = try builder.add(.reduce(.argmax), [x], call, "index")
      return try builder.oneHot(index, depth: builder.shape(x).last ?? 1, call, nil)
    }
    return [.tensor(y)]
  }

  private static func emitGatherElements(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder),
      let places = try call.elementPlaces(1, in: shape)
    else { throw call.failure("I408", "expected a tensor and constant indices") }
    let target = try call.requireConstant(1).shape
    if case .constant(let constant)? = call.operand(0) {
      return [.constant(constant.reordered(places, shape: target))]
    }
    let x = try call.tensor(0, &builder)
    return [.tensor(try builder.pick(x, places, shape: try call.local(target), call, nil))]
  }

  private static func emitScatterElements(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    guard let shape = call.fullShape(call.operand(0), builder),
      let places = try call.elementPlaces(1, in: shape),
      call.fullShape(call.operand(2), builder) == (try call.requireConstant(1).shape)
    else { throw call.failure("I408", "expected a tensor, constant indices and as many updates") }
    return [try scatter(call, places, shape, &builder)]
  }

  private static func emitScatterND(_ call: ONNXCall, _ builder: inout GraphBuilder)
    throws(CompilationFailed) -> [ONNXValue]
  {
    let indices = try call.requireConstant(1)
    guard let shape = call.fullShape(call.operand(0), builder), let numbers = try call.integers(1),
      let length = indices.shape.last, (1...shape.count).contains(length),
      call.fullShape(call.operand(2), builder) == indices.shape.dropLast() + shape[length...]
    else { throw call.failure("I408", "expected a tensor, constant indices and as many updates") }
    let block = shape[length...].reduce(1, *)
    var places: [Int] = []
    for start in stride(from: 0, to: numbers.count, by: length) {
      var place = 0
      for axis in 0..<length {
        place = place * shape[axis] + (try call.axis(numbers[start + axis], rank: shape[axis]))
      }
      places += (0..<block).map { place * block + $0 }
    }
    return [try scatter(call, places, shape, &builder)]
  }

  /// Operand 1 with the elements of operand 3 in some places, or added there.
  private static func scatter(
    _ call: ONNXCall, _ places: [Int], _ shape: [Int], _ builder: inout GraphBuilder
  ) throws(CompilationFailed) -> ONNXValue {
    guard call.context.isSingleSample || call.batch == 1 else {
      throw call.failure("I405", "places elements in several samples")
    }
    let count = shape.reduce(1, *)
    var operands: [NodeID] = []
    for index in [0, 2] {
      let x = try call.tensor(index, &builder)
      operands.append(try builder.reshape(x, [builder.shape(x).elementCount], call, "flat\(index)"))
    }
    let joined = try builder.add(.rearrange(.concatenate(axis: 0)), operands, call, "joined")
    let target = try call.local(shape)
    switch call.text("reduction", default: "none") {
    case "none":
      var order = Array(0..<count)
      for (update, place) in places.enumerated() { order[place] = count + update }
      return .tensor(try builder.pick(joined, order, shape: target, call, nil))
    case "add":
      // As large blocks as stay together share the rows of one matrix.
      let block = blockSize(places, shape)
      guard (count + places.count) / block * (count / block) <= 1 << 22 else {
        throw call.failure("I409", "adds to too many places")
      }
      var rows = (0..<(count / block)).map { [(index: $0, coefficient: 1.0)] }
      for (update, place) in places.enumerated() where update % block == 0 {
        rows[place / block].append(((count + update) / block, 1))
      }
      let blocks = try builder.reshape(joined, [(count + places.count) / block, block], call, "blocks")
      let sums = try builder.resample(blocks, axis: 0, AxisMap(rows: rows, denominator: 1), call, "sums")
      return .tensor(try builder.reshape(sums, target, call))
    case let other: throw call.failure("I408", "'reduction' is '\(other)', expected 'none' or 'add'")
    }
  }

  /// The elements of the last axes whose places follow each other in every update.
  private static func blockSize(_ places: [Int], _ shape: [Int]) -> Int {
    var block = 1
    for extent in shape.reversed() {
      let next = block * extent
      guard places.count % next == 0,
        places.indices.allSatisfy({
          places[$0] == places[$0 - $0 % next] + $0 % next && places[$0 - $0 % next] % next == 0
        })
      else { break }
      block = next
    }
    return block
  }
}

extension ONNXCall {
  /// The flat positions in a tensor of that shape to which indices along one axis point; nil where the operand is left
  /// out.
  fileprivate func elementPlaces(_ operand: Int, in shape: [Int]) throws(CompilationFailed) -> [Int]? {
    guard let numbers = try integers(operand), let extents = try constant(operand)?.shape,
      extents.count == shape.count, !extents.isEmpty, zip(extents, shape).allSatisfy({ $0 >= 0 && $1 >= 0 })
    else { return nil }
    let axis = try self.axis(int("axis", default: 0), rank: shape.count)
    guard extents.indices.allSatisfy({ $0 == axis || extents[$0] <= shape[$0] }) else {
      throw failure("I409", "indices of shape \(extents) do not fit a tensor of shape \(shape)")
    }
    var result: [Int] = []
    for (position, number) in numbers.enumerated() {
      var rest = position
      var place = 0
      var size = 1
      for a in shape.indices.reversed() {
        let coordinate = a == axis ? try self.axis(number, rank: shape[a]) : rest % extents[a]
        place += coordinate * size
        rest /= extents[a]
        size *= shape[a]
      }
      result.append(place)
    }
    return result
  }
}

extension GraphBuilder {
  /// Any elements of a tensor by their flat positions, in another shape.
  mutating func pick(
    _ x: NodeID, _ places: [Int], shape: [Int], _ call: some LayerSite, _ role: String?
  ) throws(CompilationFailed) -> NodeID {
    let flat = try reshape(x, [self.shape(x).elementCount], call, "elements")
    // Runs of equal steps are one view each.
    var parts: [NodeID] = []
    var start = 0
    while start < places.count {
      var end = start + 1
      let step = end < places.count ? places[end] - places[start] : 1
      while end < places.count, places[end] - places[end - 1] == step { end += 1 }
      let view = AffineView(shape: [end - start], offsets: [places[start]], strides: [[step]])
      parts.append(try add(.rearrange(.view(view)), [flat], call, "part"))
      start = end
    }
    guard let first = parts.first else { throw call.failure("I115", "picks nothing") }
    let joined = parts.count == 1 ? first : try add(.rearrange(.concatenate(axis: 0)), parts, call, "parts")
    return try reshape(joined, shape, call, role)
  }

  /// 1 where the index is, 0 elsewhere, along a new last axis.
  mutating func oneHot(_ index: NodeID, depth: Int, _ call: some LayerSite, _ role: String?)
    throws(CompilationFailed) -> NodeID
  {
    let spread = try repeatLast(index, count: depth, call, "index_spread")
    let shape = shape(spread)
    let numbers = (0..<shape.elementCount).map { Int64($0 % depth) }
    let constant = try add(.constant(Weights(raw: numbers, exponent: 0, shape: shape)), [], call, "numbers")
    return try add(.combine(.equal), [spread, constant], call, role)
  }

  /// The first elements of the last axis in order, and their indices; of equal elements the one of the lower index comes
  /// first.
  ///
  /// An element's place is the number of those that come before it, by comparing each with each. The r-th value is then
  /// the greatest of those that do not come earlier.
  mutating func sorting(_ x: NodeID, count: Int, isDescending: Bool, _ call: some LayerSite)
    throws(CompilationFailed) -> (values: NodeID, indices: NodeID)
  {
    let shape = shape(x)
    let extent = shape.last ?? 1
    let outer = Array(shape.dropLast())
    let square = outer + [extent, extent]
    let own = try repeatLast(x, count: extent, call, "own")
    let row = try reshape(x, outer + [1, extent], call, "row")
    let other = try broadcast(row, to: square, call, "other")
    let pair = isDescending ? [own, other] : [other, own]
    let isBefore = try add(.combine(.less), pair, call, "is_before")
    let isNotBehind = try add(.combine(.lessOrEqual), pair, call, "is_not_behind")
    let first = (0..<square.elementCount).map { Int64($0 % extent < $0 / extent % extent ? 1 : 0) }
    let isFirst = try add(.constant(Weights(raw: first, exponent: 0, shape: square)), [], call, "is_first")
    let beats = try add(.combine(.select), [isFirst, isNotBehind, isBefore], call, "beats")
    let place = try add(.reduce(.sum), [beats], call, "place")
    // One row for each result: [results, elements].
    let wanted = outer + [count, extent]
    func spread(_ x: NodeID, _ extents: [Int], _ role: String) throws(CompilationFailed) -> NodeID {
      try broadcast(try reshape(x, outer + extents, call, "\(role)_row"), to: wanted, call, role)
    }
    let places = try spread(place, [1, extent], "places")
    let numbers = (0..<wanted.elementCount).map { Int64($0 / extent % count) }
    let number = try add(.constant(Weights(raw: numbers, exponent: 0, shape: wanted)), [], call, "number")
    let isLater = try add(.combine(.lessOrEqual), [number, places], call, "is_later")
    let limit = try add(.reduce(isDescending ? .minimum : .maximum), [x], call, "limit")
    let candidates = try add(
      .combine(.select),
      [isLater, try spread(x, [1, extent], "elements"), try spread(limit, [1, 1], "limits")], call,
      "candidates")
    let values = try add(.reduce(isDescending ? .maximum : .minimum), [candidates], call, "values")
    let isHere = try add(.combine(.equal), [number, places], call, "is_here")
    return (values, try add(.reduce(.argmax), [isHere], call, "found"))
  }
}
