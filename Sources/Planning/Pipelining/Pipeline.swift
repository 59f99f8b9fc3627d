import Circuit

/// Where a design registers its ports. Latency counts these ranks too (INTERFACES, "Latency").
public enum IORegisters: String, CaseIterable, Hashable, Sendable {
  case none, `in`, out, both

  var atInputs: Bool { self == .in || self == .both }
  var atOutputs: Bool { self == .out || self == .both }

  /// Register ranks of a design of so many stages of logic.
  public func latency(stages: Int) -> Int { stages - 1 + (atInputs ? 1 : 0) + (atOutputs ? 1 : 0) }
}

/// A pure circuit cut into stages, with registers between them.
public struct Pipeline: Sendable {
  /// The timed circuit.
  public var circuit: Circuit
  /// Stages of logic between register ranks.
  public var stageCount: Int
  /// The stage of every operation of the pure circuit; nil for constants.
  public var stages: [Int?]
  /// Bits that the registers hold.
  public var registerBits: Int

  public var latency: Int { circuit.latency ?? 0 }
}

/// How a circuit is to be cut into stages.
public struct PipelineSettings: Hashable, Sendable {
  /// Picoseconds of a stage, its registers included.
  public var stageDelay: Int
  public var ioRegisters: IORegisters
  public var stages: StageCount
  public var objective: Objective

  public enum StageCount: Hashable, Sendable {
    /// As few as the delay permits.
    case fewest
    /// So many; ranks that no logic needs lie where they take the fewest bits.
    case exactly(Int)
    /// At most so many, as many as give the fewest register bits.
    case atMost(Int)
  }

  public enum Objective: Hashable, Sendable {
    /// Every operation as early as it can be: quick, for estimates.
    case earliest
    /// As few register bits as possible.
    case registers
    /// As little as possible where long delays fold into shift registers: a bit and a look-up table hold up to 17.
    case shiftRegisters
  }

  public init(
    stageDelay: Int, ioRegisters: IORegisters = .out, stages: StageCount = .fewest,
    objective: Objective = .registers
  ) {
    self.stageDelay = stageDelay
    self.ioRegisters = ioRegisters
    self.stages = stages
    self.objective = objective
  }
}

/// Why a circuit cannot be cut into stages.
public enum PipelineFailure: Error, Hashable, Sendable {
  /// Single operations take longer than a stage: the picoseconds that a stage would need, and the layers.
  case slowOperations(needed: Int, origins: [Int])
  /// More stages are needed than were permitted.
  case stages(needed: Int)
}
