/// A transformation of a pure circuit that keeps its outputs bit for bit.
public protocol CircuitPass: Sendable {
  /// The name in reports, such as "cse".
  static var name: String { get }
  /// The rewritten circuit, or nil where nothing changed.
  ///
  /// - Requires: a pure circuit that the verifier accepts.
  func run(_ circuit: Circuit) -> Circuit?
}

extension Circuit {
  /// The passes in the order in which they run.
  public static let standardPasses: [any CircuitPass] = [
    Simplification(), RangeNarrowing(), MaximumMotion(), CommonSubexpressions(), DemandedBits(),
    TableShrinking(),
    DeadCodeElimination(),
  ]

  /// The circuit after all passes, run over and over until nothing changes, at most `rounds` times.
  ///
  /// - Parameter observe: called after each pass that changed something, with its name and what it made.
  public func optimized(
    _ passes: [any CircuitPass] = standardPasses, rounds: Int = 3,
    observe: (String, Circuit) -> Void = { _, _ in }
  ) -> Circuit {
    var circuit = self
    for _ in 0..<rounds {
      var isChanged = false
      for pass in passes {
        guard let next = pass.run(circuit) else { continue }
        circuit = next
        isChanged = true
        observe(type(of: pass).name, circuit)
      }
      if !isChanged { break }
    }
    return circuit
  }
}
