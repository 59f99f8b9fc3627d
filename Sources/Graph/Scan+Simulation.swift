import FixedPoint

/// A typed scan with all that does not depend on the sample worked out.
struct ScanProgram: Sendable {
  private let scan: Scan
  private let body: ReferenceSimulator
  private let shifts: ScanShifts

  init(_ scan: Scan, _ operands: [TensorType]) throws(WidthOverflow) {
    self.scan = scan
    body = try ReferenceSimulator(scan.body)
    shifts = ScanShifts(scan, operands)
  }

  func run(_ operands: [[Int128]], steps: Int) throws(WidthOverflow) -> [Int128] {
    let aligned = zip(operands, shifts.operands).map { ScanProgram.shifted($0, $1) }
    var states = Array(aligned.dropFirst(scan.sequences))
    var result: [Int128] = []
    for step in 0..<steps {
      let values = try body.run(aligned.prefix(scan.sequences).map { $0.slice(step, of: steps) } + states)
      result += values[scan.result.index]
      states = zip(scan.nextStates, shifts.nextStates).map { ScanProgram.shifted(values[$0.index], $1) }
    }
    return result
  }

  private static func shifted(_ values: [Int128], _ shifts: [Int]) -> [Int128] {
    zip(values, shifts).map { $0 << Int128($1) }
  }
}

extension Scan {
  /// The results of all steps in binary64.
  ///
  /// - Parameters:
  ///   - body: the interpreter of the body.
  ///   - observe: sees every tensor of every step.
  func run(
    _ operands: [[Double]], steps: Int, body: FloatInterpreter, observe: (Node, [Double]) -> Void
  ) -> [Double] {
    var states = Array(operands.dropFirst(sequences))
    var results: [Double] = []
    for step in 0..<steps {
      let slices = operands.prefix(sequences).map { $0.slice(step, of: steps) }
      let values = body.run(slices + states, observe: observe)
      results += values[result.index]
      states = nextStates.map { values[$0.index] }
    }
    return results
  }
}

extension Array {
  /// The part at one index of a first axis.
  fileprivate func slice(_ index: Int, of extent: Int) -> [Element] {
    let length = count / extent
    return Array(self[(index * length)..<((index + 1) * length)])
  }
}
