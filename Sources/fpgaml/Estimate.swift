import ArgumentParser
import Diagnostics
import Driver

/// `fpgaml estimate MODEL`.
struct Estimate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says how fast and how large a design is, in seconds and without any tool.")

  @OptionGroup var typing: TypingOptions
  @OptionGroup var planning: PlanningOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    var request = CompileRequest(model: try typing.request(inputs: typing.inputs))
    request.plan = try planning.request()
    let compilation = try Compilation(request)
    common.console.report(compilation.model.notices)
    let report = Driver.Report(compilation)
    common.console.result(report.text, json: report.json)
  }
}
