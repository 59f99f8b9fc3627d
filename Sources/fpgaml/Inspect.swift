import ArgumentParser
import Diagnostics
import Driver

/// `fpgaml inspect MODEL`.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Shows layers, shapes, types and their source, and whether the framework's own arithmetic is exact.")

  @OptionGroup var typing: TypingOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let model = try typing.request(inputs: typing.inputs).load()
    let inspection = Inspection(model)
    common.console.report(model.notices)
    common.console.result(inspection.text, json: inspection.json)
  }
}
