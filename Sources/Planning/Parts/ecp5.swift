extension Part {
  /// Lattice ECP5 with 84k LUTs, speed grade 6.
  static let ecp5 = Part(
    name: "LFE5U-85F-6BG756C", aliases: ["ecp5-85k", "ecp5", "lfe5u-85f"], vendor: .lattice, family: "ECP5",
    capacity: Resources(lut: 83640, ff: 83640, carryBits: 83640, dsp: 156, bram18: 208),
    lutInputs: 4, hasTernaryAdders: false, hasShiftRegisters: false,
    multiplier: Multiplier(wide: 18, narrow: 18), delays: .ecp5,
    sources: [
      "LUT, FF, DSP, BRAM": "FPGA-DS-02012, ECP5 and ECP5-5G Family Data Sheet, LFE5U-85; LUT, FF and "
        + "memory as nextpnr-ecp5 --85k counts them",
      "carry, ternary adders": "FPGA-DS-02012, PFU: a CCU2C of two LUT4 is two bits of carry; no "
        + "three-operand mode",
    ])
}
