import ArgumentParser
import Diagnostics
import Driver

/// `fpgaml compile MODEL --latency 100ns`.
struct Compile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reads a model and writes firmware for it, verified bit for bit and cycle by cycle.")

  @OptionGroup var typing: TypingOptions
  @OptionGroup var planning: PlanningOptions
  @OptionGroup var verilog: VerilogPrintingOptions
  @OptionGroup var common: CommonOptions

  @Option(help: "What is verified: all, rtl or hls.")
  var verify: VerificationRequest.Scope = .all

  @Flag(name: .customLong("no-verify"), help: "Write without verifying.")
  var isUnverified = false

  @Option(name: .customShort("o"), help: "The build folder (default: build/<name>).")
  var folder: String?

  @Option(help: "Print graph, plan or circuit instead of writing a build.")
  var emit: Emission?

  func run() throws {
    var request = CompileRequest(model: try typing.request(inputs: typing.inputs))
    request.plan = try planning.request()
    request.verilog = verilog.options
    request.progress = common.console.progress
    request.verification.scope = isUnverified ? nil : verify
    let compilation = try Compilation(request)
    common.console.report(compilation.model.notices)
    if let emit {
      let text = compilation.text(emit)
      if common.json {
        common.console.result("", json: [emit.rawValue: .string(text)])
      } else {
        Console.print(text)
      }
      return
    }
    let report = try compilation.build(into: folder ?? "build/\(compilation.folderName)")
    common.console.result(report.text, json: report.json)
    guard let verdict = report.verdict else { return }
    common.console.verdict(verdict)
    if !verdict.passed { throw ExitStatus.mismatch }
  }
}

extension VerificationRequest.Scope: ExpressibleByArgument {}
extension Emission: ExpressibleByArgument {}
