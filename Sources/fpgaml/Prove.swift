import ArgumentParser
import Diagnostics
import Driver

/// `fpgaml prove BUILD`.
struct Prove: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Proves the Verilog of a build folder, as it lies there now, without any tool.")

  @Argument(help: "The build folder.")
  var build: String

  @OptionGroup var common: CommonOptions

  @Option(help: "The seed of the samples with which signals are looked for.")
  var seed: UInt64 = 1

  func run() throws {
    let proof = try ProveRequest(folder: BuildFolder(build), seed: seed).run()
    common.console.result(proof.text, json: proof.json)
    common.console.report(proof.problems)
    if !proof.passed { throw ExitStatus.mismatch }
  }
}
