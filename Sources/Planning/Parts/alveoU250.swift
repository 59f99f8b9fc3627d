extension Part {
  /// AMD Alveo U250, the whole device, nothing kept back for its shell.
  static let alveoU250 = Part(
    name: "xcu250-figd2104-2L-e", aliases: ["xcu250", "u250", "alveo-u250"], vendor: .amd,
    family: "Virtex "
      + ""
      + "UltraScale+",
    capacity: Resources(lut: 1728000, ff: 3456000, carryBits: 1728000, dsp: 12288, bram18: 5376, uram: 1280),
    lutInputs: 6, hasTernaryAdders: true, hasShiftRegisters: true,
    multiplier: Multiplier(wide: 27, narrow: 18), delays: .ultraScalePlus,
    sources: [
      "LUT, FF, DSP, BRAM, URAM": "DS962, Alveo U200 and U250 Data Center Accelerator Cards Data Sheet, and "
        + "DS890 for the VU13P of the same size; two 18 kbit memories a 36 kbit one",
      "carry, ternary adders, shift registers": "UG574, UltraScale Architecture Configurable Logic Block: "
        + "one carry bit a LUT, two FF a LUT, SRLs in SLICEM",
    ])
}
