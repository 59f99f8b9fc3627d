import ArgumentParser
import Diagnostics
import Driver
import Foundation

/// `fpgaml predict MODEL_OR_BUILD --inputs FILE -o FILE`.
struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the bit-exact simulator over a file of samples.")

  @OptionGroup var typing: TypingOptions
  @OptionGroup var common: CommonOptions

  @Option(name: .shortAndLong, help: "Where the outputs go (.npy, .npz, .h5, .csv, .dat).")
  var outputFile: String

  @Flag(help: "Run the float model instead.")
  var float = false

  @Option(parsing: .upToNextOption, help: "Layers whose results are written too, as arrays of their name.")
  var trace: [String] = []

  func validate() throws {
    if typing.inputs == nil { throw ValidationError("--inputs is missing: the samples to predict for") }
    if typing.target != nil {
      throw ValidationError(
        "--target finds types in samples; write them with 'profile -o', and give that by --config")
    }
  }

  func run() throws {
    // Types never follow from the samples that are predicted: the same model gives the same bits for any file.
    let request = PredictionRequest(
      model: try typing.request(inputs: nil), samples: typing.inputs ?? "", isFloat: float, trace: trace)
    let prediction = try request.run()
    try prediction.vectors.write(to: outputFile)
    common.console.report(prediction.notices)
    if common.json { common.console.result("", json: prediction.json(file: outputFile)) }
  }
}
