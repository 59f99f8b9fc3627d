import Circuit
import FixedPoint

/// Prints the functions of nodes.
enum NodeFile {
  /// `void fc1(const input_1_raw_t x[16], fc1_raw_t y[64])`. A parameter that the body does not read has no name.
  static func signature(
    _ node: ResolvedDesign.Node, in design: ResolvedDesign, isRead: [Bool]? = nil
  ) -> String {
    let (arguments, results) = parameters(node, in: design)
    let inputs = zip(node.arguments, arguments).enumerated().map { index, argument in
      let name = isRead?[index] == false ? "" : argument.1.name
      return "const \(design.tensors[argument.0].typeName) \(name)[\(design.tensors[argument.0].count)]"
    }
    let outputs = zip(node.results, results).map { tensor, result in
      "\(design.tensors[tensor].typeName) \(result.name)[\(design.tensors[tensor].count)]"
    }
    return "void \(node.name)(" + (inputs + outputs).joined(separator: ", ") + ")"
  }

  /// The tables and the function of a node.
  static func function(_ node: ResolvedDesign.Node, in design: ResolvedDesign) -> String {
    if let step = node.step, let repetition = node.node.repetition {
      return StepFile.functions(node, step, repetition, in: design)
    }
    let (arguments, results) = parameters(node, in: design)
    let circuit = node.node.circuit
    var text = heading(node, of: node.node.name.asWord)
    let body = body(circuit, arguments, results, tables: node.tables)
    text += signature(node, in: design, isRead: body.isRead)
    text += " {\n#pragma HLS PIPELINE II=\(design.design.interval)\n"
    for line in body.lines {
      text += line.hasPrefix("#") ? "\(line)\n" : "  \(line)\n"
    }
    return text + "}\n"
  }

  /// The statements of a node, loops over what repeats, else one after the other; and which arguments they read.
  private static func body(
    _ circuit: Circuit, _ arguments: [NodePrinter.Parameter], _ results: [NodePrinter.Parameter],
    tables: [String]
  ) -> (lines: [String], isRead: [Bool]) {
    if let blocks = NodeBlocks(circuit, arguments: arguments, results: results) {
      let printer = BlockPrinter(blocks: blocks, arguments: arguments, result: results[0], tables: tables)
      return (printer.lines, printer.isArgumentRead)
    }
    let printer = NodePrinter(circuit, arguments: arguments, results: results, tables: tables)
    return (printer.lines, printer.isArgumentRead)
  }

  /// What stands above a function: a comment, and its tables.
  static func heading(_ node: ResolvedDesign.Node, of name: String) -> String {
    let comment = node.node.comment.split(separator: "\n").joined(separator: " ")
    var text = "// \(name)" + (comment.isEmpty ? "\n" : ": \(comment)\n")
    for (table, name) in zip(node.node.circuit.tables, node.tables) {
      text += array("static const \(elementType(table)) \(name)", table.entries.map(CPPInteger.literal))
    }
    return text
  }

  /// `x` and `y`, with a number where there are several.
  private static func parameters(
    _ node: ResolvedDesign.Node, in design: ResolvedDesign
  ) -> (arguments: [NodePrinter.Parameter], results: [NodePrinter.Parameter]) {
    func parameters(_ tensors: [Int], _ name: String) -> [NodePrinter.Parameter] {
      tensors.enumerated().map { index, tensor in
        NodePrinter.Parameter(
          name: tensors.count == 1 ? name : "\(name)\(index)",
          element: CPPInteger(design.tensors[tensor].type), shifts: design.tensors[tensor].tensor.shifts)
      }
    }
    return (parameters(node.arguments, "x"), parameters(node.results, "y"))
  }

  /// The definition of an array of constants.
  static func array(_ declaration: String, _ entries: [String]) -> String {
    var text = "\(declaration)[\(entries.count)] = {"
    var line = ""
    for (index, entry) in entries.enumerated() {
      let item = index == entries.count - 1 ? entry : "\(entry),"
      if line.isEmpty || line.count + item.count > 98 {
        text += "\(line)\n  "
        line = item
      } else {
        line += " \(item)"
      }
    }
    return text + "\(line)};\n"
  }

  /// The narrowest C++ type that holds a table's entries.
  private static func elementType(_ table: Table) -> String {
    let low = table.entries.min() ?? 0
    let high = table.entries.max() ?? 0
    func fits<Integer: FixedWidthInteger>(_: Integer.Type) -> Bool {
      Integer(exactly: low) != nil && Integer(exactly: high) != nil
    }
    if fits(Int8.self) { return "signed char" }
    if fits(UInt8.self) { return "unsigned char" }
    if fits(Int16.self) { return "short" }
    if fits(UInt16.self) { return "unsigned short" }
    if fits(Int32.self) { return "int" }
    return "long long"
  }
}
