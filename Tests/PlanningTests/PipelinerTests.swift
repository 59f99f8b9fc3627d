import Circuit
import CircuitTestSupport
import FixedPoint
import Testing

@testable import Planning

/// The laws of a timed circuit made from a pure one.
private func checkLaws(_ pipeline: Pipeline, of pure: Circuit, _ settings: PipelineSettings, on part: Part) {
  let timed = pipeline.circuit
  #expect(timed.verify().isEmpty, "the verifier counts the registers of every path")
  #expect(timed.latency == settings.ioRegisters.latency(stages: pipeline.stageCount))
  #expect(timed.criticalPath(on: part).delay <= settings.stageDelay)
  let bits = timed.operations.reduce(0) { sum, operation in
    if case .register = operation.kind { return sum + operation.format.width }
    return sum
  }
  #expect(bits == pipeline.registerBits)
  #expect(timed.operations.count - pure.operations.count >= 0)
  var random = SeededGenerator(seed: 7)
  for _ in 0..<4 {
    let inputs = Circuits.inputs(pure, using: &random)
    #expect(timed.evaluate(inputs) == pure.evaluate(inputs))
  }
}

@Suite struct PipelinerTests {
  private let part = Part.standard

  @Test(arguments: 0..<60, IORegisters.allCases)
  func randomCircuitsObeyTheLaws(seed: Int, ioRegisters: IORegisters) throws {
    var settings = RandomCircuit()
    settings.operations = 10 + seed
    let circuit = settings.make(seed: UInt64(seed))
    let pipeliner = Pipeliner(circuit, part: part)
    let shortest = pipeliner.shortestStage
    for stageDelay in [shortest, shortest * 3 / 2, shortest * 4] {
      var asked = PipelineSettings(stageDelay: stageDelay, ioRegisters: ioRegisters)
      asked.objective = .earliest
      let earliest = try pipeliner.pipeline(asked)
      checkLaws(earliest, of: circuit, asked, on: part)
      asked.objective = .registers
      let fewest = try pipeliner.pipeline(asked)
      checkLaws(fewest, of: circuit, asked, on: part)
      #expect(fewest.stageCount == earliest.stageCount)
      #expect(fewest.registerBits <= earliest.registerBits)
      asked.stages = .exactly(fewest.stageCount + 5)
      let padded = try pipeliner.pipeline(asked)
      checkLaws(padded, of: circuit, asked, on: part)
      #expect(padded.stageCount == fewest.stageCount + 5)
      asked.stages = .atMost(fewest.stageCount + 2)
      let searched = try pipeliner.pipeline(asked)
      checkLaws(searched, of: circuit, asked, on: part)
      #expect(searched.registerBits <= fewest.registerBits)
    }
  }

  /// Every assignment of stages is tried that the laws permit.
  @Test(arguments: 0..<60)
  func theCutIsTheTrueMinimum(seed: Int) throws {
    var settings = RandomCircuit()
    (settings.inputs, settings.operations, settings.outputs) = (2, 7, 2)
    let circuit = settings.make(seed: UInt64(seed) + 1000)
    let pipeliner = Pipeliner(circuit, part: part)
    let asked = PipelineSettings(stageDelay: pipeliner.shortestStage * 6 / 5)
    let found = try pipeliner.pipeline(asked)
    let stages = min(3, found.stageCount + 1)
    guard stages >= found.stageCount else { return }
    var exactly = asked
    exactly.stages = .exactly(stages)
    let best = bruteForce(circuit, stages: stages, stageDelay: asked.stageDelay)
    #expect(try pipeliner.pipeline(exactly).registerBits == best)
  }

  /// The fewest register bits over all stages of all operations, output registers included.
  private func bruteForce(_ circuit: Circuit, stages: Int, stageDelay: Int) -> Int? {
    let graph = TimingGraph(circuit, part: part)
    var assignment = [Int](repeating: 0, count: graph.count)
    var best: Int?
    func search(_ index: Int) {
      if index == graph.count {
        guard graph.slowestStage(assignment) <= stageDelay - part.delays.register else { return }
        var insertion = RegisterInsertion(
          circuit: circuit, stages: zip(assignment, graph.isTimed).map { $1 ? $0 : nil }, last: stages)
        _ = insertion.run(latency: stages)
        best = min(best ?? .max, insertion.registerBits)
        return
      }
      let arcs = graph.arcs(to: index)
      if arcs.isEmpty {
        assignment[index] = 0
        return search(index + 1)
      }
      let low = arcs.reduce(0) { max($0, assignment[Int(graph.arcs[$1].operand)]) }
      let high = graph.isWire[index] ? stages : stages - 1
      for stage in stride(from: low, through: high, by: 1) {
        assignment[index] = stage
        search(index + 1)
      }
    }
    search(0)
    return best
  }

  @Test func networksNeedFewerRegistersThanEarliest() throws {
    let circuit = try Circuits.network(widths: [16, 24, 12, 4])
    let pipeliner = Pipeliner(circuit, part: part)
    var asked = PipelineSettings(stageDelay: 2000, ioRegisters: .none, objective: .earliest)
    let earliest = try pipeliner.pipeline(asked)
    asked.objective = .registers
    let fewest = try pipeliner.pipeline(asked)
    checkLaws(fewest, of: circuit, asked, on: part)
    #expect(fewest.registerBits < earliest.registerBits)
  }

  @Test func paddingGoesWhereTheDesignIsNarrowest() throws {
    let circuit = try Circuits.network(widths: [12, 12, 2])
    let pipeliner = Pipeliner(circuit, part: part)
    var asked = PipelineSettings(stageDelay: 4000)
    let fewest = try pipeliner.pipeline(asked)
    asked.stages = .exactly(fewest.stageCount + 100)
    let padded = try pipeliner.pipeline(asked)
    checkLaws(padded, of: circuit, asked, on: part)
    let output = circuit.outputs[0].elements.reduce(0) { $0 + $1.format.width }
    #expect(padded.registerBits - fewest.registerBits <= 100 * output)
  }

  @Test func delaysThatFoldAreCheapInShiftRegisters() throws {
    let circuit = try Circuits.network(widths: [16, 16, 8, 8])
    let pipeliner = Pipeliner(circuit, part: part)
    var asked = PipelineSettings(stageDelay: 1500)
    func price(_ pipeline: Pipeline) -> Int {
      let total = pipeline.circuit.estimate(on: part, foldingDelays: true).total
      return total.ff + total.srl
    }
    let registers = try pipeliner.pipeline(asked)
    asked.objective = .shiftRegisters
    let folding = try pipeliner.pipeline(asked)
    checkLaws(folding, of: circuit, asked, on: part)
    #expect(price(folding) <= price(registers))
    #expect(registers.registerBits <= folding.registerBits)
  }

  @Test func theShortestStageIsJustLongEnough() throws {
    let circuit = try Circuits.network(widths: [8, 8, 4])
    let pipeliner = Pipeliner(circuit, part: part)
    for stages in 1...6 {
      let delay = pipeliner.shortestStage(stages: stages)
      #expect(try pipeliner.fewestStages(stageDelay: delay) <= stages)
      if delay > pipeliner.shortestStage {
        #expect(try pipeliner.fewestStages(stageDelay: delay - 1) > stages)
      }
    }
  }

  @Test func wiresNeedNoStageOfTheirOwn() throws {
    var builder = CircuitBuilder(name: "wire")
    let origin = builder.origin("l")
    let x = builder.input("x", shape: [1], formats: [Format(Interval(-8, 7), exponent: 0)], origin: origin)[0]
    let y = builder.slice(x, low: 2, origin: origin)
    let one = builder.constant(1, origin: origin)
    builder.output(
      "y", shape: [2], elements: [y, one].map { Port.Element(builder[$0].format, value: $0) })
    let pipeliner = Pipeliner(builder.circuit, part: part)
    for (registers, latency, bits) in [(IORegisters.none, 0, 0), (.out, 1, 2), (.in, 1, 2), (.both, 2, 4)] {
      let settings = PipelineSettings(stageDelay: 1000, ioRegisters: registers)
      let pipeline = try pipeliner.pipeline(settings)
      checkLaws(pipeline, of: builder.circuit, settings, on: part)
      #expect(pipeline.latency == latency && pipeline.registerBits == bits)
    }
  }

  @Test func anOperationSlowerThanAStageIsNamed() throws {
    let pipeliner = Pipeliner(try Circuits.chain(3), part: part)
    #expect(throws: PipelineFailure.slowOperations(needed: pipeliner.shortestStage, origins: [0])) {
      try pipeliner.pipeline(PipelineSettings(stageDelay: 300))
    }
  }

  @Test func tooFewStagesAreRefused() throws {
    let pipeliner = Pipeliner(try Circuits.chain(12), part: part)
    var asked = PipelineSettings(stageDelay: 2000)
    let fewest = try pipeliner.fewestStages(stageDelay: asked.stageDelay)
    #expect(fewest > 1)
    asked.stages = .exactly(fewest - 1)
    #expect(throws: PipelineFailure.stages(needed: fewest)) { try pipeliner.pipeline(asked) }
    asked.stages = .atMost(fewest - 1)
    #expect(throws: PipelineFailure.stages(needed: fewest)) { try pipeliner.pipeline(asked) }
  }

  @Test func theQueueGivesTheLeastIndexFirst() {
    var random = SeededGenerator(seed: 3)
    var queue = IndexQueue(capacity: 300_000)
    let indices =
      (0..<500).map { _ in Int.random(in: 0..<300_000, using: &random) } + [0, 63, 64, 4095, 4096]
    for index in indices { queue.insert(index) }
    var taken: [Int] = []
    while !queue.isEmpty { taken.append(queue.removeFirst()) }
    #expect(taken == Set(indices).sorted())
  }
}

extension TimingGraph {
  /// The latest arrival in any stage, with the delays of the circuit as it was before registers shared its loads out.
  fileprivate func slowestStage(_ stages: [Int]) -> Int {
    var arrivals = [Arrival](repeating: .launch, count: count)
    for index in 0..<count {
      for number in arcs(to: index) {
        let arc = arcs[number]
        let operand = Int(arc.operand)
        arrivals[index].formLatest(arc(stages[operand] == stages[index] ? arrivals[operand] : .launch))
      }
    }
    return arrivals.map { Int($0.high) }.max() ?? 0
  }
}
