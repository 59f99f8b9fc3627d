import FixedPoint
import Foundation
import Functions
import Graph

// hls4ml's other implementations of softmax (`nnet_activation.h`, hls4ml 1.3): `latency`, `legacy`, `argmax`.

extension Typer {
  /// `latency`: exp(x) for the highest bits of x as it is.
  mutating func directExponentials(
    _ node: Node, of operand: NodeID, _ types: SoftmaxTypes
  ) throws(WidthOverflow) -> NodeID {
    let declared = declaredType(operand)
    let index = FixedType(
      width: min(types.exponentialIndexBits, declared.width), integerBits: declared.integerBits,
      isSigned: declared.isSigned)
    let indexed = try add(.quantize(uniform(index, operand)), [operand], "\(node.name)_exp_index", node)
    return try table(
      indexed, "\(node.name)_exp", node, function: .exp, result: types.exponential, sign: 1, isHLS4ML: true)
  }

  /// `legacy`: 1 / Σ_j exp(x_j − x_i), with one table over ±8 and one of reciprocals up to 64.
  mutating func legacySoftmax(
    _ node: Node, of operand: NodeID, _ types: SoftmaxTypes
  ) throws(WidthOverflow) -> NodeID {
    let shape = result[operand].shape
    let length = shape.last ?? 1
    let size = 1 << types.exponentialIndexBits
    let type = FixedType(width: 18, integerBits: 8)
    func part(_ name: String) -> String { "\(node.name)_\(name)" }
    let square = shape + [length]
    // Row i holds x_j − x_i for every j.
    let column = try add(.rearrange(.reshape(shape + [1])), [operand], part("column"), node)
    let own = try add(
      .rearrange(.view(.broadcast(shape + [1], to: square))), [column], part("own"), node)
    let outer = Array(shape.dropLast())
    let row = try add(.rearrange(.reshape(outer + [1, length])), [operand], part("row"), node)
    let others = try add(
      .rearrange(.view(.broadcast(outer + [1, length], to: square))), [row], part("others"), node)
    let difference = try add(.combine(.subtract), [others, own], part("difference"), node)
    let bits = types.exponentialIndexBits
    let index = FixedType(width: bits, integerBits: 4, rounding: .trnZero, overflow: .sat)
    let indexed = try add(.quantize(uniform(index, difference)), [difference], part("exp_index"), node)
    let exponentials = try table(
      indexed, part("exp"), node, function: .exp, result: type, sign: 1, isHLS4ML: true)
    let total = try rowSum(exponentials, in: type, part("sum"), node)
    // The sum times size / 64, toward zero; negative ones take the first entry.
    let inverseIndex = FixedType(
      width: bits, integerBits: 6, isSigned: false, rounding: .trnZero, overflow: .sat)
    let sumIndex = try add(.quantize(uniform(inverseIndex, total)), [total], part("inv_index"), node)
    let entries = (0..<size).map { i -> Int64 in
      let x = 64 * Float(i) / Float(size)
      return i == 0 ? 0 : Int64(type.convertInfinity(Double(Float(1.0 / Double(x)))))
    }
    let inverse = FunctionTable(first: 0, entries: entries, exponent: type.exponent)
    let form = MapForm.tables(
      [inverse], tableOfElement: PerElement(repeating: 0, count: result[sumIndex].count))
    let inverted = try add(.map(Map(.reciprocal, form: form)), [sumIndex], part("inv"), node)
    return try add(.rearrange(.reshape(shape)), [inverted], node.name, node)
  }

  /// `argmax`: 1 for the first of the greatest, else 0.
  mutating func argmax(_ node: Node, of operand: NodeID) throws(WidthOverflow) -> NodeID {
    let shape = result[operand].shape
    let length = shape.last ?? 1
    let place = try add(.reduce(.argmax), [operand], "\(node.name)_argmax", node)
    let places = try spread(place, Array(shape.dropLast()), length, "\(node.name)_place", node)
    let tables = (0..<length).map { i in
      FunctionTable(first: 0, entries: (0..<length).map { $0 == i ? 1 : 0 }, exponent: 0)
    }
    let elements = PerElement((0..<shape.elementCount).map { $0 % length })
    return try add(
      .map(Map(.sign, form: .tables(tables, tableOfElement: elements))), [places], node.name, node)
  }
}
