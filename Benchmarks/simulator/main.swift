import Driver
import Foundation
import Readers

// Throughput of the fast simulator: real numbers in, real numbers out, all in memory, as `predict` does it between its
// files. One JSON line on standard output.
//
//   simulator-benchmark MODEL INPUTS EXPECTED SAMPLES THREADS

func cpuSeconds() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
  return seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

let arguments = CommandLine.arguments.dropFirst()
guard arguments.count == 5, let count = Int(arguments[4]), let threads = Int(arguments[5]) else {
  fatalError("usage: simulator-benchmark MODEL INPUTS EXPECTED SAMPLES THREADS")
}
let model = try ModelRequest(path: arguments[1]).load()
let few = try InputSamples.read(arguments[2], for: model.graph)
let expected = try Vectors(path: arguments[3]).arrays[0].values

var start = cpuSeconds()
let simulation = try OutputSimulation(model.graph, samples: count)
let build = cpuSeconds() - start

let got = try simulation.values(few, threads: threads).outputs[0]
let mismatches = zip(got, expected).reduce(abs(got.count - expected.count)) { $0 + ($1.0 == $1.1 ? 0 : 1) }

let samples = few.repeated(to: count)
start = cpuSeconds()
let wall = Date()
_ = try simulation.values(samples, threads: threads)
let (cpu, elapsed) = (cpuSeconds() - start, Date().timeIntervalSince(wall))
print(
  "{\"engine\": \"fpgaml\", \"samples\": \(count), \"threads\": \(threads), \"build_s\": \(build), "
    + "\"mismatches\": \(mismatches), \"samples_per_cpu_s\": \(Int(Double(count) / cpu)), "
    + "\"samples_per_wall_s\": \(Int(Double(count) / elapsed))}")
