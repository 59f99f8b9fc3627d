import ArgumentParser
import Diagnostics
import Driver

/// `fpgaml profile MODEL --inputs FILE`.
struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile",
    abstract: "Shows the values that tensors take over samples against their types, and what overflows.")

  @OptionGroup var typing: TypingOptions

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if typing.inputs == nil { throw ValidationError("--inputs is missing: the samples to run") }
  }

  func run() throws {
    // The types are those that predict uses: they do not follow from the samples.
    let model = try typing.request(inputs: nil).load()
    common.console.report(model.notices)
    let samples = try InputSamples.read(typing.inputs ?? "", for: model.source)
    let profile = try Profile(model, samples)
    common.console.result(profile.text, json: profile.json)
  }
}
