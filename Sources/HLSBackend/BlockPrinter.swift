import Circuit

/// Prints a node's blocks as loops over blocks of a kind.
///
/// Operand elements are indices that are affine in the block's number where they are, and looked up in a constant array
/// where they are not. The loops are unrolled.
struct BlockPrinter {
  let blocks: NodeBlocks
  let arguments: [NodePrinter.Parameter]
  let result: NodePrinter.Parameter
  /// C++ names of the circuit's tables.
  let tables: [String]

  var lines: [String] { blocks.kinds.flatMap(lines) }

  /// Whether the loops read each argument.
  var isArgumentRead: [Bool] {
    arguments.indices.map { port in blocks.kinds.contains { !$0.elements[port].isEmpty } }
  }

  private func lines(_ kind: NodeBlocks.Kind) -> [String] {
    let loop = Loop(kind.blocks)
    var constants = loop.constants
    let operands = arguments.indices.map { port in
      let argument = arguments[port]
      let places = kind.elements[port].map { elements in
        if let index = BlockPrinter.affine(elements, in: kind.blocks) { return "\(argument.name)[\(index)]" }
        let number = constants.count - loop.constants.count
        let name = number == 0 ? "from" : "from\(number)"
        constants.append(BlockPrinter.list(name, elements))
        return "\(argument.name)[\(name)[\(loop.position)]]"
      }
      return NodePrinter.Parameter(
        name: argument.name, element: argument.element, shifts: kind.operandShifts[port],
        places: places)
    }
    let first = kind.blocks[0] * blocks.size
    let indices = (0..<blocks.size).map {
      kind.blocks.count == 1 ? "\(first + $0)" : BlockPrinter.text(blocks.size, $0)
    }
    let own = NodePrinter.Parameter(
      name: result.name, element: result.element, shifts: kind.resultShifts,
      places: indices.map { "\(result.name)[\($0)]" })
    let body = NodePrinter(kind.circuit, arguments: operands, results: [own], tables: tables).lines
    if kind.blocks.count == 1 && body.count == 1 { return body }
    let statements = loop.head + body.map { "  \($0)" } + ["}"]
    if constants.isEmpty { return statements }
    return ["{"] + constants.flatMap { $0.split(separator: "\n").map { "  \($0)" } }
      + statements.map { $0.hasPrefix("#") ? $0 : "  \($0)" } + ["}"]
  }

  /// The loop over some blocks; in its body, `i` is the block's number.
  private struct Loop {
    var head: [String]
    /// How many blocks came before, as an expression.
    var position = "n"
    /// Arrays that the loop reads.
    var constants: [String] = []

    init(_ blocks: [Int]) {
      let (first, count) = (blocks[0], blocks.count)
      if count == 1 {
        head = ["{"]
      } else if blocks[count - 1] == first + count - 1 {
        position = BlockPrinter.text(1, -first)
        head = ["for (int i = \(first); i < \(first + count); ++i) {", "#pragma HLS UNROLL"]
      } else {
        constants = [BlockPrinter.list("blocks", blocks)]
        head = ["for (int n = 0; n < \(count); ++n) {", "#pragma HLS UNROLL", "  const int i = blocks[n];"]
      }
    }
  }

  /// The elements as a function of the block's number `i`, if it is affine.
  private static func affine(_ elements: [Int], in blocks: [Int]) -> String? {
    guard blocks.count > 1 else { return "\(elements[0])" }
    let step = blocks[1] - blocks[0]
    guard (elements[1] - elements[0]) % step == 0 else { return nil }
    let factor = (elements[1] - elements[0]) / step
    let offset = elements[0] - factor * blocks[0]
    let isAffine = zip(elements, blocks).allSatisfy { $0 == factor * $1 + offset }
    return isAffine ? text(factor, offset) : nil
  }

  /// `9 * i + 4`.
  private static func text(_ factor: Int, _ offset: Int) -> String {
    if factor == 0 { return "\(offset)" }
    let product = factor == 1 ? "i" : "\(factor) * i"
    return offset == 0 ? product : offset < 0 ? "\(product) - \(-offset)" : "\(product) + \(offset)"
  }

  private static func list(_ name: String, _ values: [Int]) -> String {
    let type = (values.max() ?? 0) <= Int(Int16.max) ? "short" : "int"
    return NodeFile.array("static const \(type) \(name)", values.map(String.init))
  }
}
