import ArgumentParser
import Diagnostics
import Driver
import Foundation
import Planning
import Readers

// A corrupt HDF5 file may crash its reader, which therefore runs in a child process of this binary.
HDF5Child.runIfRequested(CommandLine.arguments)

do {
  var command = try FPGAML.parseAsRoot()
  try command.run()
} catch let failure as CompilationFailed {
  Console.report(failure)
  exit(failure.status.rawValue)
} catch let infeasible as Infeasible {
  if CommandLine.arguments.contains("--json") { Console.print(infeasible.json.text()) }
  Console.report(infeasible.failure)
  exit(ExitStatus.infeasible.rawValue)
} catch let stop as ExitStatus {
  exit(stop.rawValue)
} catch {
  let isHelp = FPGAML.exitCode(for: error) == .success
  let text = FPGAML.fullMessage(for: error)
  (isHelp ? FileHandle.standardOutput : FileHandle.standardError).write(Data((text + "\n").utf8))
  exit(isHelp ? ExitStatus.done.rawValue : ExitStatus.badInput.rawValue)
}
