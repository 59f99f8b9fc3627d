import Circuit
import FixedPoint
import Graph
import GraphTestSupport
import Lowering
import Testing

@Suite("Lowering keeps every bit")
struct LoweringTests {
  @Test("random graphs: the circuit equals the reference simulator", arguments: 0..<20)
  func randomGraphs(block: UInt64) throws {
    for seed in (block * 20)..<(block * 20 + 20) {
      guard let graph = try? RandomGraph.make(seed: seed) else { continue }
      // A rescaling beyond the compiler's means is an error of its own, tested elsewhere.
      guard let lowered = try? graph.lowered(LoweringOptions()) else { continue }
      let simulator = try ReferenceSimulator(graph)
      for number in 0..<40 {
        let inputs = RandomGraph.sample(graph, seed: seed &* 1000 &+ UInt64(number))
        let values = try simulator.run(inputs)
        let expected = graph.outputs.flatMap { values[$0.node.index] }
        #expect(lowered.circuit.evaluate(inputs.flatMap { $0 }) == expected, "seed \(seed), sample \(number)")
        for function in lowered.functions {
          let operands = Set(graph[function.node].operands)
          var seen: [NodeID] = []
          for id in graph[function.node].operands where operands.contains(id) && !seen.contains(id) {
            seen.append(id)
          }
          if case .scan(let scan) = graph[function.node].primitive {
            let operands = graph[function.node].operands.map { values[$0.index] }
            let types = graph[function.node].operands.compactMap { graph[$0].type }
            let result = try run(function, scan, operands, types)
            #expect(result == values[function.node.index], "seed \(seed), scan \(graph[function.node].name)")
            continue
          }
          let result = function.circuit.evaluate(seen.flatMap { values[$0.index] })
          #expect(result == values[function.node.index], "seed \(seed), node \(graph[function.node].name)")
        }
      }
      // So does the circuit that simulations run, through the fast simulator.
      let fast = BatchSimulator(try graph.simulationCircuit())
      let samples = (0..<40).map { RandomGraph.sample(graph, seed: seed &* 1000 &+ UInt64($0)) }
      let expected = try samples.flatMap { sample in
        let values = try simulator.run(sample)
        return graph.outputs.flatMap { values[$0.node.index] }
      }
      let inputs = samples.flatMap { $0.flatMap { $0 } }
      #expect(fast.run(inputs, samples: 40, threads: 1) == expected, "seed \(seed)")
      // Types are exact: every value lies in its format's range.
      #expect(lowered.circuit.verify().isEmpty, "seed \(seed)")
      let problems = graph.verify() + (graph.isWellFormed ? graph.verifyTypes() : [])
      #expect(problems.isEmpty, "seed \(seed): \(problems.map(\.message))")
    }
  }

  /// The function of a scan as generated code calls it: one step after the other.
  private func run(
    _ function: NodeFunction, _ scan: Scan, _ operands: [[Int128]], _ types: [TensorType]
  ) throws -> [Int128] {
    let repetition = try #require(function.repetition)
    let shifts = ScanShifts(scan, types).operands
    let aligned = zip(operands, shifts).map { zip($0, $1).map { $0 << Int128($1) } }
    var states = Array(aligned.dropFirst(repetition.sequences))
    var result: [Int128] = []
    for step in 0..<repetition.steps {
      let slices = aligned.prefix(repetition.sequences).map { values in
        let length = values.count / repetition.steps
        return Array(values[(step * length)..<((step + 1) * length)])
      }
      let outputs = function.circuit.evaluate((slices + states).flatMap { $0 })
      var start = scan.body[scan.result].count
      result += outputs[..<start]
      states = scan.nextStates.map { next in
        defer { start += scan.body[next].count }
        return Array(outputs[start..<(start + scan.body[next].count)])
      }
    }
    return result
  }
}
