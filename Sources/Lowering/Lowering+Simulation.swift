import AdderGraphs
import Circuit
import Diagnostics
import FixedPoint
import Graph

extension Graph {
  /// The model as one circuit that is quick to make and to simulate, and computes the same as the one for hardware:
  /// constant matrices are sums of products, so that no adder graph has to be found.
  ///
  /// - Throws: T010 where a value inside a node needs more bits than the compiler computes with.
  public func simulationCircuit() throws(CompilationFailed) -> Circuit {
    let solutions = AdderGraphSolutions(LoweringOptions(linearForm: .products))
    var lowering = NodeLowering(self, name: name, solutions: solutions)
    for index in nodes.indices {
      do {
        try lowering.lower(NodeID(index))
      } catch {
        throw CompilationFailed(
          "T010", "'\(nodes[index].name)' needs more than \(FixedType.maximumWidth) bits inside",
          at: .layer(nodes[index].layer.name))
      }
    }
    for output in outputs { lowering.output(output.node, name: output.name) }
    return lowering.builder.circuit
  }
}

extension NodeLowering {
  /// y[n] = Σ_k values[k] · coefficients[k · N + n] + constants[n], each a sum of products.
  mutating func products(
    _ values: [Value], _ coefficients: [Int64], _ constants: [Int128], exponents: [Int], _ origin: Int
  ) throws(WidthOverflow) -> [Value] {
    let outputs = constants.count
    var result: [Value] = []
    result.reserveCapacity(outputs)
    for n in 0..<outputs {
      var terms: [Term] = []
      for (k, value) in values.enumerated() {
        let coefficient = Int128(coefficients[k * outputs + n])
        if coefficient == 0 { continue }
        let shift = coefficient.trailingZeroBitCount
        let odd = coefficient.magnitude >> shift
        let factor = odd == 1 ? value : try product(value, Int128(odd), origin)
        terms.append(Term(factor, shift: shift, isNegative: coefficient < 0))
      }
      if constants[n] != 0 { terms.append(Term(builder.constant(constants[n], origin: origin))) }
      result.append(try builder.sum(terms, exponent: exponents[n], origin: origin))
    }
    return result
  }

  private mutating func product(
    _ value: Value, _ factor: Int128, _ origin: Int
  ) throws(WidthOverflow) -> Value {
    try builder.multiply(value, builder.constant(factor, origin: origin), origin: origin)
  }
}
