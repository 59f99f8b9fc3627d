/// Simulates a circuit quickly for many samples: the same integers as `Circuit.evaluate`, batch after batch. Registers
/// are transparent, as for one sample in steady state.
public struct BatchSimulator: Sendable {
  private let program: SimulationProgram

  /// - Requires: a circuit that the verifier accepts.
  public init(_ circuit: Circuit) {
    program = SimulationCompiler.compile(circuit)
    program.checkBounds()
  }

  /// Elements of all input ports, and of all output ports.
  public var inputCount: Int { program.inputs.count }
  public var outputCount: Int { program.outputs.count }

  /// How many instructions a batch takes.
  public var instructionCount: Int { program.instructions.count }

  /// The raw integers of all output elements, sample after sample.
  ///
  /// - Parameters:
  ///   - inputs: raw integers, sample after sample, of all input elements, inside their ranges.
  ///   - samples: how many there are.
  ///   - threads: at most as many are used. Batches are independent: the result does not depend on it.
  public func run(_ inputs: [Int128], samples: Int, threads: Int) -> [Int128] {
    precondition(inputs.count == samples * inputCount, "\(inputs.count) integers for \(samples) samples")
    return BatchMachine.run(program, inputs, samples: samples, threads: threads)
  }

  /// A simulation that keeps its memory from one call to the next.
  public func session() -> BatchSession { BatchSession(program) }
}

/// One thread's simulation, for samples that come by and by.
public final class BatchSession {
  private let machine: BatchMachine
  private let inputCount: Int

  fileprivate init(_ program: SimulationProgram) {
    machine = BatchMachine(program)
    inputCount = program.inputs.count
  }

  /// As `BatchSimulator.run`, in the calling thread.
  public func run(_ inputs: [Int128], samples: Int) -> [Int128] {
    precondition(inputs.count == samples * inputCount, "\(inputs.count) integers for \(samples) samples")
    return machine.run(inputs, samples: samples)
  }
}
