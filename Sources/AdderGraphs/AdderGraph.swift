import FixedPoint

/// Shifts and adders that compute a constant matrix times a vector: a node is one carry chain.
///
/// Values are raw integers. Operands of a node are inputs, constants or nodes before it.
public struct AdderGraph: Hashable, Sendable {
  public var nodes: [Node]
  /// One for each output of the problem.
  public var outputs: [Output]

  public enum Operand: Hashable, Sendable {
    case input(Int)
    case constant(Int128)
    case node(Int)
  }

  /// ±(operand · 2^shift).
  public struct Term: Hashable, Sendable {
    public var operand: Operand
    public var shift: Int
    public var isNegative: Bool

    public init(_ operand: Operand, shift: Int = 0, isNegative: Bool = false) {
      self.operand = operand
      self.shift = shift
      self.isNegative = isNegative
    }
  }

  /// A sum of two or three terms, or the negation of one. Two terms are never both negative, and three never all
  /// negative, so that each node is one carry chain.
  public struct Node: Hashable, Sendable {
    public var terms: [Term]
    /// The least and greatest value over all inputs, exact.
    public var interval: Interval
    /// When the value is ready, in picoseconds.
    public var arrival: Int
    /// LUTs of the carry chain.
    public var lutCost: Int
  }

  /// operand · 2^shift.
  public struct Output: Hashable, Sendable {
    public var operand: Operand
    public var shift: Int

    public init(operand: Operand, shift: Int = 0) {
      self.operand = operand
      self.shift = shift
    }
  }

  /// LUTs of all nodes.
  public var lutCost: Int { nodes.reduce(0) { $0 + $1.lutCost } }

  /// When the last node that an output reads is ready, in picoseconds.
  public func arrival(inputs: [Int]) -> Int {
    outputs.reduce(0) { latest, output in
      switch output.operand {
      case .input(let k): max(latest, inputs[k])
      case .constant: latest
      case .node(let i): max(latest, nodes[i].arrival)
      }
    }
  }

  /// The outputs for given inputs.
  /// - Requires: inputs inside the problem's ranges.
  public func evaluate(_ inputs: [Int128]) -> [Int128] {
    var values: [Int128] = []
    values.reserveCapacity(nodes.count)
    func value(_ operand: Operand) -> Int128 {
      switch operand {
      case .input(let k): inputs[k]
      case .constant(let c): c
      case .node(let i): values[i]
      }
    }
    for node in nodes {
      values.append(
        node.terms.reduce(0) { sum, term in
          let shifted = value(term.operand) << Int128(term.shift)
          return term.isNegative ? sum - shifted : sum + shifted
        })
    }
    return outputs.map { value($0.operand) << Int128($0.shift) }
  }
}
