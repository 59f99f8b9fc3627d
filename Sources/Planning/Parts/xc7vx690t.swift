extension Part {
  /// AMD Virtex-7 690T, speed grade -2.
  static let xc7vx690t = Part(
    name: "xc7vx690tffg1927-2", aliases: ["xc7vx690t", "vx690t"], vendor: .amd, family: "Virtex-7",
    capacity: Resources(lut: 433200, ff: 866400, carryBits: 433200, dsp: 3600, bram18: 2940),
    lutInputs: 6, hasTernaryAdders: true, hasShiftRegisters: true,
    multiplier: Multiplier(wide: 25, narrow: 18), delays: .virtex7,
    sources: [
      "LUT, FF, DSP, BRAM, URAM": "DS180, 7 Series FPGAs Data Sheet: Overview, table Virtex-7; two 18 kbit "
        + "memories a 36 kbit one",
      "carry, ternary adders, shift registers": "UG474, 7 Series FPGAs Configurable Logic Block: one carry "
        + "bit a LUT, two FF a LUT, SRLs in SLICEM",
    ])
}
