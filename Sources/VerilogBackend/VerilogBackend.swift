import Circuit
import Diagnostics

/// Prints a timed circuit as Verilog-2005, with a C header for its ports and a script for yosys.
public enum VerilogBackend {
  /// - Returns: `rtl/<module>.v`, parts that repeat and other modules in files of their own, `include/<module>.h` and
  ///   `scripts/yosys.ys`, in this order.
  /// - Throws: E001 for a circuit that is not timed, E002 for one whose paths differ in registers: errors of ours.
  public static func emit(
    _ circuit: Circuit, options: VerilogOptions = VerilogOptions()
  ) throws(CompilationFailed) -> [GeneratedFile] {
    guard let latency = circuit.latency else {
      throw CompilationFailed(
        "E001", "circuit '\(circuit.name)' has no latency: only a pipelined circuit is printed as Verilog",
        status: .internalError)
    }
    guard let stages = circuit.stages else {
      throw CompilationFailed(
        "E002", "circuit '\(circuit.name)' has paths with different counts of registers",
        status: .internalError)
    }
    let interface = ModuleInterface(circuit, options: options)
    var printer = ModulePrinter(circuit, interface: interface, stages: stages, latency: latency)
    var modules = [GeneratedFile(path: "rtl/\(interface.name).v", contents: printer.print())]
    var usesTernaryAdder = printer.usesTernaryAdder
    for var part in printer.parts {
      modules.append(GeneratedFile(path: "rtl/\(part.interface.name).v", contents: part.print()))
      usesTernaryAdder = usesTernaryAdder || part.usesTernaryAdder
    }
    if usesTernaryAdder {
      let name = printer.ternaryAdderName
      let contents = TernaryAdder.module(named: name, primitives: options.primitives)
      modules.append(GeneratedFile(path: "rtl/\(name).v", contents: contents))
    }
    return modules + [
      GeneratedFile(path: "include/\(interface.name).h", contents: interface.header),
      GeneratedFile(path: "scripts/yosys.ys", contents: yosysScript(interface, modules.map(\.path))),
    ]
  }

  /// Counts cells with the open tools; read by yosys from the build folder.
  private static func yosysScript(_ interface: ModuleInterface, _ modules: [String]) -> String {
    """
    # Run from the build folder: yosys -s scripts/yosys.ys
    read_verilog \(modules.joined(separator: " "))
    synth_xilinx -family xcup -flatten -nowidelut -noiopad -noclkbuf -top \(interface.name)
    stat

    """
  }
}
