extension Part {
  /// AMD Alveo U50, the whole device, nothing kept back for its shell.
  static let alveoU50 = Part(
    name: "xcu50-fsvh2104-2-e", aliases: ["xcu50", "u50", "alveo-u50"], vendor: .amd,
    family: "Virtex "
      + "UltraScale+ HBM",
    capacity: Resources(lut: 871680, ff: 1743360, carryBits: 871680, dsp: 5952, bram18: 2688, uram: 640),
    lutInputs: 6, hasTernaryAdders: true, hasShiftRegisters: true,
    multiplier: Multiplier(wide: 27, narrow: 18), delays: .ultraScalePlus,
    sources: [
      "LUT, FF, DSP, BRAM, URAM": "DS965, Alveo U50 Data Center Accelerator Card Data Sheet, and DS890 for "
        + "the VU35P of the same size; two 18 kbit memories a 36 kbit one",
      "carry, ternary adders, shift registers": "UG574, UltraScale Architecture Configurable Logic Block: "
        + "one carry bit a LUT, two FF a LUT, SRLs in SLICEM",
    ])
}
