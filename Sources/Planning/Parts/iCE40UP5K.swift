extension Part {
  /// Lattice iCE40 UltraPlus 5K.
  static let iCE40UP5K = Part(
    name: "iCE40UP5K-SG48", aliases: ["ice40-up5k", "up5k"], vendor: .lattice, family: "iCE40 UltraPlus",
    capacity: Resources(lut: 5280, ff: 5280, carryBits: 5280, dsp: 8, bram18: 6),
    lutInputs: 4, hasTernaryAdders: false, hasShiftRegisters: false,
    multiplier: Multiplier(wide: 16, narrow: 16), delays: .iCE40UP,
    sources: [
      "LUT, FF, carry, DSP": "FPGA-DS-02008, iCE40 UltraPlus Family Data Sheet: 5280 logic cells of a LUT4, "
        + "a carry bit and a FF; 8 multipliers",
      "BRAM": "FPGA-DS-02008: 30 memories of 4 kbit, 120 kbit in all, counted as 6 of 18 kbit; the four 256 "
        + "kbit RAMs cannot hold tables",
    ])
}
