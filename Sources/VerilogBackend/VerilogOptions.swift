/// Choices about the generated module that do not change what it computes.
public struct VerilogOptions: Hashable, Sendable {
  public enum Ports: String, CaseIterable, Hashable, Sendable {
    /// `rst`, `in_valid` and `out_valid` beside clock and data.
    case valid
    /// Clock and data only.
    case none
  }

  public var ports: Ports
  /// A port `ce`: registers keep their contents while it is 0; `rst` works regardless.
  public var clockEnable: Bool
  /// Ternary adders from LUT6_2 and CARRY4 cells (7 series; Vivado retargets CARRY4 on UltraScale) instead of `+`.
  public var primitives: Bool

  public init(ports: Ports = .valid, clockEnable: Bool = false, primitives: Bool = false) {
    self.ports = ports
    self.clockEnable = clockEnable
    self.primitives = primitives
  }
}
