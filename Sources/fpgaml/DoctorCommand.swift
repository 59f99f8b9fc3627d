import ArgumentParser
import Diagnostics
import Driver

/// `fpgaml doctor`.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Shows which tools are installed, what is missing for what, and how to install it.")

  @OptionGroup var common: CommonOptions

  func run() throws {
    let doctor = Doctor()
    common.console.result(doctor.text, json: doctor.json)
    common.console.report(doctor.problems)
    if !doctor.problems.isEmpty { throw ExitStatus.missingTool }
  }
}
