import FixedPoint

/// Takes functions that never fall out of maxima: max(f(a), f(b)) is f(max(a, b)), so that a window that is pooled has one
/// rectifier or table, not one for each of its elements. A rectifier beside a value that is never negative goes altogether.
public struct MaximumMotion: CircuitPass {
  public static let name = "maxima"

  public init() {}

  public func run(_ circuit: Circuit) -> Circuit? {
    let uses = circuit.useCounts
    return CircuitRewriter.run(circuit) { rewriter, value throws(WidthOverflow) in
      let operation = circuit[value]
      guard case .select(let condition, let larger, let other) = operation.kind, uses[condition.index] == 1,
        case .compare(let relation, let left, let right) = circuit[condition].kind,
        relation == .less || relation == .lessOrEqual, (left, right) == (other, larger),
        // The functions are to go: nothing but the maximum may read them.
        uses[left.index] == 2, uses[right.index] == 2,
        let result = rewriter.maximum(rewriter[left], rewriter[right], like: operation)
      else { return try rewriter.copy(value) }
      return result
    }.map { DeadCodeElimination().run($0) ?? $0 }
  }
}

extension CircuitRewriter {
  /// max(f(a), f(b)) as f(max(a, b)), or nil where that does not apply or is no better.
  fileprivate mutating func maximum(_ a: Value, _ b: Value, like operation: Operation) -> Value? {
    let origin = operation.origin
    switch (rectified(a), rectified(b)) {
    case (let x?, let y?):
      let greater = builder.extreme(isMaximum: true, x, y, origin: origin)
      let zero = builder.constant(0, exponent: builder[greater].format.exponent, origin: origin)
      let isNegative = builder.compare(.less, greater, zero, origin: origin)
      return builder.select(isNegative, zero, greater, range: operation.format.range, origin: origin)
    case (let x?, nil) where builder.range(b).lower >= 0:
      return builder.narrow(
        builder.extreme(isMaximum: true, x, b, origin: origin), to: operation.format.range, origin: origin)
    case (nil, let y?) where builder.range(a).lower >= 0:
      return builder.narrow(
        builder.extreme(isMaximum: true, a, y, origin: origin), to: operation.format.range, origin: origin)
    default: break
    }
    guard case .lookup(let x, let table) = builder[a].kind, case .lookup(let y, table) = builder[b].kind
    else { return nil }
    let entries = builder.circuit.tables[table].entries
    let width = max(builder.range(x).width, builder.range(y).width)
    let resultWidth = operation.format.width
    // A maximum is about three look-up tables for two bits, a table one for each bit of the result and each 64 entries.
    let saved = resultWidth * max(1, entries.count >> 6) + resultWidth * 3 / 2
    guard width * 3 / 2 <= saved, zip(entries, entries.dropFirst()).allSatisfy({ $0 <= $1 }) else {
      return nil
    }
    let exponent = operation.format.exponent
    let result = builder.lookup(
      builder.extreme(isMaximum: true, x, y, origin: origin), table: table, exponent: exponent, origin: origin
    )
    return builder.narrow(result, to: operation.format.range, origin: origin)
  }

  /// The operand of a rectifier: x where the value is x if that is positive, else 0.
  private func rectified(_ value: Value) -> Value? {
    guard case .select(let condition, let below, let operand) = builder[value].kind,
      builder.constantValue(below) == 0
    else { return nil }
    switch builder[condition].kind {
    case .slice(operand, let low) where builder.range(operand).lower < 0:
      return low == builder.range(operand).width - 1 ? operand : nil
    case .compare(.less, operand, let bound): return builder.constantValue(bound) == 0 ? operand : nil
    default: return nil
    }
  }
}
