extension Part {
  /// AMD Kintex UltraScale KU115, speed grade -2.
  static let xcku115 = Part(
    name: "xcku115-flvf1924-2-e", aliases: ["xcku115", "ku115"], vendor: .amd, family: "Kintex UltraScale",
    capacity: Resources(lut: 663360, ff: 1326720, carryBits: 663360, dsp: 5520, bram18: 4320),
    lutInputs: 6, hasTernaryAdders: true, hasShiftRegisters: true,
    multiplier: Multiplier(wide: 27, narrow: 18), delays: .ultraScale,
    sources: [
      "LUT, FF, DSP, BRAM, URAM": "DS890, UltraScale Architecture and Product Data Sheet: Overview, table "
        + "Kintex UltraScale; two 18 kbit memories a 36 kbit one",
      "carry, ternary adders, shift registers": "UG574, UltraScale Architecture Configurable Logic Block: "
        + "one carry bit a LUT, two FF a LUT, SRLs in SLICEM",
    ])
}
