import Circuit

/// Cuts a circuit into stages. The analysis is made once, for any number of clocks and stage counts.
public struct Pipeliner {
  let circuit: Circuit
  let part: Part
  let graph: TimingGraph
  let consumers: Adjacency

  /// - Requires: a pure circuit.
  public init(_ circuit: Circuit, part: Part) {
    precondition(circuit.latency == nil, "'\(circuit.name)' is timed already")
    self.circuit = circuit
    self.part = part
    graph = TimingGraph(circuit, part: part)
    consumers = graph.consumers
  }

  /// The picoseconds of the shortest stage that any single operation permits, registers included.
  public var shortestStage: Int {
    (0..<graph.count).reduce(0) { max($0, Int(graph.launched($1).high)) } + part.delays.register
  }

  /// The fewest stages at a stage delay.
  public func fewestStages(stageDelay: Int) throws(PipelineFailure) -> Int {
    try checkOperations(stageDelay)
    return 1 + (graph.earliestStages(limit: stageDelay - part.delays.register).max() ?? 0)
  }

  /// The least stage delay, in picoseconds, at which so many stages suffice.
  public func shortestStage(stages: Int) -> Int {
    var low = shortestStage
    var high = max(low, circuit.criticalPath(on: part).delay)
    while low < high {
      let middle = (low + high) / 2
      // No operation is slower than `low`.
      let needed = try? fewestStages(stageDelay: middle)
      if let needed, needed <= stages { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The circuit with registers.
  ///
  /// - Throws: where the stage delay or the stage count cannot be met.
  /// - Complexity: for `registers`, that of a minimum cut over operations with a choice of stage.
  public func pipeline(_ settings: PipelineSettings) throws(PipelineFailure) -> Pipeline {
    let fewest = try fewestStages(stageDelay: settings.stageDelay)
    let counts: ClosedRange<Int>
    switch settings.stages {
    case .fewest: counts = fewest...fewest
    case .exactly(let stages): counts = stages...stages
    // More stages than two above the fewest never paid on any network that was tried.
    case .atMost(let stages): counts = min(fewest, stages)...min(stages, fewest + 2)
    }
    guard counts.lowerBound >= fewest else { throw .stages(needed: fewest) }
    let limit = settings.stageDelay - part.delays.register
    if settings.objective == .earliest {
      return inserted(earliest(limit: limit, counts.lowerBound, settings), counts.lowerBound, settings)
    }
    let constraints = StageConstraints(graph, consumers: consumers, limit: limit)
    var best: (assignment: [Int], count: Int, bits: Int)?
    for count in counts {
      // Ranks beyond the two that may pay are added where the design is narrowest.
      let solved = min(count, fewest + 2)
      var assignment = fewestRegisters(constraints, stages: solved, settings)
      if count > solved { pad(&assignment, from: solved, to: count, settings) }
      let bits = registerBits(assignment, last: lastStage(count, settings))
      if best.map({ bits < $0.bits }) ?? true { best = (assignment, count, bits) }
    }
    guard let best else { throw .stages(needed: fewest) }
    return inserted(best.assignment, best.count, settings)
  }

  private func lastStage(_ stages: Int, _ settings: PipelineSettings) -> Int {
    settings.ioRegisters.atOutputs ? stages : stages - 1
  }

  private func checkOperations(_ stageDelay: Int) throws(PipelineFailure) {
    var needed = 0
    var origins: [Int] = []
    for index in 0..<graph.count {
      let delay = Int(graph.launched(index).high) + part.delays.register
      if delay <= stageDelay { continue }
      needed = max(needed, delay)
      let origin = circuit.operations[index].origin
      if !origins.contains(origin) { origins.append(origin) }
    }
    if needed > 0 { throw .slowOperations(needed: needed, origins: origins) }
  }

  private func earliest(limit: Int, _ stages: Int, _ settings: PipelineSettings) -> [Int] {
    var assignment = graph.earliestStages(limit: limit)
    if settings.ioRegisters.atInputs {
      for index in assignment.indices where graph.isTimed[index] && graph.arcs(to: index).isEmpty {
        assignment[index] = -1
      }
    }
    return assignment
  }

  private func fewestRegisters(
    _ constraints: StageConstraints, stages: Int, _ settings: PipelineSettings
  ) -> [Int] {
    let bounds = StageBounds(
      graph, consumers: consumers, constraints: constraints, stages: stages, ioRegisters: settings.ioRegisters
    )
    var weights = circuit.operations.map { Int32($0.format.width * 64) }
    func solve() -> [Int] {
      RegisterMinimization(
        graph: graph, consumers: consumers, constraints: constraints, bounds: bounds, weights: weights,
        isOutput: isOutput
      ).stages()
    }
    var assignment = solve()
    guard settings.objective == .shiftRegisters, part.hasShiftRegisters else { return assignment }
    // The price of a delay is concave in its length: two registers a bit, then almost nothing. Each round replaces it
    // by its slope at the lengths of the round before, which never makes the true price rise.
    for _ in 0..<3 {
      let lengths = delayLengths(assignment, last: bounds.last)
      for index in weights.indices {
        weights[index] = Int32(circuit.operations[index].format.width) * (lengths[index] > 2 ? 8 : 64)
      }
      assignment = solve()
    }
    return assignment
  }

  private var isOutput: [Bool] {
    var isOutput = [Bool](repeating: false, count: graph.count)
    for port in circuit.outputs { for element in port.elements { isOutput[element.value.index] = true } }
    return isOutput
  }

  /// Registers in a row that every operation's result needs.
  private func delayLengths(_ assignment: [Int], last: Int) -> [Int] {
    var lengths = [Int](repeating: 0, count: graph.count)
    for index in 0..<graph.count {
      for number in graph.arcs(to: index) {
        let operand = Int(graph.arcs[number].operand)
        lengths[operand] = max(lengths[operand], assignment[index] - assignment[operand])
      }
    }
    for (index, isOutput) in isOutput.enumerated() where isOutput && graph.isTimed[index] {
      lengths[index] = max(lengths[index], last - assignment[index])
    }
    return lengths
  }

  private func registerBits(_ assignment: [Int], last: Int) -> Int {
    zip(delayLengths(assignment, last: last), circuit.operations)
      .reduce(0) { $0 + $1.0 * $1.1.format.width }
  }

  /// Adds ranks between two stages, or at a port's registers, where the fewest bits cross.
  private func pad(_ assignment: inout [Int], from: Int, to: Int, _ settings: PipelineSettings) {
    let first = settings.ioRegisters.atInputs ? -1 : 0
    let last = lastStage(from, settings)
    let lengths = delayLengths(assignment, last: last)
    var crossing = [Int](repeating: 0, count: last - first)
    for index in assignment.indices {
      for stage in assignment[index]..<(assignment[index] + lengths[index]) {
        crossing[stage - first] += circuit.operations[index].format.width
      }
    }
    var narrowest = 0
    for (rank, bits) in crossing.enumerated() where bits < crossing[narrowest] { narrowest = rank }
    for index in assignment.indices where assignment[index] > first + narrowest {
      assignment[index] += to - from
    }
  }

  private func inserted(_ assignment: [Int], _ stages: Int, _ settings: PipelineSettings) -> Pipeline {
    var insertion = RegisterInsertion(
      circuit: circuit, stages: zip(assignment, graph.isTimed).map { $1 ? $0 : nil },
      last: lastStage(stages, settings))
    let timed = insertion.run(latency: settings.ioRegisters.latency(stages: stages))
    return Pipeline(
      circuit: timed, stageCount: stages, stages: insertion.stages, registerBits: insertion.registerBits)
  }
}
