import Circuit
import Diagnostics
import FixedPoint
import HLSTemplates
import TestbenchSources

/// Prints a model as C++ for high-level synthesis: a function for each node, called in order by a top function that a
/// pipeline pragma covers.
///
/// Ports are arrays of `ap_fixed`; tensors inside are arrays of the raw integers, `fpgaml::w<N>` (`fpgaml_w.h`), so
/// that g++ compiles thousands of statements in seconds. Everything but the top function is in the namespace
/// `<name>_hls`, so that several models link into one program.
public enum HLSBackend {
  /// The name of the top function and the stem of file names: the model's name as a C++ identifier.
  public static func topName(of model: String) -> String { CPPNames.identifier(model) }

  /// The files of a model, in `hls/` and, for verification, `testbench/`.
  ///
  /// - Throws: E101 for a tensor whose elements have no common type; E102 for nodes and outputs whose tensors do not
  ///   exist or do not fit, E103 for a timed circuit, E104 for table entries beyond 64 bits; what `Circuit.verify` finds.
  public static func emit(_ design: HLSDesign) throws(CompilationFailed) -> [GeneratedFile] {
    let resolved = try ResolvedDesign(design)
    let printer = DesignPrinter(resolved)
    var files = [
      GeneratedFile(path: "hls/fpgaml_w.h", contents: HLSTemplates.integers),
      GeneratedFile(path: "hls/\(resolved.top).h", contents: printer.header),
      GeneratedFile(path: "hls/\(resolved.top).cpp", contents: printer.topFunction),
      GeneratedFile(path: "hls/\(resolved.top)_nodes.h", contents: printer.nodeHeader),
    ]
    for (index, contents) in printer.nodeFiles().enumerated() {
      files.append(GeneratedFile(path: "hls/\(resolved.top)_nodes_\(index + 1).cpp", contents: contents))
    }
    files.append(GeneratedFile(path: "testbench/\(resolved.top)_hls.cpp", contents: printer.bridge))
    files.append(GeneratedFile(path: "testbench/hls_harness.h", contents: TestbenchSources.hlsHarness))
    return files
  }
}
