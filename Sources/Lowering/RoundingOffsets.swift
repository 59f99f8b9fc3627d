import FixedPoint
import Graph

/// What linear nodes add to their results so that the quantizers behind them need no adders to round.
///
/// Rounding to the nearest is floor(x + half a step). Where one quantizer alone reads a linear node, directly or
/// through a plain rectifier, half a step joins the node's constants, which its adder graph adds anyway. Values of
/// such nodes, and of the rectifiers between, differ in the joined circuit from the graph's by these offsets. The
/// rectifier may see them: it clears what is below zero, and from zero to half a step the floor is zero as well.
struct RoundingOffsets {
  /// For each node what is added to each element; nil where nothing is.
  private var offsets: [[Int128]?]

  /// Nothing is added anywhere.
  static let none = RoundingOffsets(offsets: [])

  private init(offsets: [[Int128]?]) { self.offsets = offsets }

  subscript(id: NodeID) -> [Int128]? { id.index < offsets.count ? offsets[id.index] : nil }

  init(_ graph: Graph) {
    var uses = Array(repeating: 0, count: graph.nodes.count)
    for node in graph.nodes { for operand in node.operands { uses[operand.index] += 1 } }
    for output in graph.outputs { uses[output.node.index] += 1 }
    offsets = Array(repeating: nil, count: graph.nodes.count)
    for node in graph.nodes {
      guard case .quantize(let quantizer) = node.primitive else { continue }
      let operand = node.operands[0]
      var chain = [operand]
      if case .map(let map) = graph[operand].primitive, case .rectifier = map.form {
        chain.append(graph[operand].operands[0])
      }
      guard chain.allSatisfy({ uses[$0.index] == 1 }),
        case .linear(let linear) = graph[chain[chain.count - 1]].primitive, linear.accumulator == nil,
        let halves = RoundingOffsets.halves(of: quantizer, behind: chain, in: graph)
      else { continue }
      for id in chain { offsets[id.index] = halves }
    }
  }

  /// The offsets of the quantizer's operands, 0 for elements that it rounds otherwise or behind rectifiers that would
  /// see them; nil if for all.
  private static func halves(
    of quantizer: Quantizer, behind chain: [NodeID], in graph: Graph
  ) -> [Int128]? {
    guard let type = graph[chain[0]].type else { return nil }
    let halves = type.formats.array.indices.map { i in
      guard case .fixed(let target, let unit) = try? quantizer.element(i, unit: type.unit(i)),
        isPlain(chain, i, in: graph)
      else { return Int128(0) }
      return half(of: target, unit: unit, range: type.formats[i].range)
    }
    return halves.contains { $0 != 0 } ? halves : nil
  }

  /// Whether the rectifier of element i, if there is one, is max(x, 0).
  private static func isPlain(_ chain: [NodeID], _ i: Int, in graph: Graph) -> Bool {
    guard chain.count == 2 else { return true }
    guard case .map(let map) = graph[chain[0]].primitive, case .rectifier(let rectifier) = map.form,
      let unit = graph[chain[1]].type?.unit(i), let element = try? rectifier.element(unit: unit).0
    else { return false }
    return element.threshold == 0 && element.gain == 1 && element.maximum == nil && element.slope == 0
      && element.offset == 0
  }

  /// What makes the floor of operands in a range round as a type does, in units of the operand: half a step, or one
  /// unit less where ties go down. 0 where nothing does, or nothing is rounded.
  ///
  /// Ties to even are ties upwards but for the last bit. Towards or away from zero is up or down as long as negative
  /// operands don't occur or saturate to zero.
  static func half(of type: FixedType, unit: Unit, range: Interval) -> Int128 {
    let count = type.exponent - unit.exponent
    guard unit.factor == .one, (1...100).contains(count), type.width > 0 else { return 0 }
    let half = Int128(1) << Int128(count - 1)
    let hasOneSign = range.lower >= 0 || !type.isSigned && type.overflow != .wrap
    switch type.rounding {
    case .rnd, .rndConv: return half
    case .rndMinInf: return half - 1
    case .rndInf: return hasOneSign ? half : 0
    case .rndZero: return hasOneSign ? half - 1 : 0
    case .trn, .trnZero: return 0
    }
  }
}
