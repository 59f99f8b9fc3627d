/// What a circuit takes of a part, or what a part has.
public struct Resources: Hashable, Sendable {
  /// Look-up tables used as logic.
  public var lut = 0
  /// Look-up tables used as memory.
  public var lutRAM = 0
  /// Look-up tables used as shift registers.
  public var srl = 0
  /// Flip-flops.
  public var ff = 0
  /// Bits of dedicated carry chains.
  public var carryBits = 0
  /// Multiplier blocks.
  public var dsp = 0
  /// Block memories of 18 kbit.
  public var bram18 = 0
  /// Block memories of 288 kbit.
  public var uram = 0

  public init(
    lut: Int = 0, lutRAM: Int = 0, srl: Int = 0, ff: Int = 0, carryBits: Int = 0, dsp: Int = 0,
    bram18: Int = 0, uram: Int = 0
  ) {
    self.lut = lut
    self.lutRAM = lutRAM
    self.srl = srl
    self.ff = ff
    self.carryBits = carryBits
    self.dsp = dsp
    self.bram18 = bram18
    self.uram = uram
  }

  /// All look-up tables, whatever they are used for.
  public var allLUTs: Int { lut + lutRAM + srl }

  public static func += (a: inout Resources, b: Resources) {
    a.lut += b.lut
    a.lutRAM += b.lutRAM
    a.srl += b.srl
    a.ff += b.ff
    a.carryBits += b.carryBits
    a.dsp += b.dsp
    a.bram18 += b.bram18
    a.uram += b.uram
  }
}
