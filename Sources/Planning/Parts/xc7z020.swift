extension Part {
  /// AMD Zynq-7020, speed grade -1.
  static let xc7z020 = Part(
    name: "xc7z020clg400-1", aliases: ["xc7z020", "zynq-7020", "7z020"], vendor: .amd, family: "Zynq-7000",
    capacity: Resources(lut: 53200, ff: 106400, carryBits: 53200, dsp: 220, bram18: 280),
    lutInputs: 6, hasTernaryAdders: true, hasShiftRegisters: true,
    multiplier: Multiplier(wide: 25, narrow: 18), delays: .artix7,
    sources: [
      "LUT, FF, DSP, BRAM, URAM": "DS190, Zynq-7000 SoC Data Sheet: Overview, table XC7Z020; two 18 kbit "
        + "memories a 36 kbit one",
      "carry, ternary adders, shift registers": "UG474, 7 Series FPGAs Configurable Logic Block: one carry "
        + "bit a LUT, two FF a LUT, SRLs in SLICEM",
    ])
}
