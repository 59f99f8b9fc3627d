import Planning

extension Infeasible {
  /// The answer as `--json` prints it (INTERFACES).
  public var json: JSONOutput {
    [
      "error": "infeasible", "budget_ns": .optional(budgetNanoseconds),
      "nearest_ns": .optional(nearestNanoseconds), "nearest_cycles": .optional(nearestCycles),
      "critical": .array(critical.map { .string($0) }), "hint": .string(hint),
    ]
  }
}
