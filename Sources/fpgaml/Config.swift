import ArgumentParser
import Diagnostics
import Driver
import Precision

/// `fpgaml config MODEL`.
struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a configuration in hls4ml's keys with the types that a model gets.")

  @OptionGroup var typing: TypingOptions

  @Option(help: "Where types stand: model, type or name; layers that differ are always named.")
  var granularity: ConfigurationGranularity = .name

  @Option(name: .customShort("o"), help: "The file (default: standard output).")
  var file: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    let model = try typing.request(inputs: typing.inputs).load()
    common.console.report(model.notices)
    let text = try model.configurationText(granularity)
    guard let file else {
      if common.json {
        common.console.result("", json: ["configuration": .string(text)])
      } else {
        Console.print(String(text.dropLast()))
      }
      return
    }
    try TextFile.write(text, to: file, option: "-o")
    if common.json { common.console.result("", json: ["file": .string(file)]) }
  }
}

extension ConfigurationGranularity: ExpressibleByArgument {}
