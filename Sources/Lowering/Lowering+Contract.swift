import Circuit
import FixedPoint
import Graph

extension NodeLowering {
  /// A multiplier for each product, and an adder tree for each result.
  mutating func contract(
    _ operands: [Tensor], _ type: TensorType, _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    let contraction = try Contraction(operands.map(\.type), operands.map(\.shape))
    var result: [Value] = []
    for i in 0..<type.count {
      var terms: [Value] = []
      for product in contraction.products(of: i) {
        let value = try builder.multiply(
          operands[0].values[product.left], operands[1].values[product.right], origin: origin)
        terms.append(try multiply(value, by: product.step, plus: 0, origin))
      }
      result.append(try sum(terms, exponent: type.formats[i].exponent, origin))
    }
    return result
  }
}
