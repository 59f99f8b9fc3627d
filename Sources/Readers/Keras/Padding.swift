import Diagnostics
import Graph

/// How many positions an axis is continued by; negative numbers cut positions off.
struct Margin {
  var axis: Int
  var before: Int
  var after: Int

  /// Whether a tensor with the margin is larger than any that is built.
  var isLarge: Bool { max(before.magnitude, after.magnitude) > 1 << 20 }
}

/// Which of a tensor's own positions stand beyond its ends.
enum Continuation: String {
  /// The outermost one.
  case edge
  /// The tensor turned round at its outermost positions, which are not repeated.
  case reflect
  /// The tensor turned round behind its outermost positions.
  case symmetric
  /// The tensor again.
  case wrap

  /// The position within 0 ..< extent that stands at any position.
  func source(of position: Int, extent: Int) -> Int {
    func turned(_ period: Int) -> Int { ((position % period) + period) % period }
    switch self {
    case .edge: return min(max(position, 0), extent - 1)
    case .wrap: return turned(extent)
    case .reflect:
      if extent == 1 { return 0 }
      let place = turned(2 * extent - 2)
      return place < extent ? place : 2 * extent - 2 - place
    case .symmetric:
      let place = turned(2 * extent)
      return place < extent ? place : 2 * extent - 1 - place
    }
  }
}

/// What stands in the margins of a tensor.
enum MarginContents {
  case number(Double)
  case elements(Continuation)
}

extension GraphBuilder {
  /// A tensor with margins, which leave at least one of its own positions along every axis.
  mutating func pad(_ x: NodeID, _ margins: [Margin], _ contents: MarginContents, _ call: some LayerSite)
    throws(CompilationFailed) -> NodeID
  {
    var ranges = shape(x).map { (start: 0, step: 1, count: $0) }
    for margin in margins {
      ranges[margin.axis] = (-margin.before, 1, shape(x)[margin.axis] + margin.before + margin.after)
    }
    switch contents {
    case .number(0): return try view(x, ranges, padding: .zero, call)
    case .number(let value): return try surround(x, ranges, value, call)
    case .elements(let continuation):
      var y = x
      for (axis, range) in ranges.enumerated() {
        let extent = shape(y)[axis]
        let sources = (range.start..<(range.start + range.count)).map {
          continuation.source(of: $0, extent: extent)
        }
        if sources == Array(0..<extent) { continue }
        y = try select(y, axis: axis, sources, call, "axis\(axis + 1)")
      }
      return y
    }
  }

  /// A part of a tensor with a number around it: blocks of constants joined to it along each axis.
  private mutating func surround(
    _ x: NodeID, _ ranges: [(start: Int, step: Int, count: Int)], _ value: Double, _ call: some LayerSite
  ) throws(CompilationFailed) -> NodeID {
    var y = x
    for (axis, range) in ranges.enumerated() {
      let extent = shape(y)[axis]
      var kept = shape(y).map { (start: 0, step: 1, count: $0) }
      let first = max(range.start, 0)
      let end = min(range.start + range.count, extent)
      kept[axis] = (first, 1, end - first)
      y = try view(y, kept, padding: .none, call, "part")
      var parts = [y]
      var block = shape(y)
      if range.start < 0 {
        block[axis] = -range.start
        parts.insert(try constant(value, shape: block, call, "margin"), at: 0)
      }
      let after = range.start + range.count - extent
      if after > 0 {
        block[axis] = after
        parts.append(try constant(value, shape: block, call, "margin"))
      }
      if parts.count > 1 { y = try add(.rearrange(.concatenate(axis: axis)), parts, call, "padded") }
    }
    return y
  }
}
