extension Part {
  /// AMD Virtex UltraScale+ VU9P, speed grade -2.
  static let xcvu9p = Part(
    name: "xcvu9p-flga2104-2-e", aliases: ["xcvu9p", "vu9p"], vendor: .amd, family: "Virtex UltraScale+",
    capacity: Resources(lut: 1182240, ff: 2364480, carryBits: 1182240, dsp: 6840, bram18: 4320, uram: 960),
    lutInputs: 6, hasTernaryAdders: true, hasShiftRegisters: true,
    multiplier: Multiplier(wide: 27, narrow: 18), delays: .ultraScalePlus,
    sources: [
      "LUT, FF, DSP, BRAM, URAM": "DS890, UltraScale Architecture and Product Data Sheet: Overview, table "
        + "Virtex UltraScale+; two 18 kbit memories a 36 kbit one",
      "carry, ternary adders, shift registers": "UG574, UltraScale Architecture Configurable Logic Block: "
        + "one carry bit a LUT, two FF a LUT, SRLs in SLICEM",
    ])
}
