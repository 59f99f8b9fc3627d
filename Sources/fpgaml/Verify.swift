import ArgumentParser
import Diagnostics
import Driver
import Verification

/// `fpgaml verify BUILD`.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Verifies the generated code of a build folder, as it lies there now.")

  @Argument(help: "The build folder.")
  var build: String

  @OptionGroup var common: CommonOptions

  @Option(help: "Samples to verify with, beside corner cases and random ones.")
  var inputs: String?

  @Option(help: "How many random samples.")
  var samples = 1000

  @Option(help: "The seed of the random samples.")
  var seed: UInt64 = 1

  @Option(help: "What is verified: all, rtl or hls.")
  var verify: VerificationRequest.Scope = .all

  @Option(help: "The types of the HLS C++: w (quick) or ap (AMD's own, slow).")
  var hlsTypes: HLSTypes = .w

  @Option(help: "Write the verdict as JUnit XML.")
  var junit: String?

  func validate() throws { try RandomSamples.validate(count: samples, seed: seed) }

  func run() throws {
    var request = VerificationRequest()
    request.scope = verify
    request.samples = samples
    request.seed = seed
    request.hlsTypes = hlsTypes
    var verification = VerifyRequest(
      folder: BuildFolder(build), inputs: inputs, verification: request)
    verification.progress = common.console.progress
    let verdict = try verification.run()
    if let junit { try TextFile.write(verdict.junit(build: build).text, to: junit, option: "--junit") }
    if common.json { common.console.result("", json: verdict.json) }
    common.console.verdict(verdict)
    if !verdict.passed { throw ExitStatus.mismatch }
  }
}

extension HLSTypes: ExpressibleByArgument {}
