import ArgumentParser
import Diagnostics
import Driver

/// `fpgaml profile MODEL --inputs FILE`.
struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the values of every layer against its type; finds the cheapest types for an accuracy.")

  @OptionGroup var typing: TypingOptions
  @OptionGroup var common: CommonOptions

  @Option(
    name: .customShort("o"),
    help: "Write the types as an hls4ml configuration; without --target those of --target auto.")
  var file: String?

  @Option(help: "Write each layer's distribution against its type as SVG.")
  var svg: String?

  @Option(help: "The relative error, such as 5%, from which a layer counts as deviating.")
  var threshold = "5%"

  func validate() throws {
    if typing.inputs == nil { throw ValidationError("--inputs is missing: the samples to profile with") }
  }

  func run() throws {
    var request = try typing.request(inputs: typing.inputs)
    if file != nil && request.target == nil { request.target = .automatic }
    let model = try request.load()
    let profile = try Driver.Profile(model, threshold: Driver.Profile.threshold(parsing: threshold))
    common.console.report(model.notices)
    if let file { try TextFile.write(model.configurationText(.name), to: file, option: "-o") }
    if let svg { try TextFile.write(profile.svg, to: svg, option: "--svg") }
    common.console.result(profile.text, json: profile.json)
  }
}
