/// Delays of a family of parts, in picoseconds: what a stage of logic takes between two registers.
///
/// A stage takes `register`, plus `lut` and a net for every look-up table on the path, plus `carryEntry` and
/// `carryEightBits`/8 a bit for every carry chain. A net takes `net`, more by `fanoutPerMille` thousandths for every
/// doubling of its driver's fan-out. The figures are modelled: nanoseconds of real silicon lie within `band`.
public struct DelayModel: Hashable, Sendable {
  /// Clock to output, and set-up at the end of the stage.
  public var register: Int
  public var lut: Int
  public var net: Int
  public var fanoutPerMille: Int
  /// From a look-up table into the carry chain and out of it.
  public var carryEntry: Int
  public var carryEightBits: Int
  /// Through an unregistered multiplier block.
  public var multiplier: Int
  /// Relative uncertainty, such as 0.25.
  public var band: Double
  /// Where the figures come from.
  public var source: String

  public init(
    register: Int, lut: Int, net: Int, fanoutPerMille: Int, carryEntry: Int, carryEightBits: Int,
    multiplier: Int, band: Double, source: String
  ) {
    self.register = register
    self.lut = lut
    self.net = net
    self.fanoutPerMille = fanoutPerMille
    self.carryEntry = carryEntry
    self.carryEightBits = carryEightBits
    self.multiplier = multiplier
    self.band = band
    self.source = source
  }

  /// The delay of a chain of `bits` carry bits.
  func carry(_ bits: Int) -> Int { max(0, bits) * carryEightBits / 8 }

  /// The delay of a net with `fanout` loads; between powers of two, in proportion.
  func net(fanout: Int) -> Int {
    if fanout <= 1 { return net }
    let whole = Int.bitWidth - 1 - fanout.leadingZeroBitCount
    let perMille = whole * 1000 + (fanout - 1 << whole) * 1000 >> whole
    return net + net * fanoutPerMille * perMille / 1_000_000
  }
}

extension DelayModel {
  /// The fixed ruler of the benchmarks, which compares compilers and knows no nets: 0.5 ns a look-up table with its
  /// net, 0.15 ns into a carry chain, 0.02 ns for four of its bits.
  public static let ruler = DelayModel(
    register: 0, lut: 500, net: 0, fanoutPerMille: 0, carryEntry: 150, carryEightBits: 40, multiplier: 3000,
    band: 0, source: "the benchmarks' fixed ruler, for comparisons only")

  /// 16 nm and 14 nm parts of AMD, speed grade -2.
  static let ultraScalePlus = DelayModel(
    register: 110, lut: 100, net: 300, fanoutPerMille: 100, carryEntry: 100, carryEightBits: 120,
    multiplier: 2200,
    band: 0.25,
    source: "working defaults from engineering experience at speed grade -2, not from a data base or a "
      + "measurement")

  /// 20 nm parts of AMD: UltraScale+ times 1.25.
  static let ultraScale = DelayModel(
    register: 140, lut: 125, net: 375, fanoutPerMille: 100, carryEntry: 125, carryEightBits: 150,
    multiplier: 2750,
    band: 0.25,
    source: "the UltraScale+ defaults times 1.25, by the ratio of the families' usual clocks; "
      + "not measured")

  /// 28 nm high-performance parts of AMD.
  static let virtex7 = DelayModel(
    register: 300, lut: 150, net: 450, fanoutPerMille: 100, carryEntry: 250, carryEightBits: 200,
    multiplier: 3300,
    band: 0.25,
    source: "the UltraScale+ defaults times about 1.5 with the cell delays of yosys' xc7 library; not "
      + "measured")

  /// 28 nm low-power parts of AMD, speed grade -1.
  static let artix7 = DelayModel(
    register: 500, lut: 240, net: 600, fanoutPerMille: 100, carryEntry: 400, carryEightBits: 314,
    multiplier: 4200,
    band: 0.25,
    source: "cell delays of yosys 0.23 techlibs/xilinx (xc7: LUT 0.13 to 0.64, CARRY4 0.157 ns), nets "
      + "assumed; not measured")

  /// 10 nm and 14 nm parts of Intel.
  static let agilex = DelayModel(
    register: 120, lut: 110, net: 300, fanoutPerMille: 100, carryEntry: 120, carryEightBits: 120,
    multiplier: 2000,
    band: 0.35, source: "assumed close to UltraScale+; not measured")

  static let stratix10 = DelayModel(
    register: 130, lut: 120, net: 330, fanoutPerMille: 100, carryEntry: 130, carryEightBits: 140,
    multiplier: 2200,
    band: 0.35, source: "assumed 10 % slower than UltraScale+; not measured")

  static let arria10 = DelayModel(
    register: 160, lut: 150, net: 420, fanoutPerMille: 100, carryEntry: 150, carryEightBits: 180,
    multiplier: 2800,
    band: 0.35, source: "assumed 1.4 times UltraScale+; not measured")

  /// Lattice ECP5, speed grade 6.
  static let ecp5 = DelayModel(
    register: 1150, lut: 380, net: 680, fanoutPerMille: 600, carryEntry: 540, carryEightBits: 248,
    multiplier: 5000,
    band: 0.25,
    source: "fitted to nextpnr-ecp5 0.11: cells to adders of 16 and 32 bits, 2.65 ns + 0.031 ns a bit; nets "
      + "to a placed jet tagger, median of 5 seeds at 40 and 100 MHz (Benchmarks/qor)")

  /// Lattice iCE40 HX.
  static let iCE40HX = DelayModel(
    register: 700, lut: 450, net: 780, fanoutPerMille: 500, carryEntry: 150, carryEightBits: 1208,
    multiplier: 0,
    band: 0.25,
    source: "fitted to nextpnr-ice40: cells to adders of 8 to 32 bits, 1.9 ns + 0.151 ns a bit; nets to a "
      + "placed jet tagger, median of 5 seeds at 40 and 100 MHz (Benchmarks/qor)")

  /// Lattice iCE40 UltraPlus: the HX figures times the ratio of the LUT delays.
  static let iCE40UP = DelayModel(
    register: 1900, lut: 1245, net: 2100, fanoutPerMille: 500, carryEntry: 400, carryEightBits: 2700,
    multiplier: 9000,
    band: 0.3,
    source: "the iCE40 HX fit times 2.7, the ratio of LUT4 delays (1.245 and 0.449 ns) in yosys 0.23 "
      + "techlibs/ice40")
}
