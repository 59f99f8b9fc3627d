import ArgumentParser
import Diagnostics
import Driver
import FixedPoint
import Graph

/// The command line: parses arguments, calls Driver, prints. It has no logic of its own.
struct FPGAML: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fpgaml",
    abstract: "Compiles trained networks to FPGA firmware of fixed latency, checked bit for bit.",
    discussion: """
      fpgaml compile model.h5 --latency 100ns

      Exit codes: 0 done; 1 verification failed or regression found; 2 usage, unreadable or unsupported input; 3 infeasible budget;
      4 a needed tool is missing; 70 an error of fpgaml's.
      """,
    version: Version.current,
    subcommands: [
      Compile.self, Verify.self, Prove.self, Predict.self, Inspect.self, Estimate.self, Report.self,
      Diff.self, Config.self, Profile.self, DoctorCommand.self,
    ])
}

/// Options of every verb.
struct CommonOptions: ParsableArguments {
  @Flag(help: "Print one JSON document on standard output, everything else on standard error.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print errors only.")
  var quiet = false

  @Flag(help: "Print without colours.")
  var noColor = false

  var console: Console { Console(isJSON: json, isQuiet: quiet, isColored: !noColor) }
}

/// The model, and what its types follow from.
struct TypingOptions: ParsableArguments {
  @Argument(help: "A model file: Keras .h5, .keras or .json, a forest, or a graph.json.")
  var model: String

  @Option(help: "The weights of a model.json (default: <stem>_weights.h5 or <stem>.weights.h5 beside it).")
  var weights: String?

  @Option(help: "The type of every tensor that nothing else decides, such as 'fixed<16,6>'.")
  var precision: String?

  @Option(help: "An hls4ml configuration (YAML).")
  var config: String?

  @Option(help: "Samples (.npy, .npz, .h5, .csv, .dat): they calibrate types and verify the result.")
  var inputs: String?

  @Option(
    help:
      "The accuracy that the cheapest types must keep on --inputs: auto, argmax=99.5%, auc=0.001, error=1%.")
  var target: String?

  @Option(help: "What leaves the chip: model, logits or argmax (default: model; of forests the scores).")
  var output: OutputSelection?

  func request(inputs: String?) throws(CompilationFailed) -> ModelRequest {
    var type: FixedType?
    do {
      type = try precision.map { text throws(CompilationFailed) in try FixedType(parsing: text) }
    } catch {
      throw error.located(at: .option("--precision"))
    }
    return ModelRequest(
      path: model, weights: weights, precision: type, configuration: config, inputs: inputs,
      target: try target.map { text throws(CompilationFailed) in try TargetSelection(parsing: text) },
      output: output)
  }
}

extension OutputSelection: ExpressibleByArgument {}

/// What `--samples` and `--seed` may be.
enum RandomSamples {
  /// - Throws: for a count that no run finishes, and a seed that reports cannot hold.
  static func validate(count: Int, seed: UInt64) throws {
    if count < 0 || count > 10_000_000 { throw ValidationError("--samples is a number up to 10000000") }
    if seed > UInt64(Int.max) { throw ValidationError("--seed is a number below 2^63") }
  }
}
