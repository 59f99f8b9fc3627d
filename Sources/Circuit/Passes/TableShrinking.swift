import FixedPoint

/// Cuts tables to the operands that occur, and their columns that are the same in every entry, at the lower end, off:
/// those bits are constants behind the table.
public struct TableShrinking: CircuitPass {
  public static let name = "tables"

  public init() {}

  public func run(_ circuit: Circuit) -> Circuit? {
    if circuit.tables.isEmpty { return nil }
    let reached = reachedOperands(circuit)
    return CircuitRewriter.run(circuit) { rewriter, value throws(WidthOverflow) in
      guard case .lookup(let operand, let index) = circuit[value].kind, let domain = reached[index] else {
        return try rewriter.copy(value)
      }
      return try rewriter.lookup(operand, circuit.tables[index].cut(to: domain), circuit[value])
    }
  }

  /// The operands that each table is read for; nil for tables that are not read.
  private func reachedOperands(_ circuit: Circuit) -> [Interval?] {
    var reached: [Interval?] = circuit.tables.map { _ in nil }
    for operation in circuit.operations {
      guard case .lookup(let operand, let table) = operation.kind else { continue }
      let range = circuit[operand].format.range
      reached[table] = reached[table]?.union(range) ?? range
    }
    return reached
  }
}

extension Table {
  fileprivate func cut(to domain: Interval) -> Table {
    Table(
      name: name, first: domain.lower,
      entries: Array(entries[Int(domain.lower - first)...Int(domain.upper - first)]))
  }

  /// The count of low bits that all entries share; 0 if all bits are.
  fileprivate var constantColumns: Int {
    let differing = entries.reduce(Int128(0)) { $0 | ($1 ^ entries[0]) }
    return differing == 0 ? 0 : differing.trailingZeroBitCount
  }
}

extension CircuitRewriter {
  fileprivate mutating func lookup(
    _ operand: Value, _ table: Table, _ operation: Operation
  ) throws(WidthOverflow) -> Value {
    let (origin, exponent) = (operation.origin, operation.format.exponent)
    let columns = table.constantColumns
    var upper = table
    upper.entries = table.entries.map { $0 >> Int128(columns) }
    let contents = builder.table(upper)
    let result = builder.lookup(self[operand], table: contents, exponent: exponent + columns, origin: origin)
    if columns == 0 { return builder.narrow(result, to: operation.format.range, origin: origin) }
    let rest = table.entries[0] & ((Int128(1) << Int128(columns)) - 1)
    let constant = builder.constant(rest, exponent: exponent, origin: origin)
    return try builder.sum(
      [Term(result, shift: columns), Term(constant)], range: operation.format.range, exponent: exponent,
      origin: origin)
  }
}
