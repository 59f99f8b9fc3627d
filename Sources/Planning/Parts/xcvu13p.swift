extension Part {
  /// AMD Virtex UltraScale+ VU13P, speed grade -2.
  static let xcvu13p = Part(
    name: "xcvu13p-flga2577-2-e", aliases: ["xcvu13p", "vu13p"], vendor: .amd, family: "Virtex UltraScale+",
    capacity: Resources(lut: 1728000, ff: 3456000, carryBits: 1728000, dsp: 12288, bram18: 5376, uram: 1280),
    lutInputs: 6, hasTernaryAdders: true, hasShiftRegisters: true,
    multiplier: Multiplier(wide: 27, narrow: 18), delays: .ultraScalePlus,
    sources: [
      "LUT, FF, DSP, BRAM, URAM": "DS890, UltraScale Architecture and Product Data Sheet: Overview, table "
        + "Virtex UltraScale+; two 18 kbit memories a 36 kbit one",
      "carry, ternary adders, shift registers": "UG574, UltraScale Architecture Configurable Logic Block: "
        + "one carry bit a LUT, two FF a LUT, SRLs in SLICEM",
    ])
}
