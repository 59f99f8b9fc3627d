import Circuit
import FixedPoint

/// Prints the functions of a node that repeats a step: the step, and the loop over it.
enum StepFile {
  static func functions(
    _ node: ResolvedDesign.Node, _ step: ResolvedDesign.Step, _ repetition: HLSRepetition,
    in design: ResolvedDesign
  ) -> String {
    let inputs = parameters(step.inputs, "x")
    let outputs = parameters(step.outputs, "y")
    let body = NodePrinter(node.node.circuit, arguments: inputs, results: outputs, tables: node.tables)
    var text = NodeFile.heading(node, of: "one of \(repetition.steps) steps of \(node.node.name.asWord)")
    text += "static void \(step.name)(" + declarations(step, inputs, outputs, body.isArgumentRead) + ") {\n"
    text += "#pragma HLS PIPELINE II=\(design.design.interval)\n"
    for line in body.lines { text += "  \(line)\n" }
    return text + "}\n\n" + loop(node, step, repetition, in: design)
  }

  private static func parameters(_ ports: [ResolvedDesign.Step.Array], _ name: String)
    -> [NodePrinter.Parameter]
  {
    ports.enumerated().map { index, port in
      NodePrinter.Parameter(
        name: "\(name)\(index)", element: CPPInteger(port.type), shifts: port.tensor.shifts)
    }
  }

  private static func declarations(
    _ step: ResolvedDesign.Step, _ inputs: [NodePrinter.Parameter], _ outputs: [NodePrinter.Parameter],
    _ isRead: [Bool]
  ) -> String {
    let reads = zip(zip(step.inputs, inputs), isRead).map { port, isRead in
      "const \(port.1.element) \(isRead ? port.1.name : "")[\(port.0.count)]"
    }
    let writes = zip(step.outputs, outputs).map { "\($1.element) \($1.name)[\($0.count)]" }
    return (reads + writes).joined(separator: ", ")
  }

  /// The node's function: states in local arrays, and the step called for one slice after the other.
  private static func loop(
    _ node: ResolvedDesign.Node, _ step: ResolvedDesign.Step, _ repetition: HLSRepetition,
    in design: ResolvedDesign
  ) -> String {
    let sequences = repetition.sequences
    let result = step.outputs[0]
    var text = NodeFile.signature(node, in: design) + " {\n"
    text += "#pragma HLS PIPELINE II=\(design.design.interval)\n"
    let names = node.arguments.indices.map { node.arguments.count == 1 ? "x" : "x\($0)" }
    for (number, state) in step.inputs.dropFirst(sequences).enumerated() {
      text += array("state\(number)", state) + array("next\(number)", state)
      let initial = design.tensors[node.arguments[sequences + number]].tensor
      let shift = state.shift(of: initial)
      let value = "\(CPPInteger(state.type))(\(names[sequences + number])[i])"
      text += copy("state\(number)[i]", shift == 0 ? value : "\(value) << \(shift)", state.count)
    }
    for (number, slice) in step.inputs.prefix(sequences).enumerated() {
      text += array("slice\(number)", slice)
    }
    text += array("result", result)
    text += "  for (int t = 0; t < \(repetition.steps); ++t) {\n#pragma HLS UNROLL\n"
    for (number, slice) in step.inputs.prefix(sequences).enumerated() {
      text += copy(
        "slice\(number)[i]", "\(names[number])[t * \(slice.count) + i]", slice.count, indent: "    ")
    }
    let states = step.inputs.indices.dropFirst(sequences).map { $0 - sequences }
    let arguments =
      (0..<sequences).map { "slice\($0)" } + states.map { "state\($0)" } + ["result"]
      + states.map { "next\($0)" }
    text += "    \(step.name)(\(arguments.joined(separator: ", ")));\n"
    text += copy("y[t * \(result.count) + i]", "result[i]", result.count, indent: "    ")
    for number in states {
      text += copy(
        "state\(number)[i]", "next\(number)[i]", step.inputs[sequences + number].count, indent: "    ")
    }
    return text + "  }\n}\n"
  }

  private static func array(_ name: String, _ array: ResolvedDesign.Step.Array) -> String {
    "  \(CPPInteger(array.type)) \(name)[\(array.count)];\n"
      + "#pragma HLS ARRAY_PARTITION variable=\(name) complete dim=0\n"
  }

  private static func copy(_ target: String, _ source: String, _ count: Int, indent: String = "  ") -> String
  {
    "\(indent)for (int i = 0; i < \(count); ++i) \(target) = \(source);\n"
  }
}
