extension Part {
  /// AMD Zynq UltraScale+ ZU9EG, speed grade -2.
  static let xczu9eg = Part(
    name: "xczu9eg-ffvb1156-2-e", aliases: ["xczu9eg", "zu9eg"], vendor: .amd, family: "Zynq UltraScale+",
    capacity: Resources(lut: 274080, ff: 548160, carryBits: 274080, dsp: 2520, bram18: 1824),
    lutInputs: 6, hasTernaryAdders: true, hasShiftRegisters: true,
    multiplier: Multiplier(wide: 27, narrow: 18), delays: .ultraScalePlus,
    sources: [
      "LUT, FF, DSP, BRAM, URAM": "DS891, Zynq UltraScale+ MPSoC Data Sheet: Overview, table EG; two 18 "
        + "kbit memories a 36 kbit one",
      "carry, ternary adders, shift registers": "UG574, UltraScale Architecture Configurable Logic Block: "
        + "one carry bit a LUT, two FF a LUT, SRLs in SLICEM",
    ])
}
