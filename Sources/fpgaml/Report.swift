import ArgumentParser
import Diagnostics
import Driver

/// `fpgaml report BUILD`.
struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Shows the report of a build folder.")

  @Argument(help: "The build folder.")
  var build: String

  @OptionGroup var common: CommonOptions

  func run() throws {
    let report = try BuildReport(BuildFolder(build))
    common.console.result(report.text, json: report.json)
  }
}
