import Foundation
import Readers

// Time that reading models takes, from the name of a file to the graph with all of its weights, in a process that already
// runs: what a command adds to its own start. HDF5 is read by a child process, whose start counts. One JSON line per model.
//
//   reading-benchmark REPETITIONS MODEL …

/// Of this process and of the children that have ended.
func cpuSeconds() -> Double {
  [RUSAGE_SELF.rawValue, RUSAGE_CHILDREN.rawValue].reduce(0) { sum, who in
    var usage = rusage()
    getrusage(__rusage_who_t(who), &usage)
    let microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec
    return sum + Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(microseconds) * 1e-6
  }
}

let arguments = CommandLine.arguments.dropFirst()
guard let repetitions = arguments.first.flatMap({ Int($0) }), repetitions > 0, arguments.count > 1 else {
  fatalError("usage: reading-benchmark REPETITIONS MODEL …")
}
for path in arguments.dropFirst() {
  var times: [Double] = []
  let cpu = cpuSeconds()
  for _ in 0..<repetitions {
    let start = Date()
    let graph = try ModelReader.read(path).graph
    times.append(Date().timeIntervalSince(start))
    precondition(!graph.nodes.isEmpty)
  }
  let name = URL(fileURLWithPath: path).lastPathComponent
  let mean = (cpuSeconds() - cpu) / Double(repetitions)
  let median = times.sorted()[times.count / 2]
  print("{\"model\": \"\(name)\", \"first_s\": \(times[0]), \"median_s\": \(median), \"cpu_s\": \(mean)}")
}
