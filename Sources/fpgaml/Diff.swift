import ArgumentParser
import Diagnostics
import Driver

/// `fpgaml diff OLD NEW`.
struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares two builds: outputs, types, latency, interval, resources; exit 1 on a regression.")

  @Argument(help: "The build folder to compare with.")
  var old: String

  @Argument(help: "The build folder that is judged.")
  var new: String

  @Option(help: "How much a figure may grow: lut=2%, ff=100, latency=1 (repeatable).")
  var tolerance: [String] = []

  @Option(help: "How many random samples both builds run.")
  var samples = 200

  @Option(help: "The seed of the random samples.")
  var seed: UInt64 = 1

  @Option(help: "Write the verdict as JUnit XML.")
  var junit: String?

  @Option(help: "Write a summary for a merge request.")
  var markdown: String?

  @OptionGroup var common: CommonOptions

  func validate() throws { try RandomSamples.validate(count: samples, seed: seed) }

  func run() throws {
    let diff = try DiffRequest(
      old: BuildFolder(old), new: BuildFolder(new), tolerances: tolerance.map { try Tolerance(parsing: $0) },
      samples: samples, seed: seed
    ).run()
    if let junit { try TextFile.write(diff.junit(old: old, new: new).text, to: junit, option: "--junit") }
    if let markdown { try TextFile.write(diff.markdown, to: markdown, option: "--markdown") }
    common.console.report(diff.diagnostics)
    common.console.result(diff.text, json: diff.json)
    if diff.hasRegression { throw ExitStatus.mismatch }
  }
}
