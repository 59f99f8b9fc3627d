import FixedPoint
import Graph

/// The trade of cost against noise.
struct BitAllocation {
  let graph: Graph
  let free: FreeTensors

  /// Look-up tables of an adder for each bit, after sharing; bits that a sum is wider than its terms; look-up tables of
  /// a quantizer for each bit of its result.
  private static let (sharing, growth, quantizer) = (0.34, 3.0, 2.0)
  /// Bits of operands whose type is not free.
  private static let fixedWidth = 10.0

  /// For each group of each tensor the number of its option.
  struct Choice: Hashable {
    var results: [[Int]]
    var weights: [[Int]]
  }

  init(_ graph: Graph, _ free: FreeTensors) {
    self.graph = graph
    self.free = free
  }

  /// What a unit of distortion costs in look-up tables, in steps of √2.
  static func price(_ level: Int) -> Double {
    Double(sign: .plus, exponent: level / 2, significand: level % 2 == 0 ? 1 : 1.4142135623730951)
  }

  func choice(price: Double, ratio: Double) -> Choice {
    var choice = Choice(
      results: free.results.map { $0.groups.map { min(8, $0.options.count - 1) } },
      weights: free.matrices.map { $0.groups.map { min(8, $0.options.count - 1) } })
    // Widths of operands price the digits of weights, and these the widths: a few rounds settle both.
    for _ in 0..<3 {
      for (m, matrix) in free.matrices.enumerated() {
        let widths = operandWidths(matrix, choice)
        for (channel, group) in matrix.groups.enumerated() {
          choice.weights[m][channel] = BitAllocation.best(group.options) { option in
            ratio * cost(option, matrix, widths, channel) + price * option.noise
          }
        }
      }
      let prices = bitPrices(choice)
      for (r, result) in free.results.enumerated() {
        for (g, group) in result.groups.enumerated() {
          choice.results[r][g] = BitAllocation.best(group.options) { option in
            prices[r][g] * Double(option.type.width) + price * option.noise
          }
        }
      }
    }
    return choice
  }

  /// The first option of least cost.
  private static func best<Option>(_ options: [Option], _ cost: (Option) -> Double) -> Int {
    var best = 0
    var least = Double.infinity
    for (i, option) in options.enumerated() {
      let value = cost(option)
      if value < least { (best, least) = (i, value) }
    }
    return best
  }

  private func operandWidths(_ matrix: FreeTensors.Matrix, _ choice: Choice) -> [Double] {
    matrix.sources.map { source in
      guard let source else { return Self.fixedWidth }
      let group = free.results[source.result].group(source.channel)
      return Double(
        free.results[source.result].groups[group].options[choice.results[source.result][group]].type.width)
    }
  }

  /// The adders of one column: one fewer than there are digits.
  private func cost(
    _ option: FreeTensors.WeightOption, _ matrix: FreeTensors.Matrix, _ widths: [Double], _ channel: Int
  ) -> Double {
    let start = matrix.firstSource(channel)
    var (sum, count) = (0.0, 0.0)
    for (k, digits) in option.digits.enumerated() where digits > 0 {
      sum += Double(digits) * (widths[start + k] + Self.growth)
      count += Double(digits)
    }
    return count == 0 ? 0 : Double(matrix.positions) * Self.sharing * sum * (count - 1) / count
  }

  /// What a bit of each group of results costs: in its quantizers, and in the adders that read it.
  private func bitPrices(_ choice: Choice) -> [[Double]] {
    var prices = zip(free.results, free.elements).map { result, elements in
      let members = Double(result.channels / max(1, result.groups.count))
      return result.groups.map { _ in Double(elements) * members * Self.quantizer }
    }
    for (m, matrix) in free.matrices.enumerated() {
      for (channel, group) in matrix.groups.enumerated() {
        let digits = group.options[choice.weights[m][channel]].digits
        let start = matrix.firstSource(channel)
        for (k, count) in digits.enumerated() where count > 0 {
          guard let source = matrix.sources[start + k] else { continue }
          let group = free.results[source.result].group(source.channel)
          prices[source.result][group] += Double(matrix.positions) * Self.sharing * Double(count)
        }
      }
    }
    return prices
  }

  /// Look-up tables of a choice.
  func cost(_ choice: Choice) -> Double {
    var sum = 0.0
    for (m, matrix) in free.matrices.enumerated() {
      let widths = operandWidths(matrix, choice)
      for (channel, group) in matrix.groups.enumerated() {
        sum += cost(group.options[choice.weights[m][channel]], matrix, widths, channel)
      }
    }
    for (r, result) in free.results.enumerated() {
      let members = Double(result.channels / max(1, result.groups.count) * free.elements[r])
      for (g, group) in result.groups.enumerated() {
        sum += members * Self.quantizer * Double(group.options[choice.results[r][g]].type.width)
      }
    }
    return sum
  }
}

extension BitAllocation {
  /// The types of a choice. Biases get the least significant bit that the products of their sum have, and at least 10
  /// bits, for bits below the products' are constant and cost no adder.
  func types(_ choice: Choice) -> ChosenTypes {
    var chosen = ChosenTypes()
    for (r, result) in free.results.enumerated() {
      let node = graph.nodes[result.node]
      let role: TypePolicy.Role = node.primitive.isInput ? .input : .result
      let types = (0..<result.channels).map { channel in
        let group = result.group(channel)
        return result.groups[group].options[choice.results[r][group]].type
      }
      chosen[ChosenTypes.Key(node: node.name, role: role)] = PerElement(types)
    }
    for (m, matrix) in free.matrices.enumerated() {
      let node = graph.nodes[matrix.node]
      let types = matrix.groups.indices.map { matrix.groups[$0].options[choice.weights[m][$0]].type }
      chosen[ChosenTypes.Key(node: node.name, role: .weight)] = PerElement(types)
      guard matrix.hasFreeBias, case .linear(let linear) = node.primitive, let bias = linear.bias else {
        continue
      }
      chosen[ChosenTypes.Key(node: node.name, role: .bias)] = PerElement(
        zip(bias.values, types.indices).map { value, channel in
          biasType(value, productExponent(matrix, channel, types[channel], choice))
        })
    }
    return chosen
  }

  /// The exponent of the least significant bit of a column's products.
  private func productExponent(
    _ matrix: FreeTensors.Matrix, _ channel: Int, _ type: FixedType, _ choice: Choice
  ) -> Int {
    let inputs = matrix.groups[channel].options[0].digits.count
    let start = matrix.firstSource(channel)
    let exponents = (start..<(start + inputs)).map { k -> Int in
      guard let source = matrix.sources[k] else { return -Int(Self.fixedWidth) }
      let group = free.results[source.result].group(source.channel)
      return free.results[source.result].groups[group].options[choice.results[source.result][group]].type
        .exponent
    }
    return (exponents.min() ?? 0) + type.exponent
  }

  private func biasType(_ value: Double, _ exponent: Int) -> FixedType {
    if value == 0 || !value.isFinite { return .holding(0...0, exponent: 0, rounding: .rndConv) }
    let top = Int(value.magnitude.exponent) + 1
    let exponent = max(min(exponent, top - 10), top - 16)
    let raw = Int(
      (value * Double(sign: .plus, exponent: -exponent, significand: 1)).rounded(.toNearestOrEven))
    return .holding(raw...raw, exponent: exponent, rounding: .rndConv)
  }
}
