import FixedPoint
import Foundation
import Functions
import Graph

// hls4ml's own table arithmetic, for configurations that an experiment has validated: entries evaluated in binary32 at
// the lower edge of their bin, indices truncated toward zero and clipped (`nnet_activation.h`, hls4ml 1.3).

extension Typer {
  /// A function with hls4ml's table, where a configuration speaks of the layer; nil for functions without one.
  mutating func hls4mlTable(_ node: Node, _ function: Function) throws(WidthOverflow) -> NodeID? {
    guard let configuration = policy.configuration, !policy.isFullyQuantized else { return nil }
    if configuration.asksForOwnTables(node) { return nil }
    // The tables span ±8, but for tanh ±4.
    let spanBits: Int
    switch function {
    case .sigmoid, .softplus, .softsign: spanBits = 4
    case .tanh: spanBits = 3
    default: return nil
    }
    let size = configuration.setting(\.tableSize, of: node) ?? 1024
    guard size & (size - 1) == 0 else { return nil }
    let index = FixedType(
      width: size.trailingZeroBitCount, integerBits: spanBits, rounding: .trnZero, overflow: .sat)
    let type = configuration.entry("table", of: node)?.type ?? FixedType(width: 18, integerBits: 8)
    let quantizer = Quantizer.fixed(PerElement(repeating: index, count: node.count))
    let operand = try add(.quantize(quantizer), node.operands, "\(node.name)_index", node)
    return try table(operand, node.name, node, function: function, result: type, isHLS4ML: true)
  }
}

extension Function {
  /// The function as hls4ml's C++ evaluates it, in binary32 with glibc.
  func binary32(_ x: Float) -> Float {
    switch self {
    case .exp: Foundation.exp(x)
    case .reciprocal: Float(1.0 / Double(x))
    case .sigmoid: Float(1.0 / Double(1 + Foundation.exp(-x)))
    case .tanh: Foundation.tanh(x)
    case .softplus: Float(Foundation.log(Double(Foundation.exp(x)) + 1))
    case .softsign: Float(Double(x) / (Double(x.magnitude) + 1))
    default: Float(value(Double(x)))
    }
  }
}
