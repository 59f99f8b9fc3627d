public enum Effort: String, Sendable { case fast, balanced, max }
public struct AdderTarget: Hashable, Sendable { public static let lut6 = AdderTarget() }
